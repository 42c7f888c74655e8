package pages_test

import (
	"testing"

	"github.com/commonwatt/commonwatt/pages"
)

// A year has a place for each of its intervals, and its months sum to what its days
// say.
func TestYear(t *testing.T) {
	w := newTown(t, "2026-05-31 00:00", "2026-06-02 12:00")
	m := w.community.Microgrid()
	y, err := w.Year(t.Context(), pages.Viewer{}, m, 2026)
	if err != nil {
		t.Fatal(err)
	}
	if len(y.Demand) != 35_040 || len(y.Supply) != len(y.Demand) || y.Settled != 2*96+48 || len(y.Months) != 2 {
		t.Fatalf("%d intervals, %d settled, months %+v", len(y.Demand), y.Settled, y.Months)
	}
	if at := (w.on("2026-06-02 12:00") - y.Start) / 900; y.Demand[at] != -1 || y.Demand[at-1] < 0 {
		t.Errorf("what is not settled says %d, what is %d", y.Demand[at], y.Demand[at-1])
	}
	may, err := w.Community(t.Context(), w.who("visitor"), m, "2026-05-31")
	if err != nil {
		t.Fatal(err)
	}
	if got := y.Months[0]; got.Month != "2026-05" || got.Demand.Wh != may.Demand.Wh || got.Traded != may.Traded || got.Local != may.Local {
		t.Errorf("May is %+v, its only day %+v", got, may)
	}
	var traded int64
	for _, wh := range y.Traded {
		traded += max(wh, 0)
	}
	if sum := y.Months[0].Traded.Wh + y.Months[1].Traded.Wh; sum != traded {
		t.Errorf("months sum to %d, intervals to %d", sum, traded)
	}
	if empty, err := w.Year(t.Context(), pages.Viewer{}, m, 2020); err != nil || empty.Settled != 0 || len(empty.Demand) != 366*96 {
		t.Errorf("a year without anything: %d, %v", empty.Settled, err)
	}
	if _, err := w.Year(t.Context(), pages.Viewer{}, m, -3); !notFound(err) {
		t.Errorf("year -3: %v", err)
	}
}
