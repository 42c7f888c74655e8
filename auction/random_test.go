package auction_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// books is how many random books a test audits: few by default, as many as
// COMMONWATT_BOOKS says in a campaign.
func books(t *testing.T, byDefault int) int {
	t.Helper()
	text := os.Getenv("COMMONWATT_BOOKS")
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("COMMONWATT_BOOKS: %v", err)
	}
	return n
}

// randomBook draws a book of small numbers, so that ties are frequent.
func randomBook(seed uint64) *auction.Book {
	r := rand.New(rand.NewPCG(seed, 2026))
	size := 1
	if seed%8 == 7 {
		size = 4 // Now and then a larger book, where levels and paths are longer.
	}
	b := &auction.Book{
		Zones:        randomZones(r, 1+r.IntN(7+3*(size-1))),
		Owners:       []string{"ann", "bob", "cem"},
		Rule:         auction.PriceRule(r.IntN(2)),
		MembersFirst: r.IntN(2) == 0,
		Seed:         []byte{byte(r.IntN(4))},
	}
	prices := 1 + r.IntN(12*size*size)
	if r.IntN(3) > 0 {
		feedIn := r.IntN(prices+1) - 1
		b.Utility = &auction.Utility{
			FeedIn: quantity.Price(feedIn),
			Retail: quantity.Price(feedIn + r.IntN(prices)),
		}
	}
	greens := r.IntN(3) // No green, some, mostly.
	for i := range r.IntN(13 * size) {
		o := auction.Order{
			ID:     fmt.Sprintf("o%d", i),
			Owner:  uint32(r.IntN(len(b.Owners))),
			Zone:   uint32(r.IntN(len(b.Zones))),
			Side:   auction.Side(r.IntN(2)),
			Energy: quantity.Energy(r.IntN(8 * size)),
			Limit:  quantity.Price(r.IntN(prices+2) - 1),
		}
		if r.IntN(4) < greens*3/2 {
			o.Class = auction.Green
		}
		b.Orders = append(b.Orders, o)
	}
	return b
}

// randomZones draws a tree at most four edges deep, its root anywhere.
func randomZones(r *rand.Rand, n int) []auction.Zone {
	zones := make([]auction.Zone, n)
	depth := make([]int, n)
	tight, charged := r.IntN(3), r.IntN(3)
	for i := range zones {
		zones[i] = auction.Zone{
			ID: fmt.Sprintf("z%d", i), Parent: auction.NoParent,
			ExportLimit: auction.NoLimit, ImportLimit: auction.NoLimit,
		}
		if i == 0 {
			continue
		}
		parent := r.IntN(i)
		for depth[parent] == 4 {
			parent = int(zones[parent].Parent)
		}
		depth[i] = depth[parent] + 1
		zones[i].Parent = int32(parent)
		if charged > 0 {
			zones[i].Charge = quantity.Price(r.IntN(4))
		}
		if r.IntN(3) < tight {
			zones[i].ExportLimit = quantity.Energy(r.IntN(9))
		}
		if r.IntN(3) < tight {
			zones[i].ImportLimit = quantity.Energy(r.IntN(9))
		}
	}
	zones, _ = shuffledZones(r, zones)
	return zones
}

// shuffledZones lists the zones in another order, and says where each one went.
func shuffledZones(r *rand.Rand, zones []auction.Zone) (out []auction.Zone, at []int) {
	at = r.Perm(len(zones))
	out = make([]auction.Zone, len(zones))
	for i, z := range zones {
		if z.Parent != auction.NoParent {
			z.Parent = int32(at[z.Parent])
		}
		out[at[i]] = z
	}
	return out, at
}

// cleared is auction.Clear with a panic made an error, so that a book that breaks
// the engine can be shrunk too.
func cleared(b *auction.Book) (r *auction.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Clear panics: %v", p)
		}
	}()
	return auction.Clear(b), nil
}

// check is auction.Check with a panic made an error of another kind.
func check(b *auction.Book, r *auction.Result) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errCheckPanics, p)
		}
	}()
	return auction.Check(b, r)
}

var errCheckPanics = errors.New("the check panics")

// judge says what is wrong with how a valid book clears.
func judge(b *auction.Book) error {
	if err := b.Validate(); err != nil {
		return fmt.Errorf("a good book is refused: %w", err)
	}
	r, err := cleared(b)
	if err != nil {
		return err
	}
	if err := audit(b, r); err != nil {
		return err
	}
	if err := check(b, r); err != nil {
		return fmt.Errorf("a good result is refused: %w", err)
	}
	return nil
}

