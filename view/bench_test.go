package view

import (
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
)

// BenchmarkApply applies blocks of a day: 24 intervals of 17 homes with three
// lines and two deals each.
func BenchmarkApply(b *testing.B) {
	b.Run("sqlite", benchmarkApply)
	b.Run("postgres", benchmarkApply)
}

func benchmarkApply(b *testing.B) {
	v, err := opened(somewhere(b))
	if err != nil {
		b.Fatal(err)
	}
	founded := grid.Founded{Found: grid.Found{Microgrid: town1, Root: 1, Currency: euro, Utility: utility, Network: network, Levy: levy}}
	if err := v.Apply([]machine.Record{{Height: 1, Outcomes: []machine.Outcome{{Receipts: []machine.Fact{fact(grid.FoundedReceipt, founded)}}}}}); err != nil {
		b.Fatal(err)
	}
	var statements int64
	for b.Loop() {
		b.StopTimer()
		record := day(v.Height() + 1)
		b.StartTimer()
		if err := v.Apply([]machine.Record{record}); err != nil {
			b.Fatal(err)
		}
		statements += 24 * 17
	}
	b.ReportMetric(float64(statements)/b.Elapsed().Seconds(), "statements/s")
	if err := v.Close(); err != nil {
		b.Fatal(err)
	}
}

func fact[R any](def op.ReceiptDef[R], r R) machine.Fact {
	return machine.Fact{Kind: def.Kind, Body: codec.Marshal(r)}
}

func day(height int64) machine.Record {
	r := machine.Record{Height: height}
	for h := range interval.Time(24) {
		var o machine.Outcome
		start := (interval.Time(height)*24 + h) * hour
		for home := range grid.PointID(17) {
			o.Receipts = append(o.Receipts, fact(settlement.StatementReceipt, settlement.Statement{
				Microgrid: town1, Start: start, Revision: 1, Point: home, Account: tx.AccountID(100 + home), Zone: 2, Import: 2_000, Alone: 700_000,
				Items: []settlement.Item{
					{Line: settlement.NeighbourBought, Energy: 1_000, Amount: 200_000},
					{Line: settlement.UtilityBought, Energy: 1_000, Amount: 320_000},
					{Line: settlement.Levy, Energy: 2_000, Amount: 20_000},
				},
				Deals: []settlement.Deal{
					{Bought: true, Partner: 101, Energy: 1_000, Price: 200},
					{Bought: true, Partner: utility, Energy: 1_000, Price: 320},
				},
			}))
		}
		o.Receipts = append(o.Receipts, fact(settlement.SettledReceipt, settlement.Settled{
			Microgrid: town1, Start: start, Revision: 1, Zones: make([]settlement.ZoneTotal, 0),
		}))
		r.Outcomes = append(r.Outcomes, o)
	}
	return r
}
