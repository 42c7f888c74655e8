// Package market keeps what members wish and the rules they trade by, and clears
// every interval with them.
//
// Its promise: a clearing depends on nothing but the metered energy, the wishes,
// rules, lines and tariff that held in its interval; so anyone can compute it
// again, and so does a correction.
package market

import (
	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Ops is every operation of this domain.
var Ops = op.NewSet("market", 6000)

// Class says which energy a trade was about.
type Class uint8

// Classes.
const (
	Any   Class = 0
	Green Class = 1
)

// Rules are how a microgrid trades.
type Rules struct {
	Mode         auction.Mode      `cbor:"1,keyasint" json:"mode"`
	Rule         auction.PriceRule `cbor:"2,keyasint" json:"price_rule"`
	MembersFirst bool              `cbor:"3,keyasint" json:"members_first"`
}

// DefaultRules hold until others are set.
var DefaultRules = Rules{Mode: auction.Uniform, Rule: auction.SplitRule, MembersFirst: true}

// Wish is what a connection point wants from the market. The zero wish takes
// any energy at no more than the utility asks and gives its own for no less
// than the utility pays.
type Wish struct {
	Buy        *quantity.Price `cbor:"1,keyasint,omitempty" json:"buy,omitempty"`         // Most it pays per Wh, path included.
	Sell       *quantity.Price `cbor:"2,keyasint,omitempty" json:"sell,omitempty"`        // Least it takes per Wh.
	Green      bool            `cbor:"3,keyasint,omitempty" json:"green,omitempty"`       // Buys green energy only, with Buy as its own limit.
	SellsGreen bool            `cbor:"4,keyasint,omitempty" json:"sells_green,omitempty"` // What it gives is green.
	Partners   []grid.PointID  `cbor:"5,keyasint,omitempty" json:"partners,omitempty"`    // Whom it wants to buy from, first first.
}

var (
	rules  = state.NewHistory[grid.MicrogridID, Rules]("market.rules")
	wishes = state.NewHistory[grid.Point, Wish]("market.wish")
)