// TestRandomBooksClearAsTheRuleSays audits the engine on books nobody chose.
func TestRandomBooksClearAsTheRuleSays(t *testing.T) {
	var seen campaign
	for seed := range uint64(books(t, 2000)) {
		b := randomBook(seed)
		if err := judge(b); err != nil {
			report(t, seed, judge)
		}
		seen.count(b, auction.Clear(b))
	}
	t.Logf("%+v", seen)
	if seen.Traded == 0 || seen.BothStages == 0 || seen.Congested == 0 || seen.Premium == 0 || seen.NoGap == 0 {
		t.Error("a case never came up")
	}
}

// campaign counts the books in which what is hard about clearing came up.
type campaign struct {
	Traded     int // Somebody traded.
	BothStages int // Both among members and with the utility.
	Congested  int // A line earned more than its charges.
	Premium    int // Green cost more than any.
	NoGap      int // The utility buys at what it sells for.
}

func (c *campaign) count(b *auction.Book, r *auction.Result) {
	var charges quantity.Money
	for _, f := range r.Flows {
		charges += quantity.MustTimes(f.Import+f.Export, b.Zones[f.Zone].Charge)
	}
	staged := func(s auction.Stage) bool {
		return slices.ContainsFunc(r.Fills, func(f auction.Fill) bool { return f.Stage == s })
	}
	dearer := slices.ContainsFunc(r.Prices, func(g auction.ZonePrice) bool {
		return g.Class == auction.Green && slices.ContainsFunc(r.Prices, func(a auction.ZonePrice) bool {
			return a.Class == auction.Any && a.Zone == g.Zone && a.Stage == g.Stage && a.Price < g.Price
		})
	})
	for _, came := range []struct {
		up    bool
		count *int
	}{
		{len(r.Fills) > 0, &c.Traded},
		{staged(auction.Members) && staged(auction.WithUtility), &c.BothStages},
		{r.NetworkRevenue > charges, &c.Congested},
		{dearer, &c.Premium},
		{b.Utility != nil && b.Utility.Retail == b.Utility.FeedIn && len(r.Fills) > 0, &c.NoGap},
	} {
		if came.up {
			*came.count++
		}
	}
}

// TestCheckRefusesWhatIsNotTheResult changes a good result in one place. A book
// has tens of forgeries, so a campaign forges a tenth of its books.
func TestCheckRefusesWhatIsNotTheResult(t *testing.T) {
	tried := 0
	for seed := range uint64(books(t, 3000) / 10) {
		b := randomBook(seed)
		tried += len(forgeries(b))
		if err := judgeForgeries(b); err != nil {
			report(t, seed, judgeForgeries)
		}
	}
	t.Logf("%d forgeries refused", tried)
	if tried == 0 {
		t.Fatal("nothing was forged")
	}
}

