package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Match claims what an account has of the intervals of a period for use in them that
// nothing is claimed for yet: in each interval as much as there is of both, the nearest
// first. An account matches the use of its own connection points, of those that its
// signer acts for and of those that chose it to; the microgrid's operator and its
// supplier match that of all that did not choose otherwise.
type Match struct {
	Account   tx.AccountID     `cbor:"1,keyasint" json:"account"` // Whose certificates they are.
	Microgrid grid.MicrogridID `cbor:"2,keyasint" json:"microgrid"`
	From      interval.Time    `cbor:"3,keyasint" json:"from"`
	Until     interval.Time    `cbor:"4,keyasint" json:"until"`
	// Zone, if given, is where the use is, and in the zones below it; else it is that of
	// Points, if there are any, and of all otherwise.
	Zone   grid.ZoneID    `cbor:"5,keyasint,omitempty" json:"zone,omitempty"`
	Points []grid.PointID `cbor:"6,keyasint,omitempty" json:"points,omitempty"` // Ascending.
}

// Bounds of one matching.
const (
	maxMatchIntervals = 744    // A month of hours.
	maxMatchShares    = 16_384 // Connection points times intervals.
	maxClaims         = 500    // Parts of lots in one receipt.
)

// Refusals of Match, in order of precedence.
var (
	ErrMatchPeriod  = Ops.Refuse(160, "a matching is of one interval at least")
	ErrMatchPoints  = Ops.Refuse(161, "a matching is of a zone, or of 4096 connection points at most, and not of both")
	ErrMatchOrder   = Ops.Refuse(162, "the connection points of a matching are not in ascending order, each once")
	ErrMatchSigner  = Ops.Refuse(163, "only the account that has certificates, or who acts for it, matches them")
	ErrMatchGrid    = Ops.Refuse(164, "there is no such microgrid")
	ErrMatchAligned = Ops.Refuse(165, "a matching begins and ends at the start of an interval")
	ErrMatchLong    = Ops.Refuse(166, "a matching is of 744 intervals at most")
	ErrMatchZone    = Ops.Refuse(167, "there is no such zone in the microgrid")
	ErrMatchPoint   = Ops.Refuse(168, "there is no such connection point")
	ErrMatchMany    = Ops.Refuse(169, "a matching is of 16384 connection points times intervals at most: match a shorter period, or a zone")
	ErrMatchOpen    = Ops.Refuse(170, "an interval of the period may still be corrected: it is matched once it is final")
	ErrMatchWhose   = Ops.Refuse(171, "an account matches the use of its own connection points and of those that chose it to; the operator and the supplier that of all that did not choose otherwise")
	ErrMatchNothing = Ops.Refuse(172, "there is nothing to match: the account has no certificates of these intervals, or something is claimed for all use already")
)

// Matched is the receipt of what an account's certificates of an interval were used up
// for, for that account. Where there are more than 500 parts, there are more receipts.
type Matched struct {
	Account   tx.AccountID     `cbor:"1,keyasint" json:"account"`
	Microgrid grid.MicrogridID `cbor:"2,keyasint" json:"microgrid"`
	Start     interval.Time    `cbor:"3,keyasint" json:"start"`
	Energy    quantity.Energy  `cbor:"4,keyasint" json:"energy_wh"` // Of the claims in this receipt.
	Claims    []Claim          `cbor:"5,keyasint" json:"claims"`    // By device.
}

// Claim is energy of a lot that is claimed, from a serial on.
type Claim struct {
	_      struct{} `cbor:",toarray"`
	Device grid.DeviceID
	Energy quantity.Energy
	Serial quantity.Energy
}

// UseMatched is the receipt of the use that certificates were claimed for, for the
// account of the connection point. Its certificates are of the same operation's Matched
// of the interval, in the proportions of all of them.
type UseMatched struct {
	Account   tx.AccountID     `cbor:"1,keyasint" json:"account"` // Whose certificates they were.
	Microgrid grid.MicrogridID `cbor:"2,keyasint" json:"microgrid"`
	Start     interval.Time    `cbor:"3,keyasint" json:"start"`
	Point     grid.PointID     `cbor:"4,keyasint" json:"point"`
	Energy    quantity.Energy  `cbor:"5,keyasint" json:"energy_wh"`
	Left      quantity.Energy  `cbor:"6,keyasint" json:"left_wh"` // That nothing is claimed for.
}

// Receipts of Match.
var (
	MatchedReceipt    = op.DefineReceipt[Matched](Ops, 160, "matched", "Certificates that are used up for use in their interval.")
	UseMatchedReceipt = op.DefineReceipt[UseMatched](Ops, 161, "use-matched", "Use of a connection point that certificates are claimed for.")
)

// MatchKind matches certificates with use.
var MatchKind = op.Define(Ops, op.Spec[Match]{
	Number: 160,
	Name:   "match",
	Doc:    "Claim certificates for use in their intervals, the nearest first.",
	Check: func(o *Match) *op.Refusal {
		switch {
		case o.From >= o.Until:
			return ErrMatchPeriod
		case len(o.Points) > maxParts || o.Zone != 0 && len(o.Points) > 0:
			return ErrMatchPoints
		}
		for n := 1; n < len(o.Points); n++ {
			if o.Points[n-1] >= o.Points[n] {
				return ErrMatchOrder
			}
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Match) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		length := interval.Time(m.Length)
		switch {
		case !party.ActsFor(s, ctx.Signer, o.Account):
			return ErrMatchSigner
		case !ok:
			return ErrMatchGrid
		case o.From%length != 0 || o.Until%length != 0:
			return ErrMatchAligned
		case (o.Until-o.From)/length > maxMatchIntervals:
			return ErrMatchLong
		}
		x, no := newMatching(ctx, s, o, m)
		if no != nil {
			return no
		}
		if x.asked*int64((o.Until-o.From)/length) > maxMatchShares {
			return ErrMatchMany
		}
		for start := o.From; start < o.Until; start += length {
			if !final(s, LotID{o.Microgrid, start, 0}) {
				return ErrMatchOpen
			}
		}
		var sum quantity.Energy
		for start := o.From; start < o.Until; start += length {
			energy, no := x.interval(interval.Interval{Start: start, Length: m.Length})
			if no != nil {
				return no
			}
			sum = quantity.MustAdd(sum, energy)
		}
		if sum == 0 {
			return ErrMatchNothing
		}
		return nil
	},
})
