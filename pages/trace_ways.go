package pages

import (
	"cmp"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
)

// crossing is a line on a way.
type crossing struct {
	node grid.Node
	up   bool
}

// delivered is over which lines the household's energy counts as having come and
// gone: those between the zones of the two sides of each deal. What it used of its own
// went over none.
func (c *tracing) delivered(zones []Zone, own int64) TraceWays {
	t := TraceWays{Ways: []TraceWay{}, Receipts: append([]ReceiptRef{}, c.sums...)}
	if own > 0 {
		zone := c.names.Zones[c.statements[0].Zone]
		t.Ways = append(t.Ways, TraceWay{Within: true, Energy: own, From: zone, To: zone, Lines: []TraceLine{}})
	}
	root := grid.ZoneID(0)
	for _, n := range c.held.tree {
		if n.Parent == 0 {
			root = n.Zone
		}
	}
	type key struct {
		bought, utility bool
		from, to        grid.ZoneID
	}
	energies, order := map[key]quantity.Energy{}, []key{}
	for _, s := range c.statements {
		for _, d := range s.said.Deals {
			k := key{d.Bought, d.Partner == c.microgrid.Utility, s.Zone, s.Zone}
			other := root
			if !k.utility {
				other = c.zoneOf[d.Partner]
			}
			if k.bought {
				k.from = other
			} else {
				k.to = other
			}
			if _, known := energies[k]; !known {
				order = append(order, k)
			}
			energies[k] = quantity.MustAdd(energies[k], d.Energy)
		}
	}
	slices.SortStableFunc(order, func(a, b key) int { return cmp.Or(first(b.bought, a.bought), first(a.utility, b.utility)) })
	for _, k := range order {
		w := TraceWay{
			Bought: k.bought, Utility: k.utility, Energy: int64(energies[k]), From: c.names.Zones[k.from], To: c.names.Zones[k.to], Lines: []TraceLine{},
		}
		var price quantity.Price
		for _, x := range c.between(k.from, k.to) {
			loss := x.node.Line.LossPrice(c.held.prices.Retail)
			price = quantity.MustAdd(price, quantity.MustAdd(x.node.Line.Charge, loss))
			w.Lost += int64(x.node.Line.Lost(energies[k]))
			w.Lines = append(w.Lines, c.line(x, loss, zones))
		}
		w.Price = c.money.price(price)
		t.Ways = append(t.Ways, w)
	}
	return t
}

// first orders true after false.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// line is a line that is crossed, with what flowed over it if that may be told.
func (c *tracing) line(x crossing, loss quantity.Price, zones []Zone) TraceLine {
	l := TraceLine{
		Zone: c.names.Zones[x.node.Zone], Up: x.up, Charge: c.money.price(x.node.Line.Charge), Loss: c.money.price(loss), LossPPM: int64(x.node.Line.LossPPM),
	}
	if i := slices.IndexFunc(zones, func(z Zone) bool { return z.Zone == x.node.Zone }); i >= 0 && !zones[i].Withheld {
		l.Flow = &zones[i].Flow
	}
	return l
}

// between is the lines from one zone to another: up to where their ways to the root
// meet, and down from there.
func (c *tracing) between(from, to grid.ZoneID) []crossing {
	up, down := c.toRoot(from), c.toRoot(to)
	for len(up) > 0 && len(down) > 0 && up[len(up)-1].Zone == down[len(down)-1].Zone {
		up, down = up[:len(up)-1], down[:len(down)-1]
	}
	var list []crossing
	for _, n := range up {
		list = append(list, crossing{n, true})
	}
	for _, n := range slices.Backward(down) {
		list = append(list, crossing{n, false})
	}
	return list
}

// toRoot is the zones whose lines lead from a zone to the root.
func (c *tracing) toRoot(zone grid.ZoneID) (list []grid.Node) {
	for zone != 0 {
		i := slices.IndexFunc(c.held.tree, func(n grid.Node) bool { return n.Zone == zone })
		if i < 0 || c.held.tree[i].Parent == 0 {
			break
		}
		list = append(list, c.held.tree[i])
		zone = c.held.tree[i].Parent
	}
	return list
}

// path is what a Wh pays between a zone and the root, losses included.
func (c *tracing) path(zone grid.ZoneID) (price quantity.Price) {
	for _, n := range c.toRoot(zone) {
		price = quantity.MustAdd(price, quantity.MustAdd(n.Line.Charge, n.Line.LossPrice(c.held.prices.Retail)))
	}
	return price
}
