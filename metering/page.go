package metering

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/state"
)

// page holds the values of up to pageSize devices for one open interval. A row
// for each value would be put into the state and its tree, and taken out again a
// moment later, a page costs that once for all of them.
type page struct {
	Values []Value `cbor:"1,keyasint"` // By device.
}

// pageSize is how many devices share a page: few enough that a meter that sends
// alone rewrites little.
const pageSize = 64

// pageKey is the key of a page.
type pageKey struct {
	Moment
	Page uint64
}

// AppendKey orders pages by microgrid, time and number.
func (p pageKey) AppendKey(b []byte) []byte {
	return binary.BigEndian.AppendUint64(p.Moment.AppendKey(b), p.Page)
}

// ReadKey reads what AppendKey wrote.
func (pageKey) ReadKey(b []byte) pageKey {
	return pageKey{Moment{}.ReadKey(b), binary.BigEndian.Uint64(b[16:])}
}

// located is a value with the page that its device is on.
type located struct {
	page  uint64
	value Value
}

// pageOf is the page of a device: devices are numbered as they are enrolled.
func pageOf(d grid.DeviceRow) uint64 { return d.Number / pageSize }

// gathered returns the values of an open interval, by device.
func gathered(s state.Reader, k Moment) []Value {
	var all []Value
	for _, p := range pages.Under(s, k) {
		all = append(all, p.Values...)
	}
	slices.SortFunc(all, func(a, b Value) int { return cmp.Compare(a.Device, b.Device) })
	return all
}

// take removes the values of an open interval and returns them, by device.
func take(s state.Store, k Moment) []Value {
	all := gathered(s, k)
	for key := range pages.Under(s, k) {
		pages.Delete(s, key)
	}
	tallies.Delete(s, k)
	return all
}

// find returns where a device's value is in values by device, or would be.
func find(values []Value, device grid.DeviceID) (int, bool) {
	return slices.BinarySearchFunc(values, device, func(v Value, d grid.DeviceID) int {
		return cmp.Compare(v.Device, d)
	})
}
