package pages_test

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

const street = `[community]
name = "Street"
interval_minutes = 15
time_zone = "Europe/Berlin"
[tariff]
retail = 0.32
feed_in = 0.08
[[zone]]
id = "street"
feeder = "transformer"
[[member]]
name = "anna"
capacity_kw = 8
[[member]]
name = "bela"
capacity_kw = 8
[[member]]
name = "cleo"
capacity_kw = 8
`

const (
	quarter = interval.Time(interval.Minutes15)
	week    = 672 // Quarters.
)

// usual is what a home takes in a quarter of the street's weeks: little by night, more in
// the evening, and on no two quarters of a week the same.
func usual(n int) quantity.Energy {
	hour := n % 96 / 4
	if hour < 6 {
		return quantity.Energy(40 + n%week)
	}
	return quantity.Energy(200 + 30*hour + n%week)
}

// weeks are readings of the street from one quarter to another, with the feeder meter's.
func (w *town) weeks(from interval.Time, first, last int, anna bool) (list []gateway.Reading) {
	for n := first; n < last; n++ {
		feeder := quantity.Energy(0)
		for i, home := range []string{"anna", "bela", "cleo"} {
			wh := usual(n) + quantity.Energy(i)
			feeder += wh
			if home == "anna" && !anna {
				continue
			}
			list = append(list, gateway.Reading{Meter: home, Start: from + interval.Time(n)*quarter, Length: interval.Minutes15, Import: wh, Quality: gateway.Actual})
		}
		list = append(list, gateway.Reading{Meter: "transformer", Start: from + interval.Time(n)*quarter, Length: interval.Minutes15, Import: feeder, Quality: gateway.Actual})
	}
	return list
}

// exceptionsOf are those of a month in short, by meter.
func (w *town) exceptionsOf(t *testing.T, month string) (list []string) {
	t.Helper()
	e, err := w.Exceptions(t.Context(), w.who("operator"), w.community.Microgrid(), month)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range e.Meters {
		for _, x := range m.Exceptions {
			list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s/%s %d×%d/%d %s %d", m.Meter, x.Class, x.Reason, x.Count, x.Import, x.Export, x.Way, x.Days)))
		}
	}
	if n := len(e.Meters); e.Settled == 0 || e.Open > n {
		t.Errorf("%+v", e)
	}
	return list
}

// balanced fails unless the bills of a month sum to zero, to the unit, and returns what
// a member owes.
func (w *town) balanced(t *testing.T, month, member string) (owed int64) {
	t.Helper()
	o, err := w.Operation(t.Context(), w.who("operator"), w.community.Microgrid(), month)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, m := range o.Members {
		sum += m.Balance.Units
		if m.Name == member {
			owed = -m.Balance.Units
		}
	}
	for _, r := range o.Received {
		sum += r.Amount.Units
	}
	if sum != 0 || len(o.Members) != 3 {
		t.Errorf("the bills of %s sum to %d", month, sum)
	}
	return owed
}

// measured is what a member's meter said from one quarter to another: in all, and how
// many quarters of it were measured.
func (w *town) measured(t *testing.T, member string, from interval.Time, first, last int) (sum quantity.Energy, actual int) {
	t.Helper()
	list, err := w.Readings(t.Context(), w.community.Account(member), "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if n := int((r.Start - from) / quarter); n >= first && n < last {
			sum += r.Import
			if r.Quality == gateway.Actual {
				actual++
			}
		}
	}
	return sum, actual
}

