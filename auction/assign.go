package auction

import (
	"cmp"
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// UtilityParty stands for the utility in a trade.
const UtilityParty int32 = -1

// Trade says that a seller's energy goes to a buyer. What lies between the two
// prices is the network's.
type Trade struct {
	Seller, Buyer           int32 // Indices into Book.Orders, or UtilityParty.
	Energy                  quantity.Energy
	BuyerPrice, SellerPrice quantity.Price
	Class                   Class // The buyer's.
	Stage                   Stage
}

// Partner says which sellers a buyer would rather have its energy from, best
// first. Both are indices into Book.Owners.
type Partner struct {
	Buyer   uint32
	Sellers []uint32
}

// Assign says whose energy goes to whom. It changes nothing that anyone pays:
// which Wh is whose is free at one price, so an owner's own energy goes to the
// owner first, then to partners in the order given, then pro rata: all of it in
// each zone, then between what is left in the zones next to each other, and so on
// up the tree. Green bids are served first, by green
// offers. The trades of each order sum to its fills, and over each line, one way
// less the other, to its flow. In PayAsBid the price depends on the pair, so the
// pairs are those of the mode. The result must be that of Clear.
func Assign(b *Book, r *Result, partners []Partner) []Trade {
	stages, err := restage(b, r)
	assert(err == nil, "a result that is not of this book")
	var trades []Trade
	for _, s := range stages {
		var made []Trade
		if b.Mode == PayAsBid {
			made = s.pairs()
		} else {
			made = s.assign(partners)
			s.price(made, r)
		}
		slices.SortFunc(made, byParties)
		trades = append(trades, made...)
	}
	return trades
}

// byParties orders trades by buyer, seller and class.
func byParties(x, y Trade) int {
	switch {
	case x.Buyer != y.Buyer:
		return cmp.Compare(x.Buyer, y.Buyer)
	case x.Seller != y.Seller:
		return cmp.Compare(x.Seller, y.Seller)
	}
	return cmp.Compare(x.Class, y.Class)
}

// price writes what the parties of a stage's trades pay and get.
func (s *stage) price(trades []Trade, r *Result) {
	prices := make([]quantity.Price, len(s.book.Orders))
	for _, f := range r.Fills {
		if f.Stage == s.kind {
			prices[f.Order] = f.Price
		}
	}
	for i := range trades {
		t := &trades[i]
		if t.Buyer == UtilityParty {
			t.BuyerPrice = s.utility.FeedIn
		} else {
			t.BuyerPrice = prices[t.Buyer]
		}
		if t.Seller == UtilityParty {
			t.SellerPrice = s.utility.Retail
		} else {
			t.SellerPrice = prices[t.Seller]
		}
	}
}

// drawn are the orders with a fill and, for each, its place by lot.
func (s *stage) drawn() (orders []uint32, places []uint64) {
	for i, filled := range s.filled {
		if filled > 0 {
			orders = append(orders, uint32(i))
		}
	}
	return orders, lots(s.book.Seed, len(orders), func(i int) string { return s.book.Orders[orders[i]].ID })
}
