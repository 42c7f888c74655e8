package view

import (
	"bytes"
	"context"
	"database/sql"
	"slices"

	"github.com/commonwatt/commonwatt/machine"
)

// Shows reports whether the view shows a block as a record says: with its time and
// the same envelopes. Where it does not, it is the view of another ledger.
//
// Errors: those of the database.
func (v *View) Shows(ctx context.Context, record machine.Record) (same bool, err error) {
	err = v.Read(ctx, func(r *Reader) error {
		times, err := list(r, "SELECT time FROM block WHERE height = ?", func(rows *sql.Rows, t *int64) error { return rows.Scan(t) }, record.Height)
		if err != nil {
			return err
		}
		ids, err := list(r, "SELECT id FROM envelope WHERE height = ? ORDER BY position",
			func(rows *sql.Rows, id *[]byte) error { return rows.Scan(id) }, record.Height)
		same = slices.Equal(times, []int64{int64(record.Time)}) &&
			slices.EqualFunc(ids, record.Outcomes, func(id []byte, o machine.Outcome) bool { return bytes.Equal(id, o.ID) })
		return err
	})
	return same, err
}

// Look finds out what height the view shows, for who only reads it.
//
// Errors: ErrAway; those of the database.
func (v *View) Look(ctx context.Context) error {
	return v.Read(ctx, func(r *Reader) error {
		height, _, err := r.Latest()
		if err == nil {
			v.height.Store(height)
		}
		return err
	})
}
