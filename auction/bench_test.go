package auction_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// benchmarkBook draws a book of orders over a tree in which each zone has so many
// children, with charges, a utility and limits that bind on some lines. A thousandth
// of the currency per kWh is so many units.
func benchmarkBook(orders, zones, children, greenPercent int, unit quantity.Price) *auction.Book {
	r := rand.New(rand.NewPCG(1, 2))
	b := &auction.Book{
		Owners:       []string{"ann"},
		Utility:      &auction.Utility{Retail: 320 * unit, FeedIn: 80 * unit},
		MembersFirst: true,
		Seed:         []byte{1},
	}
	for z := range zones {
		zone := auction.Zone{
			ID:          fmt.Sprintf("zone-%d", z),
			Parent:      int32((z - 1) / children),
			Charge:      quantity.Price(r.Int64N(20 * int64(unit))),
			ExportLimit: auction.NoLimit,
			ImportLimit: auction.NoLimit,
		}
		if z == 0 {
			zone.Parent, zone.Charge = auction.NoParent, 0
		} else if z%4 == 0 {
			zone.ExportLimit, zone.ImportLimit = 100_000, 100_000
		}
		b.Zones = append(b.Zones, zone)
	}
	for i := range orders {
		o := auction.Order{
			ID:     fmt.Sprintf("order-%d", i),
			Zone:   uint32(r.IntN(zones)),
			Side:   auction.Side(r.IntN(2)),
			Energy: quantity.Energy(1 + r.IntN(5_000)),
			Limit:  50*unit + quantity.Price(r.Int64N(300*int64(unit))),
		}
		if r.IntN(100) < greenPercent {
			o.Class = auction.Green
		}
		b.Orders = append(b.Orders, o)
	}
	return b
}

// BenchmarkClear clears a million orders in a thousand zones, and the small book
// of one interval of a neighbourhood.
func BenchmarkClear(b *testing.B) {
	for _, c := range []struct {
		name                           string
		orders, zones, children, green int
		unit                           quantity.Price
	}{
		{"neighbourhood", 40, 4, 3, 0, 1},
		{"neighbourhood with green", 40, 4, 3, 30, 1},
		{"a million, flat", 1_000_000, 1_000, 1_000, 0, 1_000},
		{"a million, deep", 1_000_000, 1_000, 4, 0, 1_000},
		{"a million, flat, with green", 1_000_000, 1_000, 1_000, 30, 1_000},
		{"a million, deep, with green", 1_000_000, 1_000, 4, 30, 1_000},
	} {
		b.Run(c.name, func(b *testing.B) {
			before := heap()
			book := benchmarkBook(c.orders, c.zones, c.children, c.green, c.unit)
			held := heap() - before
			b.ReportAllocs()
			from, cleared := allocations(), 0
			for b.Loop() {
				auction.Clear(book)
				cleared++
			}
			allocated := allocations() - from
			orders := float64(c.orders)
			b.ReportMetric(orders*float64(cleared)/b.Elapsed().Seconds(), "orders/s")
			b.ReportMetric((float64(held)+float64(allocated)/float64(cleared))/orders, "B/order")
		})
	}
}

// heap is the memory in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// allocations is all memory ever allocated.
func allocations() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
