// Package certificate issues a granular certificate for every Wh that a registered
// device produces, and keeps whose it is until it is used up (EnergyTag, Granular
// Certificate Scheme Standard v2).
//
// Its promise: a device's production of an interval is one lot, issued once; of
// every lot, what its holders have, what is used up and what was withdrawn sum to
// what was issued, always; and nothing is claimed that was not produced, however
// often a reading is corrected.
package certificate

import (
	"encoding/binary"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Ops is every operation and refusal of this domain.
var Ops = op.NewSet("certificate", 10000)

// LotID names a lot: what one device produced in one interval.
type LotID struct {
	Microgrid grid.MicrogridID
	Start     interval.Time
	Device    grid.DeviceID
}

// AppendKey orders lots by microgrid, time and device.
func (l LotID) AppendKey(b []byte) []byte {
	return binary.BigEndian.AppendUint64(state.AppendTime(l.Microgrid.AppendKey(b), l.Start), uint64(l.Device))
}

// ReadKey reads what AppendKey wrote.
func (LotID) ReadKey(b []byte) LotID {
	return LotID{grid.MicrogridID(0).ReadKey(b), state.ReadTime(b[8:]), grid.DeviceID(binary.BigEndian.Uint64(b[16:]))}
}

// Lot is a lot as it stands. Held + Reserved + Locked + Gone = Issued, where Gone is what
// was cancelled, expired, was withdrawn, went into a store or to another registry, and
// Claimed is a part of Cancelled. Each Wh that is gone has a serial, half-open ranges from 0 on in the order
// in which they left; what somebody still has, has none.
type Lot struct {
	Owner     tx.AccountID    `cbor:"1,keyasint"` // Of the device's connection point: to whom it was issued.
	Revision  uint32          `cbor:"2,keyasint"` // Of the interval that it was issued with.
	Issued    quantity.Energy `cbor:"3,keyasint"`
	Held      quantity.Energy `cbor:"4,keyasint"` // By all holders, free to be passed on.
	Claimed   quantity.Energy `cbor:"5,keyasint,omitempty"`
	Cancelled quantity.Energy `cbor:"6,keyasint,omitempty"` // Claimed included.
	Expired   quantity.Energy `cbor:"7,keyasint,omitempty"`
	Withdrawn quantity.Energy `cbor:"8,keyasint,omitempty"`
	Stored    quantity.Energy `cbor:"9,keyasint,omitempty"`  // Charged a store: issued again as that gives it.
	Reserved  quantity.Energy `cbor:"10,keyasint,omitempty"` // Set aside by its holders for others; not gone.
	Locked    quantity.Energy `cbor:"11,keyasint,omitempty"` // For another registry; not gone.
	Exported  quantity.Energy `cbor:"12,keyasint,omitempty"` // In another registry.
}

// Gone is how much has left the holders, and so the next serial.
func (l *Lot) Gone() quantity.Energy {
	return quantity.MustAdd(quantity.MustAdd(quantity.MustAdd(l.Cancelled, l.Expired), quantity.MustAdd(l.Withdrawn, l.Stored)), l.Exported)
}

// Balances reports whether the lot's parts sum to what was issued.
func (l *Lot) Balances() bool {
	return l.Held >= 0 && l.Claimed >= 0 && l.Claimed <= l.Cancelled && l.Expired >= 0 && l.Withdrawn >= 0 && l.Stored >= 0 && l.Reserved >= 0 &&
		l.Locked >= 0 && l.Exported >= 0 && quantity.MustAdd(quantity.MustAdd(l.Held, l.Reserved), quantity.MustAdd(l.Locked, l.Gone())) == l.Issued
}

// Holding is the key of what an account has of a lot.
type Holding struct {
	Lot     LotID
	Account tx.AccountID
}

// AppendKey orders holdings by lot and account.
func (h Holding) AppendKey(b []byte) []byte {
	return binary.BigEndian.AppendUint64(h.Lot.AppendKey(b), uint64(h.Account))
}

// ReadKey reads what AppendKey wrote.
func (Holding) ReadKey(b []byte) Holding {
	return Holding{LotID{}.ReadKey(b), tx.AccountID(binary.BigEndian.Uint64(b[24:]))}
}

// balance is what an account has of a lot, free to be passed on; there is none of
// nothing.
type balance struct {
	Energy quantity.Energy `cbor:"1,keyasint"`
}

var (
	lots     = state.NewTable[LotID, Lot]("certificate.lot")
	holdings = state.NewTable[Holding, balance]("certificate.holding")
)

// LotAt returns a lot and whether it was issued.
func LotAt(s state.Reader, id LotID) (Lot, bool) { return lots.Get(s, id) }

// Held returns what an account has of a lot, without what it set aside for others.
func Held(s state.Reader, id LotID, account tx.AccountID) quantity.Energy {
	b, _ := holdings.Get(s, Holding{id, account})
	return b.Energy
}

// Lots yields every lot, for whoever audits them.
func Lots(s state.Reader) func(func(LotID, Lot) bool) { return lots.All(s) }

// Holders yields who has how much of a lot, by account.
func Holders(s state.Reader, id LotID) func(func(tx.AccountID, quantity.Energy) bool) {
	return func(yield func(tx.AccountID, quantity.Energy) bool) {
		for k, b := range holdings.Under(s, id) {
			if !yield(k.Account, b.Energy) {
				return
			}
		}
	}
}

// give adds to what an account has of a lot; the lot's own row is the caller's.
func give(s state.Store, id LotID, account tx.AccountID, e quantity.Energy) {
	k := Holding{id, account}
	b, _ := holdings.Get(s, k)
	b.Energy = quantity.MustAdd(b.Energy, e)
	holdings.Put(s, k, b)
}

// take takes from what an account has of a lot, and reports whether it had so much.
func take(s state.Store, id LotID, account tx.AccountID, e quantity.Energy) bool {
	k := Holding{id, account}
	b, _ := holdings.Get(s, k)
	switch {
	case b.Energy < e:
		return false
	case b.Energy == e:
		holdings.Delete(s, k)
	default:
		b.Energy = quantity.MustSub(b.Energy, e)
		holdings.Put(s, k, b)
	}
	return true
}

// final reports whether no reading can change a lot any more. Until then it is its
// interval's close that says whose it is, and nobody passes it on. What came from another
// registry was final there.
func final(s state.Reader, id LotID) bool {
	m, ok := grid.At(s, id.Microgrid)
	return ok && (id.Start < metering.Correctable(m) && !metering.IsRevised(s, id.Microgrid, id.Start) ||
		isForeign(s, grid.Device{Microgrid: id.Microgrid, Device: id.Device}))
}
