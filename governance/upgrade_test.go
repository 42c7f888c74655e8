package governance

import (
	"testing"

	"github.com/commonwatt/commonwatt/op"
)

func upgradeTo(rules uint32, height int64) Change { return Change{Upgrade: &Upgrade{rules, height}} }

// adopt lets the council decide on a change.
func (w world) adopt(t testing.TB, id ProposalID, c Change) string {
	t.Helper()
	w.propose(t, ann, id, c)
	w.vote(t, ann, id, true)
	return w.vote(t, operator, id, true)
}

// TestUpgrade is in force from its height on, not a block earlier, and without a
// word in the block of that height.
func TestUpgrade(t *testing.T) {
	w := founded(t)
	w.Ctx.Height = 5
	if got := w.adopt(t, 1, upgradeTo(2, 9)); got != "adopted" {
		t.Fatal(got)
	}
	for height, want := range map[int64]Upgrade{5: {1, 1}, 8: {1, 1}, 9: {2, 9}, 1 << 40: {2, 9}} {
		if got := InForce(w, height); got != want {
			t.Errorf("height %d: %+v, want %+v", height, got, want)
		}
		if _, ahead := Agreed(w, height); ahead != (height < 9) {
			t.Errorf("height %d: ahead %v", height, ahead)
		}
	}
	// The next one keeps what is in force by then.
	w.Ctx.Height = 20
	if got := w.adopt(t, 2, upgradeTo(4, 30)); got != "adopted" {
		t.Fatal(got)
	}
	if a, b := InForce(w, 29), InForce(w, 30); a != (Upgrade{2, 9}) || b != (Upgrade{4, 30}) {
		t.Errorf("%+v, then %+v", a, b)
	}
}

// TestUpgradeIsMovedAndTakenBack before its height comes.
func TestUpgradeIsMovedAndTakenBack(t *testing.T) {
	w := founded(t)
	w.Ctx.Height = 5
	w.adopt(t, 1, upgradeTo(2, 9))
	w.Ctx.Height = 8
	w.adopt(t, 1, upgradeTo(2, 20))
	if a, b := InForce(w, 9), InForce(w, 20); a.Rules != op.RulesFirst || b.Rules != 2 {
		t.Errorf("moved from 9 to 20, and height 9 has rules %d, height 20 rules %d", a.Rules, b.Rules)
	}
	w.Ctx.Height = 19
	if got := w.adopt(t, 1, upgradeTo(1, 20)); got != "adopted" {
		t.Fatal(got)
	}
	if got := InForce(w, 20); got != (Upgrade{1, 1}) {
		t.Errorf("taken back, and height 20 has %+v", got)
	}
	if _, err := w.Try(ann, ProposeKind.Encode(Propose{1, 0, upgradeTo(1, 30), until})); err != ErrUpgradeRules { //nolint:errorlint // This very refusal.
		t.Errorf("there is nothing to take back: %v", err)
	}
}

// TestUpgradeComesTooLate is not adopted when the vote takes longer than planned.
func TestUpgradeComesTooLate(t *testing.T) {
	w := founded(t)
	w.Ctx.Height = 5
	w.propose(t, ann, 1, upgradeTo(2, 9))
	w.vote(t, ann, 1, true)
	w.Ctx.Height = 9
	if got := w.vote(t, operator, 1, true); got != "rejected" || InForce(w, 10).Rules != 1 {
		t.Errorf("an upgrade for a height that was reached: %s, rules %d", got, InForce(w, 10).Rules)
	}
}

// TestBeginRules leaves a ledger of the first rules as it was before there were any.
func TestBeginRules(t *testing.T) {
	w := founded(t)
	before := len(w.Changes())
	if BeginRules(w, 1); len(w.Changes()) != before {
		t.Error("the first rules have a row")
	}
	if BeginRules(w, 2); InForce(w, 1) != (Upgrade{2, 1}) {
		t.Errorf("it begins with %+v", InForce(w, 1))
	}
}
