package certificate

import (
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// matching is a Match as it goes through its intervals.
type matching struct {
	ctx    *op.Context
	s      state.Store
	o      *Match
	m      grid.Microgrid
	tree   *tree
	points []place // Of the microgrid, by number.
	asked  int64   // How many connection points the matching is of.
	zones  map[grid.DeviceID]int32
}

// place is a connection point whose use may be matched.
type place struct {
	point      grid.PointID
	connection grid.Connection
	zone       int32 // Of the tree.
	asked      bool  // The matching is of its use.
	ours       bool  // Whoever matches may do so, whatever was chosen.
}

// newMatching reads what is the same in every interval.
//
// Refusals: ErrMatchZone, ErrMatchPoint.
func newMatching(ctx *op.Context, s state.Store, o *Match, m grid.Microgrid) (*matching, *op.Refusal) {
	x := &matching{ctx: ctx, s: s, o: o, m: m, tree: newTree(grid.Tree(s, o.Microgrid, o.From)), zones: map[grid.DeviceID]int32{}}
	within := x.tree.all()
	if o.Zone != 0 {
		top, ok := x.tree.index[o.Zone]
		if !ok {
			return nil, ErrMatchZone
		}
		within = x.tree.below(top)
	}
	named := o.Points
	for k, c := range grid.Points(s, o.Microgrid) {
		p := place{point: k.Point, connection: c, zone: x.tree.index[c.Zone]}
		p.ours = c.Account == o.Account || party.ActsFor(s, ctx.Signer, c.Account)
		p.asked = len(o.Points) == 0 && within[p.zone]
		if len(named) > 0 && named[0] == k.Point {
			named, p.asked = named[1:], true
		}
		if p.asked {
			x.asked++
		}
		x.points = append(x.points, p)
	}
	if len(named) > 0 {
		return nil, ErrMatchPoint
	}
	return x, nil
}

// side is some energy at a place in the tree: of a lot that the account has, or of use
// that nothing is claimed for.
type side struct {
	zone  int32
	left  quantity.Energy
	taken quantity.Energy
}

// interval matches one interval, which is final, and returns how much.
//
// Refusals: ErrMatchWhose.
func (x *matching) interval(i interval.Interval) (sum quantity.Energy, no *op.Refusal) {
	k := metering.Moment{Microgrid: x.o.Microgrid, Start: i.Start}
	u, known := usages.Get(x.s, k)
	demand, at, no := x.demand(i, u.Left)
	if no != nil || !known { // No certificates were issued, or they expired.
		return 0, no
	}
	parts, supply := x.supply(k)
	x.tree.pair(supply, demand)
	for n := range parts {
		parts[n].Energy = supply[n].taken
	}
	parts = slices.DeleteFunc(parts, func(p Part) bool { return p.Energy == 0 })
	if len(parts) == 0 {
		return 0, nil
	}
	sum = x.claim(parts)
	for n, d := range demand {
		if d.taken == 0 {
			continue
		}
		p := &x.points[at[n].place]
		left := &u.Left[at[n].left]
		*left = quantity.MustSub(*left, d.taken)
		op.Emit(x.ctx, UseMatchedReceipt, p.connection.Account, UseMatched{x.o.Account, k.Microgrid, k.Start, p.point, d.taken, *left})
	}
	u.Claimed = quantity.MustAdd(u.Claimed, sum)
	usages.Put(x.s, k, u)
	return sum, nil
}

// where is the place of a side of use, and of what is left of it.
type where struct{ place, left int }

// demand is the use of an interval that is asked for and may be matched.
func (x *matching) demand(i interval.Interval, left []quantity.Energy) (list []side, at []where, no *op.Refusal) {
	chose := choicesAt(x.s, x.o.Microgrid, i.Start)
	trusted := x.o.Account == x.m.Operator || x.o.Account == x.m.Utility
	there := 0 // Points of the interval's roster before this one.
	for n := range x.points {
		p := &x.points[n]
		if !grid.Holds(p.connection.From, p.connection.Until, i) {
			continue
		}
		index := there
		there++
		switch {
		case !p.asked:
			continue
		case p.ours || chose[p.point].By == x.o.Account || trusted && !chose[p.point].Own:
		case len(x.o.Points) > 0:
			return nil, nil, ErrMatchWhose
		default:
			continue
		}
		if index < len(left) && left[index] > 0 {
			list, at = append(list, side{zone: p.zone, left: left[index]}), append(at, where{n, index})
		}
	}
	return list, at, nil
}

// supply is what the account has of an interval, by device.
func (x *matching) supply(k metering.Moment) (parts []Part, list []side) {
	for h, b := range holdings.Under(x.s, k) {
		if h.Account != x.o.Account || !x.within(h.Lot) {
			continue
		}
		parts = append(parts, Part{Microgrid: k.Microgrid, Start: k.Start, Device: h.Lot.Device, Energy: b.Energy})
		list = append(list, side{zone: x.zone(h.Lot.Device), left: b.Energy})
	}
	return parts, list
}

// within reports whether a lot is of an interval of the microgrid: what came from
// another registry may be of a longer period, and nothing says when in it.
func (x *matching) within(id LotID) bool {
	p, _, foreign := ProvenanceOf(x.s, id)
	return !foreign || interval.Length(p.Length) <= x.m.Length
}

// zone is where a device is, in the tree; that of another registry is as far as any.
func (x *matching) zone(device grid.DeviceID) int32 {
	if at, known := x.zones[device]; known {
		return at
	}
	if isForeign(x.s, grid.Device{Microgrid: x.o.Microgrid, Device: device}) {
		x.zones[device] = x.tree.order[len(x.tree.order)-1] // The root.
		return x.zones[device]
	}
	d, _ := grid.DeviceAt(x.s, grid.Device{Microgrid: x.o.Microgrid, Device: device})
	p, _ := grid.PointAt(x.s, grid.Point{Microgrid: x.o.Microgrid, Point: d.Point})
	at := x.tree.index[p.Zone]
	x.zones[device] = at
	return at
}

// claim uses parts up and says so, and returns how much they are.
func (x *matching) claim(parts []Part) (sum quantity.Energy) {
	claims := make([]Claim, len(parts))
	for n, p := range parts {
		l, _ := lots.Get(x.s, p.lot())
		if !take(x.s, p.lot(), x.o.Account, p.Energy) {
			panic("certificate: more is matched than there is")
		}
		claims[n] = Claim{Device: p.Device, Energy: p.Energy, Serial: l.Gone()}
		l.Held, l.Cancelled, l.Claimed = quantity.MustSub(l.Held, p.Energy), quantity.MustAdd(l.Cancelled, p.Energy), quantity.MustAdd(l.Claimed, p.Energy)
		lots.Put(x.s, p.lot(), l)
		sum = quantity.MustAdd(sum, p.Energy)
	}
	for chunk := range slices.Chunk(claims, maxClaims) {
		said := Matched{Account: x.o.Account, Microgrid: parts[0].Microgrid, Start: parts[0].Start, Claims: chunk}
		for _, c := range chunk {
			said.Energy = quantity.MustAdd(said.Energy, c.Energy)
		}
		op.Emit(x.ctx, MatchedReceipt, x.o.Account, said)
	}
	return sum
}
