package community

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

// Names of the accounts that every community has besides its members'.
const (
	UtilityName = "utility"
	NetworkName = "network"
	LevyName    = "levy"
)

// ErrRules says that the file asks for rules that are no longer the operator's to set.
var ErrRules = errors.New("the microgrid settles already, so its members change mode, price_rule and members_first by a vote: set them back in the file")

// grace is how long the settlement waits for a reading that is missing, in
// seconds of the meters' own clock.
const grace = 24 * 3600

// number makes an account, zone, point or device out of its name. Whoever knows
// the names can find the numbers; the ledger knows the numbers alone.
func (c *Community) number(kind, name string) uint64 {
	sum := sha256.Sum256([]byte("commonwatt/" + kind + "/" + c.Name + "/" + name))
	return binary.BigEndian.Uint64(sum[:]) | 1
}

// Account is the number of a member's account, or of UtilityName, NetworkName or
// LevyName.
func (c *Community) Account(name string) tx.AccountID { return tx.AccountID(c.number("account", name)) }

// Microgrid is the community's number.
func (c *Community) Microgrid() grid.MicrogridID { return grid.MicrogridID(c.number("microgrid", "")) }

// CurrencyID is the number of the community's currency.
func (c *Community) CurrencyID() ledger.AssetID {
	return ledger.AssetID(c.number("currency", c.Currency))
}

// ZoneID is the number of a zone.
func (c *Community) ZoneID(id string) grid.ZoneID { return grid.ZoneID(c.number("zone", id)) }

// PointID is the number of a member's connection point.
func (c *Community) PointID(member string) grid.PointID {
	return grid.PointID(c.number("point", member))
}

// DeviceID is the number of a meter.
func (c *Community) DeviceID(meter string) grid.DeviceID {
	return grid.DeviceID(c.number("device", meter))
}

// Span is the time for which a ledger is made to describe a community.
type Span struct {
	Start interval.Time // Of the first interval, where the ledger has none yet.
	From  interval.Time // From when on changes hold; never before the first open interval.
	End   interval.Time // Up to when there has to be a tariff.
}

// Operations lists what the operator has to sign so that the ledger describes
// the community as its file does. Where the ledger does so already, there is
// nothing to do.
//
// Errors: ErrRules; those of TariffSteps.
func (c *Community) Operations(rows state.Reader, operator tx.AccountID, span Span) ([]tx.Operation, error) {
	p := planner{c: c, rows: rows, from: span.Start}
	if m, ok := grid.At(rows, c.Microgrid()); ok {
		p.from = max(m.Open, span.From)
	}
	p.accounts()
	if err := p.microgrid(operator, span.Start); err != nil {
		return nil, err
	}
	p.zones()
	for _, m := range c.Members {
		p.member(m)
	}
	if err := p.tariff(span.End); err != nil {
		return nil, err
	}
	return p.operations, nil
}

// planner gathers the operations that are missing.
type planner struct {
	c          *Community
	rows       state.Reader
	from       interval.Time // Of what changes.
	operations []tx.Operation
}

func (p *planner) add(o tx.Operation) { p.operations = append(p.operations, o) }

// accounts opens the accounts, which the operator acts for until their owners
// take them over, and defines the currency.
func (p *planner) accounts() {
	names := []string{UtilityName, NetworkName, LevyName}
	for _, m := range p.c.Members {
		names = append(names, m.Name)
	}
	for _, b := range p.c.Buyers {
		names = append(names, b.Name)
	}
	for _, name := range names {
		if id := p.c.Account(name); !party.Exists(p.rows, id) {
			p.add(party.OpenKind.Encode(party.Open{Account: id}))
		}
	}
	if _, ok := ledger.AssetAt(p.rows, p.c.CurrencyID()); !ok {
		p.add(ledger.DefineKind.Encode(ledger.Define{
			Asset: p.c.CurrencyID(), Symbol: p.c.Currency, Decimals: uint8(p.c.Decimals), //nolint:gosec // ≤ 9, checked by the parser
		}))
	}
}

