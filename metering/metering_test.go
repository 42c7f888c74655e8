package metering

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// The accounts and numbers of these tests: two homes with a meter each, and
// solar panels behind the first.
const (
	operator tx.AccountID = 1
	gateway  tx.AccountID = 5
	ann      tx.AccountID = 6

	town   grid.MicrogridID = 10
	home1  grid.PointID     = 31
	home2  grid.PointID     = 32
	meter1 grid.DeviceID    = 41
	meter2 grid.DeviceID    = 42
	solar  grid.DeviceID    = 43
	euro   ledger.AssetID   = 978 // ISO 4217.

	hour  = interval.Time(interval.Minutes60)
	start = 27 * hour
)

// world is where operations on meters are tried.
type world struct{ *optest.World }

// founded is a world with the town; corrections are taken for a day.
func founded(t testing.TB) world {
	t.Helper()
	return foundedFor(t, 1)
}

// foundedFor is founded for corrections of some days.
func foundedFor(t testing.TB, days uint32) world {
	t.Helper()
	w := optest.NewWorld(t, party.Ops, ledger.Ops, grid.Ops, Ops)
	for a := operator; a <= ann; a++ {
		w.Must(t, operator, party.OpenKind.Encode(party.Open{Account: a}))
	}
	w.Must(t, operator,
		ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: town, Root: 20, Currency: euro, Gateway: gateway, Utility: 2, Network: 3, Levy: 4,
			Length: interval.Minutes60, Start: start, Grace: 1800, Correction: days * 24 * 3600,
		}))
	for _, p := range []grid.PointID{home1, home2} {
		w.Must(t, operator, grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: p, Zone: 20, Account: ann, CapacityW: 10_000, From: start}))
	}
	for d, p := range map[grid.DeviceID]grid.PointID{meter1: home1, meter2: home2} {
		w.Must(t, operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: d, Point: p, Kind: grid.Meter, From: start}))
	}
	w.Must(t, operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: solar, Point: home1, Kind: grid.Solar, CapacityW: 5000, From: start}))
	w.Ctx.Time = start + 1000*hour
	return world{w}
}

// actual is what a device measured.
func actual(d grid.DeviceID, in, out quantity.Energy) Value {
	return Value{Device: d, Import: in, Export: out, Quality: Actual}
}

// all is an interval in which meter 1 took an amount, meter 2 gave half of it and
// the panels made as much as meter 2.
func all(in quantity.Energy) []Value {
	return []Value{actual(meter1, in, 0), actual(meter2, 0, in/2), actual(solar, 0, in/2)}
}

// at is the start of the nth interval.
func at(n int) interval.Time { return start + interval.Time(n)*hour }

func record(n int, values ...Value) tx.Operation {
	return RecordKind.Encode(Record{town, []Readings{{Start: at(n), Values: values}}})
}

// close ends the first open interval; it returns the exceptions, too.
func (w world) close(t testing.TB) ([]Position, []string) {
	t.Helper()
	m, _ := grid.At(w, town)
	w.Ctx.Take()
	positions := Close(&w.Ctx, w, town, m)
	grid.Advance(w, town)
	w.Keep()
	return positions, exceptions(w.Ctx.Take())
}

// exceptions are receipts in short: device, reason, from, to and energies.
func exceptions(receipts []op.Receipt) []string {
	var list []string
	for _, r := range receipts {
		if r.Kind == ExceptionReceipt.Kind {
			e := ExceptionReceipt.Read(r)
			line := fmt.Sprintf("%d: %d from %d to %d, %d/%d", e.Device, e.Reason, (e.From-start)/hour, (e.To-start)/hour, e.Import, e.Export)
			if e.Way != 0 {
				line += ", " + e.Way.String()
			}
			if e.Days != 0 {
				line += fmt.Sprintf(" %d", e.Days)
			}
			list = append(list, line)
		}
	}
	return list
}

