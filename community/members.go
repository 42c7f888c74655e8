package community

import (
	"fmt"
	"slices"
	"strings"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/market"
)

// kinds are the names in the file of what a device is, by number.
var kinds = []string{
	grid.Solar: "solar", grid.Wind: "wind", grid.Hydro: "hydro", grid.Battery: "battery",
	grid.Charger: "ev", grid.HeatPump: "heat-pump", grid.Load: "load", grid.Generator: "generator",
}

// Kinds are the names of what a device may be.
func Kinds() []string { return strings.Fields(strings.Join(kinds, " ")) }

// KindName is the name of a kind of device: "meter" at a connection point, "feeder" at
// a zone.
func KindName(k grid.Kind) string {
	switch k {
	case grid.Meter:
		return "meter"
	case grid.Feeder:
		return "feeder"
	default:
	}
	return kinds[k]
}

// reserved are the names of accounts that are no members.
var reserved = []string{"utility", "network", "levy"}

// members reads the members and their devices.
func (b *builder) members(file []fileMember) error {
	if len(file) > membersMax {
		return b.refuse("member", "there are more than %d members", membersMax)
	}
	b.c.meters = map[string]Meter{}
	named := map[string]int{}
	for i := range file {
		m, at := &file[i], fmt.Sprintf("member[%d]", i)
		first, taken := named[m.Name]
		switch {
		case !identifier(m.Name):
			return b.refuse(at+".name", "%.80q is no identifier; %s", m.Name, identifierRule)
		case slices.Contains(reserved, strings.ToLower(m.Name)):
			return b.refuse(at+".name", "%q is reserved; so are %s", m.Name, list(reserved))
		case taken:
			return b.refuse(at+".name", "%q is member[%d] already", m.Name, first)
		}
		named[m.Name] = i
		member, err := b.member(at, m)
		if err != nil {
			return err
		}
		b.c.Members = append(b.c.Members, member)
	}
	for _, z := range b.c.Zones {
		if z.Feeder == "" {
			continue
		}
		if err := b.meter(fmt.Sprintf("zone[%d].feeder", b.zoneIndex[z.ID]), Meter{ID: z.Feeder, Zone: z.ID, Kind: grid.Feeder}); err != nil {
			return err
		}
	}
	for i := range b.c.Members {
		if err := b.partners(fmt.Sprintf("member[%d].partners", i), &b.c.Members[i], named); err != nil {
			return err
		}
	}
	return nil
}

// buyers reads who buys certificates without a connection point: accounts, by names
// that no member has.
func (b *builder) buyers(file []fileBuyer) error {
	if len(file) > membersMax {
		return b.refuse("buyer", "there are more than %d buyers", membersMax)
	}
	taken := map[string]string{}
	for i, m := range b.c.Members {
		taken[m.Name] = fmt.Sprintf("member[%d]", i)
	}
	for i, f := range file {
		at := fmt.Sprintf("buyer[%d].name", i)
		switch {
		case !identifier(f.Name):
			return b.refuse(at, "%.80q is no identifier; %s", f.Name, identifierRule)
		case slices.Contains(reserved, strings.ToLower(f.Name)):
			return b.refuse(at, "%q is reserved; so are %s", f.Name, list(reserved))
		case taken[f.Name] != "":
			return b.refuse(at, "%q is %s already", f.Name, taken[f.Name])
		}
		taken[f.Name] = fmt.Sprintf("buyer[%d]", i)
		b.c.Buyers = append(b.c.Buyers, Buyer(f))
	}
	return nil
}

func (b *builder) member(at string, m *fileMember) (member Member, err error) {
	member = Member{Name: m.Name, Zone: m.Zone, Meter: m.Meter, Green: m.Green, Partners: m.Partners, Keep: m.Keep}
	if err := b.place(at+".zone", &member); err != nil {
		return member, err
	}
	if member.CapacityW, err = b.watts(at+".capacity_kw", m.CapacityKW); err != nil {
		return member, err
	}
	if member.BuyLimit, err = b.price(at+".buy_limit", m.BuyLimit, market.MaxLimit); err != nil {
		return member, err
	}
	if member.SellLimit, err = b.price(at+".sell_limit", m.SellLimit, market.MaxLimit); err != nil {
		return member, err
	}
	if m.Green && m.BuyLimit == nil {
		return member, b.refuse(at+".green", "a wish for green energy needs buy_limit, the most that the member pays for it")
	}
	if member.Meter == "" {
		member.Meter = m.Name
	}
	if err := b.meter(at+".meter", Meter{member.Meter, m.Name, "", grid.Meter, member.CapacityW}); err != nil {
		return member, err
	}
	for i, d := range m.Devices {
		device, err := b.device(fmt.Sprintf("%s.device[%d]", at, i), m.Name, d)
		if err != nil {
			return member, err
		}
		member.Devices = append(member.Devices, device)
		member.SellsGreen = member.SellsGreen || device.Kind.Renewable()
	}
	switch m.Supply {
	case "":
	case "green", "any":
		member.SellsGreen = m.Supply == "green"
	default:
		return member, b.refuse(at+".supply", "%.80q is not possible; write one of green, any", m.Supply)
	}
	return member, nil
}

