package machine

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/auction"
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

// The accounts and numbers of test communities. Member n has account firstMember
// + n, connection point n + 1 and, there, device n + 1.
const (
	operator tx.AccountID = 1 + iota
	utility
	network
	levy
	firstMember

	town grid.MicrogridID = 10
	root grid.ZoneID      = 20
	euro ledger.AssetID   = 978 // ISO 4217.

	hour = interval.Time(interval.Minutes60)
)

// community is a microgrid to found.
type community struct {
	lines   []grid.Line   // Of the feeders, which lie below the root,
	nested  bool          // or each below the one before it.
	members []grid.ZoneID // Which zone each is in.
	prices  tariff.Prices
	rules   market.Rules
	grace   uint32

	capacity uint64 // Of each connection, in W; 0: not known.
}

func (c community) accounts() tx.AccountID { return firstMember + tx.AccountID(len(c.members)) - 1 }

// found founds a community; its first interval starts at 0.
func (h *house) found(c community) {
	h.t.Helper()
	operations := []tx.Operation{
		ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: town, Root: root, Currency: euro, Gateway: operator, Utility: utility, Network: network, Levy: levy,
			Length: interval.Minutes60, Grace: c.grace, Correction: 30 * 24 * 3600,
		}),
		market.SetRulesKind.Encode(market.SetRules{Microgrid: town, Rules: c.rules}),
		tariff.SetKind.Encode(tariff.Set{Microgrid: town, Steps: []tariff.Step{{Prices: c.prices}}}),
	}
	for n, line := range c.lines {
		zone, parent := root+1+grid.ZoneID(n), root
		if c.nested {
			parent = zone - 1
		}
		operations = append(operations,
			grid.AddZoneKind.Encode(grid.AddZone{Microgrid: town, Zone: zone, Parent: parent}),
			grid.SetLineKind.Encode(grid.SetLine{Microgrid: town, Zone: zone, Line: line}))
	}
	for n, zone := range c.members {
		point, device := grid.PointID(n+1), grid.DeviceID(n+1)
		operations = append(operations,
			grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: point, Zone: zone, Account: firstMember + tx.AccountID(n), CapacityW: c.capacity}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: device, Point: point, Kind: grid.Meter}))
	}
	h.must(operator, operations...)
}

// drawCommunity draws one to seven members in up to three feeders.
func drawCommunity(t *rapid.T) community {
	limit := rapid.OneOf(rapid.Just(grid.NoLimit), rapid.Custom(func(t *rapid.T) quantity.Energy {
		return quantity.Energy(rapid.Int64Range(0, 60).Draw(t, "limit"))
	}))
	feedIn := rapid.Int64Range(-50, 200).Draw(t, "feed-in")
	c := community{
		prices: tariff.Prices{
			Retail: quantity.Price(feedIn + rapid.Int64Range(0, 250).Draw(t, "spread")),
			FeedIn: quantity.Price(feedIn),
			Levy:   quantity.Price(rapid.Int64Range(0, 30).Draw(t, "levy")),
		},
		rules:  market.DefaultRules,
		nested: rapid.Bool().Draw(t, "nested"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "feeders") {
		c.lines = append(c.lines, grid.Line{
			Charge: quantity.Price(rapid.Int64Range(0, 40).Draw(t, "charge")), ExportLimit: limit.Draw(t, "export"), ImportLimit: limit.Draw(t, "import"),
			LossPPM: rapid.OneOf(rapid.Just(uint32(0)), rapid.Uint32Max(grid.MaxLossPPM)).Draw(t, "loss"),
		})
	}
	if rapid.Bool().Draw(t, "capacity known") {
		c.capacity = 60 // Some readings are above it.
	}
	for range rapid.IntRange(1, 7).Draw(t, "members") {
		c.members = append(c.members, root+grid.ZoneID(rapid.IntRange(0, len(c.lines)).Draw(t, "zone")))
	}
	return c
}

// drawReadings draws what each member took and gave in each of some hours.
func drawReadings(t *rapid.T, c community, hours int) [][]metering.Value {
	energy := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 100))
	readings := make([][]metering.Value, hours)
	for n := range readings {
		for m := range c.members {
			v := metering.Value{Device: grid.DeviceID(m + 1), Quality: metering.Actual}
			v.Import = quantity.Energy(energy.Draw(t, "import"))
			v.Export = quantity.Energy(energy.Draw(t, "export"))
			readings[n] = append(readings[n], v)
		}
	}
	return readings
}