func TestRecordPrecedence(t *testing.T) {
	w := founded(t)
	for range 26 {
		w.close(t)
	}
	w.Must(t, gateway, record(30, all(10)...))
	good := Record{town, []Readings{{Start: at(30), Values: []Value{actual(meter1, MaxEnergy, 0), {Device: meter2, Quality: Final}}}}}
	good.Intervals[0].Values[1].Quality = Actual
	optest.Precedence(t, w.World, gateway, RecordKind, good, []optest.Broken[Record]{
		{ErrOverwrite, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Values[1].Quality = Substituted }},
		{ErrFinal, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Start = at(0) }},
		{ErrDevice, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Values[1].Device = 44 }},
		{ErrBeforeStart, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Start = at(-1) }},
		{ErrFuture, func(w *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Start = w.Ctx.Time }},
		{ErrFuture, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Start = 1<<63 - 1 - (1<<63-1)%hour }},
		{ErrAlignment, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Start++ }},
		{ErrNotGateway, func(_ *optest.World, signer *tx.AccountID, _ *Record) { *signer = ann }},
		{ErrMicrogrid, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Microgrid++ }},
		{ErrQuality, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Values[1].Quality = 'V' }},
		{ErrTooLarge, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Values[1].Export = MaxEnergy + 1 }},
		{ErrTooLarge, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Values[1].Import = -MaxEnergy - 1 }},
		{ErrOrder, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Values[1].Device = meter1 }},
		{ErrNoReadings, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals[0].Values = nil }},
		{ErrNoReadings, func(_ *optest.World, _ *tx.AccountID, o *Record) { o.Intervals = nil }},
	})
}

func TestRecordTakesIntervalsInOrder(t *testing.T) {
	w := founded(t)
	for _, starts := range [][2]int{{1, 1}, {2, 1}} {
		twice := RecordKind.Encode(Record{town, []Readings{{Start: at(starts[0]), Values: all(1)}, {Start: at(starts[1]), Values: all(1)}}})
		if _, err := w.Try(gateway, twice); err != ErrOrder { //nolint:errorlint // This very refusal.
			t.Errorf("intervals %v: %v, want %v", starts, err, ErrOrder)
		}
	}
}

// TestClockAheadOfTheBlock takes a reading that ends up to two minutes after the
// block's time.
func TestClockAheadOfTheBlock(t *testing.T) {
	w := founded(t)
	for skew, want := range map[interval.Time]error{MaxSkew: nil, MaxSkew + 1: ErrFuture} {
		w.Ctx.Time = at(1) - skew
		if _, err := w.Try(gateway, record(0, all(1)...)); err != want { //nolint:errorlint // This very refusal.
			t.Errorf("%d s ahead: %v, want %v", skew, err, want)
		}
		w.Undo()
	}
}

func TestLapsePrecedence(t *testing.T) {
	optest.Precedence(t, founded(t).World, operator, LapseKind, Lapse{town, at(5)}, []optest.Broken[Lapse]{
		{ErrLapseFuture, func(w *optest.World, _ *tx.AccountID, o *Lapse) { o.Until = w.Ctx.Time + 1 }},
		{ErrLapseSigner, func(_ *optest.World, signer *tx.AccountID, _ *Lapse) { *signer = gateway }},
		{ErrLapseGrid, func(_ *optest.World, _ *tx.AccountID, o *Lapse) { o.Microgrid++ }},
	})
}

// due reports whether the nth interval is complete and whether it is overdue.
func (w world) due(n int) [2]bool {
	m, _ := grid.At(w, town)
	return [2]bool{Complete(w, town, m, at(n)), Overdue(w, town, m, at(n))}
}

// TestDue follows an interval until it may be settled: complete with the last
// reading, or overdue by the meters' own clock, or when the operator says so.
func TestDue(t *testing.T) {
	w := founded(t)
	expect := func(what string, n int, want [2]bool) {
		t.Helper()
		if got := w.due(n); got != want {
			t.Errorf("%s: complete, overdue: %v, want %v", what, got, want)
		}
	}
	expect("nothing is there", 0, [2]bool{false, false})
	w.Must(t, gateway, record(0, all(10)[:2]...))
	expect("two of three", 0, [2]bool{false, false})
	w.Must(t, gateway, record(0, all(10)[1:]...)) // One of them again.
	expect("all three", 0, [2]bool{true, false})

	w.Must(t, gateway, record(2, all(10)[0]))
	expect("the meters are an hour further, the grace is half of one", 1, [2]bool{false, true})
	expect("the meters are just there", 2, [2]bool{false, false})
	w.Must(t, operator, LapseKind.Encode(Lapse{town, at(3) - 1}))
	expect("its last second is waited for", 2, [2]bool{false, false})
	w.Must(t, operator, LapseKind.Encode(Lapse{town, at(3)}))
	expect("nothing is waited for", 2, [2]bool{false, true})
	w.Must(t, operator, LapseKind.Encode(Lapse{town, at(1)}))
	expect("the clock does not go back", 2, [2]bool{false, true})
}

