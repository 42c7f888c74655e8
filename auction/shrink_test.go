package auction_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// report fails the test with the smallest book found that the judge rejects, in
// the format of `commonwatt market clear`.
func report(t *testing.T, seed uint64, judge func(*auction.Book) error) {
	t.Helper()
	small := shrink(randomBook(seed), judge)
	t.Fatalf("book %d: %v\n%s", seed, judge(small), bookJSON(small))
}

// shrink takes away from a rejected book whatever leaves it rejected.
func shrink(b *auction.Book, judge func(*auction.Book) error) *auction.Book {
	for {
		smaller := slices.IndexFunc(reductions(b), func(s *auction.Book) bool { return judge(s) != nil })
		if smaller < 0 {
			return b
		}
		b = reductions(b)[smaller]
	}
}

// reductions are the valid books one step simpler than b, simplest first.
func reductions(b *auction.Book) []*auction.Book {
	var out []*auction.Book
	try := func(change func(s *auction.Book)) {
		s := *b
		s.Zones, s.Orders = slices.Clone(b.Zones), slices.Clone(b.Orders)
		if b.Utility != nil {
			u := *b.Utility
			s.Utility = &u
		}
		change(&s)
		if s.Validate() == nil {
			out = append(out, &s)
		}
	}
	for i := range b.Orders {
		try(func(s *auction.Book) { s.Orders = slices.Delete(s.Orders, i, i+1) })
	}
	for z := range b.Zones {
		if b.Zones[z].Parent != auction.NoParent {
			try(func(s *auction.Book) { merge(s, z) })
		}
	}
	if b.Utility != nil {
		try(func(s *auction.Book) { s.Utility = nil })
	}
	if b.MembersFirst {
		try(func(s *auction.Book) { s.MembersFirst = false })
	}
	for z, zone := range b.Zones {
		if zone.Charge > 0 {
			try(func(s *auction.Book) { s.Zones[z].Charge-- })
		}
		if zone.ExportLimit != auction.NoLimit {
			try(func(s *auction.Book) { s.Zones[z].ExportLimit = auction.NoLimit })
		}
		if zone.ImportLimit != auction.NoLimit {
			try(func(s *auction.Book) { s.Zones[z].ImportLimit = auction.NoLimit })
		}
	}
	for i, o := range b.Orders {
		if o.Class == auction.Green {
			try(func(s *auction.Book) { s.Orders[i].Class = auction.Any })
		}
		if o.Energy > 0 {
			try(func(s *auction.Book) { s.Orders[i].Energy = 1 })
			try(func(s *auction.Book) { s.Orders[i].Energy-- })
		}
		if o.Limit > 0 {
			try(func(s *auction.Book) { s.Orders[i].Limit-- })
		}
	}
	return slices.DeleteFunc(out, func(s *auction.Book) bool { return bookJSON(s) == bookJSON(b) })
}

// merge puts zone z into its parent.
func merge(b *auction.Book, z int) {
	parent := b.Zones[z].Parent
	move := func(at int32) int32 {
		if at == int32(z) {
			at = parent
		}
		if at > int32(z) {
			at--
		}
		return at
	}
	for i := range b.Orders {
		b.Orders[i].Zone = uint32(move(int32(b.Orders[i].Zone)))
	}
	for i := range b.Zones {
		b.Zones[i].Parent = move(b.Zones[i].Parent)
	}
	b.Zones = slices.Delete(b.Zones, z, z+1)
}

// bookJSON is a book whose ids need no escapes in the format of the command.
func bookJSON(b *auction.Book) string {
	var zones, orders []string
	limit := func(name string, e quantity.Energy) string {
		if e == auction.NoLimit {
			return ""
		}
		return fmt.Sprintf(`,"%s":%d`, name, e)
	}
	for _, z := range b.Zones {
		text := fmt.Sprintf(`{"id":"%s"`, z.ID)
		if z.Parent != auction.NoParent {
			text += fmt.Sprintf(`,"parent":"%s","charge":%d`, b.Zones[z.Parent].ID, z.Charge)
		}
		zones = append(zones, text+limit("export_limit_wh", z.ExportLimit)+limit("import_limit_wh", z.ImportLimit)+"}")
	}
	for _, o := range b.Orders {
		orders = append(orders, fmt.Sprintf(`{"id":"%s","owner":"%s","zone":"%s","side":"%s","energy_wh":%d,"price":%d,"class":"%s"}`,
			o.ID, b.Owners[o.Owner], b.Zones[o.Zone].ID, []string{"buy", "sell"}[o.Side], o.Energy, o.Limit, []string{"any", "green"}[o.Class]))
	}
	text := `{"zones":[` + strings.Join(zones, ",\n          ") + "],\n"
	if b.Utility != nil {
		text += fmt.Sprintf(` "utility":{"retail":%d,"feed_in":%d},`+"\n", b.Utility.Retail, b.Utility.FeedIn)
	}
	text += fmt.Sprintf(` "price_rule":"%s", "members_first":%v, "seed":"%s",`+"\n",
		[]string{"split", "clearing"}[b.Rule], b.MembersFirst, hex.EncodeToString(b.Seed))
	return text + ` "orders":[` + strings.Join(orders, ",\n           ") + "]}"
}
