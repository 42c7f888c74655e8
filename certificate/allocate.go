package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Origin is energy of a lot that came to a connection point.
type Origin struct {
	_       struct{} `cbor:",toarray"`
	Device  grid.DeviceID
	Energy  quantity.Energy
	Claimed bool // It is used, and used up; else it is the account's to pass on.
}

// share is a part of a lot that came to a position.
type share struct {
	at      int // Of the position.
	account tx.AccountID
	energy  quantity.Energy
	claimed bool
}

// produced is what one registered device produced, and who has it.
type produced struct {
	device grid.DeviceID
	owner  tx.AccountID
	energy quantity.Energy
	left   quantity.Energy // That nobody has yet.
	shares []share
}

// allocation is who has which certificates of an interval.
type allocation struct {
	lots  []produced // By position, then device.
	of    [][]int    // Of each position, its lots.
	uses  []use      // By position.
	flows []flow     // Of stores.
}

// allocate says who has the certificates of an interval: of what a point gave and
// sold as green, the buyer; of what it used itself and of the rest, the point. Who
// does not keep them claims those of what it uses: what charges a battery is not used.
func allocate(s state.Reader, id grid.MicrogridID, i interval.Interval, c Cleared) *allocation {
	devices, any := registeredAt(s, id, i.Start)
	if !any {
		return &allocation{}
	}
	keeps, stores := choicesAt(s, id, i.Start), storesAt(s, id, i.Start)
	a := &allocation{of: make([][]int, len(c.Positions)), uses: make([]use, len(c.Positions))}
	room := make([]quantity.Energy, len(c.Positions)) // What may still be claimed of what was bought.
	for n, p := range c.Positions {
		a.uses[n] = useOf(p)
		if !keeps[p.Point].Keep {
			room[n] = a.uses[n].bought
		}
		if len(stores) > 0 {
			a.flows = append(a.flows, flowsOf(p, n, a.uses[n].discharged, keeps[p.Point].Keep, stores)...)
		}
		for _, d := range p.Devices {
			if devices[d.Device] && d.Export > 0 {
				a.of[n] = append(a.of[n], len(a.lots))
				a.lots = append(a.lots, produced{device: d.Device, owner: p.Account, energy: d.Export, left: d.Export})
			}
		}
	}
	for _, t := range c.Clearing.Trades {
		if t.Class == market.Green && t.Seller != market.Utility && t.Buyer != market.Utility {
			buyer, claimed := c.Positions[t.Buyer].Account, min(t.Energy, room[t.Buyer])
			a.move(int(t.Seller), int(t.Buyer), buyer, claimed, true)
			a.move(int(t.Seller), int(t.Buyer), buyer, quantity.MustSub(t.Energy, claimed), false)
			room[t.Buyer] = quantity.MustSub(room[t.Buyer], claimed)
		}
	}
	for n, p := range c.Positions {
		if len(a.of[n]) == 0 {
			continue
		}
		if !keeps[p.Point].Keep {
			a.move(n, n, p.Account, min(a.uses[n].own, a.left(n)), true)
		}
		a.move(n, n, p.Account, a.left(n), false)
	}
	return a
}

// move gives energy of the lots of one position to another, the first lots first.
func (a *allocation) move(from, to int, account tx.AccountID, e quantity.Energy, claimed bool) {
	for _, n := range a.of[from] {
		l := &a.lots[n]
		part := min(l.left, e)
		if part == 0 {
			continue
		}
		l.left, e = quantity.MustSub(l.left, part), quantity.MustSub(e, part)
		l.shares = append(l.shares, share{to, account, part, claimed})
	}
}

// left is what nobody has yet of a position's lots.
func (a *allocation) left(at int) (sum quantity.Energy) {
	for _, n := range a.of[at] {
		sum = quantity.MustAdd(sum, a.lots[n].left)
	}
	return sum
}

// origins is what came to each position; nil where no certificates are issued.
func (a *allocation) origins() [][]Origin {
	if a.of == nil {
		return nil
	}
	list := make([][]Origin, len(a.of))
	for _, l := range a.lots {
		for _, s := range l.shares {
			list[s.at] = append(list[s.at], Origin{Device: l.device, Energy: s.energy, Claimed: s.claimed})
		}
	}
	return list
}
