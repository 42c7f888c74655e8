package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
)

// A network of two: doctor says at each who is there and who decides, at rest and
// running, and finds what is missing.
func TestDoctorInNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some ten seconds: it runs a network of two nodes")
	}
	dir, at := t.TempDir(), freePlaces(t, 2)
	elm, utility, invitation := filepath.Join(dir, "elm"), filepath.Join(dir, "utility"), filepath.Join(dir, "invitation.json")
	must(t, "init", elm, "--name", "Elm", "--retail", "0.32", "--feed-in", "0.08", "--network", "--listen", at[0])
	says := func(dir, what, state, text string) {
		t.Helper()
		by, code := diagnosis(t, dir, "--port", "0")
		if got := by[what]; got[0] != state || !strings.Contains(got[1], text) {
			t.Errorf("%s: doctor says of %s %q, want %s and %q", filepath.Base(dir), what, got, state, text)
		}
		if (code == exitFailed) != (state == failure) {
			t.Errorf("%s: exit %d with %v", filepath.Base(dir), code, by)
		}
	}
	becomes := func(dir, what, state, text string) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
			if by, _ := diagnosis(t, dir, "--port", "0"); by[what][0] == state && strings.Contains(by[what][1], text) {
				break
			}
		}
		says(dir, what, state, text)
	}
	says(elm, "peers", good, "no others are known yet")
	says(elm, "validator", good, "power 1, of 1 validators")
	first := start(t, elm, "--mqtt", "127.0.0.1:0")
	says(elm, "peers", good, "0 connected, 1 of 1 validators reached")
	if err := os.WriteFile(invitation, []byte(must(t, "network", "invite", elm)), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "join", utility, invitation, "--listen", at[1], "--name", "Utility")
	says(utility, "ledger", worry, "no block on the disk yet")
	says(utility, "peers", good, "no node runs here; 1 of 1 others answer")
	second := start(t, utility)
	must(t, "network", "wait", utility)
	says(utility, "validator", good, "not among the 1: this node follows")
	says(utility, "community file", good, "numbers in place of names")
	must(t, "network", "admit", elm, filepath.Join(utility, requestFile))
	becomes(utility, "validator", good, "power 1, signed ")
	says(utility, "peers", good, "1 connected, 2 of 2 validators reached")
	says(utility, "height", good, "as far as its peers")
	says(elm, "snapshots", good, "none yet")
	says(elm, "rules", good, fmt.Sprintf("version %d", machine.RulesNewest))

	// The utility's node ends: nothing is decided any more, and elm's node says who is missing.
	second.stop(t)
	says(utility, "peers", good, "no node runs here; 1 of 1 others answer")
	says(utility, "validator", good, "power 1, of 2 validators")
	becomes(elm, "peers", failure, "0 connected, 1 of 2 validators reached, not Utility")
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.cmd.Wait()
	says(utility, "peers", worry, "no node runs here; 0 of 1 others answer: not 127.0.0.1:")
	if err := os.Chmod(filepath.Join(utility, "chain", "validator_key.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	says(utility, "keys", failure, "others may read chain/validator_key.json")
}

// What doctor says by what a node tells of itself.
func TestDoctorBeside(t *testing.T) {
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	four := func(seen int) (list []live.NetworkMember) {
		for i := range 4 {
			list = append(list, live.NetworkMember{Name: fmt.Sprint("org", i), Power: 1, Own: i == 0, Connected: i > 0 && i < seen})
		}
		return list
	}
	for name, c := range map[string]struct {
		standing node.Standing
		seen     int
		height   int64
		block    time.Time
		rules    node.Rules
		look     func(*patient) finding
		state    string
		says     string
	}{
		"all are there":           {seen: 4, look: (*patient).peers, state: good, says: "3 connected, 4 of 4 validators reached"},
		"one is missing":          {seen: 3, look: (*patient).peers, state: worry, says: "2 connected, 3 of 4 validators reached, not org3"},
		"two are missing":         {seen: 2, look: (*patient).peers, state: failure, says: "not org2, org3, and no block for a minute"},
		"two are heard of":        {seen: 2, block: at.Add(-time.Minute), look: (*patient).peers, state: worry, says: "2 of 4 validators reached, not org2, org3"},
		"nobody is there":         {seen: 1, block: at, look: (*patient).peers, state: failure, says: "0 connected, 1 of 4 validators reached"},
		"as far as the others":    {standing: node.Standing{Behind: 3}, look: (*patient).height, state: good, says: "as far as its peers"},
		"behind":                  {standing: node.Standing{Behind: 4}, look: (*patient).height, state: worry, says: "4 blocks behind most of its peers"},
		"fetching":                {standing: node.Standing{Syncing: true}, look: (*patient).height, state: worry, says: "fetching what was decided without it"},
		"its clock is right":      {standing: node.Standing{SkewMS: -10_000}, look: (*patient).clock, state: good, says: "2026-11-26T12:00:00Z"},
		"its clock is fast":       {standing: node.Standing{SkewMS: 10_001}, look: (*patient).clock, state: failure, says: "10.001s before that of the others"},
		"its clock is slow":       {standing: node.Standing{SkewMS: -3_600_000}, look: (*patient).clock, state: failure, says: "1h0m0s behind that of the others"},
		"it signs":                {standing: node.Standing{Power: 1, Expected: 100, Missed: 20}, look: (*patient).validator, state: good, says: "signed 80 of the last 100 blocks"},
		"it misses blocks":        {standing: node.Standing{Power: 1, Expected: 100, Missed: 21}, look: (*patient).validator, state: worry, says: "missed 21 of the last 100 blocks"},
		"it is new":               {standing: node.Standing{Power: 1, Expected: 20, Missed: 20}, look: (*patient).validator, state: good, says: "signed 0 of the last 20 blocks"},
		"it follows":              {look: (*patient).validator, state: good, says: "not among the 4: this node follows"},
		"it was restored":         {standing: node.Standing{Power: 1, Waits: true}, look: (*patient).validator, state: worry, says: "it signs nothing until the others decided five blocks"},
		"it runs twice":           {standing: node.Standing{Power: 1, Twin: true}, look: (*patient).validator, state: failure, says: "another node signs with the key of this one"},
		"no snapshots":            {look: (*patient).snapshots, state: good, says: "none are made"},
		"a snapshot":              {standing: node.Standing{Snapshot: node.SnapshotStatus{Every: 100, Height: 200, Time: interval.Time(at.Unix())}}, height: 400, look: (*patient).snapshots, state: good, says: "the last is of height 200, of 2026-11-26T12:00:00Z"},
		"an old snapshot":         {standing: node.Standing{Snapshot: node.SnapshotStatus{Every: 100, Height: 200}}, height: 401, look: (*patient).snapshots, state: worry, says: "one is to be made every 100 blocks"},
		"none by the old rules":   {standing: node.Standing{Snapshot: node.SnapshotStatus{Every: 100}}, height: 201, rules: node.Rules{InForce: machine.RulesOldest}, look: (*patient).snapshots, state: worry, says: "there are none by rules 1"},
		"the rules stay":          {rules: node.Rules{InForce: 2, Known: true, Newest: 2}, look: (*patient).rules, state: good, says: "version 2"},
		"rules that it knows":     {rules: node.Rules{InForce: 1, Known: true, Newest: 2, Agreed: &governance.Upgrade{Rules: 2, Height: 90}}, look: (*patient).rules, state: good, says: "version 1, from height 90 on version 2"},
		"rules of a newer one":    {rules: node.Rules{InForce: 2, Newest: 2, Agreed: &governance.Upgrade{Rules: machine.RulesNewest + 1, Height: 90}}, look: (*patient).rules, state: worry, says: "this program knows them up to version 2"},
		"replaced, not restarted": {rules: node.Rules{InForce: 1, Newest: 1, Agreed: &governance.Upgrade{Rules: 2, Height: 90}}, look: (*patient).rules, state: worry, says: "the node that runs does not know them, this program does"},
		"rules that it missed":    {rules: node.Rules{InForce: machine.RulesNewest + 1, Newest: machine.RulesNewest}, look: (*patient).rules, state: failure, says: "install a newer one"},
	} {
		p := &patient{dir: "elm", now: at}
		p.network = live.Network{Height: c.height, Validators: four(c.seen), Peers: max(c.seen-1, 0), Standing: &c.standing}
		p.status.Rules, p.status.Time = c.rules, interval.Time(c.block.Unix())
		if f := c.look(p); f.state != c.state || !strings.Contains(f.says, c.says) || f.state != good && f.fix == "" {
			t.Errorf("%s: doctor says %+v", name, f)
		}
	}
}
