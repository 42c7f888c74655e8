package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/keyfile"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/state"
)

// What is worth a look: blocks that a node lacks, missed blocks of those that it was to
// sign, and from how many on that says something.
const (
	behindWarn   = 3
	missedOneIn  = 5
	expectedSome = 20
)

// quietWarn is after how long validators that reach each other have made a block.
const quietWarn = time.Minute

// dialMax is for how long another node may take to answer.
const dialMax = 2 * time.Second

// readNetwork reads of a folder at rest what a running node would tell.
func (p *patient) readNetwork() error {
	known, err := node.LoadOrganisations(p.dir)
	if err != nil {
		return err
	}
	if err := node.Peek(p.dir, func(rows state.Reader, head machine.Head) { p.network = live.NetworkOf(rows, head, known) }); err != nil {
		return err
	}
	p.snapshot, err = node.InspectSnapshots(p.dir, p.settings)
	return err
}

// beside looks at how the node stands beside the others of its network.
func (p *patient) beside(ctx context.Context) []finding {
	all, networked := len(p.network.Validators), p.settings.Listen != ""
	if s := p.network.Standing; s != nil {
		networked = s.Networked // By flags, perhaps.
	}
	switch {
	case !networked && all > 1:
		return []finding{{"peers", failure, fmt.Sprintf("%d validators, and this node reaches none: there is no listen in %s", all, node.SettingsFile), "write listen = \"HOST:PORT\" into it, where others reach this node, and peers"}}
	case !networked:
		return []finding{{"peers", good, "one validator: it needs no peers", ""}}
	case p.client == nil:
		return []finding{p.reached(ctx), p.validatorAtRest(), p.snapshots()}
	}
	return []finding{p.peers(), p.height(), p.validator(), p.snapshots()}
}

// peers looks at who is connected, and who of those that decide.
func (p *patient) peers() finding {
	n := p.network
	var missing []string
	var all, reached int64
	for _, m := range n.Validators {
		all += m.Power
		if m.Own || m.Connected {
			reached += m.Power
		} else {
			missing = append(missing, orNumber(m.Name, live.ShortKey(m.Validator)))
		}
	}
	says := fmt.Sprintf("%d connected, %d of %d validators reached", n.Peers, len(n.Validators)-len(missing), len(n.Validators))
	if len(missing) > 0 {
		says += ", not " + some(missing)
	}
	quiet := p.now.Sub(time.Unix(int64(p.status.Time), 0)) > quietWarn
	switch {
	case n.Peers == 0 && !p.alone():
		return finding{"peers", failure, says, "see that the others run, that this computer reaches them, and peers in " + node.SettingsFile}
	case 3*reached <= 2*all && quiet:
		return finding{"peers", failure, says + ", and no block for a minute", "see that the others run and that this computer reaches them: blocks need more than two thirds of the voting power; commonwatt network status " + shellWord(p.dir)}
	case len(missing) > 0:
		return finding{"peers", worry, says, "see that they run: when a third of the voting power is missing nothing is decided any more"}
	}
	return finding{"peers", good, says, ""}
}

// alone reports whether the node is the only validator: it needs nobody.
func (p *patient) alone() bool {
	return len(p.network.Validators) == 1 && p.network.Validators[0].Own
}

// reached dials the nodes that a folder at rest knows of.
func (p *patient) reached(ctx context.Context) finding {
	addresses := p.others()
	if len(addresses) == 0 {
		return finding{"peers", good, "no node runs here, and no others are known yet", ""}
	}
	ctx, cancel := context.WithTimeout(ctx, dialMax)
	defer cancel()
	var wait sync.WaitGroup
	silent := make([]string, len(addresses))
	for i, address := range addresses {
		wait.Go(func() {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", address)
			if err != nil {
				silent[i] = address
				return
			}
			_ = conn.Close() // It answered.
		})
	}
	wait.Wait()
	silent = slices.DeleteFunc(silent, func(address string) bool { return address == "" })
	says := fmt.Sprintf("no node runs here; %d of %d others answer", len(addresses)-len(silent), len(addresses))
	if len(silent) == len(addresses) {
		return finding{"peers", worry, says + ": not " + some(silent), "see that the others run, and that this computer reaches them"}
	}
	return finding{"peers", good, says, ""}
}

