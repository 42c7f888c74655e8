package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// lotIssued writes a lot and who has some of it, in place of what was there; the
// receipt is its owner's.
func lotIssued(w *writer, at place, said op.Receipt) error {
	r := certificate.IssuedReceipt.Read(said)
	key := []any{bits(r.Microgrid), int64(r.Start), bits(r.Device)}
	if r.Revision > 1 {
		if err := w.exec("DELETE FROM holding WHERE microgrid = ? AND start = ? AND device = ?", key...); err != nil {
			return err
		}
	}
	var claimed quantity.Energy
	for _, s := range r.Shares {
		if s.Claimed {
			claimed = quantity.MustAdd(claimed, s.Energy)
		} else if err := w.hold(s.Account, key, s.Energy); err != nil {
			return err
		}
	}
	if r.Energy == 0 {
		return w.exec("DELETE FROM lot WHERE microgrid = ? AND start = ? AND device = ?", key...)
	}
	return w.put("lot", append(key, bits(said.Audience), int64(r.Revision), at.height, int64(r.Energy), int64(claimed), 0, 0, 0, 0, 0, 0)...)
}

// hold adds to what an account has of a lot.
func (w *writer) hold(account tx.AccountID, lot []any, e quantity.Energy) error {
	return w.exec("INSERT INTO holding VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, microgrid, start, device) DO UPDATE SET energy_wh = holding.energy_wh + excluded.energy_wh",
		append([]any{bits(account)}, append(lot, int64(e))...)...)
}

// drop takes from what an account has of a lot.
func (w *writer) drop(account tx.AccountID, p certificate.Part) error {
	key := []any{bits(account), bits(p.Microgrid), int64(p.Start), bits(p.Device)}
	err := w.exec("UPDATE holding SET energy_wh = energy_wh - ? WHERE account = ? AND microgrid = ? AND start = ? AND device = ?",
		append([]any{int64(p.Energy)}, key...)...)
	if err != nil {
		return err
	}
	return w.exec("DELETE FROM holding WHERE account = ? AND microgrid = ? AND start = ? AND device = ? AND energy_wh = 0", key...)
}

func (w *writer) lotsTransferred(at place, r certificate.Transfer) error {
	for _, p := range r.Parts {
		if err := w.drop(r.From, p); err != nil {
			return err
		}
		if err := w.hold(r.To, []any{bits(p.Microgrid), int64(p.Start), bits(p.Device)}, p.Energy); err != nil {
			return err
		}
	}
	return w.passed(at, PassedOn, r.From, r.To, 0, nil, r.Parts, nil)
}

// gone moves parts from an account to a column of their lots.
func (w *writer) gone(column string, account tx.AccountID, parts ...certificate.Part) error {
	for _, p := range parts {
		if err := w.drop(account, p); err != nil {
			return err
		}
	}
	return w.leave(column, parts...)
}

