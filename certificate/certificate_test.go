package certificate

import (
	"crypto/sha256"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// The town of these tests, with hours from 0 on: ann at point 31 has panels and a
// battery, bob at 32 a wind turbine, and cy at 33 nothing.
const (
	operator tx.AccountID     = 1
	ann      tx.AccountID     = 5
	bob      tx.AccountID     = 6
	cy       tx.AccountID     = 7
	town     grid.MicrogridID = 10
	panels   grid.DeviceID    = 41
	battery  grid.DeviceID    = 42
	turbine  grid.DeviceID    = 43
	hour                      = 3600
)

// newTown founds the town, with panels and turbine registered.
func newTown(t testing.TB, correction uint32) *optest.World {
	t.Helper()
	w := optest.NewWorld(t, party.Ops, ledger.Ops, grid.Ops, Ops)
	foundTown(t, w, correction)
	return w
}

// foundTown founds the town in a world that is empty.
func foundTown(t testing.TB, w *optest.World, correction uint32) {
	t.Helper()
	for a := operator; a <= cy; a++ {
		w.Must(t, operator, party.OpenKind.Encode(party.Open{Account: a}))
	}
	w.Must(t, operator, ledger.DefineKind.Encode(ledger.Define{Asset: 978, Symbol: "EUR", Decimals: 6}))
	w.Must(t, operator, grid.FoundKind.Encode(grid.Found{
		Microgrid: town, Root: 20, Currency: 978, Gateway: operator, Utility: 2, Network: 3, Levy: 4, Length: interval.Minutes60, Correction: correction,
	}))
	for n, a := range []tx.AccountID{ann, bob, cy} {
		w.Must(t, operator, grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: grid.PointID(31 + n), Zone: 20, Account: a}))
	}
	for _, d := range []grid.Enrol{
		{Device: panels, Point: 31, Kind: grid.Solar}, {Device: battery, Point: 31, Kind: grid.Battery}, {Device: turbine, Point: 32, Kind: grid.Wind},
	} {
		d.Microgrid = town
		w.Must(t, operator, grid.EnrolKind.Encode(d))
	}
	w.Must(t, operator,
		RegisterKind.Encode(Register{Microgrid: town, Device: panels}), RegisterKind.Encode(Register{Microgrid: town, Device: turbine}))
}

// home is what a home did in an hour.
type home struct {
	imported, exported, made, charged, discharged quantity.Energy
}

// hourOf is an hour of the three homes, with what was sold as green.
func hourOf(a, b, c home, trades ...market.Trade) Cleared {
	positions := []metering.Position{
		{Point: 31, Account: ann, Import: a.imported, Export: a.exported, Produced: a.made, Renewable: true, Devices: []metering.Measured{
			{Device: panels, Kind: grid.Solar, Export: a.made}, {Device: battery, Kind: grid.Battery, Import: a.charged, Export: a.discharged},
		}},
		{Point: 32, Account: bob, Import: b.imported, Export: b.exported, Produced: b.made, Renewable: true, Devices: []metering.Measured{
			{Device: turbine, Kind: grid.Wind, Export: b.made},
		}},
		{Point: 33, Account: cy, Import: c.imported},
	}
	return Cleared{Positions: positions, Clearing: market.Clearing{Trades: trades}}
}

// green is energy that went from one of the homes to another, as green.
func green(seller, buyer int32, e quantity.Energy) market.Trade {
	return market.Trade{Seller: seller, Buyer: buyer, Energy: e, Class: market.Green}
}

// closed issues the town's first open hour and moves on.
func closed(w *optest.World, c Cleared) [][]Origin {
	origins, _ := closedWith(w, c)
	return origins
}

// closedWith returns the receipts, too.
func closedWith(w *optest.World, c Cleared) ([][]Origin, []op.Receipt) {
	m, _ := grid.At(w, town)
	origins := Issue(&w.Ctx, w, town, interval.Interval{Start: m.Open, Length: m.Length}, c)
	Finalise(&w.Ctx, w, town, m)
	Expire(&w.Ctx, w, town, m)
	grid.Advance(w, town)
	w.Keep()
	return origins, w.Ctx.Take()
}

