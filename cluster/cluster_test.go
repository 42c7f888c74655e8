package cluster

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/tx"
)

// The tests' ledger: accounts 1 to accounts with a key each, and one currency that
// account 1 issued to all of them.
const (
	chainID  = "cluster"
	accounts = 8
	euro     = ledger.AssetID(978)
	purse    = 1_000_000_000 // What each account starts with.
)

// size is how many validators there are; one of them may be faulty.
const size = 4

// all are the nodes.
var all = []int{0, 1, 2, 3}

// but are all nodes that are not among some.
func but(some []int) []int {
	return slices.DeleteFunc(slices.Clone(all), func(i int) bool { return slices.Contains(some, i) })
}

// others are all nodes but one.
func others(i int) []int { return but([]int{i}) }

// patience is how long anything may take that is not said to be faster.
const patience = 60 * time.Second

// keyOf is the key of a test account.
func keyOf(account tx.AccountID) ed25519.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("cluster test "), uint64(account)))
	return ed25519.NewKeyFromSeed(seed[:])
}

// sign makes an envelope of operations.
func sign(account tx.AccountID, nonce uint64, operations ...tx.Operation) []byte {
	body := tx.Body{Chain: chainID, Account: account, Nonce: nonce, Expiry: 1 << 40, Operations: operations}
	return tx.SignEd25519(body.Encode(), keyOf(account))
}

// genesis has the accounts, and the validators with the same power each.
func genesis(validators [][]byte) machine.Genesis {
	var g machine.Genesis
	for a := tx.AccountID(1); a <= accounts; a++ {
		key := tx.Key{Scheme: tx.Ed25519, Public: keyOf(a).Public().(ed25519.PublicKey)}
		g.Accounts = append(g.Accounts, machine.Founder{Account: a, Keys: []party.Credential{{Key: key, Role: party.Owner}}})
	}
	g.Council = []tx.AccountID{1}
	for _, key := range validators {
		g.Validators = append(g.Validators, governance.Validator{PublicKey: key, Power: 10})
	}
	return g
}

// cluster is a ledger's validators, each of them a process.
type cluster struct {
	t       *testing.T
	network network
	places  []place
	running []*process // Nil where none runs.
}

// newCluster makes the folders of a ledger with four validators. Nothing runs yet.
func newCluster(t *testing.T, between network) *cluster {
	t.Helper()
	return newClusterIn(t, between, t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir())
}

// newClusterIn makes a ledger with a validator for each folder.
func newClusterIn(t *testing.T, between network, dirs ...string) *cluster {
	t.Helper()
	return newClusterBy(t, between, machine.RulesNewest, dirs...)
}

// newClusterBy makes a ledger by some version of the rules, with a validator for each
// folder.
func newClusterBy(t *testing.T, between network, rules uint32, dirs ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, network: between, running: make([]*process, len(dirs))}
	var keys [][]byte
	var names []string
	for i, dir := range dirs {
		self, err := chain.Keys(filepath.Join(dir, "chain"))
		if err != nil {
			t.Fatal(err)
		}
		keys, names = append(keys, self.Validator), append(names, self.Node+"@"+between.address(i))
		c.places = append(c.places, place{Dir: dir, Listen: between.address(i)})
	}
	for i := range c.places {
		c.places[i].Peers = slices.Delete(slices.Clone(names), i, i+1)
	}
	// The genesis says when it was made, so it is made once.
	first := filepath.Join(c.places[0].Dir, "chain", "genesis.json")
	founding := genesis(keys)
	founding.Rules = rules
	if err := node.Init(c.places[0].Dir, chainID, founding); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.places[1:] {
		if err := os.WriteFile(filepath.Join(p.Dir, "chain", "genesis.json"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for i := range c.running {
			c.kill(i)
		}
	})
	return c
}

// nodes are all of them.
func (c *cluster) nodes() []int { return all[:len(c.places)] }

// process is a node that runs.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string   // What it says, but for what follows; closed at its end.
	ended chan struct{} // Closed once it is dead.

	mu   sync.Mutex
	acks func(nonce uint64, code uint32) // Called for each acknowledgement.
	lies []string                        // What became of the lies that it told.
	stop string                          // Why it stopped, in its own words; known once it ended.
	log  transcript                      // Its standard error.
}

