package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// lotsMatched moves what was matched from who had it to what is claimed of its lots.
func (w *writer) lotsMatched(at place, r certificate.Matched) error {
	parts, serials := make([]certificate.Part, len(r.Claims)), make([]quantity.Energy, len(r.Claims))
	for n, c := range r.Claims {
		parts[n], serials[n] = certificate.Part{Microgrid: r.Microgrid, Start: r.Start, Device: c.Device, Energy: c.Energy}, c.Serial
	}
	if err := w.passed(at, MatchedWithUse, r.Account, 0, 0, nil, parts, serials); err != nil {
		return err
	}
	return w.gone("claimed_wh", r.Account, parts...)
}

func (w *writer) useMatched(at place, r certificate.UseMatched) error {
	return w.add("use_matched", bits(r.Microgrid), int64(r.Start), bits(r.Point), at.height, at.position, at.n, bits(r.Account), int64(r.Energy))
}

// MatchedUse is use of a connection point in an interval that an account matched its
// certificates with.
type MatchedUse struct {
	Start   interval.Time
	Point   grid.PointID
	Account tx.AccountID
	Energy  quantity.Energy
}

// MatchedUses yields what use of a microgrid was matched in a period, after its
// intervals closed, by start, point and when it was.
func (r *Reader) MatchedUses(m grid.MicrogridID, p Period, yield func(MatchedUse) error) error {
	return each(r, `SELECT start, point, account, energy_wh FROM use_matched
		WHERE microgrid = ? AND start >= ? AND start < ? ORDER BY start, point, height, position, n`,
		func(rows *sql.Rows, u *MatchedUse) error {
			return rows.Scan(&u.Start, id(&u.Point), id(&u.Account), &u.Energy)
		}, yield, bits(m), int64(p.From), int64(p.Until))
}
