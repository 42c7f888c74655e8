package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/store"
	"github.com/commonwatt/commonwatt/tx"
)

// underwayMax bounds how far the last nonce is ahead of the first that is not acknowledged,
// so that what is sent again is within the ledger's window of nonces, however long a node
// keeps it.
const underwayMax = party.NonceWindow / 2

// client sends transfers of one unit each, round the accounts and round the nodes,
// and keeps the acknowledgements. What the node that it was sent to can no longer
// acknowledge is sent again, the same bytes, to another.
type client struct {
	c *cluster

	mu    sync.Mutex
	nonce uint64              // The last.
	held  uint64              // The last of those that may be in doubt for long.
	at    map[uint64]*process // To whom what is in doubt was sent.
	acked map[uint64]bool
	wrong error // The first acknowledgement that should not be.
}

func newClient(c *cluster) *client {
	return &client{c: c, nonce: 1, held: heldFirst, at: map[uint64]*process{}, acked: map[uint64]bool{}}
}

// heldFirst is the first nonce of envelopes that may be in doubt for long. Half of the
// accounts sign only those, so that the others' do not run ahead of them.
const heldFirst = 1 << 40

// transfer is the envelope with a nonce.
func transfer(nonce uint64) []byte {
	from := tx.AccountID(nonce%(accounts/2) + 1)
	if nonce >= heldFirst {
		from += accounts / 2
	}
	return sign(from, nonce, ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: from%accounts + 1, Amount: 1}))
}

// fund defines the currency and gives every account its purse, by one node.
func (cl *client) fund(i int) {
	cl.c.t.Helper()
	deposit := sha256.Sum256([]byte("deposit"))
	operations := []tx.Operation{ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6})}
	for a := tx.AccountID(1); a <= accounts; a++ {
		operations = append(operations, ledger.IssueKind.Encode(ledger.Issue{Asset: euro, To: a, Amount: purse, Deposit: deposit[:]}))
	}
	cl.write(cl.c.running[i], 1, sign(1, 1, operations...))
	cl.c.until("the accounts have money", func() bool { return cl.count() == 1 })
	cl.c.reach(cl.c.at(i).height, cl.c.nodes()...) // A node that does not know of it yet refuses what spends it.
}

// write sends an envelope to a process. One that is dead takes nothing, and what it
// took it may not acknowledge.
func (cl *client) write(p *process, nonce uint64, raw []byte) {
	cl.mu.Lock()
	cl.at[nonce] = p
	cl.mu.Unlock()
	p.mu.Lock()
	p.acks = cl.acknowledged
	p.mu.Unlock()
	_, _ = fmt.Fprintln(p.in, "send", hex.EncodeToString(raw))
}

func (cl *client) acknowledged(nonce uint64, code uint32) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if code != 0 && code != party.ErrNonceUsed.Code && cl.wrong == nil {
		cl.wrong = fmt.Errorf("envelope %d is refused with code %d", nonce, code)
	}
	cl.acked[nonce] = true
	delete(cl.at, nonce)
}

// count is how many envelopes are acknowledged.
func (cl *client) count() int {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return len(cl.acked)
}

// inDoubt is how many were sent and are not.
func (cl *client) inDoubt() int {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return len(cl.at)
}

// underway is how far the last nonce is ahead of the first that is in doubt, apart from
// those that may be for long.
func (cl *client) underway() int {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	first := cl.nonce + 1
	for nonce := range cl.at {
		first = min(first, nonce)
	}
	return int(cl.nonce + 1 - first)
}

// push sends up to a number of new envelopes to nodes in turn, as far as may be
// under way, and again what dead processes did not acknowledge.
func (cl *client) push(number int, nodes ...int) {
	for turn := range min(number, underwayMax-cl.underway()) {
		cl.nonce++
		cl.write(cl.c.running[nodes[turn%len(nodes)]], cl.nonce, transfer(cl.nonce))
	}
	cl.again(nodes...)
}

