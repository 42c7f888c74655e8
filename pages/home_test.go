package pages_test

import (
	"testing"
)

// What a home is told is what its pages say, of the last settled interval and its day;
// where nothing is settled, nothing is told.
func TestHome(t *testing.T) {
	w := newTown(t, "2026-06-19 00:00", "2026-06-20 06:00")
	var all int64
	for _, m := range w.community.Members {
		name := m.Name
		account := w.community.Account(name)
		home, err := w.Home(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		today, err := w.Today(t.Context(), account, "2026-06-20")
		if err != nil {
			t.Fatal(err)
		}
		month, err := w.Month(t.Context(), account, "2026-06")
		if err != nil {
			t.Fatal(err)
		}
		var taken, given int64
		for _, l := range today.Lines {
			switch l.Name {
			case "neighbour_bought", "utility_bought":
				taken += l.Energy.Wh
			case "neighbour_sold", "utility_sold":
				given += l.Energy.Wh
			}
		}
		last := today.Intervals[23]
		if home.Settled != w.on("2026-06-20 06:00") || home.Name != name || home.Taken.Wh != taken || home.Given.Wh != given ||
			home.Balance != today.Balance || home.Month != month.Balance || home.Estimated != last.Estimated || *home.Utility != today.Tariff.Retail ||
			(home.Price == nil) != (last.Price == nil) || home.Price != nil && *home.Price != *last.Price {
			t.Errorf("%s is told %+v, and the page says %+v", name, home, last)
		}
		all += taken + given
	}
	if all == 0 {
		t.Error("nobody took or gave anything")
	}
	silent := silentTown(t, "../examples/riverside.toml", "2026-06-20 00:00", "2026-06-20 06:00")
	if err := silent.node.Seen(t.Context(), silent.node.Height()); err != nil {
		t.Fatal(err)
	}
	home, err := silent.Home(t.Context(), silent.community.Account(silent.community.Members[0].Name))
	if err != nil || home.Settled != 0 || home.Utility != nil {
		t.Errorf("%+v, %v", home, err)
	}
}
