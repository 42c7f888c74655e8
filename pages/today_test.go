package pages_test

import (
	"context"
	"testing"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/sim"
)

// The week in which the clocks go forward, of every member: what is shown in parts
// sums to what is shown in all, and the bars are the sentence.
func TestShownPartsSum(t *testing.T) {
	w := newTown(t, "2026-03-27 00:00", "2026-03-31 12:00")
	for _, m := range w.community.Members {
		for date, intervals := range map[string]int{"2026-03-27": 96, "2026-03-29": 92, "2026-03-31": 96} {
			d := w.day(t, m.Name, date)
			if len(d.Intervals) != intervals {
				t.Errorf("%s has %d intervals", date, len(d.Intervals))
			}
			checkDay(t, m.Name+" "+date, d)
		}
		checkMonth(t, w, m.Name)
	}
}

// checkDay checks that a day's figures agree.
func checkDay(t *testing.T, name string, d pages.Today) {
	t.Helper()
	same := func(what string, total pages.Energy, parts []pages.Part) {
		t.Helper()
		var wh, shown, share int64
		for _, p := range parts {
			wh, shown, share = wh+p.Energy.Wh, shown+p.Energy.Shown, share+p.Share
		}
		if wh != total.Wh || shown != total.Shown || total.Wh > 0 && share != 1000 {
			t.Errorf("%s: %s are %d Wh, shown %d, %d‰; in all %+v", name, what, wh, shown, share, total)
		}
	}
	same("sources", d.Used, d.Sources)
	same("sinks", d.Produced, d.Sinks)
	same("loads", d.Used, d.Loads)
	var bars, amount, alone int64
	for _, s := range d.Intervals {
		if s.State == pages.Settled {
			bars += s.Roof + s.Battery + s.Neighbours + s.Grid
			amount, alone = amount+s.Amount, alone+s.Alone
		}
	}
	if bars != d.Used.Wh || amount != d.Balance.Units || amount-alone != d.Better.Units {
		t.Errorf("%s: the bars say %d Wh, %d, %d better; the sums %+v, %+v, %+v", name, bars, amount, amount-alone, d.Used, d.Balance, d.Better)
	}
	var units, cents int64
	for _, l := range d.Lines {
		units, cents = units+l.Amount.Units, cents+l.Amount.Shown
	}
	if units != d.Balance.Units || cents != d.Balance.Shown {
		t.Errorf("%s: the lines are %d and show %d, the balance %+v", name, units, cents, d.Balance)
	}
	streams := map[string]int64{}
	for _, f := range d.Flows {
		streams["from "+f.From] += f.Energy.Shown
		streams["to "+f.To] += f.Energy.Shown
	}
	for _, l := range d.Lines {
		stream := map[string]string{
			"neighbour_sold": "to neighbours", "utility_sold": "to grid", "neighbour_bought": "from neighbours", "utility_bought": "from grid",
		}[l.Name]
		if stream != "" && streams[stream] != l.Energy.Shown {
			t.Errorf("%s: the line %s shows %d, the streams %d", name, l.Name, l.Energy.Shown, streams[stream])
		}
	}
	home := int64(0)
	for _, f := range d.Flows {
		if f.To == "home" {
			home += f.Energy.Shown
		}
	}
	if home != d.Used.Shown {
		t.Errorf("%s: the flows into the home show %d, used is %d", name, home, d.Used.Shown)
	}
}

