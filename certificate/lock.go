package certificate

import (
	"encoding/binary"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// ExportID names an export: the microgrid of its lots, and a number that it has no other
// export of. A ledger never gives it again.
type ExportID struct {
	Microgrid grid.MicrogridID
	Number    uint64 // From 1.
}

// AppendKey orders exports by microgrid and number.
func (e ExportID) AppendKey(b []byte) []byte {
	return binary.BigEndian.AppendUint64(e.Microgrid.AppendKey(b), e.Number)
}

// ReadKey reads what AppendKey wrote.
func (ExportID) ReadKey(b []byte) ExportID {
	return ExportID{grid.MicrogridID(0).ReadKey(b), binary.BigEndian.Uint64(b[8:])}
}

// Phase is how far an export is.
type Phase uint8

// Phases. Numbers are part of the protocol.
const (
	Locked   Phase = 1 // Nobody has the certificates: they may be in another registry.
	Exported Phase = 2 // They are in another registry.
	Returned Phase = 3 // They are not, and never will be: who had them has them again.
)

// Lock is an export as it stands. Other ledgers prove it by its row, so its bytes are
// part of the protocol between ledgers.
type Lock struct {
	Account   tx.AccountID     `cbor:"1,keyasint"` // Whose the certificates were.
	Registry  string           `cbor:"2,keyasint"` // Where they go.
	Microgrid grid.MicrogridID `cbor:"3,keyasint"` // There; 0 of a registry that is believed by evidence. So are To and Deadline.
	To        tx.AccountID     `cbor:"4,keyasint"`
	Deadline  interval.Time    `cbor:"5,keyasint"` // The last moment at which they may arrive, by the clock there.
	Sources   []Provenance     `cbor:"6,keyasint"`
	Parts     []LockedPart     `cbor:"7,keyasint"` // By lot, ascending.
	Phase     Phase            `cbor:"8,keyasint"`
}

// LockedPart is some energy of a lot that is locked.
type LockedPart struct {
	_      struct{} `cbor:",toarray"`
	Start  interval.Time
	Device grid.DeviceID
	Energy quantity.Energy
	Source uint32 // Of the lock's Sources.
}

var (
	locks   = state.NewTable[ExportID, Lock]("certificate.lock")
	exports = state.NewTable[grid.MicrogridID, count]("certificate.exports")
)

// count is how many there were.
type count struct {
	Last uint64 `cbor:"1,keyasint"`
}

// LockAt returns an export and whether there was one.
func LockAt(s state.Reader, id ExportID) (Lock, bool) { return locks.Get(s, id) }

// LockKey is the key of an export's row, which an importer has proven.
func LockKey(id ExportID) []byte { return locks.Key(id) }

// parts are the parts of a lock as lots have them.
func (l *Lock) parts(id grid.MicrogridID) []Part {
	parts := make([]Part, len(l.Parts))
	for n, p := range l.Parts {
		parts[n] = Part{Microgrid: id, Start: p.Start, Device: p.Device, Energy: p.Energy}
	}
	return parts
}

// energy is what a lock is of.
func (l *Lock) energy() (sum quantity.Energy) {
	for _, p := range l.Parts {
		sum = quantity.MustAdd(sum, p.Energy)
	}
	return sum
}

// wellFormed reports whether a lock that another ledger wrote is one that ours would: its
// validators are believed, and still nothing that they write may stop this ledger.
func (l *Lock) wellFormed() bool {
	if len(l.Parts) == 0 || len(l.Parts) > maxExport || len(l.Sources) == 0 || len(l.Sources) > len(l.Parts) {
		return false
	}
	for n := range l.Sources {
		if !l.Sources[n].wellFormed() {
			return false
		}
	}
	for _, p := range l.Parts {
		if p.Energy <= 0 || p.Energy > maxArrival || p.Start < 0 || p.Start > maxMoment || int(p.Source) >= len(l.Sources) {
			return false
		}
	}
	return true
}

// Bounds of what other registries may say.
const (
	maxArrival quantity.Energy = 1_000_000_000_000 // Of a part: 1 TWh.
	maxLot     quantity.Energy = 1 << 60
	maxMoment  interval.Time   = 253402300799 // The year 9999.
)

// readLock reads the row of another ledger's lock.
func readLock(row []byte) (l Lock, ok bool) {
	return l, codec.Unmarshal(row, &l) == nil && l.wellFormed()
}