func record(n int, values ...metering.Value) tx.Operation {
	return metering.RecordKind.Encode(metering.Record{Microgrid: town, Intervals: []metering.Readings{{Start: interval.Time(n) * hour, Values: values}}})
}

// latest is the last statement of every point in every interval, and the last
// total of every interval.
func (h *house) latest() (map[[2]int64]settlement.Statement, map[interval.Time]settlement.Settled) {
	statements, totals := map[[2]int64]settlement.Statement{}, map[interval.Time]settlement.Settled{}
	for _, r := range h.records {
		for _, o := range r.Outcomes {
			for _, f := range o.Receipts {
				switch f.Kind {
				case settlement.StatementReceipt.Kind:
					s := settlement.StatementReceipt.Read(f.Receipt())
					statements[[2]int64{int64(s.Start), int64(s.Point)}] = s
				case settlement.SettledReceipt.Kind:
					s := settlement.SettledReceipt.Read(f.Receipt())
					totals[s.Start] = s
				}
			}
		}
	}
	return statements, totals
}

// balance checks the latest receipts against each other and against the ledger:
// every Wh is settled once, what members owe is what the others get, and the
// balances are the sums of the bills.
func (h *house) balance(t testing.TB, c community) {
	t.Helper()
	statements, totals := h.latest()
	owed := map[tx.AccountID]quantity.Money{}
	var sold, paid, charges, levies, losses quantity.Money
	for _, s := range statements {
		owed[s.Account] += s.Owed()
		var bought, given quantity.Energy
		for _, d := range s.Deals {
			if d.Bought {
				bought += d.Energy
			} else {
				given += d.Energy
			}
		}
		if bought != s.Import || given != s.Export {
			t.Fatalf("point %d took %d and gave %d Wh; its deals say %d and %d", s.Point, s.Import, s.Export, bought, given)
		}
	}
	for _, s := range totals {
		sold, paid, charges, levies, losses = sold+s.UtilitySold, paid+s.UtilityPaid, charges+s.Network, levies+s.Levy, losses+s.LossCost
		if s.Network < s.LossCost {
			t.Fatalf("the network gets %d and pays %d for what is lost", s.Network, s.LossCost)
		}
	}
	want := map[tx.AccountID]quantity.Money{utility: sold - paid + losses, network: charges - losses, levy: levies}
	for account, o := range owed {
		want[account] = -o
	}
	for account := operator; account <= c.accounts(); account++ {
		if got := ledger.BalanceOf(h.rows, account, euro).Posted; got != want[account] {
			t.Fatalf("account %d has %d, its receipts come to %d", account, got, want[account])
		}
	}
}

// TestEveryModeBalances settles random communities by every mode and price rule.
func TestEveryModeBalances(t *testing.T) {
	for _, mode := range []auction.Mode{auction.Uniform, auction.PayAsBid, auction.MidMarket} {
		rapid.Check(t, func(rt *rapid.T) {
			c := drawCommunity(rt)
			c.rules = market.Rules{Mode: mode, MembersFirst: rapid.Bool().Draw(rt, "members first")}
			c.rules.Rule = rapid.SampledFrom([]auction.PriceRule{auction.SplitRule, auction.ClearingRule}).Draw(rt, "rule")
			h := newHouse(t, c.accounts(), Environment{})
			h.found(c)
			h.wishRandomly(rt, c)
			h.time = 2 * hour
			for n, values := range drawReadings(rt, c, 2) {
				h.must(operator, record(n, values...))
			}
			h.closes()
			h.balance(t, c)
		})
	}
}

