// Package grid describes the microgrids on the ledger: their zones and lines,
// the connection points in them and the devices behind those.
//
// Its promise: zones form one tree per microgrid, and what held in a settled
// interval never changes: lines and connection points have dates, and an
// operation that would reach back behind the first open interval is refused.
package grid

import (
	"encoding/binary"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Ops is every operation of this domain.
var Ops = op.NewSet("grid", 3000)

// MicrogridID names a microgrid; whoever founds it chooses the number.
type MicrogridID uint64

// AppendKey orders microgrids by number.
func (id MicrogridID) AppendKey(b []byte) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(id))
}

// ReadKey reads what AppendKey wrote.
func (MicrogridID) ReadKey(b []byte) MicrogridID { return MicrogridID(binary.BigEndian.Uint64(b)) }

// ZoneID names a zone within its microgrid; 0 is none.
type ZoneID uint64

// PointID names a connection point (IEC 61968: usage point) within its microgrid.
type PointID uint64

// DeviceID names a device within its microgrid.
type DeviceID uint64

// Zone is the key of a zone.
type Zone struct {
	Microgrid MicrogridID
	Zone      ZoneID
}

// Point is the key of a connection point.
type Point struct {
	Microgrid MicrogridID
	Point     PointID
}

// Device is the key of a device.
type Device struct {
	Microgrid MicrogridID
	Device    DeviceID
}

// AppendKey orders zones by microgrid, then number.
func (z Zone) AppendKey(b []byte) []byte { return appendPair(b, z.Microgrid, uint64(z.Zone)) }

// ReadKey reads what AppendKey wrote.
func (Zone) ReadKey(b []byte) Zone {
	m, n := readPair(b)
	return Zone{m, ZoneID(n)}
}

// AppendKey orders connection points by microgrid, then number.
func (p Point) AppendKey(b []byte) []byte { return appendPair(b, p.Microgrid, uint64(p.Point)) }

// ReadKey reads what AppendKey wrote.
func (Point) ReadKey(b []byte) Point {
	m, n := readPair(b)
	return Point{m, PointID(n)}
}

// AppendKey orders devices by microgrid, then number.
func (d Device) AppendKey(b []byte) []byte { return appendPair(b, d.Microgrid, uint64(d.Device)) }

// ReadKey reads what AppendKey wrote.
func (Device) ReadKey(b []byte) Device {
	m, n := readPair(b)
	return Device{m, DeviceID(n)}
}

func appendPair(b []byte, m MicrogridID, n uint64) []byte {
	return binary.BigEndian.AppendUint64(m.AppendKey(b), n)
}

func readPair(b []byte) (MicrogridID, uint64) {
	return MicrogridID(0).ReadKey(b), binary.BigEndian.Uint64(b[8:])
}

// Microgrid is a community's grid and how it is run.
type Microgrid struct {
	Operator tx.AccountID    `cbor:"1,keyasint"`
	Gateway  tx.AccountID    `cbor:"2,keyasint"` // May record readings, as the operator may.
	Currency ledger.AssetID  `cbor:"3,keyasint"`
	Utility  tx.AccountID    `cbor:"4,keyasint"` // The supplier's account.
	Network  tx.AccountID    `cbor:"5,keyasint"` // Takes charges and congestion rent.
	Levy     tx.AccountID    `cbor:"6,keyasint"` // Takes levies.
	Length   interval.Length `cbor:"7,keyasint"`
	Start    interval.Time   `cbor:"8,keyasint"` // Of the first interval that is settled.
	// Grace is how long after an interval's end, on the meters' own clock, the
	// settlement waits for readings that are missing.
	Grace uint32 `cbor:"9,keyasint"`
	// Correction is how long after an interval's end, in seconds, a late reading
	// still corrects it. Then it is final.
	Correction uint32 `cbor:"10,keyasint"`
	// Open is the start of the first interval that is not settled.
	Open interval.Time `cbor:"11,keyasint"`
	// Devices counts the devices that were ever enrolled: when as many values are
	// there, an interval is complete without looking at each of them.
	Devices uint64 `cbor:"12,keyasint"`
	// Suspended is set when an interval could not be settled; none is any more.
	Suspended bool `cbor:"13,keyasint,omitempty"`
}

// ZoneRow is a zone's place in the tree.
type ZoneRow struct {
	Parent ZoneID `cbor:"1,keyasint,omitempty"` // 0: the root.
}

// Connection is a connection point's row.
type Connection struct {
	Zone      ZoneID        `cbor:"1,keyasint"`
	Account   tx.AccountID  `cbor:"2,keyasint"`
	CapacityW uint64        `cbor:"3,keyasint,omitempty"` // 0: not known.
	From      interval.Time `cbor:"4,keyasint"`
	Until     interval.Time `cbor:"5,keyasint,omitempty"` // 0: open.
}