// leave adds parts that nobody has any more to a column of their lots.
func (w *writer) leave(column string, parts ...certificate.Part) error {
	for _, p := range parts {
		err := w.exec("UPDATE lot SET "+column+" = "+column+" + ? WHERE microgrid = ? AND start = ? AND device = ?",
			int64(p.Energy), bits(p.Microgrid), int64(p.Start), bits(p.Device))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) lotsCancelled(at place, r certificate.Cancelled) error {
	c := r.Cancel
	if err := w.passed(at, Cancelled, c.Account, 0, c.Purpose, c.Beneficiary, c.Parts, r.Serials); err != nil {
		return err
	}
	return w.gone("cancelled_wh", c.Account, c.Parts...)
}

func (w *writer) lotsWithdrawn(_ place, r certificate.Withdrawn) error {
	return w.gone("withdrawn_wh", r.Withdraw.Account, r.Withdraw.Parts...)
}

func (w *writer) lotExpired(_ place, r certificate.Expired) error {
	part := certificate.Part{Microgrid: r.Microgrid, Start: r.Start, Device: r.Device, Energy: r.Energy}
	if r.For == 0 {
		return w.gone("expired_wh", r.Account, part)
	}
	if err := w.unreserve(r.Account, r.For, part); err != nil {
		return err
	}
	return w.leave("expired_wh", part)
}

// Lots is what was certified in a period, and what became of it.
type Lots struct {
	Count                                  int64           // Of production.
	Issued                                 quantity.Energy // For production.
	Claimed, Cancelled, Expired, Withdrawn quantity.Energy
	Stored, Discharged                     quantity.Energy // Into batteries, and issued again of what they gave.
	Locked, Exported                       quantity.Energy // For other registries, and in them.
}

// Held is what somebody still has, set aside for somebody else or not.
func (l Lots) Held() quantity.Energy {
	return l.Issued + l.Discharged - l.Claimed - l.Cancelled - l.Expired - l.Withdrawn - l.Stored - l.Locked - l.Exported
}

// Certified returns what was certified in a microgrid in a period: not what came from
// other registries.
func (r *Reader) Certified(m grid.MicrogridID, p Period) (l Lots, err error) {
	var again int64 // Lots of what batteries gave.
	err = r.row(`SELECT count(*), coalesce(sum(issued_wh), 0), coalesce(sum(claimed_wh), 0), coalesce(sum(cancelled_wh), 0),
		coalesce(sum(expired_wh), 0), coalesce(sum(withdrawn_wh), 0), coalesce(sum(stored_wh), 0), coalesce(sum(locked_wh), 0), coalesce(sum(exported_wh), 0)
		FROM lot WHERE microgrid = ? AND start >= ? AND start < ? AND NOT EXISTS (
			SELECT 1 FROM foreign_device f WHERE f.microgrid = lot.microgrid AND f.device = lot.device)`,
		bits(m), int64(p.From), int64(p.Until)).Scan(&l.Count, &l.Issued, &l.Claimed, &l.Cancelled, &l.Expired, &l.Withdrawn, &l.Stored, &l.Locked, &l.Exported)
	if err != nil {
		return l, err
	}
	err = r.row(`SELECT count(*) FILTER (WHERE out_wh > 0), coalesce(sum(out_wh), 0) FROM stored WHERE microgrid = ? AND start >= ? AND start < ?`,
		bits(m), int64(p.From), int64(p.Until)).Scan(&again, &l.Discharged)
	l.Count, l.Issued = l.Count-again, quantity.MustSub(l.Issued, l.Discharged)
	return l, err
}

// HeldLot is what an account has of a lot.
type HeldLot struct {
	Lot    certificate.LotID
	Energy quantity.Energy
	// First is the serial that its first Wh would get, were the accounts of the lot to
	// use theirs up in the order of their numbers.
	First quantity.Energy
}

// Holdings yields what an account has of lots, by microgrid, start and device.
func (r *Reader) Holdings(account tx.AccountID, yield func(HeldLot) error) error {
	return each(r, `SELECT microgrid, start, device, energy_wh, claimed_wh + cancelled_wh + expired_wh + withdrawn_wh + stored_wh + exported_wh + (
			SELECT coalesce(sum(o.energy_wh), 0) FROM holding o
			WHERE o.microgrid = h.microgrid AND o.start = h.start AND o.device = h.device AND o.account < h.account)
		FROM holding h JOIN lot USING (microgrid, start, device) WHERE account = ? ORDER BY microgrid, start, device`,
		func(rows *sql.Rows, h *HeldLot) error {
			return rows.Scan(id(&h.Lot.Microgrid), &h.Lot.Start, id(&h.Lot.Device), &h.Energy, &h.First)
		}, yield, bits(account))
}

// Matched is what plants produced and homes used in an interval, over all of a
// microgrid, and where the rest came from.
type Matched struct {
	Start    interval.Time
	Produced quantity.Energy
	Used     quantity.Energy // What was taken and produced and not given away; charged batteries included.
	Claimed  quantity.Energy // Certificates that were used up with it.
	Bought   quantity.Energy // From the utility.
}

// And adds another one, of the same interval.
func (m Matched) And(o Matched) Matched {
	return Matched{
		o.Start, quantity.MustAdd(m.Produced, o.Produced), quantity.MustAdd(m.Used, o.Used),
		quantity.MustAdd(m.Claimed, o.Claimed), quantity.MustAdd(m.Bought, o.Bought),
	}
}

// Matches yields the intervals of a period as they stand after corrections, by
// start.
func (r *Reader) Matches(m grid.MicrogridID, p Period, yield func(Matched) error) error {
	in := []any{bits(m), int64(p.From), int64(p.Until)}
	return each(r, `SELECT s.start, s.produced, s.used, coalesce(l.claimed, 0), coalesce(z.bought, 0)
		FROM (SELECT start, sum(produced_wh) AS produced, sum(import_wh) + sum(produced_wh) - sum(export_wh) AS used FROM statement
			WHERE microgrid = ? AND start >= ? AND start < ? AND superseded = 0 GROUP BY start) s
		LEFT JOIN (SELECT start, sum(claimed_wh) AS claimed FROM lot
			WHERE microgrid = ? AND start >= ? AND start < ? GROUP BY start) l USING (start)
		LEFT JOIN (SELECT i.start, sum(z.bought_wh) AS bought FROM interval i JOIN zone_interval z USING (microgrid, start, revision)
			WHERE i.microgrid = ? AND i.start >= ? AND i.start < ? AND i.superseded = 0 GROUP BY i.start) z USING (start)
		ORDER BY s.start`,
		func(rows *sql.Rows, m *Matched) error {
			return rows.Scan(&m.Start, &m.Produced, &m.Used, &m.Claimed, &m.Bought)
		}, yield, append(append(in, in...), in...)...)
}
