package community

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // So that time zones do not depend on the machine.

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// Names in the file of the modes, price rules and methods of storage, in the order of
// their numbers.
var (
	modes      = []string{auction.Uniform: "uniform", auction.PayAsBid: "pay-as-bid", auction.MidMarket: "mid-market"}
	priceRules = []string{auction.SplitRule: "split", auction.ClearingRule: "clearing"}
	methods    = []string{certificate.FIFO: "fifo", certificate.LIFO: "lifo", certificate.Weighted: "weighted"}
)

// Bounds of the settings.
const (
	decimalsMin = 3 // A price per kWh has as many digits less three.
	decimalsMax = 9
	daysMax     = grid.MaxCorrection / (24 * 3600)
	nameMax     = 64
	zonesMax    = 10_000
	membersMax  = 100_000
)

// builder turns the file into a community, or refuses it at the first fault.
type builder struct {
	path  string
	lines places
	c     *Community

	zoneIDs   []string // In the order of the file.
	zoneIndex map[string]int
}

func (b *builder) build(f *file) error {
	if err := b.general(&f.Community); err != nil {
		return err
	}
	if err := b.tariff(&f.Tariff); err != nil {
		return err
	}
	if err := b.carbon(&f.Carbon); err != nil {
		return err
	}
	if err := b.zones(f.Zones); err != nil {
		return err
	}
	if err := b.members(f.Members); err != nil {
		return err
	}
	return b.buyers(f.Buyers)
}

// refuse says what is wrong with a field.
func (b *builder) refuse(field, format string, args ...any) error {
	return &Refused{File: b.path, Line: b.lines.line(field), Field: field, Reason: fmt.Sprintf(format, args...)}
}

func (b *builder) general(g *general) error {
	const at = "community."
	var err error
	switch {
	case g.Name == "":
		return b.refuse(at+"name", "is missing; it is what people see")
	case len(g.Name) > nameMax || strings.ContainsFunc(g.Name, func(c rune) bool { return c < ' ' }):
		return b.refuse(at+"name", "%.80q is no line of at most %d bytes", g.Name, nameMax)
	case !identifier(g.Currency):
		return b.refuse(at+"currency", `%.80q is no currency; write a code such as "EUR"`, g.Currency)
	case g.Decimals < decimalsMin || g.Decimals > decimalsMax:
		return b.refuse(at+"decimals", "%d is not between %d and %d", g.Decimals, decimalsMin, decimalsMax)
	case g.CorrectionDays < 0 || g.CorrectionDays > daysMax:
		return b.refuse(at+"correction_days", "%d is not between 0 and %d", g.CorrectionDays, daysMax)
	}
	b.c.Name, b.c.Currency, b.c.Decimals = g.Name, g.Currency, g.Decimals
	b.c.CorrectionDays, b.c.Certificates = g.CorrectionDays, g.Certificates
	switch g.IntervalMinutes {
	case 5, 15, 30, 60:
		b.c.Length = interval.Length(g.IntervalMinutes * 60)
	default:
		return b.refuse(at+"interval_minutes", "%d is none of 5, 15, 30 and 60", g.IntervalMinutes)
	}
	if b.c.TimeZone, err = TimeZone(g.TimeZone); err != nil {
		return b.refuse(at+"time_zone", `%.80q is no time zone; write a name such as "Europe/Berlin" or a fixed offset such as "-08:00"`, g.TimeZone)
	}
	method, err := b.choice(at+"storage_method", g.StorageMethod, methods)
	if err != nil {
		return err
	}
	b.c.StorageMethod = certificate.Method(method) //nolint:gosec // an index of methods
	return b.rules(g)
}