// Who has the certificates of an hour.
func TestAllocate(t *testing.T) {
	for _, c := range []struct {
		name         string
		a, b, c      home
		trades       []market.Trade
		ann, bob, cy []Origin
	}{
		{
			"what is made is used at home",
			home{made: 500},
			home{},
			home{},
			nil,
			[]Origin{{Device: panels, Energy: 500, Claimed: true}},
			nil, nil,
		},
		{
			"what is sold as green is the buyer's, who uses it",
			home{made: 500, exported: 300},
			home{},
			home{imported: 400},
			[]market.Trade{green(0, 2, 200)},
			[]Origin{{Device: panels, Energy: 200, Claimed: true}, {Device: panels, Energy: 100}},
			nil,
			[]Origin{{Device: panels, Energy: 200, Claimed: true}},
		},
		{
			"what is sold as any energy goes without",
			home{made: 500, exported: 500},
			home{},
			home{imported: 400},
			[]market.Trade{{Seller: 0, Buyer: 2, Energy: 400}},
			[]Origin{{Device: panels, Energy: 500}},
			nil, nil,
		},
		{
			"what is charged is not used yet",
			home{made: 500, charged: 300},
			home{},
			home{},
			nil,
			[]Origin{{Device: panels, Energy: 200, Claimed: true}, {Device: panels, Energy: 300}},
			nil, nil,
		},
		{
			"what is bought to be charged is not used yet, either",
			home{imported: 500, charged: 300},
			home{made: 400, exported: 400},
			home{},
			[]market.Trade{green(1, 0, 400)},
			[]Origin{{Device: turbine, Energy: 200, Claimed: true}, {Device: turbine, Energy: 200}},
			nil, nil,
		},
		{
			"what a battery gives was certified before",
			home{discharged: 500, exported: 100},
			home{},
			home{},
			nil,
			nil, nil, nil,
		},
		{
			"two producers",
			home{made: 100, exported: 100},
			home{made: 50, exported: 50},
			home{imported: 150},
			[]market.Trade{green(0, 2, 100), green(1, 2, 50)},
			nil, nil,
			[]Origin{{Device: panels, Energy: 100, Claimed: true}, {Device: turbine, Energy: 50, Claimed: true}},
		},
	} {
		w := newTown(t, 0)
		got := closed(w, hourOf(c.a, c.b, c.c, c.trades...))
		for n, want := range [][]Origin{c.ann, c.bob, c.cy} {
			if !equal(got[n], want) {
				t.Errorf("%s: home %d has %v, want %v", c.name, n, got[n], want)
			}
		}
		audit(t, w)
	}
}

func equal(a, b []Origin) bool {
	if len(a) != len(b) {
		return false
	}
	for n := range a {
		if a[n] != b[n] {
			return false
		}
	}
	return true
}

// audit holds every lot to what it must sum to.
func audit(t testing.TB, w *optest.World) {
	t.Helper()
	if err := Audit(w); err != nil {
		t.Fatal(err)
	}
}

