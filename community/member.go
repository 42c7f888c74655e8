package community

import (
	"slices"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/quantity"
)

// member connects a member with its devices and sets what it wishes.
func (p *planner) member(m Member) {
	id, point := p.c.Microgrid(), p.c.PointID(m.Name)
	if _, ok := grid.PointAt(p.rows, grid.Point{Microgrid: id, Point: point}); !ok {
		p.add(grid.ConnectKind.Encode(grid.Connect{
			Microgrid: id, Point: point, Zone: p.c.ZoneID(m.Zone), Account: p.c.Account(m.Name),
			CapacityW: m.CapacityW, From: p.from,
		}))
	}
	p.device(m.Name, Device{Meter: m.Meter, Kind: grid.Meter})
	for _, d := range m.Devices {
		p.device(m.Name, d)
	}
	wish := market.Wish{Buy: m.BuyLimit, Sell: m.SellLimit, Green: m.Green, SellsGreen: m.SellsGreen}
	for _, partner := range m.Partners {
		wish.Partners = append(wish.Partners, p.c.PointID(partner))
	}
	if was := market.WishAt(p.rows, id, point, p.from); !equal(was, wish) {
		p.add(market.SetWishKind.Encode(market.SetWish{Microgrid: id, Point: point, From: p.from, Wish: wish}))
	}
	p.certificates(m)
}

// device enrols one device of a member.
func (p *planner) device(member string, d Device) {
	id, device := p.c.Microgrid(), p.c.DeviceID(d.Meter)
	if _, ok := grid.DeviceAt(p.rows, grid.Device{Microgrid: id, Device: device}); ok {
		return
	}
	p.add(grid.EnrolKind.Encode(grid.Enrol{
		Microgrid: id, Device: device, Point: p.c.PointID(member), Kind: d.Kind,
		CapacityW: d.CapacityW, From: p.from,
	}))
}

// certificates has certificates issued for what a member's plants produce and stored
// by its batteries, or no more, and says what becomes of those of what it uses.
func (p *planner) certificates(m Member) {
	id := p.c.Microgrid()
	for _, d := range m.Devices {
		k := grid.Device{Microgrid: id, Device: p.c.DeviceID(d.Meter)}
		if d.Kind.Renewable() && certificate.IsRegistered(p.rows, k, p.from) != p.c.Certificates {
			p.add(certificate.RegisterKind.Encode(certificate.Register{Microgrid: id, Device: k.Device, From: p.from, Ends: !p.c.Certificates}))
		}
		if d.Kind == grid.Battery {
			p.store(k, d)
		}
	}
	point := p.c.PointID(m.Name)
	if was := certificate.ChoiceAt(p.rows, id, point, p.from); was.Keep != m.Keep {
		p.add(certificate.ChooseKind.Encode(certificate.Choose{Microgrid: id, Point: point, From: p.from, Choice: certificate.Choice{Keep: m.Keep, Own: was.Own, By: was.By}}))
	}
}

// store makes a battery a store of certificates, or no more. It keeps the method that
// it was registered with.
func (p *planner) store(k grid.Device, d Device) {
	was, stores := certificate.Stores(p.rows, k, p.from)
	if stores == p.c.Certificates && (!stores || was == d.EfficiencyPPM) {
		return
	}
	o := certificate.RegisterStore{
		Microgrid: k.Microgrid, Device: k.Device, From: p.from, Ends: !p.c.Certificates, EfficiencyPPM: d.EfficiencyPPM, Method: p.c.StorageMethod,
	}
	if x, known := certificate.StoreAt(p.rows, k); known {
		o.Method = x.Method
	}
	p.add(certificate.RegisterStoreKind.Encode(o))
}

// equal reports whether two wishes ask for the same.
func equal(a, b market.Wish) bool {
	return samePrice(a.Buy, b.Buy) && samePrice(a.Sell, b.Sell) &&
		a.Green == b.Green && a.SellsGreen == b.SellsGreen && slices.Equal(a.Partners, b.Partners)
}

func samePrice(a, b *quantity.Price) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
