package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/sim"
)

// street is a hundred homes.
var street = sim.Street{Name: "Street", Seed: 3, Homes: 100, Minutes: 5}

// A street has the meters that it is asked for, and a home is the same in a longer one.
func TestStreet(t *testing.T) {
	hundred := parse(t, string(street.File()))
	if len(hundred.Members) != 100 || len(hundred.Meters().All()) < 180 || len(hundred.Meters().All()) > 300 {
		t.Fatalf("%d homes with %d meters", len(hundred.Members), len(hundred.Meters().All()))
	}
	longer := street
	longer.Homes, longer.Meters = 0, 777
	if n := len(parse(t, string(longer.File())).Meters().All()); n != 777 {
		t.Fatalf("%d meters instead of 777", n)
	}
	if !strings.HasPrefix(string(longer.File()), string(street.File())) {
		t.Fatal("the first hundred homes are others when more are asked for")
	}
}

// Each kind of device behaves over a winter and a summer week as such devices do: heat
// pumps in the cold, sun by day, cars in the evening, and no home beyond its connection.
func TestStreetIsSensible(t *testing.T) {
	c := parse(t, string(street.File()))
	winter, summer := weekOf(c, time.January), weekOf(c, time.June)
	heat, cool := winter[grid.HeatPump], summer[grid.HeatPump]
	if heat.per(24) < 8_000 || heat.per(24) > 80_000 || cool.imported*5 > heat.imported {
		t.Errorf("a heat pump takes %d Wh on a day of January and %d in June", heat.per(24), cool.per(24))
	}
	if sun := summer[grid.Solar]; sun.exported < 3*winter[grid.Solar].exported || sun.imported != 0 || sun.night != 0 {
		t.Errorf("the sun: %+v in June, %+v in January", sun, winter[grid.Solar])
	}
	if car := summer[grid.Charger]; car.per(24) < 3_000 || car.per(24) > 15_000 || car.exported != 0 || car.evening*2 < car.imported {
		t.Errorf("a car takes %d Wh a day, and %d of %d Wh in the evening", car.per(24), car.evening, car.imported)
	}
	if cell := summer[grid.Battery]; cell.exported >= cell.imported || cell.exported*10 < cell.imported*7 {
		t.Errorf("batteries give %d Wh of %d", cell.exported, cell.imported)
	}
	if home := winter[grid.Meter]; home.most > 24_000*5/60 {
		t.Errorf("a home takes %d Wh in five minutes from a connection of 24 kW", home.most)
	}
}

// total is what all devices of a kind counted in a week.
type total struct {
	devices                            int
	imported, exported, evening, night quantity.Energy
	most                               quantity.Energy // In one interval.
}

// per is what one device takes in some hours, on the average.
func (t total) per(hours int) quantity.Energy {
	return t.imported * quantity.Energy(hours) / quantity.Energy(7*24*t.devices)
}

// weekOf lets the street live for the first week of a month of 2026.
func weekOf(c *community.Community, month time.Month) map[grid.Kind]total {
	from := time.Date(2026, month, 1, 0, 0, 0, 0, c.TimeZone)
	o := sim.Options{From: interval.Time(from.Unix()), To: interval.Time(from.AddDate(0, 0, 7).Unix()), Latitude: 50.6, Longitude: 7.2}
	sums, seen := map[grid.Kind]total{}, map[string]bool{}
	for _, r := range sim.Homes(street.Seed, c, o) {
		sums[kindOf(c, r)] = sums[kindOf(c, r)].with(r, time.Unix(int64(r.Start), 0).In(c.TimeZone).Hour(), !seen[r.Meter])
		seen[r.Meter] = true
	}
	return sums
}

func kindOf(c *community.Community, r gateway.Reading) grid.Kind {
	m, _ := c.Meters().Get(r.Meter)
	return m.Kind
}

// with adds a reading.
func (t total) with(r gateway.Reading, hour int, first bool) total {
	if first {
		t.devices++
	}
	t.imported += r.Import
	t.exported += r.Export
	t.most = max(t.most, r.Import)
	if hour >= 16 {
		t.evening += r.Import
	}
	if hour < 3 || hour >= 23 {
		t.night += r.Export
	}
	return t
}
