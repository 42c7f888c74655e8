package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Part is some energy of one lot.
type Part struct {
	_         struct{} `cbor:",toarray"`
	Microgrid grid.MicrogridID
	Start     interval.Time
	Device    grid.DeviceID
	Energy    quantity.Energy
}

// lot names the lot that a part is of.
func (p Part) lot() LotID { return LotID{p.Microgrid, p.Start, p.Device} }

// maxParts bounds an operation.
const maxParts = 4096

// checkParts holds the parts of an operation to what can be told without the state.
//
// Refusals: those given, in this order: none or too many; nothing of a lot, or less;
// not in ascending order of lots, each once.
func checkParts(parts []Part, none, energy, order *op.Refusal) *op.Refusal {
	if len(parts) == 0 || len(parts) > maxParts {
		return none
	}
	for n, p := range parts {
		switch {
		case p.Energy <= 0:
			return energy
		case n > 0 && !parts[n-1].before(p):
			return order
		}
	}
	return nil
}

// before reports whether p's lot comes before q's.
func (p Part) before(q Part) bool {
	if p.Microgrid != q.Microgrid {
		return p.Microgrid < q.Microgrid
	}
	if p.Start != q.Start {
		return p.Start < q.Start
	}
	return p.Device < q.Device
}

// takeParts takes parts from what an account has, all or, when one is refused, to be
// undone by who applies the operation.
//
// Refusals: those given, in this order: no such lot; a lot that is not final; more
// than the account has.
func takeParts(s state.Store, account tx.AccountID, parts []Part, none, open, short *op.Refusal) *op.Refusal {
	for _, p := range parts {
		switch id := p.lot(); {
		case !lots.Has(s, id):
			return none
		case !final(s, id):
			return open
		case !take(s, id, account, p.Energy):
			return short
		}
	}
	return nil
}

// leave moves parts, which their holder has no more, to where they went in their
// lots, and returns the first serial of each.
func leave(s state.Store, parts []Part, to func(*Lot) *quantity.Energy) []quantity.Energy {
	serials := make([]quantity.Energy, len(parts))
	for n, p := range parts {
		l, _ := lots.Get(s, p.lot())
		serials[n] = l.Gone()
		gone := to(&l)
		l.Held, *gone = quantity.MustSub(l.Held, p.Energy), quantity.MustAdd(*gone, p.Energy)
		lots.Put(s, p.lot(), l)
	}
	return serials
}
