package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Lifetime is how long a certificate can be passed on and used once its interval is
// final: twelve months of 365 days (EECS Rules, expiry).
const Lifetime = 365 * 24 * 3600

// Expired is the receipt of certificates that nobody used in time, for who had them.
type Expired struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Start     interval.Time    `cbor:"2,keyasint" json:"start"`
	Device    grid.DeviceID    `cbor:"3,keyasint" json:"device"`
	Account   tx.AccountID     `cbor:"4,keyasint" json:"account"`
	Energy    quantity.Energy  `cbor:"5,keyasint" json:"energy_wh"`
	Serial    quantity.Energy  `cbor:"6,keyasint" json:"serial"`                  // The first.
	For       tx.AccountID     `cbor:"7,keyasint,omitempty" json:"for,omitempty"` // They were set aside for it.
}

// ExpiredReceipt is the kind of Expired.
var ExpiredReceipt = op.DefineReceipt[Expired](Ops, 80, "expired", "Certificates that nobody used in time.")

// Expire ends the lots of the interval whose Lifetime is over as m's first open one
// closes.
func Expire(ctx *op.Context, s state.Store, id grid.MicrogridID, m grid.Microgrid) {
	start := metering.Correctable(m) - interval.Time(m.Length) - Lifetime
	usages.Delete(s, metering.Moment{Microgrid: id, Start: start})
	// What came from another registry may be of other lengths, and start within.
	for k, l := range lots.Range(s, LotID{Microgrid: id, Start: start}, LotID{Microgrid: id, Start: start + interval.Time(m.Length)}) {
		if l.Held == 0 && l.Reserved == 0 {
			continue
		}
		for account, energy := range Holders(s, k) {
			op.Emit(ctx, ExpiredReceipt, account, Expired{k.Microgrid, k.Start, k.Device, account, energy, l.Gone(), 0})
			l.Held, l.Expired = quantity.MustSub(l.Held, energy), quantity.MustAdd(l.Expired, energy)
			holdings.Delete(s, Holding{k, account})
		}
		for at, r := range reservations.Under(s, k) {
			op.Emit(ctx, ExpiredReceipt, at.Holder, Expired{k.Microgrid, k.Start, k.Device, at.Holder, r.Energy, l.Gone(), at.For})
			l.Reserved, l.Expired = quantity.MustSub(l.Reserved, r.Energy), quantity.MustAdd(l.Expired, r.Energy)
			reservations.Delete(s, at)
		}
		lots.Put(s, k, l)
	}
}
