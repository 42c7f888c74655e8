package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
)

// How certificates moved, as the table passed says it.
const (
	PassedOn       = 1
	Cancelled      = 2
	MatchedWithUse = 3 // Used up, too.
)

// Passed is certificates that went from an account to another one, or were used up.
type Passed struct {
	Height      int64
	Position, N int
	At          interval.Time // Of the block.
	How         int
	From, To    tx.AccountID // To is 0 where they were used up.
	Rule        bool         // A standing rule moved them, as their interval became final.
	Purpose     certificate.Purpose
	Beneficiary []byte // The hash of the statement that names it.
	Energy      quantity.Energy
	Parts       []PassedPart
}

// PassedPart is some energy of a lot that moved; First is the first serial of what
// was used up.
type PassedPart struct {
	Lot    certificate.LotID
	Energy quantity.Energy
	First  quantity.Energy
}

// passed adds parts that moved.
func (w *writer) passed(at place, how int, from, to tx.AccountID, purpose certificate.Purpose, beneficiary []byte, parts []certificate.Part, serials []quantity.Energy) error {
	var sum quantity.Energy
	var packed []byte
	for n, p := range parts {
		var first quantity.Energy
		if len(serials) > n {
			first = serials[n]
		}
		sum = quantity.MustAdd(sum, p.Energy)
		packed = pack(packed, bits(p.Microgrid), int64(p.Start), bits(p.Device), int64(p.Energy), int64(first))
	}
	return w.put("passed", at.height, at.position, at.n, how, bits(from), bits(to), int64(purpose), blob(beneficiary), int64(sum), packed)
}

// Passings returns what an account passed on, got and used up, the latest first.
func (r *Reader) Passings(account tx.AccountID) ([]Passed, error) {
	return r.passings("(p.sender = ? OR p.receiver = ?) ORDER BY p.height DESC, p.position DESC, p.n DESC", bits(account), bits(account))
}

// CancelledBy returns what an account used up by a statement with a hash: more
// than one where that took several operations.
func (r *Reader) CancelledBy(account tx.AccountID, beneficiary []byte) ([]Passed, error) {
	return r.passings("p.sender = ? AND p.how = 2 AND p.beneficiary = ? ORDER BY p.height, p.position, p.n", bits(account), beneficiary)
}

// CancelledLot is what an account used up of a lot at once.
type CancelledLot struct {
	PassedPart
	Purpose     certificate.Purpose
	Beneficiary []byte // SHA-256 of the statement that names it.
}

// Cancellations returns what an account used up by itself, in its order. What it
// claimed as it used the energy is in the lot.
func (r *Reader) Cancellations(account tx.AccountID) (lots []CancelledLot, err error) {
	done, err := r.passings("p.sender = ? AND p.how = 2 ORDER BY p.height, p.position, p.n", bits(account))
	for _, p := range done {
		for _, part := range p.Parts {
			lots = append(lots, CancelledLot{part, p.Purpose, p.Beneficiary})
		}
	}
	return lots, err
}

func (r *Reader) passings(where string, args ...any) ([]Passed, error) {
	return list(r, `SELECT p.height, p.position, p.n, b.time, p.how, p.sender, p.receiver, e.account = 0, p.purpose, p.beneficiary, p.energy_wh, p.parts
		FROM passed p JOIN block b USING (height) JOIN envelope e USING (height, position) WHERE `+where,
		func(rows *sql.Rows, p *Passed) error {
			var parts sql.RawBytes
			var hash []byte
			err := rows.Scan(&p.Height, &p.Position, &p.N, &p.At, &p.How, id(&p.From), id(&p.To), &p.Rule, &p.Purpose, &hash, &p.Energy, &parts)
			p.Beneficiary = hash
			unpack(parts, passedNumbers, func(_ int, n []int64) {
				lot := certificate.LotID{Microgrid: number[grid.MicrogridID](n[0]), Start: interval.Time(n[1]), Device: number[grid.DeviceID](n[2])}
				p.Parts = append(p.Parts, PassedPart{lot, quantity.Energy(n[3]), quantity.Energy(n[4])})
			})
			return err
		}, args...)
}

// Origin is what came to a connection point of a lot in its interval.
type Origin struct {
	Device  grid.DeviceID
	Energy  quantity.Energy
	Claimed bool // It was used up with the use of the energy.
}

func packOrigins(origins []certificate.Origin) []byte {
	b := make([]byte, 0, len(origins)*originNumbers*numberSize)
	for _, o := range origins {
		b = pack(b, bits(o.Device), int64(o.Energy), flag(o.Claimed))
	}
	return b
}

func unpackOrigins(b []byte) (list []Origin) {
	unpack(b, originNumbers, func(_ int, n []int64) {
		list = append(list, Origin{number[grid.DeviceID](n[0]), quantity.Energy(n[1]), n[2] != 0})
	})
	return list
}

// Use is what one connection point used in one interval, and what it came with.
type Use struct {
	Matched
	Origins []Origin
}

// Uses yields the intervals of a connection point in a period as they stand after
// corrections, by start. Produced is what production met its use with: its own that
// stayed, and what it bought as green from neighbours.
func (r *Reader) Uses(m grid.MicrogridID, p grid.PointID, in Period, yield func(Use) error) error {
	return each(r, "SELECT s.start, s.import_wh, s.export_wh, s.produced_wh, s.lines, s.deals, s.origins"+ofPoint+"AND s.superseded = 0 ORDER BY s.start",
		func(rows *sql.Rows, u *Use) error {
			var taken, given, produced quantity.Energy
			var lines, deals, origins sql.RawBytes
			if err := rows.Scan(&u.Start, &taken, &given, &produced, &lines, &deals, &origins); err != nil {
				return err
			}
			bought := unpackLines(lines)
			u.Used = quantity.MustSub(quantity.MustAdd(taken, produced), given)
			u.Bought = bought[settlement.UtilityBought-1].Energy
			u.Produced = max(quantity.MustSub(produced, given), 0)
			for _, d := range unpackDeals(deals) {
				if d.Bought && d.Class == market.Green {
					u.Produced = quantity.MustAdd(u.Produced, d.Energy)
				}
			}
			u.Origins = unpackOrigins(origins)
			for _, o := range u.Origins {
				if o.Claimed {
					u.Claimed = quantity.MustAdd(u.Claimed, o.Energy)
				}
			}
			return nil
		}, yield, bits(p), bits(m), int64(in.From), int64(in.Until))
}
