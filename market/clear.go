package market

import (
	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Utility stands for the utility as a side of a trade.
const Utility int32 = -1

// Trade is energy that went from one connection point to another, or between one
// and the utility. Sides are indices into the positions that were cleared.
type Trade struct {
	Seller, Buyer           int32
	Energy                  quantity.Energy
	BuyerPrice, SellerPrice quantity.Price
	Class                   Class
}

// ZonePrice is a zone and the price that neighbours paid in it, if any did.
type ZonePrice struct {
	Zone   grid.ZoneID
	Priced bool
	Price  quantity.Price
}

// Clearing is what the market made of an interval.
type Clearing struct {
	Trades []Trade
	Zones  []ZonePrice // Every zone of the microgrid, by number.
	Tree   []grid.Node // The same zones with their lines.
	Place  []Place     // Of every position.
}

// Place is where a position is in the microgrid.
type Place struct {
	Zone int32          // Index into Clearing.Zones.
	Path quantity.Price // What a Wh pays on the lines between the zone and the root, losses included.
}

// Clear clears the positions of an interval with what holds in it. Trades of the
// utility stage are left to the settlement when members trade first: they are
// the utility's tariff plus the path, whatever the limits.
func Clear(s state.Reader, id grid.MicrogridID, i interval.Interval, positions []metering.Position) Clearing {
	b := newBooking(s, id, i)
	for _, p := range positions {
		b.add(p)
	}
	c := Clearing{Zones: make([]ZonePrice, len(b.tree)), Tree: b.tree, Place: b.places}
	for n, z := range b.tree {
		c.Zones[n].Zone = z.Zone
	}
	if len(b.book.Orders) == 0 || b.energy > auction.MaxEnergy {
		return c // Of more energy than a book holds, nothing is traded; nor is it settled.
	}
	result := auction.Clear(&b.book)
	for _, p := range result.Prices {
		if p.Class == auction.Any && (p.Stage == auction.Members || !b.book.MembersFirst) {
			c.Zones[p.Zone].Priced, c.Zones[p.Zone].Price = true, p.Price
		}
	}
	for _, t := range auction.Assign(&b.book, result, b.partners()) {
		if t.Stage == auction.WithUtility && b.book.MembersFirst {
			continue
		}
		c.Trades = append(c.Trades, Trade{
			Seller: b.side(t.Seller), Buyer: b.side(t.Buyer), Energy: t.Energy,
			BuyerPrice: t.BuyerPrice, SellerPrice: t.SellerPrice, Class: Class(t.Class),
		})
	}
	return c
}
