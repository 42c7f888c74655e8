package machine

import (
	"errors"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

// pair is a community of two.
var pair = community{members: []grid.ZoneID{root, root}, prices: tariff.Prices{Retail: 300, FeedIn: 100}, rules: market.DefaultRules}

func takes(device grid.DeviceID, e quantity.Energy) metering.Value {
	return metering.Value{Device: device, Import: e, Quality: metering.Actual}
}

// newPair founds the pair and reads both meters in the first hours.
func newPair(t testing.TB, hours int) *house {
	t.Helper()
	h := newHouse(t, pair.accounts(), Environment{})
	h.found(pair)
	h.time = 1000 * hour
	for n := range hours {
		h.must(operator, record(n, takes(1, 10), takes(2, 20)))
	}
	return h
}

// TestCheckCloses accepts what is due, or the beginning of it, and nothing else.
func TestCheckCloses(t *testing.T) {
	h := newPair(t, 3)
	h.closes()
	h.must(operator, record(1, takes(1, 11)), record(3, takes(1, 1), takes(2, 1)), record(4, takes(1, 1), takes(2, 1)))
	again := Close{Microgrid: town, Start: hour, Again: true}
	three, four := Close{Microgrid: town, Start: 3 * hour}, Close{Microgrid: town, Start: 4 * hour}
	if due := h.machine.Due(); !slices.Equal(due, []Close{again, three, four}) {
		t.Fatalf("due are %v", due)
	}
	for _, c := range []struct {
		raw  []byte
		want error
	}{
		{EncodeCloses([]Close{again, three, four}), nil},
		{EncodeCloses([]Close{again, three}), nil},
		{EncodeCloses([]Close{three, four}), ErrNotDue}, // Corrections come first.
		{EncodeCloses([]Close{again, three, four, four}), ErrNotDue},
		{EncodeCloses(nil), ErrNotDue},
		{append(EncodeCloses([]Close{again}), 0), ErrTx},
		{[]byte{KindBundle}, ErrTx},
		{nil, ErrTx},
	} {
		if err := h.machine.CheckCloses(c.raw); !errors.Is(err, c.want) {
			t.Errorf("%x: %v, want %v", c.raw, err, c.want)
		}
	}
}

// TestClosesThatAreNotDue executes closes that no honest node proposed: they
// change nothing, and those that are due are done.
func TestClosesThatAreNotDue(t *testing.T) {
	h := newPair(t, 2)
	root := h.machine.Head().Root
	for _, c := range []Close{
		{Microgrid: town, Start: hour},              // Not the first open one.
		{Microgrid: town, Start: 0, Again: true},    // Not settled at all.
		{Microgrid: town + 1, Start: 0},             // Nowhere.
		{Microgrid: town, Start: -hour},             // Before the first.
		{Microgrid: town, Start: 0, Again: true},    // Nothing came late.
		{Microgrid: town, Start: hour / 2},          // In between.
		{Microgrid: town, Start: 99 * hour},         // Nothing was read.
		{Microgrid: 0, Start: 0, Again: true},       // No microgrid.
		{Microgrid: town, Start: hour, Again: true}, // Open.
	} {
		o := h.block(EncodeCloses([]Close{c}))[0]
		if o.Code != ErrNotDue.Code || len(o.Receipts) != 0 {
			t.Errorf("%v: %+v", c, o)
		}
	}
	if h.machine.Head().Root != root {
		t.Error("closes that were not due changed the state")
	}
	first := Close{Microgrid: town, Start: 0}
	second, unread := Close{Microgrid: town, Start: hour}, Close{Microgrid: town, Start: 2 * hour}
	list := h.block(EncodeCloses([]Close{first, first, second, unread}))
	for n, want := range []uint32{0, ErrNotDue.Code, 0, ErrNotDue.Code} {
		if list[n].Code != want {
			t.Errorf("close %d: code %d, want %d", n, list[n].Code, want)
		}
	}
}

// TestDueIsBounded settles a backlog over several blocks.
func TestDueIsBounded(t *testing.T) {
	h := newPair(t, 1)
	h.must(operator, metering.LapseKind.Encode(metering.Lapse{Microgrid: town, Until: 600 * hour}))
	if n := len(h.machine.Due()); n != maxCloses {
		t.Errorf("%d closes are due in one block, want %d", n, maxCloses)
	}
	h.closes()
	if m, _ := grid.At(h.rows, town); m.Open != 600*hour {
		t.Errorf("the first open interval starts at %d, want %d", m.Open, 600*hour)
	}
	h.balance(t, pair)
}

// TestNothingIsDueWithoutATariff waits for the supplier's prices.
func TestNothingIsDueWithoutATariff(t *testing.T) {
	h := newHouse(t, firstMember, Environment{})
	h.found(community{members: []grid.ZoneID{root}, rules: market.DefaultRules})
	h.must(operator, grid.FoundKind.Encode(grid.Found{
		Microgrid: town + 1, Root: root, Currency: euro, Gateway: operator, Utility: utility, Network: network, Levy: levy, Length: interval.Minutes60,
	}), grid.ConnectKind.Encode(grid.Connect{Microgrid: town + 1, Point: 1, Zone: root, Account: firstMember}),
		grid.EnrolKind.Encode(grid.Enrol{Microgrid: town + 1, Device: 1, Point: 1, Kind: grid.Meter}))
	h.time = 10 * hour
	h.must(operator, metering.RecordKind.Encode(metering.Record{Microgrid: town + 1, Intervals: []metering.Readings{{Values: []metering.Value{takes(1, 1)}}}}))
	if due := h.machine.Due(); due != nil {
		t.Errorf("due are %v", due)
	}
	h.must(operator, tariff.SetKind.Encode(tariff.Set{Microgrid: town + 1, Steps: []tariff.Step{{From: 0}}}))
	if due := h.machine.Due(); !slices.Equal(due, []Close{{Microgrid: town + 1}}) {
		t.Errorf("due are %v", due)
	}
}

// TestSuspension takes amounts past what the ledger holds, by a hostile operator's
// tariff and readings: its microgrid settles no more, and the chain goes on.
func TestSuspension(t *testing.T) {
	most := takes(1, metering.MaxEnergy)
	for what, c := range map[string]struct {
		reads func(h *house)
		want  uint32
	}{
		"a debt grows past 2^62": {func(h *house) {
			for n := range 600 {
				h.must(operator, record(n, most, takes(2, metering.MaxEnergy)))
			}
		}, ledger.ErrSettleTooBig.Code},
		"more energy than a book holds": {func(h *house) {
			var devices []tx.Operation
			values := []metering.Value{most, takes(2, 0)}
			for d := grid.DeviceID(3); d < 3+128; d++ {
				devices = append(devices, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: d, Point: 1, Kind: grid.Meter}))
				values = append(values, takes(d, metering.MaxEnergy))
			}
			h.must(operator, devices...)
			h.must(operator, record(0, values...))
		}, settlement.ErrTooMuch.Code},
	} {
		t.Run(what, func(t *testing.T) {
			dear := pair
			dear.prices = tariff.Prices{Retail: tariff.MaxPrice, FeedIn: tariff.MaxPrice}
			h := newHouse(t, dear.accounts(), Environment{})
			h.found(dear)
			h.time = 1000 * hour
			c.reads(h)
			var code uint32
			for blocks := 0; len(h.machine.Due()) > 0; blocks++ {
				if blocks == 10 {
					t.Fatal("it is due again and again")
				}
				for _, o := range h.block(EncodeCloses(h.machine.Due())) {
					if code == 0 {
						code = o.Code
					}
				}
			}
			if m, _ := grid.At(h.rows, town); code != c.want || !m.Suspended {
				t.Errorf("code %d, suspended %v; want %d", code, m.Suspended, c.want)
			}
			h.balance(t, dear) // What was settled before, stands.
			h.block()
			h.must(operator, record(0, takes(1, 1))) // A late reading is taken, and settles nothing.
			if due := h.machine.Due(); due != nil {
				t.Errorf("due are %v", due)
			}
		})
	}
}
