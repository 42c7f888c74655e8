package node_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
)

// upgrade makes the council of the test's genesis decide on rules.
func upgrade(t *testing.T, n *node.Node, nonce uint64, rules uint32, height int64) {
	t.Helper()
	change := governance.Change{Upgrade: &governance.Upgrade{Rules: rules, Height: height}}
	accept(t, n, sign(1, nonce,
		governance.ProposeKind.Encode(governance.Propose{Proposal: 1, Change: change, Until: 1 << 40}),
		governance.VoteKind.Encode(governance.Vote{Proposal: 1, Yes: true})))
}

// TestOlderProgramStopsBeforeNewRules says why and what to do, at once and at the next
// start; a program that knows the rules goes on with the same folder, or with a copy.
func TestOlderProgramStopsBeforeNewRules(t *testing.T) {
	dir := t.TempDir()
	g := genesisOf(3)
	g.Rules = machine.RulesOldest
	if err := node.Init(dir, testChain, g); err != nil {
		t.Fatal(err)
	}
	older := func() (*node.Node, error) {
		return node.Open(node.Config{Dir: dir, RulesNewest: machine.RulesOldest})
	}
	n, err := older()
	if err != nil {
		t.Fatal(err)
	}
	fund(t, n, 3)
	const at = 12
	upgrade(t, n, 40, machine.RulesNewest, at)
	if got := n.Status().Rules; got.InForce != machine.RulesOldest || got.Agreed == nil || got.Agreed.Height != at || !got.Known {
		t.Errorf("the status says %+v", got) // This process knows them.
	}
	for nonce := uint64(50); n.Height() < at-1; nonce++ {
		if _, err := n.Submit(context.Background(), transfer(1, 2, nonce, 1)); err != nil && n.Height() < at-1 {
			t.Fatal(err)
		}
	}
	select {
	case <-n.Done():
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
	check := func(err error) {
		t.Helper()
		unknown, ok := errors.AsType[*machine.UnknownRules](err)
		if !ok || unknown.Height != at || !strings.Contains(err.Error(), "install a version that knows rules 2") {
			t.Errorf("it says %v", err)
		}
	}
	check(n.Err())
	if n.Height() != at-1 {
		t.Errorf("it stopped at height %d", n.Height())
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := n.Checkpoint(copied); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := older(); err != nil {
		check(err)
	} else {
		t.Error("it starts again")
	}
	for _, dir := range []string{dir, copied} {
		n := open(t, dir)
		accept(t, n, transfer(1, 2, 200, 1))
		accept(t, n, transfer(2, 1, 201, 1))
		if got := n.Status().Rules; got.InForce != machine.RulesNewest || got.Agreed != nil || n.Height() < at {
			t.Errorf("at height %d: %+v", n.Height(), got)
		}
		if err := n.Rest(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := verify(dir); err != nil {
			t.Error(err)
		}
	}
}
