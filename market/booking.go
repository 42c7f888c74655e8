package market

import (
	"encoding/binary"
	"strconv"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tariff"
)

// booking makes the book of an interval, position by position.
type booking struct {
	tree      []grid.Node
	index     map[grid.ZoneID]int32 // Into tree.
	charges   []quantity.Price      // By zone: what a Wh pays on the line to the parent, losses included.
	paths     []quantity.Price      // By zone: the charges up to the root.
	prices    tariff.Prices
	book      auction.Book
	energy    quantity.Energy // Of all orders.
	positions []int32         // By order.
	places    []Place         // By position.
	wishes    map[grid.PointID]Wish
	owners    map[grid.PointID]uint32
	choices   []choice
}

func newBooking(s state.Reader, id grid.MicrogridID, i interval.Interval) *booking {
	b := &booking{
		tree:  grid.Tree(s, id, i.Start),
		index: map[grid.ZoneID]int32{}, owners: map[grid.PointID]uint32{}, wishes: wishesAt(s, id, i.Start),
	}
	b.prices, _ = tariff.At(s, id, i.Start)
	r := RulesAt(s, id, i.Start)
	b.book = auction.Book{
		Zones:   make([]auction.Zone, len(b.tree)),
		Utility: &auction.Utility{Retail: b.prices.Retail, FeedIn: b.prices.FeedIn},
		Mode:    r.Mode, Rule: r.Rule, MembersFirst: r.MembersFirst,
		Seed: binary.BigEndian.AppendUint64(id.AppendKey(nil), uint64(i.Start)), //nolint:gosec // the bits, not the value
	}
	for n, z := range b.tree {
		b.index[z.Zone] = int32(n)
	}
	b.charges, b.paths = make([]quantity.Price, len(b.tree)), make([]quantity.Price, len(b.tree))
	for n, z := range b.tree {
		b.charges[n] = quantity.MustAdd(z.Line.Charge, z.Line.LossPrice(b.prices.Retail))
	}
	for n, z := range b.tree {
		parent, below := b.index[z.Parent]
		if !below {
			parent = auction.NoParent
		}
		b.book.Zones[n] = auction.Zone{ID: strconv.FormatUint(uint64(z.Zone), 10), Parent: parent, Charge: b.charges[n], ExportLimit: z.Line.ExportLimit, ImportLimit: z.Line.ImportLimit}
		for up := n; b.tree[up].Parent != 0; up = int(b.index[b.tree[up].Parent]) {
			b.paths[n] = quantity.MustAdd(b.paths[n], b.charges[up])
		}
	}
	return b
}

// add adds what a position took and gave as two orders, by the point's wish.
func (b *booking) add(p metering.Position) {
	zone := b.index[p.Zone]
	b.places = append(b.places, Place{Zone: zone, Path: b.paths[zone]})
	if p.Import == 0 && p.Export == 0 {
		return
	}
	w := b.wishes[p.Point]
	buy := quantity.MustAdd(b.prices.Retail, b.paths[zone])
	if w.Buy != nil {
		buy = *w.Buy
	}
	sell := quantity.MustSub(b.prices.FeedIn, b.paths[zone])
	if w.Sell != nil {
		sell = *w.Sell
	}
	if len(w.Partners) > 0 {
		b.choices = append(b.choices, choice{p.Point, w.Partners})
	}
	b.order(p, "b", auction.Buy, class(w.Green), p.Import, buy)
	green := quantity.Energy(0)
	if w.SellsGreen {
		green = p.Green
	}
	b.order(p, "g", auction.Sell, class(true), green, sell)
	b.order(p, "s", auction.Sell, class(false), quantity.MustSub(p.Export, green), sell)
}

// order adds one order, if it is for any energy.
func (b *booking) order(p metering.Position, prefix string, side auction.Side, c auction.Class, e quantity.Energy, limit quantity.Price) {
	if e == 0 {
		return
	}
	owner, known := b.owners[p.Point]
	if !known {
		owner = uint32(len(b.book.Owners)) //nolint:gosec // points are fewer
		b.owners[p.Point] = owner
		b.book.Owners = append(b.book.Owners, "")
	}
	b.book.Orders = append(b.book.Orders, auction.Order{
		ID:    prefix + strconv.FormatUint(uint64(p.Point), 10),
		Owner: owner, Zone: uint32(b.index[p.Zone]), Side: side, Class: c, Energy: e, Limit: limit, //nolint:gosec // an index
	})
	b.positions = append(b.positions, int32(len(b.places)-1)) //nolint:gosec // positions are fewer
	b.energy = quantity.MustAdd(b.energy, e)
}

// choice is whom a point would rather buy from.
type choice struct {
	point    grid.PointID
	partners []grid.PointID
}

// partners are the choices in the auction's words: those who have no order in
// this interval are left out.
func (b *booking) partners() []auction.Partner {
	var list []auction.Partner
	for _, c := range b.choices {
		p := auction.Partner{}
		var known bool
		if p.Buyer, known = b.owners[c.point]; !known {
			continue
		}
		for _, point := range c.partners {
			if seller, there := b.owners[point]; there {
				p.Sellers = append(p.Sellers, seller)
			}
		}
		list = append(list, p)
	}
	return list
}

// side is the position behind one side of an assigned trade.
func (b *booking) side(order int32) int32 {
	if order == auction.UtilityParty {
		return Utility
	}
	return b.positions[order]
}

func class(green bool) auction.Class {
	if green {
		return auction.Green
	}
	return auction.Any
}