// judgeForgeries says which forgery of the result of b passes the check.
func judgeForgeries(b *auction.Book) error {
	forged := forgeries(b)
	names := make([]string, 0, len(forged))
	for name := range forged {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch err := check(b, forged[name]); {
		case err == nil:
			return fmt.Errorf("Check accepts a result with %s", name)
		case errors.Is(err, errCheckPanics):
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// forgeries are results that differ from that of b in one place.
func forgeries(b *auction.Book) map[string]*auction.Result {
	out := make(map[string]*auction.Result)
	if _, err := cleared(b); err != nil {
		return out
	}
	forge := func(name string, change func(r *auction.Result)) {
		r := auction.Clear(b)
		change(r)
		out[name] = r
	}
	good := auction.Clear(b)
	for _, by := range []int64{-1, 1} {
		by, sign := by, fmt.Sprintf("%+d", by)
		for i := range good.Fills {
			forge(fmt.Sprintf("energy of fill %d %s", i, sign), func(r *auction.Result) {
				r.Fills[i].Energy += quantity.Energy(by)
				r.Fills[i].Amount = quantity.MustTimes(r.Fills[i].Energy, r.Fills[i].Price)
			})
			forge(fmt.Sprintf("price of fill %d %s", i, sign), func(r *auction.Result) {
				r.Fills[i].Price += quantity.Price(by)
				r.Fills[i].Amount = quantity.MustTimes(r.Fills[i].Energy, r.Fills[i].Price)
			})
			forge(fmt.Sprintf("amount of fill %d %s", i, sign), func(r *auction.Result) { r.Fills[i].Amount += quantity.Money(by) })
		}
		for i := range good.Prices {
			forge(fmt.Sprintf("price %d %s", i, sign), func(r *auction.Result) { r.Prices[i].Price += quantity.Price(by) })
		}
		for i := range good.Flows {
			forge(fmt.Sprintf("export %d %s", i, sign), func(r *auction.Result) { r.Flows[i].Export += quantity.Energy(by) })
			forge(fmt.Sprintf("import %d %s", i, sign), func(r *auction.Result) { r.Flows[i].Import += quantity.Energy(by) })
		}
		forge("welfare "+sign, func(r *auction.Result) { r.Welfare += quantity.Money(by) })
		forge("network revenue "+sign, func(r *auction.Result) { r.NetworkRevenue += quantity.Money(by) })
		forge("utility sold "+sign, func(r *auction.Result) { r.UtilitySold += quantity.Energy(by) })
		forge("utility bought "+sign, func(r *auction.Result) { r.UtilityBought += quantity.Energy(by) })
	}
	for i, f := range good.Fills {
		forge(fmt.Sprintf("fill %d left out", i), func(r *auction.Result) { r.Fills = slices.Delete(r.Fills, i, i+1) })
		for k := range i {
			g := good.Fills[k]
			if f.Energy != g.Energy && f.Stage == g.Stage && !tied(b.Orders[f.Order], b.Orders[g.Order]) {
				forge(fmt.Sprintf("energies of fills %d and %d swapped", k, i), func(r *auction.Result) { swapEnergy(&r.Fills[k], &r.Fills[i]) })
			}
		}
	}
	if len(good.Fills) > 0 {
		forge("every price +1", func(r *auction.Result) { raise(r, 1) })
		forge("every price -1", func(r *auction.Result) { raise(r, -1) })
	}
	for i := range good.Prices {
		forge(fmt.Sprintf("price %d left out", i), func(r *auction.Result) { r.Prices = slices.Delete(r.Prices, i, i+1) })
	}
	forge("a stage left out", func(r *auction.Result) { r.Stages = r.Stages[1:] })
	return out
}

// tied says whether two orders may be worth the same to the market without
// being one level: Check accepts any proportion between those.
func tied(a, b auction.Order) bool {
	return a.Zone == b.Zone && a.Side == b.Side && a.Class != b.Class
}

// raise moves all prices, which balances where the utility does not trade.
func raise(r *auction.Result, by quantity.Price) {
	for i := range r.Prices {
		r.Prices[i].Price += by
	}
	for i := range r.Fills {
		f := &r.Fills[i]
		f.Price += by
		f.Amount = quantity.MustTimes(f.Energy, f.Price)
	}
}

func swapEnergy(a, b *auction.Fill) {
	a.Energy, b.Energy = b.Energy, a.Energy
	a.Amount = quantity.MustTimes(a.Energy, a.Price)
	b.Amount = quantity.MustTimes(b.Energy, b.Price)
}

// TestTheOrderOfOrdersDoesNotMatter lists orders and zones in another order.
func TestTheOrderOfOrdersDoesNotMatter(t *testing.T) {
	for seed := range uint64(books(t, 1000)) {
		if err := judgeShuffle(randomBook(seed)); err != nil {
			report(t, seed, judgeShuffle)
		}
	}
}

func judgeShuffle(b *auction.Book) error {
	r := rand.New(rand.NewPCG(uint64(len(b.Orders)), uint64(len(b.Zones))))
	shuffled := *b
	shuffled.Orders = slices.Clone(b.Orders)
	var at []int
	shuffled.Zones, at = shuffledZones(r, b.Zones)
	for i := range shuffled.Orders {
		shuffled.Orders[i].Zone = uint32(at[b.Orders[i].Zone])
	}
	r.Shuffle(len(b.Orders), func(i, k int) {
		shuffled.Orders[i], shuffled.Orders[k] = shuffled.Orders[k], shuffled.Orders[i]
	})
	first, err := cleared(b)
	if err != nil {
		return err
	}
	second, err := cleared(&shuffled)
	if err != nil {
		return err
	}
	if a, z := named(b, first), named(&shuffled, second); !slices.Equal(a, z) {
		return fmt.Errorf("shuffled orders and zones clear differently:\n%v\n%v", a, z)
	}
	return nil
}

// named is a result with ids for indices, as sorted lines.
func named(b *auction.Book, r *auction.Result) []string {
	var lines []string
	for _, f := range r.Fills {
		lines = append(lines, fmt.Sprintf("%s %d %d %d %d", b.Orders[f.Order].ID, f.Stage, f.Energy, f.Price, f.Amount))
	}
	for _, p := range r.Prices {
		lines = append(lines, fmt.Sprintf("price %s %d %d %d", b.Zones[p.Zone].ID, p.Class, p.Stage, p.Price))
	}
	for _, f := range r.Flows {
		lines = append(lines, fmt.Sprintf("flow %s %d %d", b.Zones[f.Zone].ID, f.Import, f.Export))
	}
	lines = append(lines, fmt.Sprintf("%d %d %d %d", r.UtilitySold, r.UtilityBought, r.Welfare, r.NetworkRevenue))
	slices.Sort(lines)
	return lines
}
