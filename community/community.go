// Package community reads the community file: who belongs to a microgrid, how its
// lines run, what the supplier charges and how the members' energy is cleared.
//
// Its promise: a file that it accepts is complete and consistent, and every price
// in it is exact: decimals become integers without rounding or are refused with
// the decimals they would need. What it refuses it names by line and by the path
// of the field. docs/community-file.md is the reference of the format.
package community

import (
	"time"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/quantity"
)

// Community is a microgrid as its file describes it.
type Community struct {
	Name           string
	Currency       string // ISO 4217 code, or another short name of an asset.
	Decimals       int    // Of the currency: its unit is 10^-Decimals.
	Length         interval.Length
	TimeZone       *time.Location // For bill periods and tariff hours.
	Rules          market.Rules
	CorrectionDays int  // How long late readings are settled as corrections.
	Certificates   bool // Are issued for what renewable devices produce.
	StorageMethod  certificate.Method
	Carbon         *Carbon // What the grid's energy emitted; nil: not known.
	Zones          []Zone  // Parents before their children.
	Members        []Member
	Buyers         []Buyer

	retail retail
	feedIn quantity.Price
	levy   quantity.Price
	meters map[string]Meter
	ids    []string // The meters in the order of the file.

	text   []byte // Of the file.
	tariff string // The file of prices as the text names it; "": none.
	prices []byte // Of that file.

	carbon  string // The file of carbon factors, likewise.
	factors []byte
}

// Zone is a node of the tree of lines; its line leads to its parent. The one root
// has no parent, and its line is free and without limits.
type Zone struct {
	ID     string
	Parent string // "" at the root.
	Line   grid.Line
	Feeder string // The meter of what flows into the zone; "": none.
}

// Member is a household or business with one connection point.
type Member struct {
	Name       string
	Zone       string
	Meter      string          // Of the connection point.
	CapacityW  uint64          // Of the connection; 0: not known.
	BuyLimit   *quantity.Price // Most it pays, path included; nil: what the utility takes.
	SellLimit  *quantity.Price // Least it takes; nil: what the utility gives.
	Green      bool            // Buys green energy only, up to BuyLimit.
	SellsGreen bool            // What it gives is green.
	Partners   []string        // Members it wants to trade with, best first.
	Keep       bool            // It keeps the certificates of what it uses.
	Devices    []Device
}

// Buyer is somebody who buys certificates and has no connection point.
type Buyer struct{ Name string }

// Device is a plant or a large load with a meter of its own behind a connection point.
type Device struct {
	Meter     string
	Kind      grid.Kind
	CapacityW uint64 // 0: not known.
	// EfficiencyPPM is how many millionths of what charges a battery it gives again; 0
	// for anything else.
	EfficiencyPPM uint32
}

// Meter says what a meter measures.
type Meter struct {
	ID        string
	Member    string    // "" of a feeder meter.
	Zone      string    // Of a feeder meter; else "".
	Kind      grid.Kind // grid.Meter at a connection point.
	CapacityW uint64    // 0: not known.
}

// Meters are the meters of a community by identifier.
type Meters struct{ c *Community }

// Meters returns the meters of the community.
func (c *Community) Meters() Meters { return Meters{c} }

// All returns the identifiers in the order of the file.
func (m Meters) All() []string { return m.c.ids }

// Get returns what the meter measures and whether there is one.
func (m Meters) Get(id string) (Meter, bool) {
	meter, ok := m.c.meters[id]
	return meter, ok
}

// Has reports whether the community has the meter.
func (m Meters) Has(id string) bool {
	_, ok := m.c.meters[id]
	return ok
}

// Nearest returns the meter that a misspelt one probably means, or "".
func (m Meters) Nearest(id string) string { return nearest(id, m.c.ids) }

// PerInterval is the energy that a power in watts makes in one interval, rounded
// down, since it serves as a limit.
func (c *Community) PerInterval(watts uint64) quantity.Energy { return perInterval(watts, c.Length) }

// perInterval is exact in 64 bits: powers are at most grid.MaxCapacityW, lengths an hour.
func perInterval(watts uint64, length interval.Length) quantity.Energy {
	return quantity.Energy(watts * uint64(length) / 3600) //nolint:gosec // bounded, see above
}