// TestEndedDevice ends a point whose meter was read already for later intervals:
// its reading counts neither for another device nor against those after it.
func TestEndedDevice(t *testing.T) {
	w := founded(t)
	w.Must(t, gateway, record(0, all(10)...), record(1, all(10)[:2]...))
	w.Must(t, operator, grid.DisconnectKind.Encode(grid.Disconnect{Microgrid: town, Point: home2, Until: at(1)}))
	w.close(t)
	if got := w.due(1); got[0] {
		t.Error("the panels have no reading, and the interval is complete")
	}
	w.Must(t, gateway, record(1, all(10)[2]))
	if got := w.due(1); !got[0] {
		t.Error("both devices that are left have readings, and the interval is not complete")
	}
	positions, odd := w.close(t)
	if want := []Position{{Point: home1, Account: ann, Zone: 20, Import: 10, Produced: 5, Renewable: true, Devices: []Measured{{solar, grid.Solar, 0, 5, false}}}}; !reflect.DeepEqual(positions, want) || odd != nil {
		t.Errorf("positions %v with %v, want %v", positions, odd, want)
	}
}

// TestEndedDeviceBefore ends the meter with the lowest number: the ones after it
// keep their readings.
func TestEndedDeviceBefore(t *testing.T) {
	w := founded(t)
	w.Must(t, gateway, record(0, all(10)...), record(1, all(10)...))
	w.Must(t, operator, grid.DisconnectKind.Encode(grid.Disconnect{Microgrid: town, Point: home1, Until: at(1)}))
	w.close(t)
	positions, odd := w.close(t)
	if want := []Position{{Point: home2, Account: ann, Zone: 20, Export: 5}}; !reflect.DeepEqual(positions, want) || odd != nil {
		t.Errorf("positions %v with %v, want %v", positions, odd, want)
	}
}

func TestClose(t *testing.T) {
	w := founded(t)
	w.Must(t, gateway, record(0, actual(meter1, 300, 20), Value{Device: meter2, Import: 5, Quality: Substituted}, actual(solar, 1, 700)))
	positions, odd := w.close(t)
	want := []Position{
		{Point: home1, Account: ann, Zone: 20, Import: 300, Export: 20, Produced: 700, Renewable: true, Devices: []Measured{{solar, grid.Solar, 1, 700, false}}},
		{Point: home2, Account: ann, Zone: 20, Import: 5, Estimated: true},
	}
	if !reflect.DeepEqual(positions, want) || odd != nil {
		t.Errorf("positions %v with %v, want %v", positions, odd, want)
	}
}

// TestEstimates leaves a day without readings: what a week ago, else the day
// before, else the hour before gave stands in, and says so.
func TestEstimates(t *testing.T) {
	w := founded(t)
	expect := func(what string, from quantity.Energy) {
		t.Helper()
		positions, odd := w.close(t)
		if len(odd) < 3 || !positions[0].Estimated || positions[0].Import != from || positions[1].Export != from/2 {
			t.Errorf("%s: positions %v with %v, want %d", what, positions, odd, from)
		}
	}
	expect("nothing was ever read", 0)
	for n := 1; n < 24; n++ {
		w.Must(t, gateway, record(n, all(quantity.Energy(1000+n))...))
		w.close(t)
	}
	expect("an estimate of yesterday is no measurement; the hour before is", 1023)
	expect("yesterday", 1001)
	for n := 26; n < 7*24; n++ {
		w.Must(t, gateway, record(n, all(quantity.Energy(2000+n))...))
		w.close(t)
	}
	expect("a week ago would be final: the day before", 2000+6*24)
}

