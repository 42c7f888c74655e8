package device

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// row is what the ledger keeps of a device that signs: its key, and the messages
// that the next one is judged by.
type row struct {
	Key         []byte       `cbor:"1,keyasint"` // Empty: revoked.
	Epoch       uint32       `cbor:"2,keyasint"` // Of the key.
	Account     tx.AccountID `cbor:"3,keyasint"` // Of the connection point: whose the answers are.
	Quarantined bool         `cbor:"4,keyasint,omitempty"`
	// Floor is the highest sequence that was forgotten: at or below it, what is not
	// in the window cannot be told from what was.
	Floor   uint64 `cbor:"5,keyasint,omitempty"`
	Window  []byte `cbor:"6,keyasint"`           // See window.
	Bridged bool   `cbor:"7,keyasint,omitempty"` // As EnrolKey has it.
}

var devices = state.NewTable[grid.Device, row]("device.device")

// Key is a device's key on the ledger.
type Key struct {
	Public      []byte // 32 bytes; empty when it was revoked.
	Epoch       uint32
	Account     tx.AccountID // The owner's.
	Quarantined bool
	Highest     uint64        // Sequence in this epoch; 0 before the first message.
	Bridged     bool          // It is not the meter's own.
	Last        interval.Time // Start of the interval of the latest message; 0: there is none.
}

// KeyOf returns the key of a device and whether one was ever enrolled. A gateway
// may ask before it takes a message.
func KeyOf(s state.Reader, d grid.Device) (Key, bool) {
	r, ok := devices.Get(s, d)
	if !ok {
		return Key{}, false
	}
	k := Key{Public: r.Key, Epoch: r.Epoch, Account: r.Account, Quarantined: r.Quarantined, Bridged: r.Bridged}
	if w := unpack(r.Window); len(w) > 0 {
		k.Highest, k.Last = w.highest(), w[len(w)-1].start
	}
	return k, true
}

// EnrolKey gives a device its first key, or another one: the next epoch begins,
// and what the key before signs is refused.
type EnrolKey struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"2,keyasint" json:"device"`
	Key       []byte           `cbor:"3,keyasint" json:"key"` // Ed25519, 32 bytes.
	// Replaced says that another meter, with registers of its own, takes the
	// device's place: its first message is a new baseline. Otherwise the registers
	// go on, and no energy is lost between the keys.
	Replaced bool `cbor:"4,keyasint,omitempty" json:"replaced,omitempty"`
	// Bridged says that the key is not the meter's own: the meter does not sign, and a
	// gateway in the home reads it and signs for it. One gateway's key may stand for
	// several meters of the home. Whoever reads the ledger is told.
	Bridged bool `cbor:"5,keyasint,omitempty" json:"bridged,omitempty"`
}

// KeyEnrolled is the receipt of EnrolKey.
type KeyEnrolled struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"2,keyasint" json:"device"`
	Epoch     uint32           `cbor:"3,keyasint" json:"epoch"` // Which the device's messages name from now on.
	Key       []byte           `cbor:"4,keyasint" json:"key"`
	Bridged   bool             `cbor:"5,keyasint,omitempty" json:"bridged,omitempty"`
}

// Refusals of EnrolKey, in order of precedence. Those of the owner are RevokeKey's too.
var (
	ErrBadKey    = Ops.Refuse(20, "the key is not an Ed25519 key of 32 bytes, or one that anyone could sign for")
	ErrNoDevice  = Ops.Refuse(21, "there is no such device")
	ErrNotOwner  = Ops.Refuse(22, "only the account of the device's connection point, or who acts for it, may change the device's key")
	ErrUnchanged = Ops.Refuse(23, "the key is the device's already")
	ErrEpochs    = Ops.Refuse(24, "the device has had 2^32 keys")
)

// KeyEnrolledReceipt is the kind of KeyEnrolled.
var KeyEnrolledReceipt = op.DefineReceipt[KeyEnrolled](Ops, 20, "key_enrolled", "A device has a key, and a new epoch of sequences begins.")

// EnrolKeyKind gives a device a key.
var EnrolKeyKind = op.Define(Ops, op.Spec[EnrolKey]{
	Number: 20,
	Name:   "enrol_key",
	Doc:    "Give a device its first key, or the next one.",
	Check: func(o *EnrolKey) *op.Refusal {
		if key := tx.Ed25519Key(o.Key); key.Check() != nil || key.Weak() {
			return ErrBadKey
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *EnrolKey) *op.Refusal {
		d := grid.Device{Microgrid: o.Microgrid, Device: o.Device}
		account, no := owner(s, ctx.Signer, d)
		if no != nil {
			return no
		}
		r, _ := devices.Get(s, d)
		switch {
		case string(r.Key) == string(o.Key) && r.Bridged == o.Bridged:
			return ErrUnchanged
		case r.Epoch == 1<<32-1:
			return ErrEpochs
		}
		r = row{Key: o.Key, Epoch: r.Epoch + 1, Account: account, Quarantined: r.Quarantined, Window: unpack(r.Window).carried(o.Replaced).pack(), Bridged: o.Bridged}
		metering.Counts(s, d)
		devices.Put(s, d, r)
		op.Emit(ctx, KeyEnrolledReceipt, account, KeyEnrolled{o.Microgrid, o.Device, r.Epoch, r.Key, r.Bridged})
		return nil
	},
})

// owner returns the account of the connection point that a device is behind, when
// signer may act for it.
//
// Refusals: ErrNoDevice, ErrNotOwner.
func owner(s state.Reader, signer tx.AccountID, d grid.Device) (tx.AccountID, *op.Refusal) {
	at, ok := grid.DeviceAt(s, d)
	if !ok {
		return 0, ErrNoDevice
	}
	if at.Kind == grid.Feeder { // It is the operator's.
		m, _ := grid.At(s, d.Microgrid)
		if !party.ActsFor(s, signer, m.Operator) {
			return 0, ErrNotOwner
		}
		return m.Operator, nil
	}
	point, _ := grid.PointAt(s, grid.Point{Microgrid: d.Microgrid, Point: at.Point})
	if !party.ActsFor(s, signer, point.Account) {
		return 0, ErrNotOwner
	}
	return point.Account, nil
}
