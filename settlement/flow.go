package settlement

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
)

// meter finds what flowed over each line, by the meters below it. Of that a line
// loses its part, which the network buys from the utility at retail. It has been
// paid for that: a Wh of the flow that is left crossed the line once, if not
// there and back, and paid the price of its loss, which is rounded up, while what
// is lost is rounded down.
func (o *outcome) meter(tree []grid.Node, retail quantity.Price) {
	s := &o.settled
	for n, flow := range flows(tree, s.Zones) {
		lost := tree[n].Line.Lost(flow)
		s.LostEnergy = quantity.MustAdd(s.LostEnergy, lost)
		s.LossCost = quantity.MustAdd(s.LossCost, quantity.MustTimes(lost, retail))
		limit, size := tree[n].Line.ExportLimit, flow
		if flow < 0 {
			limit, size = tree[n].Line.ImportLimit, -flow
		}
		if limit != grid.NoLimit && size > limit {
			o.overloads = append(o.overloads, Overload{
				Microgrid: s.Microgrid, Zone: tree[n].Zone, Start: s.Start, Flow: flow, Limit: limit,
			})
		}
	}
}

// flows is what went over the line of each zone to its parent: what the points in
// the zone and below it gave, less what they took. Nothing goes over the root's.
func flows(tree []grid.Node, zones []ZoneTotal) []quantity.Energy {
	index := make(map[grid.ZoneID]int, len(tree))
	for n, z := range tree {
		index[z.Zone] = n
	}
	flows := make([]quantity.Energy, len(tree))
	for n := range tree {
		net := quantity.MustSub(zones[n].Supply, zones[n].Demand)
		for up := n; tree[up].Parent != 0; up = index[tree[up].Parent] {
			flows[up] = quantity.MustAdd(flows[up], net)
		}
	}
	return flows
}
