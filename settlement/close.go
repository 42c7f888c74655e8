package settlement

import (
	"cmp"
	"slices"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

// ErrTooMuch refuses to settle an interval whose amounts could leave 64 bits.
var ErrTooMuch = Ops.Refuse(1, "more than 2^35 Wh were taken and given in one interval")

// Close settles an interval for the first time and books it.
//
// Refusals: ErrTooMuch, ledger.ErrSettleTooBig.
func Close(ctx *op.Context, s state.Store, id grid.MicrogridID, m grid.Microgrid, i interval.Interval, c Cleared) *op.Refusal {
	if c.tooMuch() {
		return ErrTooMuch
	}
	o := settle(s, id, m, i, c)
	if no := book(s, m, outcome{}, o); no != nil {
		return no
	}
	emit(ctx, m, outcome{}, o, 1)
	return nil
}

// Correct settles an interval again with the positions that late readings make,
// and books the difference.
//
// Refusals: those of Close.
func Correct(ctx *op.Context, s state.Store, id grid.MicrogridID, m grid.Microgrid, i interval.Interval, was, is Cleared, revision uint32) *op.Refusal {
	if is.tooMuch() {
		return ErrTooMuch
	}
	before, after := settle(s, id, m, i, was), settle(s, id, m, i, is)
	if no := book(s, m, before, after); no != nil {
		return no
	}
	emit(ctx, m, before, after, revision)
	return nil
}

// Cleared is what an interval is settled from: who took and gave how much, and
// what the market made of it.
type Cleared struct {
	certificate.Cleared
	Origins [][]certificate.Origin // Of each position; nil where no certificates are issued.
}

// tooMuch reports whether more energy was taken and given than a book holds.
// Prices are at most 2^26, so what is less comes to amounts below 2^61.
func (c Cleared) tooMuch() bool {
	var sum quantity.Energy
	for _, p := range c.Positions {
		sum = quantity.MustAdd(sum, quantity.MustAdd(p.Import, p.Export))
	}
	return sum > auction.MaxEnergy
}

// Compute settles an interval as Close does and books nothing: the statements of
// its connection points, in their order, and the aggregates.
func Compute(s state.Reader, id grid.MicrogridID, m grid.Microgrid, i interval.Interval, c Cleared) ([]Statement, Settled) {
	o := settle(s, id, m, i, c)
	return o.statements, o.settled
}

// settle computes an interval with the tariff that held in it.
func settle(s state.Reader, id grid.MicrogridID, m grid.Microgrid, i interval.Interval, c Cleared) outcome {
	prices, _ := tariff.At(s, id, i.Start)
	o := compute(id, m, i, c.Positions, c.Clearing, prices)
	for n := range c.Origins {
		o.statements[n].Origins = c.Origins[n]
	}
	return o
}

// book posts the difference between two outcomes: for each account what it owes
// less, and for those who receive, what they get more.
func book(s state.Store, m grid.Microgrid, before, after outcome) *op.Refusal {
	var entries []ledger.Entry
	note := func(account tx.AccountID, amount quantity.Money) {
		entries = append(entries, ledger.Entry{Account: account, Amount: amount})
	}
	for n := range after.statements {
		note(after.statements[n].Account, -after.statements[n].Owed())
	}
	for n := range before.statements {
		note(before.statements[n].Account, before.statements[n].Owed())
	}
	a, b := after.settled, before.settled
	note(m.Utility, quantity.MustSub(quantity.MustSub(a.UtilitySold, a.UtilityPaid), quantity.MustSub(b.UtilitySold, b.UtilityPaid)))
	note(m.Utility, quantity.MustSub(a.LossCost, b.LossCost))
	note(m.Network, quantity.MustSub(a.Network, b.Network))
	note(m.Network, quantity.MustSub(b.LossCost, a.LossCost))
	note(m.Levy, quantity.MustSub(a.Levy, b.Levy))
	return ledger.Settle(s, m.Currency, net(entries))
}

// net leaves one entry per account that is not zero, by account.
func net(entries []ledger.Entry) []ledger.Entry {
	slices.SortStableFunc(entries, func(a, b ledger.Entry) int { return cmp.Compare(a.Account, b.Account) })
	var out []ledger.Entry
	for _, e := range entries {
		if n := len(out); n > 0 && out[n-1].Account == e.Account {
			out[n-1].Amount = quantity.MustAdd(out[n-1].Amount, e.Amount)
			continue
		}
		out = append(out, e)
	}
	return slices.DeleteFunc(out, func(e ledger.Entry) bool { return e.Amount == 0 })
}

// emit gives the receipts of an outcome; of a correction, only the statements
// that changed.
func emit(ctx *op.Context, m grid.Microgrid, before, after outcome, revision uint32) {
	for n := range after.statements {
		st := after.statements[n]
		if n < len(before.statements) && same(before.statements[n], st) {
			continue
		}
		st.Revision = revision
		op.Emit(ctx, StatementReceipt, st.Account, st)
	}
	after.settled.Revision = revision
	after.tell(ctx, m.Operator)
	for _, l := range after.overloads {
		l.Revision = revision
		op.Emit(ctx, OverloadReceipt, m.Operator, l)
	}
}

// tell gives the aggregates: to anyone, or in full to the operator and to anyone
// what is of no fewer than Fewest homes.
func (o *outcome) tell(ctx *op.Context, operator tx.AccountID) {
	s := o.settled
	if o.all {
		op.Emit(ctx, SettledReceipt, op.Public, s)
		return
	}
	op.Emit(ctx, SettledReceipt, operator, s)
	if len(o.disclosed) > 0 {
		op.Emit(ctx, DisclosedReceipt, op.Public, Disclosed{s.Microgrid, s.Start, s.Revision, o.disclosed, s.UtilitySold, s.UtilityPaid, s.Levy})
	}
}

// same reports whether two statements of one point say the same.
func same(a, b Statement) bool {
	return a.Import == b.Import && a.Export == b.Export && a.Produced == b.Produced && a.Estimated == b.Estimated &&
		slices.Equal(a.Items, b.Items) && slices.Equal(a.Deals, b.Deals) && slices.Equal(a.Devices, b.Devices) &&
		slices.Equal(a.Origins, b.Origins)
}
