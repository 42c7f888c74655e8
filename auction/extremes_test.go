package auction_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// TestScaleDoesNotMatter blows random books up to the bounds of Validate: the
// welfare grows by just that factor, and nothing overflows.
func TestScaleDoesNotMatter(t *testing.T) {
	for seed := range uint64(books(t, 500)) {
		if err := judgeScale(randomBook(seed)); err != nil {
			report(t, seed, judgeScale)
		}
	}
}

func judgeScale(b *auction.Book) error {
	if b.Utility != nil {
		// Among members a counted limit may tie orders whose own limits differ,
		// and finer shares of a tie are then worth more or less.
		one := *b
		one.MembersFirst = false
		b = &one
	}
	large, energy, price := blownUp(b)
	if err := large.Validate(); err != nil {
		return err
	}
	small, err := cleared(b)
	if err != nil {
		return err
	}
	r, err := cleared(large)
	if err != nil {
		return err
	}
	if want := int64(small.Welfare) * energy * price; int64(r.Welfare) != want {
		return fmt.Errorf("welfare %d instead of %d", r.Welfare, want)
	}
	return check(large, r)
}

// blownUp multiplies all energies and all prices of a book as far as they go.
func blownUp(b *auction.Book) (large *auction.Book, energy, price int64) {
	total, most := int64(1), int64(1)
	for _, o := range b.Orders {
		total += int64(o.Energy)
		most = max(most, int64(o.Limit), -int64(o.Limit))
	}
	charges := int64(0)
	for _, z := range b.Zones {
		charges += int64(z.Charge)
		total = max(total, int64(z.ExportLimit), int64(z.ImportLimit))
	}
	c := *b
	if b.Utility != nil {
		u := *b.Utility
		most = max(most, int64(u.Retail), -int64(u.FeedIn))
		c.Utility = &u
	}
	energy, price = int64(auction.MaxEnergy)/total, int64(auction.MaxPrice)/max(most, charges)
	if c.Utility != nil {
		c.Utility.Retail *= quantity.Price(price)
		c.Utility.FeedIn *= quantity.Price(price)
	}
	c.Zones, c.Orders = nil, nil
	for _, z := range b.Zones {
		z.Charge *= quantity.Price(price)
		for _, limit := range []*quantity.Energy{&z.ExportLimit, &z.ImportLimit} {
			if *limit != auction.NoLimit {
				*limit *= quantity.Energy(energy)
			}
		}
		c.Zones = append(c.Zones, z)
	}
	for _, o := range b.Orders {
		o.Energy *= quantity.Energy(energy)
		o.Limit *= quantity.Price(price)
		c.Orders = append(c.Orders, o)
	}
	return &c, energy, price
}

// TestCheckRefusesNonsense puts what no clearing would say into every field of a
// result. A node checks what strangers send it, so nothing may panic.
func TestCheckRefusesNonsense(t *testing.T) {
	for _, mode := range []auction.Mode{auction.Uniform, auction.PayAsBid, auction.MidMarket} {
		tried := 0
		for seed := range uint64(books(t, 1000) / 20) {
			b := randomBook(seed)
			b.Mode = mode
			for name, r := range nonsense(b) {
				tried++
				switch err := check(b, r); {
				case errors.Is(err, errCheckPanics):
					t.Fatalf("mode %d, book %d, %s: %v\n%s", mode, seed, name, err, bookJSON(b))
				case err == nil && !strings.HasPrefix(name, "premium"):
					// Any premium supports trades where no green is wanted.
					t.Fatalf("mode %d, book %d: the check accepts %s\n%s", mode, seed, name, bookJSON(b))
				}
			}
		}
		if tried == 0 {
			t.Fatal("nothing was tried")
		}
	}
}

// nonsense are results of b with one field beyond reason.
func nonsense(b *auction.Book) map[string]*auction.Result {
	out := make(map[string]*auction.Result)
	try := func(name string, change func(r *auction.Result)) {
		r := auction.Clear(b)
		change(r)
		out[name] = r
	}
	good := auction.Clear(b)
	for _, v := range []int64{math.MinInt64, -1 << 40, 1 << 40, math.MaxInt64} {
		try(fmt.Sprint("welfare ", v), func(r *auction.Result) { r.Welfare = quantity.Money(v) })
		try(fmt.Sprint("revenue ", v), func(r *auction.Result) { r.NetworkRevenue = quantity.Money(v) })
		try(fmt.Sprint("sold ", v), func(r *auction.Result) { r.UtilitySold = quantity.Energy(v) })
		try(fmt.Sprint("bought ", v), func(r *auction.Result) { r.UtilityBought = quantity.Energy(v) })
		try(fmt.Sprint("premium ", v), func(r *auction.Result) { r.Stages[0].Premium = quantity.Price(v) })
		try(fmt.Sprint("stage sold ", v), func(r *auction.Result) { r.Stages[0].Sold = quantity.Energy(v) })
		try(fmt.Sprint("stage bought ", v), func(r *auction.Result) { r.Stages[0].Bought = quantity.Energy(v) })
		for i := range good.Fills {
			try(fmt.Sprint("energy ", i, v), func(r *auction.Result) { r.Fills[i].Energy = quantity.Energy(v) })
			try(fmt.Sprint("price ", i, v), func(r *auction.Result) { r.Fills[i].Price = quantity.Price(v) })
			try(fmt.Sprint("amount ", i, v), func(r *auction.Result) { r.Fills[i].Amount = quantity.Money(v) })
		}
		for i := range good.Flows {
			try(fmt.Sprint("import ", i, v), func(r *auction.Result) { r.Flows[i].Import = quantity.Energy(v) })
			try(fmt.Sprint("export ", i, v), func(r *auction.Result) { r.Stages[0].Flows[i].Export = quantity.Energy(v) })
		}
		for i := range good.Prices {
			try(fmt.Sprint("listed price ", i, v), func(r *auction.Result) { r.Prices[i].Price = quantity.Price(v) })
		}
	}
	for i := range good.Fills {
		try(fmt.Sprint("order of fill ", i), func(r *auction.Result) { r.Fills[i].Order = math.MaxUint32 })
		try(fmt.Sprint("stage of fill ", i), func(r *auction.Result) { r.Fills[i].Stage = 9 })
	}
	for i := range good.Flows {
		try(fmt.Sprint("zone of flow ", i), func(r *auction.Result) { r.Flows[i].Zone = math.MaxUint32 })
		try(fmt.Sprint("zone of stage flow ", i), func(r *auction.Result) { r.Stages[0].Flows[i].Zone = math.MaxUint32 })
	}
	for i := range good.Prices {
		try(fmt.Sprint("zone of price ", i), func(r *auction.Result) { r.Prices[i].Zone = math.MaxUint32 })
		try(fmt.Sprint("class of price ", i), func(r *auction.Result) { r.Prices[i].Class = 9 })
	}
	try("no supporting prices", func(r *auction.Result) { r.Stages[0].Prices = nil })
	try("a stage twice", func(r *auction.Result) { r.Stages = append(r.Stages, r.Stages[0]) })
	try("an unknown stage", func(r *auction.Result) { r.Stages[0].Stage = 9 })
	try("a flow too many", func(r *auction.Result) { r.Flows = append(r.Flows, auction.Flow{}) })
	return out
}
