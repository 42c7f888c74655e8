package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// use is what a connection point used in an interval, and where it came from: what
// left the point is of its plants first, and what its plants gave goes to the home
// before it goes to the batteries. What charged a battery is not used yet.
type use struct {
	home       quantity.Energy // All of it.
	own        quantity.Energy // Of its plants.
	bought     quantity.Energy // Of what came over its meter.
	discharged quantity.Energy // Of its batteries.
}

// useOf says what a position used. Where its meters contradict one another, less is
// used than they say, never more.
func useOf(p metering.Position) use {
	var charged, discharged quantity.Energy
	for _, d := range p.Devices {
		if d.Kind == grid.Battery {
			charged, discharged = quantity.MustAdd(charged, d.Import), quantity.MustAdd(discharged, d.Export)
		}
	}
	have := quantity.MustSub(quantity.MustAdd(quantity.MustAdd(p.Produced, discharged), p.Import), p.Export)
	stays := max(quantity.MustSub(p.Produced, p.Export), 0)
	u := use{home: max(quantity.MustSub(have, charged), 0)}
	u.own = min(stays, u.home)
	ownCharged := min(quantity.MustSub(stays, u.own), charged)
	u.bought = quantity.MustSub(p.Import, min(p.Import, quantity.MustSub(charged, ownCharged)))
	gave := max(quantity.MustSub(p.Export, p.Produced), 0) // Over the meter, of the batteries.
	left := max(quantity.MustSub(quantity.MustSub(u.home, u.own), u.bought), 0)
	u.discharged = min(max(quantity.MustSub(discharged, gave), 0), left)
	return u
}

// usage is what was used in an interval of a microgrid that issues certificates. Used =
// Claimed + the sum of Left, and what is Claimed of the interval's lots sums to Claimed:
// so no Wh that is used is claimed twice. The row goes when the lots expire.
type usage struct {
	Used    quantity.Energy   `cbor:"1,keyasint"`
	Claimed quantity.Energy   `cbor:"2,keyasint"` // Of production, however: by the close, from a store, or matched.
	Left    []quantity.Energy `cbor:"3,keyasint"` // That nothing is claimed for, by the connection points of the interval's roster.
	Final   bool              `cbor:"4,keyasint,omitempty"`
	Flows   []flow            `cbor:"5,keyasint,omitempty"` // By position, then device; until the interval is final.
}

// flow is what a store took and gave in an interval.
type flow struct {
	_          struct{} `cbor:",toarray"`
	Device     grid.DeviceID
	At         uint32 // Of the connection point in Left.
	Keep       bool   // Its account keeps what it could claim.
	Charged    quantity.Energy
	Discharged quantity.Energy
	Home       quantity.Energy // Of Discharged, what was used behind the connection point.
}

var usages = state.NewTable[metering.Moment, usage]("certificate.usage")

// remember writes what was used in an interval, beside what is claimed of its lots.
func (a *allocation) remember(s state.Store, id grid.MicrogridID, start interval.Time, positions []metering.Position) {
	if a.of == nil {
		return
	}
	u := usage{Left: make([]quantity.Energy, len(positions)), Flows: a.flows}
	claimed := make([]quantity.Energy, len(positions))
	for _, l := range a.lots {
		for _, part := range l.shares {
			if part.claimed {
				claimed[part.at] = quantity.MustAdd(claimed[part.at], part.energy)
				u.Claimed = quantity.MustAdd(u.Claimed, part.energy)
			}
		}
	}
	u.Used = u.Claimed
	for n, used := range a.uses {
		u.Left[n] = max(quantity.MustSub(used.home, claimed[n]), 0)
		u.Used = quantity.MustAdd(u.Used, u.Left[n])
	}
	usages.Put(s, metering.Moment{Microgrid: id, Start: start}, u)
}

// Unclaimed is what the connection points of an interval used that nothing is claimed
// for, by the order of its roster, and whether the ledger still knows.
func Unclaimed(s state.Reader, id grid.MicrogridID, start interval.Time) ([]quantity.Energy, bool) {
	u, ok := usages.Get(s, metering.Moment{Microgrid: id, Start: start})
	return u.Left, ok
}
