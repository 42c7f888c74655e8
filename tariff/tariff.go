// Package tariff keeps what a microgrid's supplier charges and pays, and what
// the state levies, by time of use.
//
// Its promise: at every moment of an open or settled interval there is one
// tariff or none, the supplier never buys dearer than it sells, and the tariff
// of a settled interval never changes.
package tariff

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Ops is every operation of this domain.
var Ops = op.NewSet("tariff", 4000)

// Prices are what holds at one moment.
type Prices struct {
	Retail quantity.Price `cbor:"1,keyasint" json:"retail"`  // What the supplier sells at.
	FeedIn quantity.Price `cbor:"2,keyasint" json:"feed_in"` // What it buys at; ≤ Retail.
	Levy   quantity.Price `cbor:"3,keyasint" json:"levy"`    // On every Wh used, from wherever.
}

// Step is prices from a moment on, until the next step.
type Step struct {
	From   interval.Time `cbor:"1,keyasint" json:"from"`
	Prices Prices        `cbor:"2,keyasint" json:"prices"`
}

var prices = state.NewHistory[grid.MicrogridID, Prices]("tariff.prices")

// At returns the prices that hold in a microgrid at a moment, and whether any do.
func At(s state.Reader, m grid.MicrogridID, at interval.Time) (Prices, bool) {
	p, _, ok := prices.At(s, m, at)
	return p, ok
}

// MaxPrice bounds a price, so that no amount of an interval overflows.
const MaxPrice quantity.Price = 1 << 24

// MaxSteps bounds one operation.
const MaxSteps = 4096
