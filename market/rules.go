package market

import (
	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// SetRules sets how a microgrid trades before its first interval is settled.
// From then on the rules are the members', who change them by a vote.
type SetRules struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Rules     Rules            `cbor:"2,keyasint" json:"rules"`
}

// Refusals of SetRules, in order of precedence.
var (
	ErrMode         = Ops.Refuse(1, "there is no such mode: 0 uniform, 1 pay-as-bid, 2 mid-market")
	ErrPriceRule    = Ops.Refuse(2, "there is no such price rule: 0 split, 1 clearing")
	ErrRulesStarted = Ops.Refuse(3, "the microgrid settles already: its members change the rules by a vote")
)

// RulesSet is the receipt of rules that change, by the operator or by a vote.
type RulesSet struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	From      interval.Time    `cbor:"2,keyasint" json:"from"`
	Rules     Rules            `cbor:"3,keyasint" json:"rules"`
}

// RulesReceipt is the kind of RulesSet.
var RulesReceipt = op.DefineReceipt[RulesSet](Ops, 1, "rules-set", "How a microgrid trades.")

// SetRulesKind sets how a microgrid trades.
var SetRulesKind = op.Define(Ops, op.Spec[SetRules]{
	Number: 1,
	Name:   "set-rules",
	Doc:    "Set how a microgrid trades, before its first interval is settled.",
	Check:  func(o *SetRules) *op.Refusal { return o.Rules.Check() },
	Apply: func(ctx *op.Context, s state.Store, o *SetRules) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		if !ok {
			return grid.ErrNoMicrogrid
		}
		if _, no := grid.Change(s, ctx.Signer, o.Microgrid, m.Open); no != nil {
			return no
		}
		if m.Open != m.Start {
			return ErrRulesStarted
		}
		Adopt(ctx, s, o.Microgrid, m.Open, o.Rules)
		return nil
	},
})

// Check says what is wrong with rules, or nil.
func (r Rules) Check() *op.Refusal {
	switch {
	case r.Mode > auction.MidMarket:
		return ErrMode
	case r.Rule > auction.ClearingRule:
		return ErrPriceRule
	}
	return nil
}

// Adopt makes rules hold from an interval on.
func Adopt(ctx *op.Context, s state.Store, id grid.MicrogridID, from interval.Time, r Rules) {
	rules.Put(s, id, from, r)
	op.Emit(ctx, RulesReceipt, op.Public, RulesSet{id, from, r})
}

// RulesAt returns the rules that hold at a moment.
func RulesAt(s state.Reader, id grid.MicrogridID, at interval.Time) Rules {
	if r, _, ok := rules.At(s, id, at); ok {
		return r
	}
	return DefaultRules
}