// TestReadAgain keeps the last of two readings of an open interval, and shows
// what the first one said.
func TestReadAgain(t *testing.T) {
	w := founded(t)
	w.Must(t, gateway, record(0, Value{Device: meter1, Import: 1, Quality: Estimated}))
	if odd := exceptions(w.Must(t, gateway, record(0, actual(meter1, 10, 0)))); odd != nil {
		t.Errorf("a reading that replaces an estimate is reported: %v", odd)
	}
	receipts := w.Must(t, gateway, record(0, actual(meter1, 11, 0), actual(meter2, 3, 0)), record(0, actual(meter2, 3, 0)))
	if odd, want := exceptions(receipts), []string{"41: 6 from 0 to 0, 10/0"}; !slices.Equal(odd, want) {
		t.Errorf("%v, want %v", odd, want)
	}
	if got := RecordedReceipt.Read(receipts[len(receipts)-1]); got.Same != 1 || got.Values != 1 || got.Late != 0 {
		t.Errorf("a reading sent twice: %+v", got)
	}
	if positions, _ := w.close(t); positions[0].Import != 11 {
		t.Errorf("%d Wh are settled, want 11", positions[0].Import)
	}
}

// TestRevisions corrects a settled interval twice before it is settled again.
func TestRevisions(t *testing.T) {
	w := founded(t)
	w.Must(t, gateway, record(0, all(10)[1:]...), record(1, all(10)...))
	w.close(t) // Meter 1 is missing and was never read: 0.
	receipts := w.Must(t, gateway, record(0, actual(meter1, 70, 0)), record(0, actual(meter1, 80, 0)), record(0, actual(meter1, 80, 0)))
	if got, want := exceptions(receipts), []string{"41: 2 from 0 to 0, 70/0", "41: 2 from 0 to 0, 80/0"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if starts := slices.Collect(Revisions(w, town)); !slices.Equal(starts, []interval.Time{at(0)}) || !IsRevised(w, town, at(0)) {
		t.Errorf("the revised intervals are %v", starts)
	}
	m, _ := grid.At(w, town)
	was, is, revision := Revised(&w.Ctx, w, town, m, at(0))
	if was[0].Import != 0 || !was[0].Estimated || is[0].Import != 80 || is[0].Estimated || revision != 3 || !reflect.DeepEqual(was[1], is[1]) {
		t.Errorf("revision %d: %+v was %+v", revision, is, was)
	}
	if IsRevised(w, town, at(0)) {
		t.Error("what was settled again is still revised")
	}
}

// TestFinal prunes an interval when its day of corrections is over, but not
// before what came in time is settled.
func TestFinal(t *testing.T) {
	w := founded(t)
	for range 25 {
		w.close(t)
	}
	w.Must(t, gateway, record(0, actual(meter1, 5, 0))) // 24 hours after its end.
	w.close(t)
	if _, err := w.Try(gateway, record(0, actual(meter1, 6, 0))); err != nil {
		t.Errorf("an interval that waits to be settled again: %v", err)
	}
	w.Undo()
	m, _ := grid.At(w, town)
	if _, is, _ := Revised(&w.Ctx, w, town, m, at(0)); is[0].Import != 5 {
		t.Errorf("%+v", is)
	}
	w.Keep()
	for n, want := range map[int]error{0: ErrFinal, 1: nil} {
		if _, err := w.Try(gateway, record(n, actual(meter1, 7, 0))); err != want { //nolint:errorlint // This very refusal.
			t.Errorf("interval %d: %v, want %v", n, err, want)
		}
		w.Undo()
	}
	if rows := len(slices.Collect(keys(w))); rows != 25 {
		t.Errorf("%d intervals are kept, want 25", rows)
	}
}

// keys are the settled intervals that are kept.
func keys(w world) func(func(interval.Time) bool) {
	return func(yield func(interval.Time) bool) {
		for k := range history.All(w) {
			if !yield(k.Start) {
				return
			}
		}
	}
}
