package certificate

import (
	"crypto/sha256"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// uses is a rule that uses certificates up.
func uses(r Rule) Rule {
	r.Purpose, r.Beneficiary = Disclosure, make([]byte, sha256.Size)
	return r
}

// What becomes of 1000 Wh of ann's panels by her rules, once the hour is final.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name         string
		rules        []Rule
		ann, bob, cy quantity.Energy
		cancelled    quantity.Energy
		only         []tx.AccountID // From whom cy accepts, if not from everybody.
		bobsRules    []Rule
	}{
		{name: "no rules", ann: 1000},
		{name: "a third, rounded down", rules: []Rule{{SharePPM: 333_333, To: bob}}, ann: 667, bob: 333},
		{name: "shares are of all that there was", rules: []Rule{{SharePPM: 500_000, To: bob}, {SharePPM: 500_000, To: cy}}, bob: 500, cy: 500},
		{name: "the first one first", rules: []Rule{{Most: 700, To: bob}, {SharePPM: 900_000, To: cy}}, bob: 700, cy: 300},
		{name: "the rest is used up", rules: []Rule{{Most: 700, To: cy}, uses(Rule{SharePPM: million})}, cy: 700, cancelled: 300},
		{name: "who does not accept gets nothing", rules: []Rule{{Most: 700, To: cy}, {Most: 400, To: bob}}, ann: 600, bob: 400, only: []tx.AccountID{bob}},
		{name: "what comes by a rule stays", rules: []Rule{{Most: 700, To: bob}}, ann: 300, bob: 700, bobsRules: []Rule{{SharePPM: million, To: cy}}},
	} {
		w := newTown(t, 2*hour)
		w.Must(t, ann, SetRulesKind.Encode(SetRules{Account: ann, Rules: c.rules}))
		w.Must(t, ann, SetRulesKind.Encode(SetRules{Account: ann, From: hour, Rules: nil})) // Of the next hour.
		w.Must(t, bob, SetRulesKind.Encode(SetRules{Account: bob, Rules: c.bobsRules}))
		if c.only != nil {
			w.Must(t, cy, WhitelistKind.Encode(Whitelist{Account: cy, From: c.only}))
		}
		for n := range 5 {
			if l, ok := LotAt(w, part(1)[0].lot()); ok && n < 4 && l.Held != Held(w, part(1)[0].lot(), ann) {
				t.Errorf("%s: followed before the hour was final", c.name)
			}
			closed(w, hourOf(home{made: 1000, exported: 1000}, home{}, home{}))
		}
		id := part(1)[0].lot()
		l, _ := LotAt(w, id)
		if a, b, y := Held(w, id, ann), Held(w, id, bob), Held(w, id, cy); a != c.ann || b != c.bob || y != c.cy || l.Cancelled != c.cancelled {
			t.Errorf("%s: ann has %d, bob %d, cy %d, %d are used up", c.name, a, b, y, l.Cancelled)
		}
		if id.Start = hour; Held(w, id, ann) != 1000 {
			t.Errorf("%s: rules were followed in an hour in which none held", c.name)
		}
		audit(t, w)
	}
}

// An interval that becomes final while it waits for a correction is final with that,
// once.
func TestFinaliseCorrected(t *testing.T) {
	w := newTown(t, 0)
	w.Must(t, ann, SetRulesKind.Encode(SetRules{Account: ann, Rules: []Rule{{SharePPM: 500_000, To: bob}}}))
	i := interval.Interval{Length: interval.Minutes60}
	Issue(&w.Ctx, w, town, i, hourOf(home{made: 1000, exported: 1000}, home{}, home{}))
	id := part(1)[0].lot()
	for open, want := range []quantity.Energy{0, 0, 500, 500} { // The next but one closes: it is final.
		m, _ := grid.At(w, town)
		FinaliseCorrected(&w.Ctx, w, town, m, i.Start)
		if Held(w, id, bob) != want {
			t.Errorf("with hour %d open bob has %d, want %d", open, Held(w, id, bob), want)
		}
		grid.Advance(w, town)
		w.Keep()
	}
	audit(t, w)
}

func TestSetRulesRefuses(t *testing.T) {
	good := SetRules{Account: ann, Rules: []Rule{{Most: 700, To: bob}, uses(Rule{SharePPM: million})}}
	optest.Precedence(t, newTown(t, 0), ann, SetRulesKind, good, []optest.Broken[SetRules]{
		{ErrRulesTo, func(_ *optest.World, _ *tx.AccountID, o *SetRules) { o.Rules[0].To = 99 }},
		{ErrRulesSigner, func(_ *optest.World, signer *tx.AccountID, _ *SetRules) { *signer = bob }},
		{ErrRulesCancel, func(_ *optest.World, _ *tx.AccountID, o *SetRules) { o.Rules[1].Purpose = 4 }},
		{ErrRulesCancel, func(_ *optest.World, _ *tx.AccountID, o *SetRules) {
			o.Rules[1] = Rule{SharePPM: 1, To: cy, Purpose: Other}
		}},
		{ErrRulesSelf, func(_ *optest.World, _ *tx.AccountID, o *SetRules) { o.Rules[0].To = ann }},
		{ErrRulesAmount, func(_ *optest.World, _ *tx.AccountID, o *SetRules) { o.Rules[0].SharePPM = 1 }},
		{ErrRulesAmount, func(_ *optest.World, _ *tx.AccountID, o *SetRules) { o.Rules[0] = Rule{SharePPM: million + 1, To: bob} }},
		{ErrRulesAmount, func(_ *optest.World, _ *tx.AccountID, o *SetRules) { o.Rules[0] = Rule{To: bob} }},
		{ErrRulesMany, func(_ *optest.World, _ *tx.AccountID, o *SetRules) { o.Rules = make([]Rule, MaxRules+1) }},
	})
}
