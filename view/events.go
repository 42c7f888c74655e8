package view

import (
	"database/sql"

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
