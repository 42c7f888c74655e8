package pages_test

import (
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/sim"
)

// A household's readings are those that were booked, and nobody else's; days are
// those of the community's clock.
func TestReadings(t *testing.T) {
	w := newTown(t, "2026-03-28 00:00", "2026-03-30 12:00")
	booked := sim.Homes(7, w.community, sim.Options{From: w.on("2026-03-28 00:00"), To: w.on("2026-03-30 12:00"), Latitude: 50.6, Longitude: 7.2})
	for _, m := range w.community.Members {
		for _, days := range []struct{ from, to, first, end string }{
			{"", "", "2026-03-28 00:00", "2026-03-30 12:00"},
			{"2026-03-29", "2026-03-29", "2026-03-29 00:00", "2026-03-30 00:00"}, // 23 hours.
			{"2026-03-30", "", "2026-03-30 00:00", "2026-03-30 12:00"},
			{"", "2026-03-28", "2026-03-28 00:00", "2026-03-29 00:00"},
			{"2026-05-01", "2026-05-02", "2026-05-01 00:00", "2026-05-01 00:00"},
		} {
			want := slices.DeleteFunc(slices.Clone(booked), func(r gateway.Reading) bool {
				meter, _ := w.community.Meters().Get(r.Meter)
				return meter.Member != m.Name || r.Start < w.on(days.first) || r.Start >= w.on(days.end)
			})
			got, err := w.Readings(t.Context(), w.community.Account(m.Name), days.from, days.to)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%s %v: %d readings, want %d, %v", m.Name, days, len(got), len(want), err)
			}
		}
	}
	anybody := w.community.Account(w.community.Members[0].Name)
	for _, days := range [][2]string{{"x", ""}, {"", "2026-13-01"}, {"2026-03-30", "2026-03-29"}} {
		if _, err := w.Readings(t.Context(), anybody, days[0], days[1]); !notFound(err) {
			t.Errorf("%v: %v", days, err)
		}
	}
	if _, err := w.Readings(t.Context(), 12345, "", ""); !notFound(err) {
		t.Errorf("of nobody: %v", err)
	}
}
