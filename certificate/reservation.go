package certificate

import (
	"encoding/binary"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Reservation is the key of what a holder set aside of a lot for another account.
type Reservation struct {
	Lot    LotID
	Holder tx.AccountID
	For    tx.AccountID
}

// AppendKey orders reservations by lot, holder and whom they are for.
func (r Reservation) AppendKey(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(r.Lot.AppendKey(b), uint64(r.Holder))
	return binary.BigEndian.AppendUint64(b, uint64(r.For))
}

// ReadKey reads what AppendKey wrote.
func (Reservation) ReadKey(b []byte) Reservation {
	return Reservation{LotID{}.ReadKey(b), tx.AccountID(binary.BigEndian.Uint64(b[24:])), tx.AccountID(binary.BigEndian.Uint64(b[32:]))}
}

// Aside is what is set aside, and until when.
type Aside struct {
	Energy quantity.Energy `cbor:"1,keyasint"`
	Until  interval.Time   `cbor:"2,keyasint"` // From then on its holder takes it back, and the other has it no more.
}

var reservations = state.NewTable[Reservation, Aside]("certificate.reservation")

// AsideAt returns what a holder set aside of a lot for another account, and whether
// it did.
func AsideAt(s state.Reader, k Reservation) (Aside, bool) { return reservations.Get(s, k) }

// giveBack moves some of what is set aside to an account that then has it free.
func giveBack(s state.Store, k Reservation, account tx.AccountID, e quantity.Energy) {
	r, _ := reservations.Get(s, k)
	if r.Energy = quantity.MustSub(r.Energy, e); r.Energy == 0 {
		reservations.Delete(s, k)
	} else {
		reservations.Put(s, k, r)
	}
	give(s, k.Lot, account, e)
	l, _ := lots.Get(s, k.Lot)
	l.Held, l.Reserved = quantity.MustAdd(l.Held, e), quantity.MustSub(l.Reserved, e)
	lots.Put(s, k.Lot, l)
}