// TestThreeWeeksDead lets anna's meter be silent for three weeks, with the day of 92
// quarters in them. Each quarter is settled on a like one. Then the readings of two weeks come
// in a file and the third as a difference of registers: all is corrected, every bill still adds up
// to the unit, and the exceptions say what happened and what was done.
func TestThreeWeeksDead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "street.toml")
	if err := os.WriteFile(file, []byte(street), 0o600); err != nil {
		t.Fatal(err)
	}
	w := silentTown(t, file, "2026-03-09 00:00", "2026-04-05 23:45")
	from := w.on("2026-03-09 00:00")
	w.book(t, w.weeks(from, 0, week, true))
	w.book(t, w.weeks(from, week, 4*week, false))
	end := from + 4*week*quarter
	if err := w.operator.Lapse(t.Context(), w.community.Microgrid(), end); err != nil {
		t.Fatal(err)
	}
	w.settle(t, end)

	if sum, actual := w.measured(t, "anna", from, week, 4*week); sum != 3*usualWeek(0) || actual != 0 {
		t.Errorf("estimated are %d Wh, want %d; %d are called measured", sum, 3*usualWeek(0), actual)
	}
	before := w.balanced(t, "2026-03", "anna") + w.balanced(t, "2026-04", "anna")
	want := []string{ // The month begins in the third week; its last day is in summer time.
		fmt.Sprintf("anna missing/missing 672×%d/0 like_day 14", usualWeek(0)),
		fmt.Sprintf("anna missing/missing 672×%d/0 like_day 7", usualWeek(0)),
	}
	if got := w.exceptionsOf(t, "2026-03"); !slices.Equal(got[1:], want) || !strings.HasPrefix(got[0], "anna missing/missing 188×") || !strings.HasSuffix(got[0], "like_day 21") {
		t.Errorf("%q, want %q and the part of the last week", got, want)
	}

	bill, err := w.Month(t.Context(), w.community.Account("anna"), "2026-03")
	if err != nil || bill.EstimatedCount != 2*week+188 || bill.Corrections.Units != 0 {
		t.Errorf("the bill rests on %d estimates, its corrections are %d, %v", bill.EstimatedCount, bill.Corrections.Units, err)
	}

	var readings []gateway.Reading
	for n := week; n < 3*week; n++ {
		readings = append(readings, gateway.Reading{Meter: "anna", Start: from + interval.Time(n)*quarter, Length: interval.Minutes15, Import: usual(n) + 7, Quality: gateway.Actual})
	}
	w.book(t, readings)
	const counted = 700_001
	w.registers(t, "anna", from, 3*week-1, 4*week-1, counted)
	w.settle(t, end)

	if sum, actual := w.measured(t, "anna", from, week, 3*week); sum != 2*usualWeek(0)+2*week*7 || actual != 2*week {
		t.Errorf("two weeks are %d Wh, %d of them measured", sum, actual)
	}
	if sum, actual := w.measured(t, "anna", from, 3*week, 4*week); sum != counted || actual != 0 {
		t.Errorf("the third week is %d Wh, %d of them measured, want what the registers counted, %d", sum, actual, counted)
	}
	night, _ := w.measured(t, "anna", from, 3*week, 3*week+24)
	evening, _ := w.measured(t, "anna", from, 3*week+72, 3*week+96)
	if 3*night > evening {
		t.Errorf("nights have %d Wh and evenings %d: it is not spread as on like days", night, evening)
	}
	after := w.balanced(t, "2026-03", "anna") + w.balanced(t, "2026-04", "anna")
	retail := int64(320) // Units per Wh; nobody in the street gives anything.
	if diff := after - before; diff != retail*int64(2*week*7+counted-usualWeek(0)) {
		t.Errorf("the corrections come to %d", diff)
	}
	april, err := w.Month(t.Context(), w.community.Account("anna"), "2026-04")
	if err != nil {
		t.Fatal(err)
	}
	if bill, err = w.Month(t.Context(), w.community.Account("anna"), "2026-03"); err != nil || bill.EstimatedCount != 188 ||
		bill.Corrections.Units+april.Corrections.Units != before-after || len(bill.Revisions) != 100 {
		t.Errorf("the bill rests on %d estimates, its corrections are %d, %d are listed, %v", bill.EstimatedCount, bill.Corrections.Units, len(bill.Revisions), err)
	}
	for _, x := range w.exceptionsOf(t, "2026-04") {
		if !strings.Contains(x, " told/") {
			t.Errorf("all is corrected, and %q is not", x)
		}
	}
}