// rules reads how the community clears.
func (b *builder) rules(g *general) error {
	mode, err := b.choice("community.mode", g.Mode, modes)
	if err != nil {
		return err
	}
	rules := &b.c.Rules
	rules.Mode, rules.MembersFirst = auction.Mode(mode), g.MembersFirst //nolint:gosec // an index of modes
	switch {
	case g.PriceRule != "":
		rule, err := b.choice("community.price_rule", g.PriceRule, priceRules)
		if err != nil {
			return err
		}
		rules.Rule = auction.PriceRule(rule) //nolint:gosec // an index of priceRules
	case rules.MembersFirst:
		rules.Rule = auction.SplitRule
	default:
		rules.Rule = auction.ClearingRule
	}
	if no := rules.Check(); no != nil {
		return b.refuse("community.mode", "%s", no.Error())
	}
	return nil
}

// choice returns the index of a word among those that are allowed.
func (b *builder) choice(field, word string, allowed []string) (int, error) {
	for i, w := range allowed {
		if w == word && w != "" {
			return i, nil
		}
	}
	return 0, b.refuse(field, "%.80q is not possible; write one of %s", word, list(allowed))
}

// price reads a price per kWh as units of money per Wh; nil when there is none.
func (b *builder) price(field string, d *decimal, most quantity.Price) (*quantity.Price, error) {
	if d == nil {
		return nil, nil //nolint:nilnil // an optional field that is absent
	}
	p, reason := priceOf(*d, b.c.Decimals, most)
	if reason != "" {
		return nil, b.refuse(field, "%.80q %s", d.text, reason)
	}
	return &p, nil
}

// notBelowZero is price for what is 0 when absent and never negative.
func (b *builder) notBelowZero(field string, d *decimal, most quantity.Price) (quantity.Price, error) {
	p, err := b.price(field, d, most)
	switch {
	case err != nil:
		return 0, err
	case p == nil:
		return 0, nil
	case *p < 0:
		return 0, b.refuse(field, "%.80q is negative", d.text)
	}
	return *p, nil
}

// priceOf converts a price per kWh exactly: per Wh it is a thousandth, in units
// of 10^-decimals.
func priceOf(d decimal, decimals int, most quantity.Price) (p quantity.Price, reason string) {
	value, fine, reason := d.scaled(decimals - 3)
	p = quantity.Price(value)
	switch {
	case reason != "":
		return 0, reason
	case fine+3 > decimalsMax:
		return 0, fmt.Sprintf("has %d digits after the point; a price per kWh has at most %d", fine, decimalsMax-3)
	case fine > 0:
		return 0, fmt.Sprintf("has %d digits after the point and needs decimals = %d in [community], which has %d", fine, fine+3, decimals)
	case p > most || p < -most:
		return 0, fmt.Sprintf("is beyond the largest price of %d units per Wh", most)
	}
	return p, ""
}

// watts reads a power in kW; 0 when there is none.
func (b *builder) watts(field string, d *decimal) (uint64, error) {
	if d == nil {
		return 0, nil
	}
	w, fine, reason := d.scaled(3)
	switch {
	case reason != "":
		return 0, b.refuse(field, "%.80q %s", d.text, reason)
	case fine > 0:
		return 0, b.refuse(field, "%.80q is finer than a watt", d.text)
	case w < 0 || w > grid.MaxCapacityW:
		return 0, b.refuse(field, "%.80q is not between 0 and 10 GW", d.text)
	}
	return uint64(w), nil
}

// identifier reports whether a name is one that every face and file can carry.
func identifier(name string) bool {
	return name != "" && len(name) <= nameMax && strings.Trim(name,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") == ""
}

// identifierRule says what identifier wants.
const identifierRule = "write 1 to 64 of the letters A to Z and a to z, digits, and . _ : -"

// TimeZone returns the zone of an IANA name or of a fixed offset, as "-08:00". Its
// String is the name again.
//
// Errors: there is none of that name.
func TimeZone(name string) (*time.Location, error) {
	if at, err := time.Parse("-07:00", name); err == nil {
		_, offset := at.Zone()
		return time.FixedZone(name, offset), nil
	}
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q depends on the machine", name)
	}
	return time.LoadLocation(name)
}

// list writes words as people do, without the empty ones.
func list(words []string) string {
	var named []string
	for _, w := range words {
		if w != "" {
			named = append(named, w)
		}
	}
	return strings.Join(named, ", ")
}
