package certificate

import (
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Issued is the receipt of a lot, for its owner: who has it. A later revision
// replaces an earlier one; what a correction took away is withdrawn, and what it
// added is issued with it.
type Issued struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Start     interval.Time    `cbor:"2,keyasint" json:"start"`
	Device    grid.DeviceID    `cbor:"3,keyasint" json:"device"`
	Revision  uint32           `cbor:"4,keyasint" json:"revision"`
	Energy    quantity.Energy  `cbor:"5,keyasint" json:"energy_wh"` // 0: nothing is left of the revision before.
	Shares    []Share          `cbor:"6,keyasint" json:"shares"`
}

// Share is what came to an account of a lot. The shares that are claimed have the
// first serials of the lot, one after the other.
type Share struct {
	_       struct{} `cbor:",toarray"`
	Account tx.AccountID
	Energy  quantity.Energy
	Claimed bool
}

// IssuedReceipt is the kind of Issued.
var IssuedReceipt = op.DefineReceipt[Issued](Ops, 20, "issued", "Certificates of what a device produced in one interval.")

// Cleared is an interval that the market cleared.
type Cleared struct {
	Positions []metering.Position
	Clearing  market.Clearing
}

// Clear clears the positions of an interval. Where certificates are issued, no more is
// sold as green than they are issued for.
func Clear(s state.Reader, id grid.MicrogridID, i interval.Interval, positions []metering.Position) Cleared {
	devices, any := registeredAt(s, id, i.Start)
	for n := range positions {
		p := &positions[n]
		p.Green = p.Export
		if !any {
			continue
		}
		var sum quantity.Energy
		for _, d := range p.Devices {
			if devices[d.Device] {
				sum = quantity.MustAdd(sum, d.Export)
			}
		}
		p.Green = min(p.Green, sum)
	}
	return Cleared{Positions: positions, Clearing: market.Clear(s, id, i, positions)}
}

// Issue issues the lots of an interval that is closed. It returns what came to each
// position, of which lots; nil where no certificates are issued.
func Issue(ctx *op.Context, s state.Store, id grid.MicrogridID, i interval.Interval, c Cleared) [][]Origin {
	a := allocate(s, id, i, c)
	for n := range a.lots {
		a.lots[n].issue(ctx, s, LotID{id, i.Start, a.lots[n].device}, 1)
	}
	a.remember(s, id, i.Start, c.Positions)
	return a.origins()
}

// Reissue issues the lots of an interval again that later readings changed, in
// place of those of the revision before, which nobody could pass on yet. It returns
// what Issue did before and does now.
func Reissue(ctx *op.Context, s state.Store, id grid.MicrogridID, i interval.Interval, before, after Cleared, revision uint32) (was, is [][]Origin) {
	old, now := allocate(s, id, i, before), allocate(s, id, i, after)
	left := map[grid.DeviceID]*produced{}
	for n := range now.lots {
		left[now.lots[n].device] = &now.lots[n]
	}
	for n := range old.lots {
		l := &old.lots[n]
		again, there := left[l.device]
		delete(left, l.device)
		if !there {
			again = &produced{device: l.device, owner: l.owner}
		}
		if l.same(again) {
			continue
		}
		again.issue(ctx, s, LotID{id, i.Start, l.device}, revision)
	}
	for n := range now.lots {
		if l := &now.lots[n]; left[l.device] != nil {
			l.issue(ctx, s, LotID{id, i.Start, l.device}, revision)
		}
	}
	now.remember(s, id, i.Start, after.Positions)
	return old.origins(), now.origins()
}

// same reports whether two lots of one device say the same.
func (l *produced) same(m *produced) bool {
	return l.owner == m.owner && l.energy == m.energy && slices.EqualFunc(l.shares, m.shares, func(a, b share) bool {
		return a.account == b.account && a.energy == b.energy && a.claimed == b.claimed
	})
}

// issue writes a lot and its holders, in place of those that there were.
func (l *produced) issue(ctx *op.Context, s state.Store, id LotID, revision uint32) {
	for k := range holdings.Under(s, id) {
		holdings.Delete(s, k)
	}
	now := Lot{Owner: l.owner, Revision: revision, Issued: l.energy}
	said := Issued{id.Microgrid, id.Start, id.Device, revision, l.energy, []Share{}}
	for _, claimed := range [...]bool{true, false} { // What is claimed has the first serials.
		for _, part := range l.shares {
			if part.claimed != claimed {
				continue
			}
			said.Shares = append(said.Shares, Share{Account: part.account, Energy: part.energy, Claimed: claimed})
			if claimed {
				now.Claimed = quantity.MustAdd(now.Claimed, part.energy)
				continue
			}
			now.Held = quantity.MustAdd(now.Held, part.energy)
			give(s, id, part.account, part.energy)
		}
	}
	now.Cancelled = now.Claimed
	if now.Issued == 0 {
		lots.Delete(s, id)
	} else {
		lots.Put(s, id, now)
	}
	op.Emit(ctx, IssuedReceipt, l.owner, said)
}
