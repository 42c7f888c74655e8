package metering

import (
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
)

// TestExceptions reports what is suspicious: when it begins to be, again while it
// goes on, and when it ends.
func TestExceptions(t *testing.T) {
	run := func(what string, hours int, values func(n int) []Value, want ...string) {
		t.Helper()
		w := founded(t)
		var got []string
		for n := range hours {
			w.Must(t, gateway, record(n, values(n)...))
			_, odd := w.close(t)
			got = append(got, odd...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	changing := func(n int) quantity.Energy { return quantity.Energy(100 + n) }
	run("nothing", 50, func(n int) []Value { return all(changing(n)) })
	run("a home that takes nothing for half a day, and for another whole one", 40,
		func(n int) []Value {
			return []Value{actual(meter1, 0, 0), actual(meter2, changing(n), 0), actual(solar, 0, changing(n))}
		},
		"41: 4 from 0 to 11, 0/0", "41: 4 from 0 to 35, 0/0")
	run("above the connection, and above the panels", 1,
		func(int) []Value {
			return []Value{actual(meter1, 10_001, 0), actual(meter2, 10_000, 0), actual(solar, 0, 5001)}
		},
		"41: 3 from 0 to 0, 10001/0", "43: 3 from 0 to 0, 0/5001")
	run("fourteen hours of the same value, and what comes after", 20,
		func(n int) []Value {
			return []Value{actual(meter1, changing(n), 0), actual(meter2, changing(min(n, 5)+n/19), 7), actual(solar, 0, changing(n))}
		},
		"42: 4 from 5 to 16, 105/7", "42: 4 from 5 to 18, 106/7")
	run("eleven hours, and again eleven", 30,
		func(n int) []Value {
			return []Value{actual(meter1, changing(n/11), 0), actual(meter2, changing(n), 0), actual(solar, 0, changing(n))}
		})
	run("panels alone have nights", 120,
		func(n int) []Value {
			sun := changing(n)
			if n%24 < 14 {
				sun = 0
			}
			return []Value{actual(meter1, changing(n), 0), actual(meter2, changing(n), 0), actual(solar, 0, sun)}
		})
	run("panels alone are dark after three days", 80,
		func(n int) []Value {
			return []Value{actual(meter1, changing(n), 0), actual(meter2, changing(n), 0), actual(solar, 0, changing(3-min(n, 4))-99)}
		},
		"43: 5 from 4 to 75, 0/0")
}

// TestPeersSayWhatIsDark adds panels: those that make nothing for six hours in
// which half of all produce are reported; nights do not count.
func TestPeersSayWhatIsDark(t *testing.T) {
	w := founded(t)
	w.Must(t, operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: 44, Point: home2, Kind: grid.Solar, From: start}))
	var got []string
	for n := range 48 {
		sun := quantity.Energy(0)
		if n%24 >= 4 && n%24 < 8 { // Four hours a day.
			sun = quantity.Energy(100 + n)
		}
		w.Must(t, gateway, record(n, actual(meter1, quantity.Energy(n), 0), actual(meter2, quantity.Energy(n), 0), actual(solar, 0, sun), actual(44, 0, 0)))
		_, odd := w.close(t)
		got = append(got, odd...)
	}
	if want := []string{"44: 5 from 4 to 29, 0/0"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
