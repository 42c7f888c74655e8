package settlement

import (
	"fmt"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tariff"
)

// outcome is the settlement of one interval before it is booked.
type outcome struct {
	statements []Statement // By connection point.
	settled    Settled
	disclosed  []ZoneTotal // What anyone may read of the zones.
	all        bool        // It is all there is.
	overloads  []Overload  // By zone.
}

// compute settles positions by a clearing: neighbours' trades first, then what
// is left with the utility at its tariff and the charges of the path.
func compute(id grid.MicrogridID, m grid.Microgrid, i interval.Interval, positions []metering.Position, c market.Clearing, p tariff.Prices) outcome {
	o := outcome{
		statements: make([]Statement, len(positions)),
		settled:    Settled{Microgrid: id, Start: i.Start, Zones: zoneTotals(c)},
	}
	desks := make([]desk, len(positions))
	for n, pos := range positions {
		o.statements[n] = Statement{
			Microgrid: id, Start: i.Start, Point: pos.Point, Account: pos.Account, Zone: pos.Zone,
			Import: pos.Import, Export: pos.Export, Produced: pos.Produced, Estimated: pos.Estimated,
			Items: []Item{}, Deals: []Deal{}, Devices: devices(pos.Devices),
		}
		desks[n] = desk{statement: &o.statements[n], path: c.Place[n].Path, zone: c.Place[n].Zone, toBuy: pos.Import, toSell: pos.Export}
	}
	for _, t := range c.Trades {
		o.trade(desks, t, m)
	}
	of := make([]homes, len(c.Zones))
	for n := range desks {
		d := &desks[n]
		o.rest(d, m, p)
		d.statement.Alone = alone(d, p)
		o.count(d)
		of[d.zone].add(d.statement.Account)
	}
	o.meter(c.Tree, p.Retail)
	o.disclosed, o.all = disclose(c.Tree, of, o.settled.Zones)
	return o
}

// devices is what a statement says of those behind its point.
func devices(measured []metering.Measured) []DeviceEnergy {
	var list []DeviceEnergy
	for _, m := range measured {
		list = append(list, DeviceEnergy{Device: m.Device, Import: m.Import, Export: m.Export, Estimated: m.Estimated})
	}
	return list
}

// desk is one connection point while its interval is settled.
type desk struct {
	statement *Statement
	path      quantity.Price // What a Wh pays between the point's zone and the root.
	zone      int32          // Index into the zones' totals.
	toBuy     quantity.Energy
	toSell    quantity.Energy
	traded    quantity.Energy // Bought from neighbours.
	bought    quantity.Energy // From the utility.
	sold      quantity.Energy // To the utility.
	items     [Levy + 1]Item
}

// add adds to one line of the statement.
func (d *desk) add(l Line, e quantity.Energy, amount quantity.Money) {
	item := &d.items[l]
	item.Line = l
	item.Energy = quantity.MustAdd(item.Energy, e)
	item.Amount = quantity.MustAdd(item.Amount, amount)
}

// trade books one trade of the clearing at both desks. What the buyer pays
// above what the seller gets is the network's.
func (o *outcome) trade(desks []desk, t market.Trade, m grid.Microgrid) {
	pays, gets := quantity.MustTimes(t.Energy, t.BuyerPrice), quantity.MustTimes(t.Energy, t.SellerPrice)
	network := quantity.MustSub(pays, gets)
	buyer, seller := m.Utility, m.Utility
	if t.Buyer != market.Utility {
		buyer = desks[t.Buyer].statement.Account
	}
	if t.Seller != market.Utility {
		seller = desks[t.Seller].statement.Account
	}
	if t.Buyer != market.Utility {
		d := &desks[t.Buyer]
		d.toBuy = quantity.MustSub(d.toBuy, t.Energy)
		d.statement.Deals = append(d.statement.Deals, Deal{Bought: true, Partner: seller, Class: t.Class, Energy: t.Energy, Price: t.BuyerPrice})
		if t.Seller == market.Utility {
			d.bought = quantity.MustAdd(d.bought, t.Energy)
			d.add(UtilityBought, t.Energy, gets)
			d.add(NetworkCharge, t.Energy, network)
			o.settled.UtilitySold = quantity.MustAdd(o.settled.UtilitySold, gets)
		} else {
			d.traded = quantity.MustAdd(d.traded, t.Energy)
			d.add(NeighbourBought, t.Energy, pays)
		}
	}
	if t.Seller != market.Utility {
		d := &desks[t.Seller]
		d.toSell = quantity.MustSub(d.toSell, t.Energy)
		d.statement.Deals = append(d.statement.Deals, Deal{Partner: buyer, Class: t.Class, Energy: t.Energy, Price: t.SellerPrice})
		if t.Buyer == market.Utility {
			d.sold = quantity.MustAdd(d.sold, t.Energy)
			d.add(UtilitySold, t.Energy, -pays)
			d.add(NetworkCharge, t.Energy, network)
			o.settled.UtilityPaid = quantity.MustAdd(o.settled.UtilityPaid, pays)
		} else {
			d.add(NeighbourSold, t.Energy, -gets)
		}
	}
	o.settled.Network = quantity.MustAdd(o.settled.Network, network)
}