// Who keeps certificates passes them on or cancels them, once the hour is final.
func TestKeep(t *testing.T) {
	w := newTown(t, 2*hour)
	w.Must(t, ann, ChooseKind.Encode(Choose{Microgrid: town, Point: 31, Choice: Choice{Keep: true}}))
	closed(w, hourOf(home{made: 500}, home{}, home{}))
	part := Part{Microgrid: town, Device: panels, Energy: 200}
	cancel := Cancel{Account: ann, Parts: []Part{part}, Purpose: Disclosure, Beneficiary: make([]byte, sha256.Size)}
	if _, err := w.Try(ann, CancelKind.Encode(cancel)); err != ErrCancelOpen { //nolint:errorlint // This very refusal.
		t.Fatalf("while it may be corrected: %v", err)
	}
	for range 3 {
		closed(w, hourOf(home{}, home{}, home{}))
	}
	w.Must(t, ann, CancelKind.Encode(cancel))
	w.Must(t, ann, TransferKind.Encode(Transfer{From: ann, To: cy, Parts: []Part{part}}))
	w.Must(t, operator, WithdrawKind.Encode(Withdraw{Account: ann, Parts: []Part{{Microgrid: town, Device: panels, Energy: 100}}, Evidence: make([]byte, sha256.Size)}))
	cancel.Account = cy
	receipts := w.Must(t, cy, CancelKind.Encode(cancel))
	if done := CancelledReceipt.Read(receipts[0]); len(done.Serials) != 1 || done.Serials[0] != 300 {
		t.Errorf("what cy cancels begins at serial %v, want 300: ann's 200 and 100 went before", done.Serials)
	}
	l, _ := LotAt(w, part.lot())
	if l.Held != 0 || l.Cancelled != 400 || l.Withdrawn != 100 || l.Claimed != 0 {
		t.Errorf("the lot is %+v", l)
	}
	if _, err := w.Try(cy, CancelKind.Encode(cancel)); err != ErrCancelShort { //nolint:errorlint // This very refusal.
		t.Errorf("what is used up is used again: %v", err)
	}
	audit(t, w)
}

// A correction adds what was missing and takes away what was too much, whoever has
// it, so that nothing is claimed that was not produced.
func TestReissue(t *testing.T) {
	w := newTown(t, 24*hour)
	first := hourOf(home{made: 500, exported: 300}, home{}, home{imported: 300}, green(0, 2, 300))
	closed(w, first)
	second := hourOf(home{made: 200, exported: 200}, home{made: 70, exported: 70}, home{imported: 270}, green(0, 2, 200), green(1, 2, 70))
	i := interval.Interval{Length: interval.Minutes60}
	was, is := Reissue(&w.Ctx, w, town, i, first, second, 2)
	if !equal(was[2], []Origin{{Device: panels, Energy: 300, Claimed: true}}) ||
		!equal(is[2], []Origin{{Device: panels, Energy: 200, Claimed: true}, {Device: turbine, Energy: 70, Claimed: true}}) {
		t.Errorf("cy had %v and has %v", was[2], is[2])
	}
	l, _ := LotAt(w, LotID{town, 0, panels})
	if l.Issued != 200 || l.Claimed != 200 || l.Revision != 2 {
		t.Errorf("the lot is %+v", l)
	}
	audit(t, w)
	Reissue(&w.Ctx, w, town, i, second, hourOf(home{}, home{}, home{imported: 270}), 3)
	if _, still := LotAt(w, LotID{town, 0, panels}); still {
		t.Error("a lot of nothing is left")
	}
	audit(t, w)
}

// 1000 Wh split at 250 are 250 and 750, and not a Wh more or less.
func TestSplitAt250(t *testing.T) {
	w := lotOf(t, 1000)
	w.Must(t, ann, TransferKind.Encode(Transfer{From: ann, To: bob, Parts: part(250)}))
	id := part(1)[0].lot()
	if a, b := Held(w, id, ann), Held(w, id, bob); a != 750 || b != 250 {
		t.Errorf("ann has %d and bob %d", a, b)
	}
	audit(t, w)
}

// What nobody used in time expires.
func TestExpire(t *testing.T) {
	w := newTown(t, 0)
	closed(w, hourOf(home{made: 500, exported: 500}, home{}, home{}))
	nothing := hourOf(home{}, home{}, home{})
	for range Lifetime/hour + 1 { // The hour is final when the next but one closes.
		closed(w, nothing)
	}
	l, _ := LotAt(w, LotID{town, 0, panels})
	if l.Expired != 0 || l.Held != 500 {
		t.Fatalf("within its time: %+v", l)
	}
	closed(w, nothing)
	if l, _ = LotAt(w, LotID{town, 0, panels}); l.Expired != 500 || l.Held != 0 || Held(w, LotID{town, 0, panels}, ann) != 0 {
		t.Errorf("after its time: %+v", l)
	}
	audit(t, w)
}