// others are the addresses of the nodes that the folder knows of, but for its own.
func (p *patient) others() (list []string) {
	known, err := node.LoadOrganisations(p.dir)
	if err != nil {
		return nil // The ledger's line says so.
	}
	nodes := slices.Clone(p.settings.Peers)
	for _, o := range known {
		nodes = append(nodes, o.Node)
	}
	for _, n := range nodes {
		_, address, ok := strings.Cut(n, "@")
		if ok && address != p.settings.Reached() && !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}

// height looks at what the others have and this node has not.
func (p *patient) height() finding {
	s := p.network.Standing
	says := fmt.Sprintf("%d", p.network.Height)
	switch {
	case s.Syncing:
		return finding{"height", worry, says + ", and fetching what was decided without it", "wait; when the height does not grow, see peers and the disk"}
	case s.Behind > behindWarn:
		return finding{"height", worry, fmt.Sprintf("%s, %d blocks behind most of its peers", says, s.Behind), "wait; when it does not come closer, see the disk and the log"}
	}
	return finding{"height", good, says + ", as far as its peers", ""}
}

// validator looks at how the node decides with the others.
func (p *patient) validator() finding {
	s, all := p.network.Standing, len(p.network.Validators)
	switch {
	case s.Twin:
		return finding{"validator", failure, "another node signs with the key of this one: this one signs nothing", "end one of the two for good, and start this one again if it is to stay"}
	case s.Power == 0:
		return finding{"validator", good, fmt.Sprintf("not among the %d: this node follows", all), p.admitFix()}
	case s.Waits:
		return finding{"validator", worry, "restored from a backup: it signs nothing until the others decided five blocks", "wait; where they cannot decide without it: commonwatt key sign-from --help"}
	case s.Expected > expectedSome && s.Missed*missedOneIn > s.Expected:
		return finding{"validator", worry, fmt.Sprintf("power %d, missed %d of the last %d blocks", s.Power, s.Missed, s.Expected), "see its peers, its clock and its disk"}
	}
	return finding{"validator", good, fmt.Sprintf("power %d, signed %d of the last %d blocks", s.Power, s.Expected-s.Missed, s.Expected), ""}
}

// validatorAtRest looks whether a folder's validator is among those that decide. An
// encrypted key is not asked for: the passphrase would be.
func (p *patient) validatorAtRest() finding {
	text, err := os.ReadFile(filepath.Join(p.dir, "chain", "validator_key.json"))
	if err == nil && keyfile.Encrypted(text) {
		return finding{"validator", good, fmt.Sprintf("%d decide; whether this node's does, it says while it runs", len(p.network.Validators)), ""}
	}
	var self chain.Identity
	if err == nil || p.settings.Signer != "" { // The folder has the public key at least.
		self, err = node.Identity(p.dir)
	}
	if err != nil {
		return finding{"validator", failure, err.Error(), "bring the folder's keys back from a backup, or see: commonwatt key sign-from --help"}
	}
	for _, m := range p.network.Validators {
		if m.Validator == hex.EncodeToString(self.Validator) {
			return finding{"validator", good, fmt.Sprintf("power %d, of %d validators", m.Power, len(p.network.Validators)), ""}
		}
	}
	return finding{"validator", good, fmt.Sprintf("not among the %d: this node follows", len(p.network.Validators)), p.admitFix()}
}

// admitFix is what makes a node that follows decide, too.
func (p *patient) admitFix() string {
	return "to decide, too: hand " + requestFile + " to a member of the council, for commonwatt network admit"
}

// snapshots looks at what nodes that begin are given.
func (p *patient) snapshots() finding {
	s := p.snapshot
	if p.network.Standing != nil {
		s = p.network.Standing.Snapshot
	}
	says := "none yet"
	if s.Height > 0 {
		says = fmt.Sprintf("the last is of height %d, of %s", s.Height, rfc3339(s.Time))
	}
	switch late := p.network.Height-s.Height > 2*s.Every; {
	case s.Every == 0:
		return finding{"snapshots", good, "none are made: snapshot_blocks is 0", ""}
	case late && p.status.Rules.InForce == machine.RulesOldest:
		return finding{"snapshots", worry, says + ": there are none by rules 1", "let the council agree on newer rules: commonwatt network propose rules --help"}
	case late:
		return finding{"snapshots", worry, fmt.Sprintf("%s, and one is to be made every %d blocks", says, s.Every), "see the disk's room, and the log for why none was made"}
	}
	return finding{"snapshots", good, says, ""}
}

// skew is how far the clock is before that of the validator in the middle.
func (p *patient) skew() time.Duration {
	if p.network.Standing == nil {
		return 0
	}
	return time.Duration(p.network.Standing.SkewMS) * time.Millisecond
}

// direction is where a clock is that is apart from others.
func direction(skew time.Duration) string {
	if skew < 0 {
		return "behind"
	}
	return "before"
}
