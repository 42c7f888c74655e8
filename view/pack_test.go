package view

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
)

// What is packed comes back the same.
func TestPacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var items []settlement.Item
		var want Lines
		for i := range want {
			want[i].Line = settlement.Line(i + 1)
			if rapid.Bool().Draw(t, "line") {
				want[i].Energy, want[i].Amount = quantity.Energy(rapid.Int64().Draw(t, "energy")), quantity.Money(rapid.Int64().Draw(t, "amount"))
				items = append(items, want[i])
			}
		}
		if got := unpackLines(packLines(items)); got != want {
			t.Errorf("lines %v come back as %v", want, got)
		}
		deals := rapid.SliceOf(rapid.Custom(func(t *rapid.T) settlement.Deal {
			return settlement.Deal{
				Bought: rapid.Bool().Draw(t, "bought"), Partner: tx.AccountID(rapid.Uint64().Draw(t, "partner")), Class: market.Class(rapid.Byte().Draw(t, "class")),
				Energy: quantity.Energy(rapid.Int64().Draw(t, "energy")), Price: quantity.Price(rapid.Int64().Draw(t, "price")),
			}
		})).Draw(t, "deals")
		if got := unpackDeals(packDeals(deals)); !slices.Equal(got, deals) {
			t.Errorf("deals %v come back as %v", deals, got)
		}
		devices := rapid.SliceOf(rapid.Custom(func(t *rapid.T) settlement.DeviceEnergy {
			return settlement.DeviceEnergy{
				Device: grid.DeviceID(rapid.Uint64().Draw(t, "device")), Import: quantity.Energy(rapid.Int64().Draw(t, "import")),
				Export: quantity.Energy(rapid.Int64().Draw(t, "export")), Estimated: rapid.Bool().Draw(t, "estimated"),
			}
		})).Draw(t, "devices")
		if got := unpackDevices(packDevices(devices)); !slices.Equal(got, devices) {
			t.Errorf("devices %v come back as %v", devices, got)
		}
	})
}