// rest settles with the utility what no trade covers: energy that was taken is
// owed and energy that was given is due, whatever the market's limits say.
func (o *outcome) rest(d *desk, m grid.Microgrid, p tariff.Prices) {
	if d.toBuy < 0 || d.toSell < 0 {
		panic(fmt.Sprintf("settlement: point %d traded more than it had", d.statement.Point))
	}
	if e := d.toBuy; e > 0 {
		price := quantity.MustAdd(p.Retail, d.path)
		d.statement.Deals = append(d.statement.Deals, Deal{Bought: true, Partner: m.Utility, Energy: e, Price: price})
		d.bought = quantity.MustAdd(d.bought, e)
		d.add(UtilityBought, e, quantity.MustTimes(e, p.Retail))
		d.add(NetworkCharge, e, quantity.MustTimes(e, d.path))
		o.settled.UtilitySold = quantity.MustAdd(o.settled.UtilitySold, quantity.MustTimes(e, p.Retail))
		o.settled.Network = quantity.MustAdd(o.settled.Network, quantity.MustTimes(e, d.path))
	}
	if e := d.toSell; e > 0 {
		price := quantity.MustSub(p.FeedIn, d.path)
		d.statement.Deals = append(d.statement.Deals, Deal{Partner: m.Utility, Energy: e, Price: price})
		d.sold = quantity.MustAdd(d.sold, e)
		d.add(UtilitySold, e, -quantity.MustTimes(e, p.FeedIn))
		d.add(NetworkCharge, e, quantity.MustTimes(e, d.path))
		o.settled.UtilityPaid = quantity.MustAdd(o.settled.UtilityPaid, quantity.MustTimes(e, p.FeedIn))
		o.settled.Network = quantity.MustAdd(o.settled.Network, quantity.MustTimes(e, d.path))
	}
	if e := d.statement.Import; e > 0 && p.Levy > 0 {
		d.add(Levy, e, quantity.MustTimes(e, p.Levy))
		o.settled.Levy = quantity.MustAdd(o.settled.Levy, quantity.MustTimes(e, p.Levy))
	}
	for _, item := range d.items {
		if item.Line != 0 && (item.Energy != 0 || item.Amount != 0) {
			d.statement.Items = append(d.statement.Items, item)
		}
	}
}

// alone is what the point would owe without neighbours.
func alone(d *desk, p tariff.Prices) quantity.Money {
	s := d.statement
	buys := quantity.MustTimes(s.Import, quantity.MustAdd(quantity.MustAdd(p.Retail, d.path), p.Levy))
	sells := quantity.MustTimes(s.Export, quantity.MustSub(p.FeedIn, d.path))
	return quantity.MustSub(buys, sells)
}

// zoneTotals starts a total per zone with the clearing's price.
func zoneTotals(c market.Clearing) []ZoneTotal {
	totals := make([]ZoneTotal, len(c.Zones))
	for n, z := range c.Zones {
		totals[n] = ZoneTotal{Zone: z.Zone, Priced: z.Priced, Price: z.Price}
	}
	return totals
}

// count adds a desk to its zone's total.
func (o *outcome) count(d *desk) {
	z := &o.settled.Zones[d.zone]
	z.Supply = quantity.MustAdd(z.Supply, d.statement.Export)
	z.Demand = quantity.MustAdd(z.Demand, d.statement.Import)
	z.Traded = quantity.MustAdd(z.Traded, d.traded)
	z.Bought = quantity.MustAdd(z.Bought, d.bought)
	z.Sold = quantity.MustAdd(z.Sold, d.sold)
}