// checkMonth checks that a month is the sum of its days.
func checkMonth(t *testing.T, w *town, member string) {
	t.Helper()
	m, err := w.Month(context.Background(), w.community.Account(member), "2026-03")
	if err != nil {
		t.Fatal(err)
	}
	var used, produced pages.Energy
	var balance, better pages.Money
	for _, d := range m.Days {
		day := w.day(t, member, d.Date)
		if day.Used != d.Used || day.Produced != d.Produced || day.Balance != d.Balance || day.Better != d.Better {
			t.Errorf("%s %s: the day says %+v %+v %+v %+v, the month %+v %+v %+v %+v", member, d.Date,
				day.Used, day.Produced, day.Balance, day.Better, d.Used, d.Produced, d.Balance, d.Better)
		}
		if d.Earned.Shown+d.Paid.Shown != d.Balance.Shown || d.Earned.Units+d.Paid.Units != d.Balance.Units {
			t.Errorf("%s %s: earned %+v and paid %+v, balance %+v", member, d.Date, d.Earned, d.Paid, d.Balance)
		}
		if d.Roof.Shown+d.Battery.Shown+d.Neighbours.Shown+d.Grid.Shown != d.Used.Shown {
			t.Errorf("%s %s: %+v", member, d.Date, d)
		}
		used, produced = pages.Energy{Wh: used.Wh + d.Used.Wh, Shown: used.Shown + d.Used.Shown}, pages.Energy{Wh: produced.Wh + d.Produced.Wh, Shown: produced.Shown + d.Produced.Shown}
		balance = pages.Money{Units: balance.Units + d.Balance.Units, Shown: balance.Shown + d.Balance.Shown}
		better = pages.Money{Units: better.Units + d.Better.Units, Shown: better.Shown + d.Better.Shown}
	}
	if used != m.Used || produced != m.Produced || balance != m.Balance || better != m.Better {
		t.Errorf("%s: days sum to %+v %+v %+v %+v, the month is %+v %+v %+v %+v", member, used, produced, balance, better, m.Used, m.Produced, m.Balance, m.Better)
	}
	if m.Balance.Shown-m.Alone.Shown != m.Better.Shown {
		t.Errorf("%s: %+v less %+v is not %+v", member, m.Balance, m.Alone, m.Better)
	}
}

// A day of 100 quarter-hours, and days of which nothing is known.
func TestLongDay(t *testing.T) {
	w := newTown(t, "2025-10-26 00:00", "2025-10-26 12:00")
	d := w.day(t, "dario", "2025-10-26")
	if len(d.Intervals) != 100 || d.Progress.Settled != 52 || d.Progress.ToCome != 48 {
		t.Errorf("%d intervals, %+v", len(d.Intervals), d.Progress)
	}
	if d.Sun == nil || d.Sun.Rise < w.on("2025-10-26 06:50") || d.Sun.Rise > w.on("2025-10-26 07:15") || d.Sun.Set < w.on("2025-10-26 17:05") || d.Sun.Set > w.on("2025-10-26 17:25") {
		t.Errorf("the sun: %+v", d.Sun)
	}
	for _, date := range []string{"2025-10-25", "2027-01-01"} {
		if d := w.day(t, "dario", date); d.Used.Wh != 0 || d.Progress.Settled != 0 || len(d.Lines) != 0 {
			t.Errorf("%s: %+v", date, d)
		}
	}
	for _, date := range []string{"", "2025-13-01", "2025-10-26T00:00", "../x"} {
		if _, err := w.Today(t.Context(), w.community.Account("dario"), date); !notFound(err) {
			t.Errorf("%q: %v", date, err)
		}
	}
	if _, err := w.Today(t.Context(), 12345, "2025-10-26"); !notFound(err) {
		t.Errorf("nobody's day: %v", err)
	}
}

// What comes late is a revision, with what it was before; what is read and not
// complete is provisional.
func TestLateAndProvisional(t *testing.T) {
	w := newTown(t, "2026-06-19 00:00", "2026-06-20 12:00")
	late := w.on("2026-06-20 09:00")
	w.book(t, []gateway.Reading{{Meter: "bela", Start: late, Length: w.community.Length, Import: 777, Quality: gateway.Actual}})
	d := w.day(t, "bela", "2026-06-20")
	if len(d.Revisions) != 1 || d.Revisions[0].Start != late || d.Revisions[0].Revision != 2 || d.Revisions[0].Used.Wh != 777 {
		t.Fatalf("revisions %+v", d.Revisions)
	}
	for _, s := range d.Intervals {
		if s.Start == late && (s.Revision != 2 || s.Neighbours+s.Grid != 777 || s.Amount != d.Revisions[0].After.Units) {
			t.Errorf("%+v, revised %+v", s, d.Revisions[0])
		}
	}
	checkDay(t, "bela", d)

	noon := w.on("2026-06-20 12:00")
	all := sim.Homes(7, w.community, sim.Options{From: noon, To: noon + interval.Time(w.community.Length), Latitude: 50.6, Longitude: 7.2})
	var some []gateway.Reading
	for _, r := range all {
		if r.Meter != "luis" {
			some = append(some, r)
		}
	}
	w.book(t, some)
	d = w.day(t, "dario", "2026-06-20")
	if d.Progress.Provisional != 1 || d.Progress.Settled != 48 || d.Progress.ToCome != 47 {
		t.Errorf("%+v", d.Progress)
	}
	expected := 0
	for _, s := range d.Intervals {
		if s.State == pages.Expected {
			expected++
		}
	}
	if expected != 47 {
		t.Errorf("%d intervals are expected", expected)
	}
}
