package sim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/sim"
)

const twoHomes = `
[community]
name = "Two"
interval_minutes = 15
[tariff]
retail = 0.3
feed_in = 0.1
[[member]]
name = "ann"
[[member.device]]
meter = "ann-pv"
kind = "solar"
capacity_kw = 8
[[member.device]]
meter = "ann-battery"
kind = "battery"
capacity_kw = 4
[[member]]
name = "bob"
`

func parse(t *testing.T, text string) *community.Community {
	t.Helper()
	c, err := community.Parse("two.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// june is three weeks around the longest day of 2026 at 50° north.
var june = sim.Options{From: 1780876800, To: 1780876800 + 21*24*3600, Latitude: 50, Longitude: 7}

// of keeps the readings of one meter.
func of(readings []gateway.Reading, meter string) []gateway.Reading {
	return slices.DeleteFunc(slices.Clone(readings), func(r gateway.Reading) bool { return r.Meter != meter })
}

func sums(readings []gateway.Reading) (imported, exported quantity.Energy) {
	for _, r := range readings {
		imported = quantity.MustAdd(imported, r.Import)
		exported = quantity.MustAdd(exported, r.Export)
	}
	return imported, exported
}

func TestHomesRepeat(t *testing.T) {
	c := parse(t, twoHomes)
	first := sim.Homes(1, c, june)
	if !slices.Equal(first, sim.Homes(1, c, june)) {
		t.Fatal("the same seed makes other readings")
	}
	if slices.Equal(first, sim.Homes(2, c, june)) {
		t.Fatal("another seed makes the same readings")
	}
	three := sim.Homes(1, parse(t, twoHomes+"[[member]]\nname = \"zoe\"\n"), june)
	if !slices.Equal(of(first, "bob"), of(three, "bob")) {
		t.Fatal("bob lives otherwise since zoe joined")
	}
}

// TestBatteryConservesEnergy compares a home with and without its battery: what
// the battery takes and gives is the difference at the connection point, up to a
// Wh for the remainder of each register.
func TestBatteryConservesEnergy(t *testing.T) {
	with := sim.Homes(1, parse(t, twoHomes), june)
	without := sim.Homes(1, parse(t, strings.Replace(twoHomes, `kind = "battery"`, `kind = "generator"`, 1)), june)
	took, gave := sums(of(with, "ann-battery"))
	importedWith, exportedWith := sums(of(with, "ann"))
	imported, exported := sums(of(without, "ann"))
	difference := (importedWith - exportedWith) - (imported - exported) - (took - gave)
	if difference < -6 || difference > 6 {
		t.Fatalf("%d Wh came from nowhere", difference)
	}
	const kept = 4000 * 2 // The battery may end full.
	if took < 20_000 || gave*10_000 > took*9025 || gave*10_000 < (took-kept)*9025-10_000 {
		t.Fatalf("the battery took %d Wh and gave %d; each way loses 5 %%", took, gave)
	}
	if importedWith >= imported || exportedWith >= exported {
		t.Fatal("the battery is of no use to its home")
	}
}

func TestSunIsSensible(t *testing.T) {
	solar := of(sim.Homes(1, parse(t, twoHomes), june), "ann-pv")
	_, made := sums(solar)
	if perDay := made / 21 / 8; perDay < 2000 || perDay > 7000 {
		t.Fatalf("%d Wh per kW and day in June at 50° north", perDay)
	}
	for _, r := range solar {
		hour := r.Start % 86400 / 3600
		if r.Export > 2000 || r.Import > 0 || (hour >= 21 || hour < 2) && r.Export > 0 {
			t.Fatalf("8 kW at %d:00 UTC: %v", hour, r)
		}
	}
	winter := june
	winter.From, winter.To = june.From+183*86400, june.To+183*86400
	if _, less := sums(of(sim.Homes(1, parse(t, twoHomes), winter), "ann-pv")); less*3 > made {
		t.Fatalf("December makes %d Wh, June %d", less, made)
	}
}

func TestPeopleAreSensible(t *testing.T) {
	used, _ := sums(of(sim.Homes(1, parse(t, twoHomes), june), "bob"))
	if perDay := used / 21; perDay < 3000 || perDay > 20_000 {
		t.Fatalf("bob uses %d Wh a day", perDay)
	}
}

func TestBreak(t *testing.T) {
	at := func(i int, wh quantity.Energy) gateway.Reading {
		return gateway.Reading{Meter: "m", Start: interval.Time(i * 900), Length: interval.Minutes15, Import: wh, Quality: gateway.Actual}
	}
	whole := []gateway.Reading{at(0, 10), at(1, 11), at(2, 12), at(3, 13)}
	for _, test := range []struct {
		failure sim.Failure
		want    []gateway.Reading
	}{
		{sim.Silent, []gateway.Reading{at(0, 10), at(3, 13)}},
		{sim.Dead, []gateway.Reading{at(0, 10), at(1, 0), at(2, 0), at(3, 13)}},
		{sim.Stuck, []gateway.Reading{at(0, 10), at(1, 11), at(2, 11), at(3, 13)}},
	} {
		got := sim.Break(whole, []sim.Fault{{Meter: "m", Failure: test.failure, From: 900, To: 2700}, {Meter: "other", Failure: sim.Silent, From: 0, To: 2700}})
		if !slices.Equal(got, test.want) {
			t.Errorf("failure %d: got %v, want %v", test.failure, got, test.want)
		}
	}
}