// Kind is what a device does.
type Kind uint8

// Kinds of devices. A Meter measures its connection point and is what is
// settled; the others are behind it and say what happened there. A Feeder measures
// a zone, and is neither settled nor billed.
const (
	Meter     Kind = 1
	Solar     Kind = 2
	Wind      Kind = 3
	Hydro     Kind = 4
	Battery   Kind = 5
	Charger   Kind = 6 // Of electric vehicles (EVSE).
	HeatPump  Kind = 7
	Load      Kind = 8
	Generator Kind = 9 // Not renewable.
	Feeder    Kind = 10
)

// Renewable reports whether what the device produces is green.
func (k Kind) Renewable() bool { return k == Solar || k == Wind || k == Hydro }

// DeviceRow is a device's row.
type DeviceRow struct {
	Point     PointID       `cbor:"1,keyasint"`
	Kind      Kind          `cbor:"2,keyasint"`
	CapacityW uint64        `cbor:"3,keyasint,omitempty"` // 0: not known.
	From      interval.Time `cbor:"4,keyasint"`
	Until     interval.Time `cbor:"5,keyasint,omitempty"` // 0: open.
	Number    uint64        `cbor:"6,keyasint,omitempty"` // Of devices enrolled in the microgrid before.
	Zone      ZoneID        `cbor:"7,keyasint,omitempty"` // Of a Feeder, which has no point.
}

var (
	microgrids = state.NewTable[MicrogridID, Microgrid]("grid.microgrid")
	zones      = state.NewTable[Zone, ZoneRow]("grid.zone")
	lines      = state.NewHistory[Zone, Line]("grid.line")
	points     = state.NewTable[Point, Connection]("grid.point")
	devices    = state.NewTable[Device, DeviceRow]("grid.device")
)

// At returns a microgrid and whether there is one.
func At(s state.Reader, id MicrogridID) (Microgrid, bool) { return microgrids.Get(s, id) }

// All yields every microgrid in the order of their numbers.
func All(s state.Reader) func(func(MicrogridID, Microgrid) bool) { return microgrids.All(s) }

// DeviceAt returns a device and whether there is one.
func DeviceAt(s state.Reader, d Device) (DeviceRow, bool) { return devices.Get(s, d) }

// PointAt returns a connection point and whether there is one.
func PointAt(s state.Reader, p Point) (Connection, bool) { return points.Get(s, p) }

// Points yields a microgrid's connection points in the order of their numbers.
func Points(s state.Reader, m MicrogridID) func(func(Point, Connection) bool) {
	return points.Under(s, m)
}

// Devices yields a microgrid's devices in the order of their numbers.
func Devices(s state.Reader, m MicrogridID) func(func(Device, DeviceRow) bool) {
	return devices.Under(s, m)
}

// Holds reports whether something with these dates is there during i.
func Holds(from, until interval.Time, i interval.Interval) bool {
	return from <= i.Start && (until == 0 || i.End() <= until)
}

// Advance moves a microgrid's first open interval on by one.
func Advance(s state.Store, id MicrogridID) {
	m, _ := microgrids.Get(s, id)
	m.Open += interval.Time(m.Length)
	microgrids.Put(s, id, m)
}

// Suspend ends a microgrid's settlement, because its amounts outgrew the ledger.
func Suspend(s state.Store, id MicrogridID) {
	m, _ := microgrids.Get(s, id)
	m.Suspended = true
	microgrids.Put(s, id, m)
}

// Change is what the rows of a microgrid's operator change through: it says
// whether signer may, and whether the change leaves settled intervals alone.
func Change(s state.Reader, signer tx.AccountID, id MicrogridID, from interval.Time) (Microgrid, *op.Refusal) {
	m, ok := microgrids.Get(s, id)
	switch {
	case !ok:
		return m, ErrNoMicrogrid
	case !party.ActsFor(s, signer, m.Operator):
		return m, ErrNotOperator
	case from < m.Open:
		return m, ErrSettled
	case from%interval.Time(m.Length) != 0:
		return m, ErrFromAligned
	}
	return m, nil
}

// Refusals of Change, in order of precedence.
var (
	ErrNoMicrogrid = Ops.Refuse(1, "there is no such microgrid")
	ErrNotOperator = Ops.Refuse(2, "only the microgrid's operator may do this")
	ErrSettled     = Ops.Refuse(3, "the change would reach back into settled intervals: let it begin at the first open one or later")
	ErrFromAligned = Ops.Refuse(4, "a change begins at the start of an interval")
)

// Appoint makes an account a microgrid's operator, as its members decided.
func Appoint(s state.Store, id MicrogridID, operator tx.AccountID) {
	m, _ := microgrids.Get(s, id)
	m.Operator = operator
	microgrids.Put(s, id, m)
}