// microgrid founds the microgrid and sets its rules.
func (p *planner) microgrid(operator tx.AccountID, start interval.Time) error {
	id := p.c.Microgrid()
	m, ok := grid.At(p.rows, id)
	if !ok {
		p.add(grid.FoundKind.Encode(grid.Found{
			Microgrid: id, Root: p.root(), Currency: p.c.CurrencyID(), Gateway: operator,
			Utility: p.c.Account(UtilityName), Network: p.c.Account(NetworkName), Levy: p.c.Account(LevyName),
			Length: p.c.Length, Start: start, Grace: grace,
			Correction: uint32(p.c.CorrectionDays) * 24 * 3600, //nolint:gosec // ≤ 400, checked by the parser
		}))
	}
	switch {
	case market.RulesAt(p.rows, id, p.from) == p.c.Rules:
		return nil
	case ok && m.Open != m.Start:
		return ErrRules
	}
	p.add(market.SetRulesKind.Encode(market.SetRules{Microgrid: id, Rules: p.c.Rules}))
	return nil
}

func (p *planner) root() grid.ZoneID {
	for _, z := range p.c.Zones {
		if z.Parent == "" {
			return p.c.ZoneID(z.ID)
		}
	}
	panic("community: a file without a root zone was accepted")
}

// zones adds the zones, each after its parent, and sets their lines.
func (p *planner) zones() {
	id := p.c.Microgrid()
	known := map[grid.ZoneID]grid.Node{p.root(): {}}
	for _, node := range grid.Tree(p.rows, id, p.from) {
		known[node.Zone] = node
	}
	for added := true; added; {
		added = false
		for _, z := range p.c.Zones {
			zone, parent := p.c.ZoneID(z.ID), p.c.ZoneID(z.Parent)
			_, there := known[zone]
			_, ready := known[parent]
			if !there && ready {
				p.add(grid.AddZoneKind.Encode(grid.AddZone{Microgrid: id, Zone: zone, Parent: parent}))
				known[zone] = grid.Node{Line: grid.Line{ExportLimit: grid.NoLimit, ImportLimit: grid.NoLimit}}
				added = true
			}
		}
	}
	feeders := map[grid.ZoneID]grid.DeviceID{}
	for k, d := range grid.Devices(p.rows, id) {
		if d.Kind == grid.Feeder && d.Until == 0 {
			feeders[d.Zone] = k.Device
		}
	}
	for _, z := range p.c.Zones {
		if z.Parent != "" && known[p.c.ZoneID(z.ID)].Line != z.Line {
			p.add(grid.SetLineKind.Encode(grid.SetLine{Microgrid: id, Zone: p.c.ZoneID(z.ID), From: p.from, Line: z.Line}))
		}
		feeder := grid.DeviceID(0)
		if z.Feeder != "" {
			feeder = p.c.DeviceID(z.Feeder)
		}
		if feeder != feeders[p.c.ZoneID(z.ID)] {
			p.add(grid.SetFeederKind.Encode(grid.SetFeeder{Microgrid: id, Zone: p.c.ZoneID(z.ID), Device: feeder, From: p.from}))
		}
	}
}

// tariff sets the tariff's steps up to end where the ledger has others.
func (p *planner) tariff(end interval.Time) error {
	if end <= p.from {
		return nil
	}
	steps, err := p.c.TariffSteps(p.from, end)
	if err != nil {
		return err
	}
	var missing []tariff.Step
	for _, s := range steps {
		if was, ok := tariff.At(p.rows, p.c.Microgrid(), s.From); !ok || was != s.Prices || len(missing) > 0 {
			missing = append(missing, s)
		}
	}
	for len(missing) > 0 {
		n := min(len(missing), tariff.MaxSteps)
		p.add(tariff.SetKind.Encode(tariff.Set{Microgrid: p.c.Microgrid(), Steps: missing[:n]}))
		missing = missing[n:]
	}
	return nil
}
