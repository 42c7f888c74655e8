package auction_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// goodBook is a book to break.
func goodBook() *auction.Book {
	return &auction.Book{
		Zones:   []auction.Zone{line("grid", auction.NoParent, 0), line("f1", 0, 40), line("f2", 1, 5)},
		Owners:  []string{"ann", "bob"},
		Utility: &auction.Utility{Retail: 320, FeedIn: 80},
		Orders: []auction.Order{
			{ID: "b1", Owner: 0, Zone: 1, Side: auction.Buy, Energy: 1200, Limit: 250},
			{ID: "s1", Owner: 1, Zone: 2, Side: auction.Sell, Class: auction.Green, Energy: 900, Limit: 100},
		},
	}
}

// faults are ways to break a good book, in the order in which they count.
var faults = []struct {
	name  string
	path  string
	spoil func(*auction.Book)
}{
	{"zone without id", "zones[1].id", func(b *auction.Book) { b.Zones[1].ID = "" }},
	{"parent that there is not", "zones[1].parent", func(b *auction.Book) { b.Zones[1].Parent = 9 }},
	{"negative charge", "zones[1].charge", func(b *auction.Book) { b.Zones[1].Charge = -1 }},
	{"negative export limit", "zones[1].export_limit_wh", func(b *auction.Book) { b.Zones[1].ExportLimit = -2 }},
	{"import limit too large", "zones[1].import_limit_wh", func(b *auction.Book) { b.Zones[1].ImportLimit = auction.MaxEnergy + 1 }},
	{"zone id given twice", "zones[2].id", func(b *auction.Book) { b.Zones[2].ID = "grid" }},
	{"parent before the first", "zones[2].parent", func(b *auction.Book) { b.Zones[2].Parent = -2 }},
	{"charge too large", "zones[2].charge", func(b *auction.Book) { b.Zones[2].Charge = math.MaxInt64 }},
	{"two roots", "zones[2].parent", func(b *auction.Book) { b.Zones[2].Parent = auction.NoParent }},
	{"circle below the root", "zones[1].parent", func(b *auction.Book) { b.Zones[1].Parent = 2 }},
	{"charges of a path too large", "zones[2].charge", func(b *auction.Book) { b.Zones[2].Charge = auction.MaxPrice - 39 }},
	{"retail too large", "utility.retail", func(b *auction.Book) { b.Utility.Retail = auction.MaxPrice + 1 }},
	{"feed-in too small", "utility.feed_in", func(b *auction.Book) { b.Utility.FeedIn = -auction.MaxPrice - 1 }},
	{"feed-in above retail", "utility.feed_in", func(b *auction.Book) { b.Utility.FeedIn = 321 }},
	{"no such mode", "mode", func(b *auction.Book) { b.Mode = 77 }},
	{"no such price rule", "price_rule", func(b *auction.Book) { b.Rule = 77 }},
	{"order without id", "orders[0].id", func(b *auction.Book) { b.Orders[0].ID = "" }},
	{"no such owner", "orders[0].owner", func(b *auction.Book) { b.Orders[0].Owner = 2 }},
	{"no such zone", "orders[0].zone", func(b *auction.Book) { b.Orders[0].Zone = 3 }},
	{"no such side", "orders[0].side", func(b *auction.Book) { b.Orders[0].Side = 2 }},
	{"no such class", "orders[0].class", func(b *auction.Book) { b.Orders[0].Class = 2 }},
	{"negative energy", "orders[0].energy_wh", func(b *auction.Book) { b.Orders[0].Energy = -1 }},
	{"price too large", "orders[0].price", func(b *auction.Book) { b.Orders[0].Limit = auction.MaxPrice + 1 }},
	{"order id given twice", "orders[1].id", func(b *auction.Book) { b.Orders[1].ID = "b1" }},
	{"energy too large", "orders[1].energy_wh", func(b *auction.Book) { b.Orders[1].Energy = math.MaxInt64 }},
	{"price too small", "orders[1].price", func(b *auction.Book) { b.Orders[1].Limit = math.MinInt64 }},
	{"total too large", "orders[1].energy_wh", func(b *auction.Book) { b.Orders[1].Energy = auction.MaxEnergy - 1199 }},
}

// TestValidateRefusesInOrderOfPrecedence breaks a good book in one place, and
// then in every later place too: the first fault still counts.
func TestValidateRefusesInOrderOfPrecedence(t *testing.T) {
	if err := goodBook().Validate(); err != nil {
		t.Fatal(err)
	}
	for i, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			b := goodBook()
			fault.spoil(b)
			alone := refusedPath(t, b)
			if alone != fault.path {
				t.Errorf("alone it is refused at %s instead of %s", alone, fault.path)
			}
			// Later faults of other fields first, so that this one is kept.
			for _, later := range faults[i+1:] {
				b := goodBook()
				later.spoil(b)
				fault.spoil(b)
				if got := refusedPath(t, b); got != fault.path {
					t.Errorf("with %s it is refused at %s instead of %s", later.name, got, fault.path)
				}
			}
		})
	}
}

func refusedPath(t *testing.T, b *auction.Book) string {
	t.Helper()
	refusal, ok := errors.AsType[*auction.FieldError](b.Validate())
	if !ok {
		t.Fatalf("Validate returns %v", refusal)
	}
	return refusal.Path
}

func TestValidateRefusesABookWithoutRoot(t *testing.T) {
	b := &auction.Book{}
	if got := refusedPath(t, b); got != "zones" {
		t.Errorf("no zones: refused at %s", got)
	}
	b.Zones = []auction.Zone{line("a", 2, 0), line("b", 2, 0), line("c", 1, 0)}
	if got := refusedPath(t, b); got != "zones[1].parent" {
		t.Errorf("a circle of b and c: refused at %s", got)
	}
}

// TestTheBoundsClear clears books at the edge of what Validate lets pass.
func TestTheBoundsClear(t *testing.T) {
	for _, sign := range []quantity.Price{1, -1} {
		b := goodBook()
		b.Zones[1].Charge, b.Zones[2].Charge = 0, auction.MaxPrice
		b.Zones[2].ExportLimit = auction.MaxEnergy
		b.Utility = &auction.Utility{Retail: auction.MaxPrice, FeedIn: -auction.MaxPrice}
		b.Orders[0].Energy, b.Orders[0].Limit = auction.MaxEnergy/2, auction.MaxPrice
		b.Orders[1].Energy, b.Orders[1].Limit = auction.MaxEnergy/2, -auction.MaxPrice*sign
		for _, membersFirst := range []bool{true, false} {
			for _, rule := range []auction.PriceRule{auction.SplitRule, auction.ClearingRule} {
				b.MembersFirst, b.Rule = membersFirst, rule
				r, err := cleared(b)
				if err == nil {
					err = check(b, r)
				}
				if err != nil {
					t.Errorf("members first %v, rule %d: %v", membersFirst, rule, err)
				}
			}
		}
	}
}

// TestAFieldErrorReadsAsOneLine keeps the form that commands print.
func TestAFieldErrorReadsAsOneLine(t *testing.T) {
	got := []string{
		(&auction.FieldError{Path: "seed", Problem: "is given twice"}).Error(),
		(&auction.FieldError{Path: "orders[3].zone", Problem: `there is no zone "f9"`, Hint: "zones are grid, f1"}).Error(),
	}
	want := []string{"seed: is given twice", `orders[3].zone: there is no zone "f9"; zones are grid, f1`}
	if !slices.Equal(got, want) {
		t.Errorf("%q instead of %q", got, want)
	}
}
