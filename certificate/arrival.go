package certificate

import (
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// arrivalID names an export of a peer to a microgrid of this ledger. There is one row of
// it: it arrived, or it was declined, once and for all.
type arrivalID struct {
	Microgrid grid.MicrogridID // Here.
	Registry  registryID
	From      ExportID // There.
}

// AppendKey orders by microgrid, registry and export.
func (a arrivalID) AppendKey(b []byte) []byte {
	return a.From.AppendKey(a.Registry.AppendKey(a.Microgrid.AppendKey(b)))
}

// ReadKey reads what AppendKey wrote.
func (arrivalID) ReadKey(b []byte) arrivalID {
	return arrivalID{grid.MicrogridID(0).ReadKey(b), registryID{}.ReadKey(b[8:40]), ExportID{}.ReadKey(b[40:])}
}

// Arrival is what became of a peer's export here. The peer has it proven by its row, so
// its bytes are part of the protocol between ledgers.
type Arrival struct {
	Registry string          `cbor:"1,keyasint"`
	Taken    bool            `cbor:"2,keyasint"` // Else it was declined.
	Account  tx.AccountID    `cbor:"3,keyasint,omitempty"`
	Energy   quantity.Energy `cbor:"4,keyasint,omitempty"`
}

var arrivals = state.NewTable[arrivalID, Arrival]("certificate.arrival")

// ArrivalAt returns what became of a peer's export to a microgrid, and whether anything
// did.
func ArrivalAt(s state.Reader, id grid.MicrogridID, registry string, from ExportID) (Arrival, bool) {
	return arrivals.Get(s, arrivalID{id, idOf(registry), from})
}

// ArrivalKey is the key of that row, which the peer has proven: present or absent.
func ArrivalKey(id grid.MicrogridID, registry string, from ExportID) []byte {
	return arrivals.Key(arrivalID{id, idOf(registry), from})
}

// readArrival reads the row of another ledger's arrival.
func readArrival(row []byte) (a Arrival, ok bool) { return a, codec.Unmarshal(row, &a) == nil }
