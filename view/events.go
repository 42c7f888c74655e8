package view

import (
	"database/sql"
	"fmt"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
)

// SettledInterval is an interval that a block settled or corrected.
type SettledInterval struct {
	Microgrid grid.MicrogridID
	Start     interval.Time
	Revision  uint32
	Height    int64
}

// SettledSince returns the intervals that blocks after a height settled, in the
// order of the blocks, as many as max.
func (r *Reader) SettledSince(height int64, most int) ([]SettledInterval, error) {
	return list(r, "SELECT microgrid, start, revision, height FROM interval WHERE height > ? ORDER BY height, microgrid, start LIMIT ?",
		func(rows *sql.Rows, s *SettledInterval) error {
			return rows.Scan(id(&s.Microgrid), &s.Start, &s.Revision, &s.Height)
		}, height, most)
}

// Stamp changes whenever a period is settled further or corrected.
type Stamp struct {
	Intervals int64 // Settled.
	Height    int64 // Of the latest of them.
}

// Stamp returns the stamp of a period of a microgrid.
func (r *Reader) Stamp(m grid.MicrogridID, in Period) (s Stamp, err error) {
	err = r.row("SELECT COUNT(*), COALESCE(MAX(height), 0) FROM interval WHERE microgrid = ? AND start >= ? AND start < ?",
		bits(m), int64(in.From), int64(in.Until)).Scan(&s.Intervals, &s.Height)
	if err != nil {
		return s, fmt.Errorf("view: %w", err)
	}
	return s, nil
}
