package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Stored is the receipt of what a store took and gave in an interval, for its account:
// a charge record and a discharge record in one (EnergyTag). What it gave is a lot of
// its own, which has a receipt before this one. There is none where no certificate moved.
type Stored struct {
	Microgrid  grid.MicrogridID  `cbor:"1,keyasint" json:"microgrid"`
	Start      interval.Time     `cbor:"2,keyasint" json:"start"`
	Device     grid.DeviceID     `cbor:"3,keyasint" json:"device"`
	Account    tx.AccountID      `cbor:"4,keyasint" json:"account"`
	Charged    quantity.Energy   `cbor:"5,keyasint" json:"charged_wh"` // As was measured.
	Discharged quantity.Energy   `cbor:"6,keyasint" json:"discharged_wh"`
	Parts      []Part            `cbor:"7,keyasint" json:"parts"`      // That went into it.
	Serials    []quantity.Energy `cbor:"8,keyasint" json:"serials"`    // The first of each part.
	Out        quantity.Energy   `cbor:"9,keyasint" json:"out_wh"`     // That is issued again.
	Sources    []Source          `cbor:"10,keyasint" json:"sources"`   // Of which: Out and what was lost on the way.
	Spoilt     quantity.Energy   `cbor:"11,keyasint" json:"spoilt_wh"` // That was in it for too long, and is lost, too.
	Holds      quantity.Energy   `cbor:"12,keyasint" json:"holds_wh"`  // That is in it now.
}

// StoredReceipt is the kind of Stored.
var StoredReceipt = op.DefineReceipt[Stored](Ops, 151, "stored", "Certificates that a battery took and gave in one interval.")

// flowsOf are what the stores of a position took and gave.
func flowsOf(p metering.Position, at int, used quantity.Energy, keep bool, stores map[grid.DeviceID]uint32) (flows []flow) {
	for _, d := range p.Devices {
		if stores[d.Device] == 0 || d.Import == 0 && d.Export == 0 {
			continue
		}
		home := min(d.Export, used)
		used = quantity.MustSub(used, home)
		flows = append(flows, flow{
			Device: d.Device, At: uint32(at), Keep: keep, Charged: d.Import, Discharged: d.Export, Home: home, //nolint:gosec // Fewer than 2^31 points.
		})
	}
	return flows
}

// store has the stores of an interval give, and then take, what they did: nothing is
// given that was not in a store before the interval.
func (u *usage) store(ctx *op.Context, s state.Store, k metering.Moment) {
	if len(u.Flows) == 0 {
		return
	}
	said := make([]Stored, len(u.Flows))
	for n, f := range u.Flows {
		said[n] = u.discharge(ctx, s, k, f)
	}
	list := belongings(s, k)
	for n, f := range u.Flows {
		f.charge(s, k, of(list, said[n].Account), &said[n])
		if len(said[n].Parts) > 0 || said[n].Out > 0 || said[n].Spoilt > 0 {
			op.Emit(ctx, StoredReceipt, said[n].Account, said[n])
		}
	}
}

// discharge issues a lot of what a store gave. What was used in the home is claimed,
// as far as nothing else is claimed for that use.
func (u *usage) discharge(ctx *op.Context, s state.Store, k metering.Moment, f flow) Stored {
	d := grid.Device{Microgrid: k.Microgrid, Device: f.Device}
	row, _ := grid.DeviceAt(s, d)
	point, _ := grid.PointAt(s, grid.Point{Microgrid: k.Microgrid, Point: row.Point})
	said := Stored{
		Microgrid: k.Microgrid, Start: k.Start, Device: f.Device, Account: point.Account, Charged: f.Charged, Discharged: f.Discharged,
		Parts: []Part{}, Serials: []quantity.Energy{}, Sources: []Source{},
	}
	ppm, _ := Stores(s, d, k.Start)
	x, _ := stores.Get(s, d)
	said.Spoilt = x.spoil(s, d, k.Start-Lifetime)
	if f.Discharged > 0 {
		out, sources := x.give(s, d, f.Discharged, ppm)
		said.Out = out
		said.Sources = append(said.Sources, sources...)
	}
	stores.Put(s, d, x)
	if said.Out == 0 {
		return said
	}
	var claimed quantity.Energy
	if !f.Keep {
		claimed = min(said.Out, f.Home, u.Left[f.At])
	}
	l := produced{device: f.Device, owner: point.Account, energy: said.Out}
	if claimed > 0 {
		l.shares = append(l.shares, share{account: point.Account, energy: claimed, claimed: true})
	}
	if kept := quantity.MustSub(said.Out, claimed); kept > 0 {
		l.shares = append(l.shares, share{account: point.Account, energy: kept})
	}
	l.issue(ctx, s, LotID{k.Microgrid, k.Start, f.Device}, 1)
	u.Claimed, u.Left[f.At] = quantity.MustAdd(u.Claimed, claimed), quantity.MustSub(u.Left[f.At], claimed)
	return said
}

// charge locks certificates of what charged a store: of a list of what its account has
// of the interval, those of the connection point's own devices first. What a store gave itself
// does not charge it again.
func (f *flow) charge(s state.Store, k metering.Moment, list []belonging, said *Stored) {
	d := grid.Device{Microgrid: k.Microgrid, Device: f.Device}
	x, _ := stores.Get(s, d)
	row, _ := grid.DeviceAt(s, d)
	left := f.Charged
	var sources []Source
	for _, own := range [...]bool{true, false} {
		for n := range list {
			b := &list[n]
			if left == 0 || b.part.Energy == 0 || b.part.Device == f.Device {
				continue
			}
			from, _ := grid.DeviceAt(s, grid.Device{Microgrid: k.Microgrid, Device: b.part.Device})
			if (from.Point == row.Point) != own || !x.roomFor(s, d, b.part.Device, sources) {
				continue
			}
			p := b.part
			p.Energy = min(p.Energy, left)
			b.part.Energy, left = quantity.MustSub(b.part.Energy, p.Energy), quantity.MustSub(left, p.Energy)
			if !take(s, p.lot(), said.Account, p.Energy) {
				panic("certificate: more charges a store than there is")
			}
			said.Parts = append(said.Parts, p)
			sources = append(sources, Source{Device: p.Device, Start: p.Start, Energy: p.Energy})
		}
	}
	said.Serials = leave(s, said.Parts, func(l *Lot) *quantity.Energy { return &l.Stored })
	x.put(s, d, sources)
	stores.Put(s, d, x)
	said.Holds = x.Holds()
}