// TestDaysOfAllLengths has days of 92, 96 and 100 quarters in which anna's meter is silent
// for the two hours of the change, says less than nothing in one quarter and too much after
// another gap; then the readings come, and one of them once more. Each quarter of the day is
// there once, and the bills add up all along.
func TestDaysOfAllLengths(t *testing.T) {
	file := filepath.Join(t.TempDir(), "street.toml")
	if err := os.WriteFile(file, []byte(street), 0o600); err != nil {
		t.Fatal(err)
	}
	for date, quarters := range map[string]int{"2026-03-28": 96, "2026-03-29": 92, "2025-10-26": 100} {
		w := silentTown(t, file, date+" 00:00", date+" 23:45")
		from := w.on(date + " 00:00")
		end := from + interval.Time(quarters)*quarter
		all := w.weeks(from, 0, quarters, true)
		silent := func(n int) bool { return n >= 4 && n < 12 || n == 20 || n >= 40 && n < 44 }
		var read, late []gateway.Reading
		for _, r := range all {
			n := int((r.Start - from) / quarter)
			if r.Meter == "anna" && (silent(n) || n == 44) {
				late = append(late, r)
			}
			switch {
			case r.Meter == "anna" && n == 20:
				r.Import = -1
			case r.Meter == "anna" && n == 44: // What it counted since, and 8 kW are 2000 Wh.
				r.Import = 5000
			case r.Meter == "anna" && silent(n):
				continue
			}
			read = append(read, r)
		}
		w.book(t, read)
		if err := w.operator.Lapse(t.Context(), w.community.Microgrid(), end); err != nil {
			t.Fatal(err)
		}
		w.settle(t, end)
		want := []string{
			fmt.Sprintf("anna missing/missing 1×%d/0 interpolated 0", (usual(19)+usual(21))/2),
			"anna missing/negative 1×-1/0  0",
			fmt.Sprintf("anna missing/missing 8×%d/0 interpolated 0", line(usual(3), usual(12), 8)),
			"anna suspicious/spike 5×5000/0 evenly 0",
		}
		if got := w.exceptionsOf(t, date[:7]); len(got) != 5 || !slices.Equal(got[:4], want) {
			t.Errorf("%s: %q, want %q", date, got, want)
		}
		if sum, _ := w.measured(t, "anna", from, 40, 45); sum != 5000 {
			t.Errorf("%s: the gap before the spike has %d Wh with it, want 5000", date, sum)
		}
		w.balanced(t, date[:7], "anna")
		w.book(t, late)
		late[0].Import++
		w.book(t, late[:1])
		w.settle(t, end)
		sum, actual := w.measured(t, "anna", from, 0, quarters)
		want1 := quantity.Energy(1)
		for n := range quarters {
			want1 += usual(n)
		}
		d := w.day(t, "anna", date)
		if sum != want1 || actual != quarters || len(d.Intervals) != quarters || d.Progress.Settled != quarters || d.Used.Wh != int64(want1) {
			t.Errorf("%s: %d Wh, want %d; %d of %d intervals are measured, %+v", date, sum, want1, actual, len(d.Intervals), d.Progress)
		}
		if owed := w.balanced(t, date[:7], "anna"); owed != 320*int64(want1) {
			t.Errorf("%s: anna owes %d", date, owed)
		}
	}
}

// line is the sum of what lies on a line between two values, each rounded down.
func line(left, right quantity.Energy, between int) (sum quantity.Energy) {
	for i := 1; i <= between; i++ {
		sum += (left*quantity.Energy(between+1-i) + right*quantity.Energy(i)) / quantity.Energy(between+1)
	}
	return sum
}

// usualWeek is what a home takes in a week of the street's, with more Wh in each quarter.
func usualWeek(more int) (sum quantity.Energy) {
	for n := range week {
		sum += usual(n) + quantity.Energy(more)
	}
	return sum
}

// settle waits until all is settled up to a moment, and seen.
func (w *town) settle(t *testing.T, end interval.Time) {
	t.Helper()
	err := w.operator.Settled(t.Context(), w.community.Microgrid(), end, func(interval.Time) {})
	if err == nil {
		err = w.node.Rest(t.Context())
	}
	if err == nil {
		err = w.node.Seen(t.Context(), w.node.Height())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// registers lets a member's meter have a key, and say at the ends of two quarters what its
// register counted in between.
func (w *town) registers(t *testing.T, member string, from interval.Time, first, last int, counted quantity.Energy) {
	t.Helper()
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	m := device.Message{
		Version: 1, Microgrid: w.community.Microgrid(), Device: w.community.DeviceID(member), Epoch: 1, Sequence: 1,
		Start: from + interval.Time(first)*quarter, Duration: uint32(quarter), Quality: metering.Actual, Clock: device.Synchronised,
	}
	deliver, chain := device.Deliver{Microgrid: m.Microgrid}, ""
	w.node.Read(func(_ state.Reader, head machine.Head) { chain = head.ChainID })
	for range 2 {
		raw, err := device.Sign(m, chain, key)
		if err != nil {
			t.Fatal(err)
		}
		deliver.Messages = append(deliver.Messages, raw)
		m.Sequence, m.Start, m.Import = 2, from+interval.Time(last)*quarter, counted
	}
	err := w.operator.Submit(t.Context(), []tx.Operation{
		device.EnrolKeyKind.Encode(device.EnrolKey{Microgrid: m.Microgrid, Device: m.Device, Key: key.Public().(ed25519.PublicKey)}),
		device.DeliverKind.Encode(deliver),
	})
	if err != nil {
		t.Fatal(err)
	}
}
