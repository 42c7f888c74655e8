package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// RegisterStore makes a battery a store of certificates, from an interval on or until
// one: what charges it locks certificates, and what it gives issues them again, less
// its losses (EnergyTag, Granular Certificate Scheme Standard v2: storage charge and
// discharge records).
type RegisterStore struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"2,keyasint" json:"device"`
	From      interval.Time    `cbor:"3,keyasint" json:"from"`
	Ends      bool             `cbor:"4,keyasint,omitempty" json:"ends,omitempty"` // It stores no more from then on; what is in it stays there.
	// EfficiencyPPM is how many millionths of what charges the store it gives again.
	EfficiencyPPM uint32 `cbor:"5,keyasint" json:"efficiency_ppm"`
	Method        Method `cbor:"6,keyasint" json:"method"`
}

// Method says which certificates a store gives of those that are in it.
type Method uint8

// Methods. Numbers are part of the protocol.
const (
	FIFO     Method = 1 // What was charged first.
	LIFO     Method = 2 // What was charged last.
	Weighted Method = 3 // Of all, in proportion to what is there, by the device that produced it.
)

// Refusals of RegisterStore, in order of precedence; those of grid.Change come after
// ErrStoreMethod.
var (
	ErrStoreEfficiency = Ops.Refuse(150, "a store gives 1 to 1000000 millionths of what charges it")
	ErrStoreMethod     = Ops.Refuse(151, "there is no such method: 1 FIFO, 2 LIFO, 3 weighted")
	ErrStoreDevice     = Ops.Refuse(152, "there is no such device in the microgrid")
	ErrStoreKind       = Ops.Refuse(153, "batteries store certificates, and nothing else does")
	ErrStoreChange     = Ops.Refuse(154, "a store keeps the method that it was registered with: what is in it was stored by that")
)

// StoreRegistered is the receipt of RegisterStore.
var StoreRegistered = op.DefineReceipt[RegisterStore](Ops, 150, "store-registered", "A battery stores certificates, or no more.")

// RegisterStoreKind registers a store.
var RegisterStoreKind = op.Define(Ops, op.Spec[RegisterStore]{
	Number: 150,
	Name:   "register-store",
	Doc:    "Make a battery a store of certificates.",
	Check: func(o *RegisterStore) *op.Refusal {
		switch {
		case o.EfficiencyPPM == 0 || o.EfficiencyPPM > million:
			return ErrStoreEfficiency
		case o.Method < FIFO || o.Method > Weighted:
			return ErrStoreMethod
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *RegisterStore) *op.Refusal {
		if _, no := grid.Change(s, ctx.Signer, o.Microgrid, o.From); no != nil {
			return no
		}
		k := grid.Device{Microgrid: o.Microgrid, Device: o.Device}
		d, ok := grid.DeviceAt(s, k)
		x, known := stores.Get(s, k)
		switch {
		case !ok:
			return ErrStoreDevice
		case d.Kind != grid.Battery:
			return ErrStoreKind
		case known && x.Method != o.Method:
			return ErrStoreChange
		}
		x.Method = o.Method
		stores.Put(s, k, x)
		storing.Put(s, k, o.From, terms{o.Ends, o.EfficiencyPPM})
		op.Emit(ctx, StoreRegistered, op.Public, *o)
		return nil
	},
})

// Store is a store as it stands. In = Out + Lost + what is in it.
type Store struct {
	Method Method `cbor:"1,keyasint"`
	// In is what was locked as it charged, Out what was issued as it gave, and Lost
	// what is neither in it nor can ever be claimed.
	In   quantity.Energy `cbor:"2,keyasint,omitempty"`
	Out  quantity.Energy `cbor:"3,keyasint,omitempty"`
	Lost quantity.Energy `cbor:"4,keyasint,omitempty"`
	// What is in it has numbers from First on, up to Next, in the order in which it came.
	First uint64 `cbor:"5,keyasint,omitempty"`
	Next  uint64 `cbor:"6,keyasint,omitempty"`
}

// Holds is how much is in a store.
func (x *Store) Holds() quantity.Energy {
	return quantity.MustSub(x.In, quantity.MustAdd(x.Out, x.Lost))
}

// terms are what holds of a store from a moment on.
type terms struct {
	Ends          bool   `cbor:"1,keyasint,omitempty"`
	EfficiencyPPM uint32 `cbor:"2,keyasint"`
}

var (
	stores  = state.NewTable[grid.Device, Store]("certificate.store")
	storing = state.NewHistory[grid.Device, terms]("certificate.storing")
)

// StoreAt returns a store and whether the device is one.
func StoreAt(s state.Reader, d grid.Device) (Store, bool) { return stores.Get(s, d) }

// Stores reports whether a device stores certificates at a moment, and how efficiently.
func Stores(s state.Reader, d grid.Device, at interval.Time) (ppm uint32, ok bool) {
	t, _, ok := storing.At(s, d, at)
	return t.EfficiencyPPM, ok && !t.Ends
}

// storesAt returns the stores of a microgrid in an interval, with their efficiency.
func storesAt(s state.Reader, id grid.MicrogridID, at interval.Time) map[grid.DeviceID]uint32 {
	list := map[grid.DeviceID]uint32{}
	for k, t := range storing.Under(s, id, at) {
		if !t.Ends {
			list[k.Device] = t.EfficiencyPPM
		}
	}
	return list
}
