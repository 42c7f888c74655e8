package chain

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
)

// Four validators agree on one chain and take transactions from each.
func TestFourValidatorsAgree(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 4)
	for i := range n {
		n[i].run(t)
	}
	for i, node := range n {
		submit(t, node.chain, node.app, uint64(i))
	}
	n.mustAgree(t)
}

// Three go on without the fourth, which gets what it missed when it is back.
func TestValidatorReturns(t *testing.T) {
	if campaign(t, "COMMONWATT_CAMPAIGN", 0) == 0 {
		t.Skip("takes its time: validators look for each other every few seconds")
	}
	n := newNetwork(t, 4)
	for i := range n {
		n[i].run(t)
	}
	submit(t, n[3].chain, n[3].app, 1)
	stop(t, n[3].chain)
	for i := range 3 {
		submit(t, n[i].chain, n[i].app, uint64(10+i))
	}
	n[3].run(t)
	n.mustAgree(t)
}

// What the others do not let wait for a block reaches one all the same: each
// validator has its turn to propose, work or not.
func TestOneNodeAloneHasTheTransaction(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 4)
	for i := range n {
		n[i].cfg.Idle = 100 * time.Millisecond
		n[i].over = func(c *counter) Application { return deaf{c, uint64(i)} }
		n[i].run(t)
	}
	for i, node := range n {
		submit(t, node.chain, node.app, uint64(i))
	}
	n.mustAgree(t)
}

// deaf lets only its own transaction wait for a block, and votes like any other.
type deaf struct {
	*counter
	own uint64
}

func (d deaf) Check(tx []byte, _ bool) error {
	if nameOf(tx) != d.own {
		return errShort
	}
	return nil
}

// node is one validator of a network.
type node struct {
	*disk
	cfg   Config
	over  func(*counter) Application // What runs in the application's place, if it is set.
	app   *counter
	chain *Chain
}

// network is validators that know each other.
type network []*node

// run starts a node until the test ends.
func (n *node) run(t *testing.T) {
	t.Helper()
	n.app = newCounter(t, n.db("app"))
	app := Application(n.app)
	if n.over != nil {
		app = n.over(n.app)
	}
	c, err := Start(n.cfg, app, n.kv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, c) })
	n.chain = c
}

// mustAgree waits until all have what the first has, stops them, and compares
// their blocks as far as they have them in common.
func (n network) mustAgree(t *testing.T) {
	t.Helper()
	at := n[0].chain.Height()
	for _, node := range n {
		wait(t, node.chain, at)
	}
	for _, node := range n {
		stop(t, node.chain)
	}
	for i, node := range n {
		for _, block := range node.app.blocks {
			if first := n[0].app.block(block.Height); first != nil && !bytes.Equal(first.Hash, block.Hash) {
				t.Errorf("node %d has another block %d", i, block.Height)
			}
		}
	}
}

// newNetwork makes the folders of a chain with several validators.
func newNetwork(t *testing.T, size int) network {
	t.Helper()
	genesis := Genesis{ChainID: "test"}
	n, peers := make(network, size), make([]string, size)
	for i := range n {
		dir := t.TempDir()
		self, err := Keys(dir)
		if err != nil {
			t.Fatal(err)
		}
		n[i] = &node{disk: &disk{dir: dir, dbs: map[string]dbm.DB{}}, cfg: Config{Dir: dir, Listen: freePort(t), Log: silent}}
		genesis.Validators = append(genesis.Validators, Validator{PublicKey: self.Validator, Power: 10})
		peers[i] = fmt.Sprintf("%s@%s", self.Node, n[i].cfg.Listen)
	}
	for i, node := range n {
		if err := Init(node.dir, genesis); err != nil {
			t.Fatal(err)
		}
		node.cfg.Peers = slices.Delete(slices.Clone(peers), i, i+1)
	}
	return n
}

// freePort returns an address that nothing listens on. It is below the ports that
// the system gives those who dial: whoever dials a node that does not listen yet
// could be given that node's own.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 16_000+rand.IntN(16_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
}
