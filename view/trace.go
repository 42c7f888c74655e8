package view

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// History returns every revision of a connection point's statement of one interval,
// the first one first.
func (r *Reader) History(m grid.MicrogridID, p grid.PointID, start interval.Time) ([]Statement, error) {
	return list(r, "SELECT "+statementColumns+" FROM statement s WHERE s.microgrid = ? AND s.start = ? AND s.point = ? ORDER BY s.revision",
		scanStatement, bits(m), int64(start), bits(p))
}

// FirstOf returns the first revision of the first statement of an account in a period,
// and whether there is one.
func (r *Reader) FirstOf(m grid.MicrogridID, account tx.AccountID, in Period) (s Statement, ok bool, err error) {
	list, err := list(r, "SELECT "+statementColumns+` FROM statement s
		WHERE s.microgrid = ? AND s.start >= ? AND s.start < ? AND s.account = ? AND s.revision = 1 ORDER BY s.start, s.point LIMIT 1`,
		scanStatement, bits(m), int64(in.From), int64(in.Until), bits(account))
	if err != nil || len(list) == 0 {
		return s, false, err
	}
	return list[0], true, nil
}

// ReceiptPlace is where a receipt stands: in which block, of which envelope or close
// in it, and as which receipt of that.
type ReceiptPlace struct {
	Place
	N int
}

// Batches returns where the receipts of the latest batches stand that have readings
// from before an interval's start to after it, up to a block, the latest first.
func (r *Reader) Batches(m grid.MicrogridID, start interval.Time, upTo int64, most int) ([]ReceiptPlace, error) {
	return list(r, `SELECT height, position, n FROM recorded
		WHERE microgrid = ? AND first_start <= ? AND last_start >= ? AND height <= ? ORDER BY height DESC, position DESC, n DESC LIMIT ?`,
		func(rows *sql.Rows, p *ReceiptPlace) error { return rows.Scan(&p.Height, &p.Position, &p.N) },
		bits(m), int64(start), int64(start), upTo, most)
}

// HeightsSince returns the blocks from a moment on, up to a block, that hold anything:
// the latest ones and the earliest, so many of each, the latest first.
func (r *Reader) HeightsSince(from interval.Time, upTo int64, most int) ([]int64, error) {
	const some = "SELECT height FROM (SELECT height FROM block WHERE time >= ? AND height <= ? AND envelopes > 0 ORDER BY height %s LIMIT ?) AS few"
	args := []any{int64(from), upTo, most}
	return list(r, fmt.Sprintf(some, "DESC")+" UNION "+fmt.Sprintf(some, "ASC")+" ORDER BY height DESC",
		func(rows *sql.Rows, height *int64) error { return rows.Scan(height) }, append(args, args...)...)
}

// EstimateOf returns why a device's value of an interval is an estimate, and where the
// receipt that says so stands, if one does: the latest up to a block.
func (r *Reader) EstimateOf(d grid.Device, start interval.Time, upTo int64) (e metering.Exception, p ReceiptPlace, ok bool, err error) {
	e.Microgrid, e.Device = d.Microgrid, d.Device
	err = r.row(`SELECT reason, first_start, last_start, import_wh, export_wh, way, days, height, position, n FROM exception
		WHERE microgrid = ? AND device = ? AND first_start <= ? AND last_start >= ? AND way > 0 AND height <= ?
		ORDER BY height DESC, position DESC, n DESC LIMIT 1`,
		bits(d.Microgrid), bits(d.Device), int64(start), int64(start), upTo).Scan(
		&e.Reason, &e.From, &e.To, &e.Import, &e.Export, &e.Way, &e.Days, &p.Height, &p.Position, &p.N)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return e, p, false, nil
	case err != nil:
		return e, p, false, fmt.Errorf("view: %w", err)
	}
	return e, p, true, nil
}

// Lot is a lot as it stands.
type Lot struct {
	Owner                                          tx.AccountID
	Revision                                       uint32
	Height                                         int64 // Of the receipt that issued it.
	Issued, Claimed, Cancelled, Expired, Withdrawn quantity.Energy
}

// LotOf returns a lot, and whether it was issued.
func (r *Reader) LotOf(of certificate.LotID) (l Lot, ok bool, err error) {
	err = r.row(`SELECT owner, revision, height, issued_wh, claimed_wh, cancelled_wh, expired_wh, withdrawn_wh FROM lot
		WHERE microgrid = ? AND start = ? AND device = ?`, bits(of.Microgrid), int64(of.Start), bits(of.Device)).Scan(
		id(&l.Owner), &l.Revision, &l.Height, &l.Issued, &l.Claimed, &l.Cancelled, &l.Expired, &l.Withdrawn)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return l, false, nil
	case err != nil:
		return l, false, fmt.Errorf("view: %w", err)
	}
	return l, true, nil
}

// HeldOf returns what an account has of a lot.
func (r *Reader) HeldOf(of certificate.LotID, account tx.AccountID) (e quantity.Energy, err error) {
	err = r.row(`SELECT coalesce(sum(energy_wh), 0) FROM holding WHERE account = ? AND microgrid = ? AND start = ? AND device = ?`,
		bits(account), bits(of.Microgrid), int64(of.Start), bits(of.Device)).Scan(&e)
	if err != nil {
		return 0, fmt.Errorf("view: %w", err)
	}
	return e, nil
}

// Certifies reports whether a microgrid ever issued certificates.
func (r *Reader) Certifies(m grid.MicrogridID) (yes bool, err error) {
	err = r.row("SELECT EXISTS (SELECT 1 FROM lot WHERE microgrid = ?)", bits(m)).Scan(&yes)
	if err != nil {
		return false, fmt.Errorf("view: %w", err)
	}
	return yes, nil
}

// CancelledIn returns what an account used up by statements in a period, the first
// ones first, as many as most.
func (r *Reader) CancelledIn(account tx.AccountID, in Period, most int) ([]Passed, error) {
	return r.passings("p.sender = ? AND p.how = 2 AND b.time >= ? AND b.time < ? ORDER BY p.height, p.position, p.n LIMIT ?",
		bits(account), int64(in.From), int64(in.Until), most)
}
