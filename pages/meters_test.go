package pages_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// A household's meters say what becomes of what they sign: from no key to one, a
// message, a contradiction, and none again; its neighbour's are none of them.
func TestMeters(t *testing.T) {
	w := newTown(t, "2026-06-20 00:00", "2026-06-20 03:00")
	member := w.community.Members[0].Name
	account, d := w.community.Account(member), grid.Device{Microgrid: w.community.Microgrid(), Device: w.community.DeviceID(member)}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	chain := ""
	w.node.Read(func(_ state.Reader, head machine.Head) { chain = head.ChainID })
	last := w.on("2026-06-20 03:00")
	message := func(imported quantity.Energy) tx.Operation {
		raw, err := device.Sign(device.Message{
			Version: 1, Microgrid: d.Microgrid, Device: d.Device, Epoch: 1, Sequence: 7, Start: last - interval.Time(w.community.Length),
			Duration: uint32(w.community.Length), Import: imported, Quality: metering.Actual, Clock: device.Synchronised,
		}, chain, key)
		if err != nil {
			t.Fatal(err)
		}
		return device.DeliverKind.Encode(device.Deliver{Microgrid: d.Microgrid, Messages: [][]byte{raw}})
	}
	enrol := device.EnrolKey{Microgrid: d.Microgrid, Device: d.Device, Key: key.Public().(ed25519.PublicKey)}
	for _, step := range []struct {
		book []tx.Operation
		want string
	}{
		{nil, "none 0 0 0"},
		{[]tx.Operation{device.EnrolKeyKind.Encode(enrol)}, "active 1 0 0"},
		{[]tx.Operation{message(500)}, fmt.Sprint("active 1 7 ", last)},
		{[]tx.Operation{message(501)}, fmt.Sprint("quarantined 1 7 ", last)},
		{[]tx.Operation{device.RevokeKeyKind.Encode(device.RevokeKey{Microgrid: d.Microgrid, Device: d.Device})}, fmt.Sprint("revoked 1 7 ", last)},
	} {
		if err := w.operator.Submit(t.Context(), step.book); err != nil {
			t.Fatal(err)
		}
		m, err := w.Meters(t.Context(), account)
		if err != nil || m.Name != member || m.Length != int64(w.community.Length) {
			t.Fatalf("%+v %v", m, err)
		}
		found := 0
		for _, meter := range m.Meters {
			if meter.Device != d.Device {
				continue
			}
			found++
			if got := fmt.Sprintf("%s %d %d %d", meter.State, meter.Epoch, meter.Sequence, meter.Last); got != step.want {
				t.Errorf("%s, want %s", got, step.want)
			}
		}
		if found != 1 {
			t.Errorf("the meter is there %d times: %+v", found, m.Meters)
		}
	}
	for _, other := range w.community.Members[1:] {
		m, err := w.Meters(t.Context(), w.community.Account(other.Name))
		if err != nil {
			t.Fatal(err)
		}
		for _, meter := range m.Meters {
			if meter.Device == d.Device || meter.State != "none" {
				t.Errorf("%s: %+v", other.Name, meter)
			}
		}
	}
	if _, err := w.Meters(t.Context(), 12345); !notFound(err) {
		t.Error(err)
	}
}
