package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/store"
)

// upgradeAhead is how many blocks before their height newer rules are agreed on.
const upgradeAhead = 30

// agree makes the council, which is account 1, decide on rules from a height on.
func (cl *client) agree(i int, rules uint32, height int64) {
	cl.nonce += accounts/2 - cl.nonce%(accounts/2) // The next one that is account 1's.
	change := governance.Change{Upgrade: &governance.Upgrade{Rules: rules, Height: height}}
	cl.write(cl.c.running[i], cl.nonce, sign(1, cl.nonce,
		governance.ProposeKind.Encode(governance.Propose{Proposal: 1, Change: change, Until: 1 << 40}),
		governance.VoteKind.Encode(governance.Vote{Proposal: 1, Yes: true})))
}

// rulesOf are those by which a stopped node executes the block after its last.
func rulesOf(t *testing.T, dir string, height int64) uint32 {
	t.Helper()
	s, err := store.Open(filepath.Join(dir, "store"), store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return governance.InForce(s, height+1).Rules
}

// Four validators under load go over to newer rules at the height that was agreed on. One
// whose program does not know them stops before it, and says so again when it is started;
// the others go on, and so does it once its program is replaced.
func TestNewRulesUnderLoad(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	c := newClusterBy(t, newLoopback(t, size), machine.RulesOldest, t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir())
	c.places[3].Rules = machine.RulesOldest
	c.startAll()
	cl, newer := newClient(c), others(3)
	cl.fund(0)
	c.until("there is load", func() bool { cl.push(8, all...); return cl.count() > 100 })
	at := c.at(0).height + upgradeAhead
	cl.agree(0, machine.RulesNewest, at)
	older := c.stops(3, func() { cl.push(8, all...) })
	const wanted = "install a version that knows rules 2"
	mustSay(t, older, wanted)
	if !strings.Contains(older.stop, fmt.Sprintf("before block %d:", at)) {
		t.Errorf("the one that does not know the rules of height %d stops elsewhere: %s", at, older.stop)
	}
	if err := c.start(3); err == nil { // It ended before its last block was on disk, and has it again now.
		mustSay(t, c.stops(3, func() {}), wanted)
	} else if !strings.Contains(err.Error(), wanted) {
		t.Errorf("it does not start again, and does not say why: %v", err)
	}
	before := cl.count()
	c.until("the others go on by the newer rules", func() bool {
		cl.push(8, newer...)
		return cl.count() > before+100 && c.at(0).height > at+upgradeAhead
	})
	c.places[3].Rules = 0
	if err := c.start(3); err != nil {
		t.Fatal(err)
	}
	back := c.until("it goes on with the others", func() bool {
		cl.push(8, newer...)
		return c.at(3).height >= c.at(0).height
	})
	height := cl.check()
	for i, p := range c.places {
		if rules := rulesOf(t, p.Dir, height); rules != machine.RulesNewest {
			t.Errorf("node %d goes on by rules %d", i, rules)
		}
	}
	if _, err := node.Verify(context.Background(), c.places[3].Dir, func(int64, int64) {}); err != nil {
		t.Error(err)
	}
	t.Logf("rules %d from height %d on; back after %.1f s, %d envelopes acknowledged, height %d, %.0f s",
		machine.RulesNewest, at, back.Seconds(), cl.count(), height, time.Since(begin).Seconds())
}
