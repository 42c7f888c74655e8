package machine

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// upgrade makes the council of the test's genesis decide on rules.
func (h *house) upgrade(rules uint32, height int64) {
	h.t.Helper()
	change := governance.Change{Upgrade: &governance.Upgrade{Rules: rules, Height: height}}
	h.must(1, governance.ProposeKind.Encode(governance.Propose{Proposal: 1, Change: change, Until: h.time + 1}),
		governance.VoteKind.Encode(governance.Vote{Proposal: 1, Yes: true}))
}

// TestUpgradeAtOneHeight has machines of a ledger of the first rules go over at the
// height that was agreed on: one that runs, one that replays, and one that is made
// anew from the rows before every block.
func TestUpgradeAtOneHeight(t *testing.T) {
	h := newHouse(t, 2, Environment{})
	at := h.machine.Head().Height + 4
	h.upgrade(RulesNewest, at)
	rules := map[int64]uint32{}
	for h.machine.Head().Height < at+2 {
		next := Block{Height: h.machine.Head().Height + 1}
		rules[next.Height] = h.machine.rules(next)
		if got := Trying(h.rows, h.machine.Head(), 1).Rules; got != rules[next.Height] {
			t.Errorf("height %d is tried by rules %d", next.Height, got)
		}
		h.must(1, party.OpenKind.Encode(party.Open{Account: 100 + tx.AccountID(next.Height)}))
	}
	for height, got := range rules {
		if want := map[bool]uint32{false: RulesOldest, true: RulesNewest}[height >= at]; got != want {
			t.Errorf("block %d is executed by rules %d, want %d", height, got, want)
		}
	}
	for _, restart := range []bool{false, true} {
		again := newHouse(t, 2, Environment{})
		for _, b := range h.blocks {
			again.time = b.Time
			again.block(b.Txs...)
			if restart {
				var err error
				if again.machine, err = New(again.rows, again.machine.Head(), Environment{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !slices.EqualFunc(h.hashes, again.hashes, bytes.Equal) {
			t.Errorf("restarted %v: the app hashes are not the same", restart)
		}
	}
}

// TestOlderProgramStops before the first block by rules that it does not know, and
// is given that block in vain.
func TestOlderProgramStops(t *testing.T) {
	h := newHouse(t, 1, Environment{RulesNewest: RulesOldest})
	at := h.machine.Head().Height + 3
	h.upgrade(RulesNewest, at)
	for h.machine.Head().Height < at-1 {
		if err := h.machine.Next(); err != nil {
			t.Fatalf("at height %d: %v", h.machine.Head().Height, err)
		}
		h.block()
	}
	err := h.machine.Next()
	unknown, ok := errors.AsType[*UnknownRules](err)
	if !ok || unknown.Rules != RulesNewest || unknown.Height != at || unknown.Newest != RulesOldest {
		t.Errorf("before height %d: %v", at, err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it executed a block by rules that it does not know")
			}
		}()
		h.machine.Execute(Block{Height: at, Time: h.time})
	}()
	newer, err := New(h.rows, h.machine.Head(), Environment{})
	if err != nil || newer.Next() != nil {
		t.Errorf("a newer program does not go on: %v", errors.Join(err, newer.Next()))
	}
}

// TestGenesisNamesRules begins with the first ones where it names none.
func TestGenesisNamesRules(t *testing.T) {
	begin := func(g Genesis, env Environment) (uint32, error) {
		rows := state.NewMemory()
		m, err := New(rows, Head{}, env)
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.Begin(testChain, g.Encode())
		rows.Apply(r.Changes)
		return governance.InForce(rows, 1).Rules, err
	}
	g := genesisOf(1)
	if rules, err := begin(g, Environment{}); err != nil || rules != RulesOldest {
		t.Errorf("a genesis without rules: %d, %v", rules, err)
	}
	type older struct { // A genesis before it could name rules.
		Accounts   []Founder              `cbor:"1,keyasint"`
		Council    []tx.AccountID         `cbor:"2,keyasint"`
		Validators []governance.Validator `cbor:"3,keyasint,omitempty"`
	}
	if !bytes.Equal(g.Encode(), codec.Marshal(older{g.Accounts, g.Council, g.Validators})) {
		t.Error("a genesis without rules is not what it was before it could name some")
	}
	g.Rules = op.RulesSnapshots
	if rules, err := begin(g, Environment{}); err != nil || rules != op.RulesSnapshots {
		t.Errorf("rules 2: %d, %v", rules, err)
	}
	if _, err := begin(g, Environment{RulesNewest: 1}); !errors.As(err, new(*UnknownRules)) {
		t.Errorf("rules that the program does not know: %v", err)
	}
	g.Rules = RulesNewest + 1
	if _, err := begin(g, Environment{}); !errors.As(err, new(*UnknownRules)) {
		t.Errorf("rules that nobody knows: %v", err)
	}
}
