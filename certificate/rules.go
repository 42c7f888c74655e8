package certificate

import (
	"crypto/sha256"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// SetRules sets an account's standing rules: what becomes of its certificates of each
// interval as that becomes final. They hold for intervals that start at From or later,
// and are not final yet, until later ones do; no rules end those before.
type SetRules struct {
	Account tx.AccountID  `cbor:"1,keyasint" json:"account"`
	From    interval.Time `cbor:"2,keyasint" json:"from"`
	Rules   []Rule        `cbor:"3,keyasint" json:"rules"` // The first one first; at most 16.
}

// Rule passes a part of what an account has of an interval on, or uses it up. It has a
// share or a most, not both.
type Rule struct {
	// SharePPM is how many millionths of what the account had as the interval became
	// final, rounded down to the Wh.
	SharePPM    uint32          `cbor:"1,keyasint,omitempty" json:"share_ppm,omitempty"`
	Most        quantity.Energy `cbor:"2,keyasint,omitempty" json:"most_wh,omitempty"` // At most so much of an interval of a microgrid.
	To          tx.AccountID    `cbor:"3,keyasint,omitempty" json:"to,omitempty"`      // Who gets it; 0: it is used up.
	Purpose     Purpose         `cbor:"4,keyasint,omitempty" json:"purpose,omitempty"` // As of a cancellation; of those that are used up.
	Beneficiary []byte          `cbor:"5,keyasint,omitempty" json:"beneficiary,omitempty"`
}

// MaxRules bounds the rules of an account.
const MaxRules = 16

// million is all parts of a share.
const million = 1_000_000

// Refusals of SetRules, in order of precedence.
var (
	ErrRulesMany   = Ops.Refuse(140, "an account has at most 16 rules")
	ErrRulesAmount = Ops.Refuse(141, "a rule is of a share, 1 to 1000000 millionths, or of so many Wh at most, and not of both")
	ErrRulesSelf   = Ops.Refuse(142, "a rule passes certificates on to another account")
	ErrRulesCancel = Ops.Refuse(143, "a rule that uses certificates up has a purpose and the 32 bytes of a beneficiary, and one that passes them on has neither")
	ErrRulesSigner = Ops.Refuse(144, "only an account, or who acts for it, sets its rules")
	ErrRulesTo     = Ops.Refuse(145, "there is no such account to pass certificates on to by a rule")
)

var standing = state.NewHistory[tx.AccountID, []Rule]("certificate.rules")

// RulesSet is the receipt of SetRules.
var RulesSet = op.DefineReceipt[SetRules](Ops, 140, "rules-set", "What becomes of an account's certificates of each interval.")

// SetRulesKind sets an account's standing rules.
var SetRulesKind = op.Define(Ops, op.Spec[SetRules]{
	Number: 140,
	Name:   "set-rules",
	Doc:    "Set what becomes of an account's certificates of each interval.",
	Check: func(o *SetRules) *op.Refusal {
		if len(o.Rules) > MaxRules {
			return ErrRulesMany
		}
		for _, r := range o.Rules {
			switch cancels := r.To == 0; {
			case r.SharePPM > million, r.Most < 0, (r.SharePPM > 0) == (r.Most > 0):
				return ErrRulesAmount
			case r.To == o.Account:
				return ErrRulesSelf
			case cancels && (r.Purpose < Disclosure || r.Purpose > Other || len(r.Beneficiary) != sha256.Size),
				!cancels && (r.Purpose != 0 || len(r.Beneficiary) != 0):
				return ErrRulesCancel
			}
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *SetRules) *op.Refusal {
		if !party.ActsFor(s, ctx.Signer, o.Account) {
			return ErrRulesSigner
		}
		for _, r := range o.Rules {
			if r.To != 0 && !party.Exists(s, r.To) {
				return ErrRulesTo
			}
		}
		standing.Put(s, o.Account, o.From, o.Rules)
		op.Emit(ctx, RulesSet, o.Account, *o)
		return nil
	},
})

// RulesAt returns the rules of an account that hold for an interval that starts at a
// moment.
func RulesAt(s state.Reader, account tx.AccountID, at interval.Time) []Rule {
	rules, _, _ := standing.At(s, account, at)
	return rules
}
