package certificate

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Provenance says where certificates were issued, for which device, and for how long a
// period.
type Provenance struct {
	_         struct{} `cbor:",toarray"`
	Registry  string
	Microgrid grid.MicrogridID // There; 0 of a registry that is believed by evidence. So is Device.
	Device    grid.DeviceID
	Label     string    // Of the device, where it has no number.
	Kind      grid.Kind // A battery gave what was certified before.
	Length    uint32    // Of the period, in seconds.
}

func (p *Provenance) wellFormed() bool {
	return isRegistry(p.Registry) && isLabel(p.Label) && (p.Device != 0) != (p.Label != "") && (p.Kind.Renewable() || p.Kind == grid.Battery) && p.Length > 0
}

// isLabel reports whether a text may name a device or an issuance: printable ASCII without
// blanks and small letters, so that it cannot be spelled in two ways. It may be empty.
func isLabel(text string) bool {
	return len(text) <= 64 && strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || (r >= 'a' && r <= 'z') }) < 0
}

// foreign is a device of another registry, as a microgrid knows it. Its lots are those of
// a device of the microgrid to whoever has some: passed on, used up and withdrawn alike.
type foreign struct {
	Via    string     `cbor:"1,keyasint"` // The registry that they came from, which may not be where they were issued.
	Source Provenance `cbor:"2,keyasint"`
}

var foreigners = state.NewTable[grid.Device, foreign]("certificate.foreign")

// ProvenanceOf returns where the certificates of a lot were issued and by which
// registry they came, and whether they came from anywhere.
func ProvenanceOf(s state.Reader, id LotID) (p Provenance, via string, ok bool) {
	f, ok := foreigners.Get(s, grid.Device{Microgrid: id.Microgrid, Device: id.Device})
	return f.Source, f.Via, ok
}

// isForeign reports whether a device is another registry's.
func isForeign(s state.Reader, d grid.Device) bool { return foreigners.Has(s, d) }

// sourceOf says where certificates of a lot were issued, whichever lot it is.
func sourceOf(s state.Reader, chain string, id LotID) Provenance {
	if p, _, ok := ProvenanceOf(s, id); ok {
		return p
	}
	m, _ := grid.At(s, id.Microgrid)
	d, _ := grid.DeviceAt(s, grid.Device{Microgrid: id.Microgrid, Device: id.Device})
	return Provenance{Registry: chain, Microgrid: id.Microgrid, Device: id.Device, Kind: d.Kind, Length: uint32(m.Length)}
}

// known returns the number by which a microgrid knows a device of another registry, and
// makes it known. It reports false when the number is that of another device.
func known(s state.Store, id grid.MicrogridID, via string, p Provenance) (grid.Device, bool) {
	f := foreign{via, p}
	sum := sha256.Sum256(codec.Marshal(f))
	d := grid.Device{Microgrid: id, Device: grid.DeviceID(binary.BigEndian.Uint64(sum[:]) | 1)}
	was, there := foreigners.Get(s, d)
	if there {
		return d, was == f
	}
	if _, own := grid.DeviceAt(s, d); own {
		return d, false
	}
	foreigners.Put(s, d, f)
	return d, true
}

// tooOld reports whether certificates that are issued for a moment are expired in a
// microgrid: the close of no later interval would do it.
func tooOld(m grid.Microgrid, start interval.Time) bool {
	return start < metering.Correctable(m)-interval.Time(m.Length)-Lifetime
}

// arrive gives certificates that came from another registry to an account. It reports
// false when the lot would be larger than any.
func arrive(s state.Store, id LotID, account tx.AccountID, e quantity.Energy) bool {
	l, ok := lots.Get(s, id)
	if !ok {
		l = Lot{Owner: account, Revision: 1}
	}
	if l.Issued > maxLot-e {
		return false
	}
	l.Issued, l.Held = quantity.MustAdd(l.Issued, e), quantity.MustAdd(l.Held, e)
	lots.Put(s, id, l)
	give(s, id, account, e)
	return true
}
