package metering

import (
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
)

// TestBalance puts feeder meters at the whole town and at a street below it, with one
// home in the street, and holds them against the homes' meters.
func TestBalance(t *testing.T) {
	const (
		street grid.ZoneID   = 21
		whole  grid.DeviceID = 51
		part   grid.DeviceID = 52
		meter3 grid.DeviceID = 44
	)
	hourly := func(what string, values []Value, want ...string) {
		t.Helper()
		w := founded(t)
		w.Must(t, operator,
			grid.AddZoneKind.Encode(grid.AddZone{Microgrid: town, Zone: street, Parent: 20}),
			grid.SetLineKind.Encode(grid.SetLine{Microgrid: town, Zone: street, From: start, Line: grid.Line{ExportLimit: -1, ImportLimit: -1, LossPPM: 50_000}}),
			grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: 33, Zone: street, Account: ann, From: start}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: meter3, Point: 33, Kind: grid.Meter, From: start}),
			grid.SetFeederKind.Encode(grid.SetFeeder{Microgrid: town, Zone: 20, Device: whole, From: start}),
			grid.SetFeederKind.Encode(grid.SetFeeder{Microgrid: town, Zone: street, Device: part, From: start}))
		w.Must(t, gateway, record(0, values...))
		positions, odd := w.close(t)
		if len(positions) != 3 || len(positions[0].Devices) != 1 {
			t.Errorf("%s: a feeder meter is settled: %+v", what, positions)
		}
		if !slices.Equal(odd, want) {
			t.Errorf("%s: %v, want %v", what, odd, want)
		}
	}
	// Meters 1 and 2 at the root take 6000 and give 1000, the panels are behind meter 1;
	// meter 3 in the street takes 4000, of which the street's line loses 200.
	town := func(third, root, street Value) []Value {
		return []Value{actual(meter1, 6000, 0), actual(meter2, 0, 1000), actual(solar, 0, 3000), third, root, street}
	}
	third := actual(meter3, 4000, 0)
	hourly("all agree", town(third, actual(whole, 9200, 0), actual(part, 4000, 0)))
	hourly("2 % of 11,000 Wh are 220, and 100 Wh are more than 2 % of 4000", town(third, actual(whole, 9420, 0), actual(part, 4100, 0)))
	hourly("a Wh more", town(third, actual(whole, 9421, 0), actual(part, 4101, 0)), "51: 13 from 0 to 0, 221/0", "52: 13 from 0 to 0, 101/0")
	hourly("as much less", town(third, actual(whole, 8979, 0), actual(part, 3899, 0)), "51: 13 from 0 to 0, 0/221", "52: 13 from 0 to 0, 0/101")
	hourly("both ways through the feeder", town(third, actual(whole, 10_000, 800), actual(part, 4000, 0)))
	hourly("no reading of a meter below", town(Value{Device: meter3, Import: 1, Quality: Substituted}, actual(whole, 9, 0), actual(part, 4, 0)))
	hourly("no reading of the feeder meter itself", town(third, Value{Device: whole, Import: 1, Quality: Substituted}, actual(part, 5000, 0)), "52: 13 from 0 to 0, 1000/0")
}

// TestLateFeeder reads a feeder meter after the settlement: it is kept, and nothing is
// settled again.
func TestLateFeeder(t *testing.T) {
	w := founded(t)
	w.Must(t, operator, grid.SetFeederKind.Encode(grid.SetFeeder{Microgrid: town, Zone: 20, Device: 51, From: start}))
	w.Must(t, gateway, record(0, all(100)...))
	if w.due(0)[0] {
		t.Error("it is not waited for")
	}
	w.close(t)
	w.Must(t, gateway, record(0, actual(51, 70, 0)))
	m, _ := grid.At(w, town)
	if known, _ := Known(w, town, m, at(0)); IsRevised(w, town, at(0)) || known[3].Import != 70 {
		t.Errorf("%v", known)
	}
	w.Must(t, gateway, record(0, actual(meter1, quantity.Energy(101), 0), actual(51, 71, 0)))
	if !IsRevised(w, town, at(0)) {
		t.Error("a home's reading with it corrects nothing")
	}
}