// wishRandomly gives members limits, green wishes and partners.
func (h *house) wishRandomly(rt *rapid.T, c community) {
	h.t.Helper()
	limit := rapid.Ptr(rapid.Custom(func(rt *rapid.T) quantity.Price { return quantity.Price(rapid.Int64Range(-100, 500).Draw(rt, "limit")) }), true)
	for n := range c.members {
		if !rapid.Bool().Draw(rt, "wishes") {
			continue
		}
		w := market.Wish{Buy: limit.Draw(rt, "buy"), Sell: limit.Draw(rt, "sell"), SellsGreen: rapid.Bool().Draw(rt, "sells green")}
		w.Green = w.Buy != nil && rapid.Bool().Draw(rt, "green")
		if partner := grid.PointID(rapid.IntRange(1, len(c.members)).Draw(rt, "partner")); partner != grid.PointID(n+1) {
			w.Partners = []grid.PointID{partner}
		}
		h.must(firstMember+tx.AccountID(n), market.SetWishKind.Encode(market.SetWish{Microgrid: town, Point: grid.PointID(n + 1), Wish: w}))
	}
}

// TestNobodyIsWorseOff settles random communities whose members have no wishes
// and trade among themselves first: whatever the lines and the tariff, nobody
// owes more than with the utility alone.
func TestNobodyIsWorseOff(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCommunity(rt)
		c.rules.Mode = rapid.SampledFrom([]auction.Mode{auction.Uniform, auction.PayAsBid, auction.MidMarket}).Draw(rt, "mode")
		h := newHouse(t, c.accounts(), Environment{})
		h.found(c)
		h.time = 2 * hour
		for n, values := range drawReadings(rt, c, 2) {
			h.must(operator, record(n, values...))
		}
		h.closes()
		statements, _ := h.latest()
		for _, s := range statements {
			if s.Owed() > s.Alone {
				rt.Fatalf("point %d owes %d, alone it would owe %d: %+v", s.Point, s.Owed(), s.Alone, s)
			}
		}
	})
}

// TestLateReadingsEndTheSame sends the same readings in time and, elsewhere, in
// any order, some of them after their interval was settled without them. Once all
// are there and all corrections settled, balances, bills and totals are the same:
// only revisions tell what happened.
func TestLateReadingsEndTheSame(t *testing.T) {
	const hours = 4
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCommunity(rt)
		readings := drawReadings(rt, c, hours)
		intime, late := newHouse(t, c.accounts(), Environment{}), newHouse(t, c.accounts(), Environment{})
		for _, h := range []*house{intime, late} {
			h.found(c)
			h.time = 100 * hour
		}
		for n, values := range readings {
			intime.must(operator, record(n, values...))
		}
		intime.closes()
		pieces := make([]int, hours*len(c.members)) // Interval and member of each reading.
		for n := range pieces {
			pieces[n] = n
		}
		for _, piece := range rapid.Permutation(pieces).Draw(rt, "order") {
			n, m := piece/len(c.members), piece%len(c.members)
			late.must(operator, record(n, readings[n][m]))
			if until := rapid.IntRange(0, 3*hours).Draw(rt, "lapse"); until <= hours {
				late.must(operator, metering.LapseKind.Encode(metering.Lapse{Microgrid: town, Until: interval.Time(until) * hour}))
			}
			if rapid.Bool().Draw(rt, "close") {
				late.closes()
			}
		}
		late.closes()
		late.balance(t, c)
		sameBills(rt, intime, late)
	})
}

// sameBills compares the latest bills and totals of two houses, but for revisions.
func sameBills(rt *rapid.T, a, b *house) {
	billsA, totalsA := a.latest()
	billsB, totalsB := b.latest()
	if len(billsA) != len(billsB) || len(totalsA) != len(totalsB) {
		rt.Fatalf("%d bills and %d totals, late %d and %d", len(billsA), len(totalsA), len(billsB), len(totalsB))
	}
	for k, bill := range billsA {
		late := billsB[k]
		late.Revision = bill.Revision
		if x, y := text(bill), text(late); x != y {
			rt.Fatalf("a bill is\n%s, late\n%s", x, y)
		}
	}
	for k, total := range totalsA {
		late := totalsB[k]
		late.Revision = total.Revision
		if x, y := text(total), text(late); x != y {
			rt.Fatalf("a total is\n%s, late\n%s", x, y)
		}
	}
}

// text is all that a receipt says.
func text(receipt any) string { return fmt.Sprintf("%+v", receipt) }