// transcript is text that is read while it is written.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to the text.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// start starts a node, unless it runs, and returns once it is up, or has said why not.
func (c *cluster) start(i int) error {
	c.t.Helper()
	if c.running[i] != nil {
		return nil
	}
	where, err := json.Marshal(c.places[i])
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := c.network.command(i, os.Args[0])
	cmd.Env = append(os.Environ(), childPlace+"="+string(where))
	p, err := launch(cmd)
	if err != nil {
		c.t.Fatal(err)
	}
	select {
	case line := <-p.lines:
		if line == "up" {
			c.running[i] = p
			return nil
		}
	case <-time.After(patience):
		_ = cmd.Process.Kill()
	}
	<-p.ended
	return fmt.Errorf("node %d does not come up: %s\n%s", i, p.stop, p.log.String())
}

// startAll starts all nodes, and returns once they are up.
func (c *cluster) startAll() {
	c.t.Helper()
	for i := range c.places {
		if err := c.start(i); err != nil {
			c.t.Fatal(err)
		}
	}
}

func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, lines: make(chan string, 16), ended: make(chan struct{})}
	cmd.Stderr = &p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go p.read(out)
	return p, nil
}

// read sorts what a process says, until it ends.
func (p *process) read(out io.Reader) {
	in := bufio.NewScanner(out)
	for in.Scan() {
		word, rest, _ := strings.Cut(in.Text(), " ")
		switch word {
		case "ack":
			var nonce, account uint64
			var code uint32
			if n, _ := fmt.Sscan(rest, &nonce, &account, &code); n == 3 { // Else a kill cut it off.
				p.mu.Lock()
				acks := p.acks
				p.mu.Unlock()
				if acks != nil {
					acks(nonce, code)
				}
			}
		case "lie":
			p.mu.Lock()
			p.lies = append(p.lies, rest)
			p.mu.Unlock()
		case "stop":
			p.stop = rest
		case "no":
		default:
			p.lines <- in.Text()
		}
	}
	_ = p.cmd.Wait()
	close(p.lines)
	close(p.ended)
}

// kill ends a node as a power cut does, if it runs.
func (c *cluster) kill(i int) {
	p := c.running[i]
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	c.forget(i)
}

// forget waits for a node's end.
func (c *cluster) forget(i int) {
	p := c.running[i]
	for range p.lines { //nolint:revive // What it still says nobody asked for.
	}
	<-p.ended
	c.running[i] = nil
}

// close closes nodes cleanly, all at the same time: one by one, the last would wait
// for the others' votes.
func (c *cluster) close(nodes ...int) {
	c.t.Helper()
	for _, i := range nodes {
		if _, err := fmt.Fprintln(c.running[i].in, "close"); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, i := range nodes {
		p := c.running[i]
		c.forget(i)
		if code := p.cmd.ProcessState.ExitCode(); code != exitClosed {
			c.t.Fatalf("node %d closes with %d: %s\n%s", i, code, p.stop, p.log.String())
		}
	}
}

// standing is how far a node's ledger is.
type standing struct {
	height int64
	hash   string // The app hash.
}

// at asks a node how far it is.
func (c *cluster) at(i int) (s standing) {
	c.t.Helper()
	p := c.running[i]
	if _, err := fmt.Fprintln(p.in, "state"); err != nil {
		c.t.Fatalf("node %d is gone: %v: %s\n%s", i, err, p.stop, p.log.String())
	}
	select {
	case line, ok := <-p.lines:
		if _, err := fmt.Sscanf(line, "at %d %s", &s.height, &s.hash); err != nil || !ok {
			c.t.Fatalf("node %d says %q: %s\n%s", i, line, p.stop, p.log.String())
		}
	case <-time.After(patience):
		c.t.Fatalf("node %d does not answer\n%s", i, p.log.String())
	}
	return s
}

// until asks again and again until something holds, and returns how long that took.
func (c *cluster) until(what string, holds func() bool) time.Duration {
	c.t.Helper()
	start := time.Now()
	for tick := time.NewTicker(20 * time.Millisecond); !holds(); <-tick.C {
		if time.Since(start) > patience {
			for i, p := range c.running {
				if p != nil {
					c.t.Logf("node %d is at %d\n%s", i, c.at(i).height, p.log.String())
				}
			}
			c.t.Fatalf("not within %v: %s", patience, what)
		}
	}
	return time.Since(start)
}

// reach waits until nodes are at a height or above.
func (c *cluster) reach(height int64, nodes ...int) time.Duration {
	c.t.Helper()
	return c.until(fmt.Sprintf("nodes %v at height %d", nodes, height), func() bool {
		return !slices.ContainsFunc(nodes, func(i int) bool { return c.at(i).height < height })
	})
}