// again sends what dead processes did not acknowledge.
func (cl *client) again(nodes ...int) {
	cl.mu.Lock()
	var lost []uint64
	for nonce, p := range cl.at {
		select {
		case <-p.ended:
			lost = append(lost, nonce)
		default:
		}
	}
	cl.mu.Unlock()
	for turn, nonce := range lost {
		cl.write(cl.c.running[nodes[turn%len(nodes)]], nonce, transfer(nonce))
	}
}

// settle waits until every envelope that was sent is acknowledged.
func (cl *client) settle(nodes ...int) {
	cl.c.t.Helper()
	cl.c.until("all that was sent is acknowledged", func() bool {
		cl.again(nodes...)
		return cl.inDoubt() == 0
	})
}

// hold sends a node new envelopes that it may not get acknowledged for long.
func (cl *client) hold(number, i int) {
	for range number {
		cl.held++
		cl.write(cl.c.running[i], cl.held, transfer(cl.held))
	}
}

// check closes all nodes once they are at one height, compares their ledgers block
// by block, and counts how often each envelope was applied.
func (cl *client) check() (height int64) {
	t := cl.c.t
	t.Helper()
	cl.settle(0)
	cl.c.until("all nodes are at one height", func() bool {
		first := cl.c.at(0)
		for i := range cl.c.places {
			if cl.c.at(i).height != first.height {
				return false
			}
		}
		return true
	})
	hashes := map[int64]string{}
	for i := range cl.c.places {
		at := cl.c.at(i)
		if other, ok := hashes[at.height]; ok && other != at.hash {
			t.Errorf("node %d is at %d with another hash than its peers", i, at.height)
		}
		hashes[at.height] = at.hash
	}
	cl.c.close(cl.c.nodes()...)
	first := ledgerOf(t, cl.c.places[0].Dir)
	for i, p := range cl.c.places[1:] {
		other := ledgerOf(t, p.Dir)
		for at := range min(len(first.blocks), len(other.blocks)) {
			if first.blocks[at] != other.blocks[at] {
				t.Fatalf("node %d has another block %d than node 0", i+1, at)
			}
		}
	}
	cl.mustHaveAll(first)
	return int64(len(first.blocks)) - 1
}

// mustHaveAll counts how often each envelope was applied, and the money.
func (cl *client) mustHaveAll(l kept) {
	t := cl.c.t
	t.Helper()
	if cl.wrong != nil {
		t.Error(cl.wrong)
	}
	for nonce := range cl.acked {
		if l.applied[nonce] != 1 {
			t.Errorf("envelope %d was acknowledged and applied %d times", nonce, l.applied[nonce])
		}
	}
	for nonce, times := range l.applied {
		if times > 1 {
			t.Errorf("envelope %d was applied %d times", nonce, times)
		}
	}
	if len(cl.acked) < 2 {
		t.Error("nothing was acknowledged")
	}
	if l.money != purse*accounts {
		t.Errorf("balances sum to %d", l.money)
	}
}

// kept is a stopped node's ledger.
type kept struct {
	blocks  []string       // By height: the digest of the record, and before it the hash of the state.
	applied map[uint64]int // Envelopes, by nonce.
	money   quantity.Money
}

func ledgerOf(t *testing.T, dir string) kept {
	t.Helper()
	s, err := store.Open(filepath.Join(dir, "store"), store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l := kept{applied: map[uint64]int{}}
	for height, raw := range s.Records(0) {
		var r machine.Record
		codec.Read(raw, &r)
		for _, o := range r.Outcomes {
			if o.Code == 0 && o.Nonce > 0 {
				l.applied[o.Nonce]++
			}
		}
		if height != int64(len(l.blocks)) {
			t.Fatalf("%s has record %d after %d", dir, height, len(l.blocks)-1)
		}
		l.blocks = append(l.blocks, fmt.Sprintf("%x", sha256.Sum256(raw)))
	}
	for a := tx.AccountID(1); a <= accounts; a++ {
		l.money += ledger.BalanceOf(s, a, euro).Posted
	}
	if err := machine.Audit(s); err != nil {
		t.Error(err)
	}
	return l
}
