package certificate

import (
	"math/bits"

	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// everybody is the parent of all accounts.
type everybody struct{}

// AppendKey appends nothing.
func (everybody) AppendKey(b []byte) []byte { return b }

// followRules follows the rules of all who have certificates of an interval, by
// account. They are of what an account had before: what came to it by a rule is not
// passed on by another one in the same interval.
func followRules(ctx *op.Context, s state.Store, k metering.Moment) {
	any := false
	for range standing.Under(s, everybody{}, k.Start) {
		any = true
		break
	}
	if !any {
		return
	}
	var own []belonging
	for rest := belongings(s, k); len(rest) > 0; {
		own, rest = ofOne(rest)
		if rules := RulesAt(s, own[0].account, k.Start); len(rules) > 0 {
			follow(ctx, s, own, rules)
		}
	}
}

// follow follows an account's rules, one after the other, each with what those before
// it left, of the first lots first. What cannot be passed on, because whoever would get
// it does not accept it, stays.
func follow(ctx *op.Context, s state.Store, own []belonging, rules []Rule) {
	account := own[0].account
	var had quantity.Energy
	for _, b := range own {
		had = quantity.MustAdd(had, b.part.Energy)
	}
	for _, r := range rules {
		if r.To != 0 && (!party.Exists(s, r.To) || !Accepts(s, r.To, account)) {
			continue
		}
		for parts := cut(own, r.of(had)); len(parts) > 0; {
			now := parts[:min(len(parts), maxParts)]
			parts = parts[len(now):]
			r.apply(ctx, s, account, now)
		}
	}
}

// of is how much a rule is about, of what an account had.
func (r *Rule) of(had quantity.Energy) quantity.Energy {
	if r.Most > 0 {
		return min(r.Most, had)
	}
	return scaled(had, r.SharePPM)
}

// scaled is so many millionths, at most all, of some energy, rounded down to the Wh.
func scaled(e quantity.Energy, ppm uint32) quantity.Energy {
	hi, lo := bits.Mul64(uint64(e), uint64(ppm)) //nolint:gosec // Energy that somebody has is not below zero.
	whole, _ := bits.Div64(hi, lo, million)
	return quantity.Energy(whole) //nolint:gosec // Not more than e.
}

// cut takes energy from what an account has, the first lots first.
func cut(own []belonging, e quantity.Energy) []Part {
	var parts []Part
	for n := range own {
		p := own[n].part
		p.Energy = min(p.Energy, e)
		if p.Energy > 0 {
			parts = append(parts, p)
			own[n].part.Energy, e = quantity.MustSub(own[n].part.Energy, p.Energy), quantity.MustSub(e, p.Energy)
		}
	}
	return parts
}

// apply passes parts on or uses them up, as an operation of the account would.
func (r *Rule) apply(ctx *op.Context, s state.Store, account tx.AccountID, parts []Part) {
	for _, p := range parts {
		if !take(s, p.lot(), account, p.Energy) {
			panic("certificate: a rule is about more than there is")
		}
	}
	if r.To == 0 {
		done := Cancel{Account: account, Parts: parts, Purpose: r.Purpose, Beneficiary: r.Beneficiary}
		serials := leave(s, parts, func(l *Lot) *quantity.Energy { return &l.Cancelled })
		op.Emit(ctx, CancelledReceipt, account, Cancelled{done, serials})
		return
	}
	for _, p := range parts {
		give(s, p.lot(), r.To, p.Energy)
	}
	done := Transfer{From: account, To: r.To, Parts: parts}
	op.Emit(ctx, Transferred, account, done)
	op.Emit(ctx, Transferred, r.To, done)
}