// place checks the member's zone; where there is one zone, it need not be named.
func (b *builder) place(field string, m *Member) error {
	if m.Zone == "" && len(b.c.Zones) == 1 {
		m.Zone = b.c.Zones[0].ID
	}
	if _, known := b.zoneIndex[m.Zone]; known {
		return nil
	}
	if m.Zone == "" {
		return b.refuse(field, "is missing; zones are %s", some(b.zoneIDs))
	}
	return b.refuse(field, "there is no zone %.80q%s; zones are %s", m.Zone, meant(m.Zone, b.zoneIDs), some(b.zoneIDs))
}

func (b *builder) device(at, member string, d fileDevice) (device Device, err error) {
	kind, err := b.choice(at+".kind", d.Kind, kinds)
	if err != nil {
		return device, err
	}
	device = Device{Meter: d.Meter, Kind: grid.Kind(kind)} //nolint:gosec // an index of kinds
	if device.CapacityW, err = b.watts(at+".capacity_kw", d.CapacityKW); err != nil {
		return device, err
	}
	if device.EfficiencyPPM, err = b.efficiency(at+".efficiency", d.Efficiency, device.Kind); err != nil {
		return device, err
	}
	return device, b.meter(at+".meter", Meter{d.Meter, member, "", device.Kind, device.CapacityW})
}

// efficiencyPPM is that of a battery whose file says nothing.
const efficiencyPPM = 900_000

// efficiency reads how much of what charges a battery it gives again.
func (b *builder) efficiency(field string, d *decimal, kind grid.Kind) (uint32, error) {
	switch {
	case d == nil && kind == grid.Battery:
		return efficiencyPPM, nil
	case d == nil:
		return 0, nil
	case kind != grid.Battery:
		return 0, b.refuse(field, "is for batteries only: how much of what charges them they give again")
	}
	ppm, fine, reason := d.scaled(6)
	switch {
	case reason != "":
		return 0, b.refuse(field, "%.80q %s", d.text, reason)
	case fine > 0:
		return 0, b.refuse(field, "%.80q has %d digits after the point; a share has at most 6", d.text, fine)
	case ppm <= 0 || ppm > 1_000_000:
		return 0, b.refuse(field, "%.80q is not above 0 and at most 1; it is a share of what charges the battery, so 90 %% are 0.9", d.text)
	}
	return uint32(ppm), nil
}

// meter notes a meter, once.
func (b *builder) meter(field string, m Meter) error {
	if !identifier(m.ID) {
		return b.refuse(field, "%.80q is no identifier of a meter; %s", m.ID, identifierRule)
	}
	other, taken := b.c.meters[m.ID]
	if taken && other.Member == "" {
		return b.refuse(field, "%q is the feeder meter of zone %q already", m.ID, other.Zone)
	}
	if taken {
		return b.refuse(field, "%q is a meter of member %q already", m.ID, other.Member)
	}
	b.c.meters[m.ID] = m
	b.c.ids = append(b.c.ids, m.ID)
	return nil
}

// partners checks whom a member wants to trade with.
func (b *builder) partners(field string, m *Member, named map[string]int) error {
	if len(m.Partners) > market.MaxPartners {
		return b.refuse(field, "are more than %d", market.MaxPartners)
	}
	for i, partner := range m.Partners {
		_, known := named[partner]
		switch {
		case !known:
			return b.refuse(field, "there is no member %.80q%s", partner, meant(partner, b.names()))
		case partner == m.Name:
			return b.refuse(field, "%q cannot be its own partner", partner)
		case slices.Contains(m.Partners[:i], partner):
			return b.refuse(field, "%q is named twice", partner)
		}
	}
	return nil
}

func (b *builder) names() []string {
	names := make([]string, len(b.c.Members))
	for i, m := range b.c.Members {
		names[i] = m.Name
	}
	return names
}
