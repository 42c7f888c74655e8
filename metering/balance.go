package metering

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// How far a feeder meter and the homes' meters may be apart: meters of class B err
// by 1 % (EN 50470-3), and each rounds.
const (
	apartPercent = 2   // Of all that the homes took and gave.
	apartLeast   = 100 // Wh.
)

// balance holds the feeder meters of an interval against the meters of their zones
// and of those below: what the homes took less what they gave, with what the lines
// below lost, is what came in. It says nothing where one of them was not read: an
// estimate would be accused of being one.
func balance(ctx *op.Context, s state.Reader, k Moment, m grid.Microgrid, roster grid.Roster, all []Value) {
	var tree []grid.Node
	for n, d := range roster.Devices {
		if d.Row.Kind != grid.Feeder || all[n].Quality != Actual {
			continue
		}
		if tree == nil {
			tree = grid.Tree(s, k.Microgrid, k.Start)
		}
		net, gross, read := below(tree, d.Row.Zone, roster, all)
		more := quantity.MustSub(quantity.MustSub(all[n].Import, all[n].Export), net)
		if !read || max(more, -more) <= max(apartLeast, gross*apartPercent/100) {
			continue
		}
		Report(ctx, m.Operator, Exception{
			Microgrid: k.Microgrid, Device: d.Device, Reason: Feeder, From: k.Start, To: k.Start, Import: max(more, 0), Export: max(-more, 0),
		})
	}
}

// below sums what the points of a zone and of those below it took less what they
// gave, with the losses of the lines between; and both together. It says whether
// all of their meters were read.
func below(tree []grid.Node, zone grid.ZoneID, roster grid.Roster, all []Value) (net, gross quantity.Energy, read bool) {
	index := make(map[grid.ZoneID]int, len(tree))
	for n, z := range tree {
		index[z.Zone] = n
	}
	flows := make([]quantity.Energy, len(tree)) // Over the line of each zone below, downwards.
	for n, d := range roster.Devices {
		if d.Row.Kind != grid.Meter || d.At < 0 {
			continue
		}
		at := roster.Points[d.At].Connection.Zone
		up := at
		for up != zone && up != 0 {
			up = tree[index[up]].Parent
		}
		if up == 0 {
			continue // Elsewhere.
		}
		if all[n].Quality != Actual {
			return 0, 0, false
		}
		took := quantity.MustSub(all[n].Import, all[n].Export)
		net, gross = quantity.MustAdd(net, took), quantity.MustAdd(gross, quantity.MustAdd(all[n].Import, all[n].Export))
		for up = at; up != zone; up = tree[index[up]].Parent {
			flows[index[up]] = quantity.MustAdd(flows[index[up]], took)
		}
	}
	for n, flow := range flows {
		net = quantity.MustAdd(net, tree[n].Line.Lost(flow))
	}
	return net, gross, true
}
