package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

func (w *writer) lotsReserved(_ place, r certificate.Reserve) error {
	for _, p := range r.Parts {
		if err := w.drop(r.Holder, p); err != nil {
			return err
		}
		err := w.put("reservation", bits(r.Holder), bits(p.Microgrid), int64(p.Start), bits(p.Device), bits(r.For), int64(p.Energy), int64(r.Until))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) lotsReleased(_ place, r certificate.Release) error {
	return w.freed(r.Holder, r.For, r.Holder, r.Parts)
}

func (w *writer) lotsTaken(at place, r certificate.Take) error {
	if err := w.passed(at, PassedOn, r.Holder, r.For, 0, nil, r.Parts, nil); err != nil {
		return err
	}
	return w.freed(r.Holder, r.For, r.For, r.Parts)
}

// freed gives parts that a holder had set aside to an account.
func (w *writer) freed(holder, taker, account tx.AccountID, parts []certificate.Part) error {
	for _, p := range parts {
		if err := w.unreserve(holder, taker, p); err != nil {
			return err
		}
		if err := w.hold(account, []any{bits(p.Microgrid), int64(p.Start), bits(p.Device)}, p.Energy); err != nil {
			return err
		}
	}
	return nil
}

// unreserve takes from what a holder set aside.
func (w *writer) unreserve(holder, taker tx.AccountID, p certificate.Part) error {
	key := []any{bits(holder), bits(p.Microgrid), int64(p.Start), bits(p.Device), bits(taker)}
	const at = " WHERE holder = ? AND microgrid = ? AND start = ? AND device = ? AND taker = ?"
	if err := w.exec("UPDATE reservation SET energy_wh = energy_wh - ?"+at, append([]any{int64(p.Energy)}, key...)...); err != nil {
		return err
	}
	return w.exec("DELETE FROM reservation"+at+" AND energy_wh = 0", key...)
}

// ReservedLot is what one account set aside of a lot for another one.
type ReservedLot struct {
	Lot         certificate.LotID
	Holder, For tx.AccountID
	Energy      quantity.Energy
	Until       interval.Time
}

// Reservations yields what an account set aside and what is set aside for it, by
// microgrid, start and device.
func (r *Reader) Reservations(account tx.AccountID, yield func(ReservedLot) error) error {
	return each(r, `SELECT microgrid, start, device, holder, taker, energy_wh, until FROM reservation
		WHERE holder = ?1 OR taker = ?1 ORDER BY microgrid, start, device, holder, taker`,
		func(rows *sql.Rows, l *ReservedLot) error {
			return rows.Scan(id(&l.Lot.Microgrid), &l.Lot.Start, id(&l.Lot.Device), id(&l.Holder), id(&l.For), &l.Energy, &l.Until)
		}, yield, bits(account))
}
