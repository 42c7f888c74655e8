package machine

import (
	"bytes"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// parallel does at once what the zero environment does in turn.
var parallel = Environment{
	Both: func(a, b func()) {
		var group sync.WaitGroup
		group.Go(a)
		b()
		group.Wait()
	},
	Verify: func(envelopes []tx.Signed) []error {
		verdicts := make([]error, len(envelopes))
		var group sync.WaitGroup
		for i, e := range envelopes {
			group.Go(func() { verdicts[i] = e.Verify() })
		}
		group.Wait()
		return verdicts
	},
}

// drawLife lives through some blocks: a community whose readings come late or
// never, payments good and bad, votes, empty blocks.
func drawLife(rt *rapid.T, t testing.TB) (community, *house) {
	c := drawCommunity(rt)
	h := newHouse(t, c.accounts(), Environment{})
	h.found(c)
	h.wishRandomly(rt, c)
	h.must(operator, ledger.IssueKind.Encode(ledger.Issue{Asset: euro, To: utility, Amount: 1_000_000, Deposit: make([]byte, 32)}))
	h.time = 50 * hour
	for _, values := range drawReadings(rt, c, 3) {
		for n, v := range values {
			if rapid.IntRange(0, 7).Draw(rt, "below zero") == 0 {
				v.Import = -v.Import - 1
			}
			if rapid.Bool().Draw(rt, "read") {
				h.must(operator, record(rapid.IntRange(0, 3).Draw(rt, "hour"), v))
			}
			if rapid.IntRange(0, 3).Draw(rt, "deliver") == 0 {
				h.deliverRandomly(rt, n)
			}
			if n > 1 {
				continue // Two pay, that is enough.
			}
			from, to := utility+tx.AccountID(n%3), firstMember+tx.AccountID(n)
			pay := ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: to, Amount: 1 + 1_000_000/7})
			forged := tx.Body{Chain: testChain, Account: from, Nonce: 999, Expiry: 1 << 40, Operations: []tx.Operation{pay}}
			h.block(bundle(t, h.sign(from, pay), h.sign(to, pay, pay), tx.SignEd25519(forged.Encode(), keyOf(to))))
		}
		h.must(operator, metering.LapseKind.Encode(metering.Lapse{Microgrid: town, Until: interval.Time(rapid.IntRange(0, 5).Draw(rt, "lapse")) * hour}))
		h.closes()
		h.block()
		h.time += hour
	}
	return c, h
}

// replay executes the blocks of a life on another machine, which is stopped and
// started from its rows after every block when restart is set. It returns the app
// hash after each.
func replay(t testing.TB, c community, blocks []Block, env Environment, restart bool) [][]byte {
	t.Helper()
	h := newHouse(t, c.accounts(), env)
	for _, b := range blocks {
		h.time = b.Time
		h.block(b.Txs...)
		if !restart {
			continue
		}
		again, err := New(h.rows, h.machine.Head(), env)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again.Due(), h.machine.Due()) {
			t.Fatal("what is due changed with a restart")
		}
		h.machine = again
	}
	return h.hashes
}

// TestReplay executes the same blocks again: in parallel on eight processors, and
// in turn on one, started anew after every block. The app hash is the same at
// every height.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, h := drawLife(rt, t)
		for _, run := range []struct {
			what       string
			processors int
			env        Environment
			restart    bool
		}{
			{"again", 8, parallel, false},
			{"restarted", 1, Environment{}, true},
		} {
			was := runtime.GOMAXPROCS(run.processors)
			hashes := replay(t, c, h.blocks, run.env, run.restart)
			runtime.GOMAXPROCS(was)
			if !slices.EqualFunc(h.hashes, hashes, bytes.Equal) {
				rt.Fatalf("%s, the app hashes are not the same", run.what)
			}
		}
	})
}

// TestNewRefusesOtherRows starts over rows that are not those of the head: one
// lost, one changed.
func TestNewRefusesOtherRows(t *testing.T) {
	h := newHouse(t, 2, Environment{})
	var key, row []byte
	for k, r := range h.rows.Ascend(nil, []byte{0xff}) {
		key, row = k, r
	}
	for _, c := range []state.Change{{Key: key, Deleted: true}, {Key: key, Row: append(slices.Clone(row), 0)}} {
		h.rows.Apply([]state.Change{c})
		if _, err := New(h.rows, h.machine.Head(), Environment{}); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("error %v", err)
		}
		h.rows.Apply([]state.Change{{Key: key, Row: row}})
	}
	if _, err := New(h.rows, h.machine.Head(), Environment{}); err != nil {
		t.Error(err)
	}
}

// TestAdmissionOrder shuffles the envelopes of a block. When none asks for what
// another one changes, as here, where each account pays out of its own purse to
// one nobody pays from, the state root is the same in every order, and so are the
// outcomes and receipts, salts included. The order of the receipts in their log is
// that of the block, so the app hash is only the same for the same order.
func TestAdmissionOrder(t *testing.T) {
	const payers = 6
	begin := func() (*house, [][]byte) {
		h := newHouse(t, payers+2, Environment{})
		h.must(1, ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}))
		for a := tx.AccountID(1); a <= payers; a++ {
			h.must(1, ledger.IssueKind.Encode(ledger.Issue{Asset: euro, To: a, Amount: 100, Deposit: make([]byte, 32)}))
		}
		var envelopes [][]byte
		for a := tx.AccountID(1); a <= payers; a++ {
			for _, amount := range []quantity.Money{30, 60, 101} { // The third is refused in any order.
				pay := ledger.Transfer{Asset: euro, To: payers + 1 + a%2, Amount: amount}
				envelopes = append(envelopes, h.sign(a, ledger.TransferKind.Encode(pay)))
			}
		}
		return h, envelopes
	}
	first, envelopes := begin()
	want := outcomesByID(first.block(bundle(t, envelopes...)))
	rapid.Check(t, func(rt *rapid.T) {
		h, envelopes := begin()
		got := outcomesByID(h.block(bundle(t, rapid.Permutation(envelopes).Draw(rt, "order")...)))
		if h.machine.Head().Root != first.machine.Head().Root {
			rt.Fatal("the state root depends on the order")
		}
		if !maps.EqualFunc(got, want, bytes.Equal) {
			rt.Fatal("what became of an envelope depends on the order")
		}
	})
}

// outcomesByID are the bytes of the outcomes, receipts included.
func outcomesByID(list []Outcome) map[string][]byte {
	m := map[string][]byte{}
	for _, o := range list {
		m[string(o.ID)] = codec.Marshal(o)
	}
	return m
}

// TestEmptyBlocks leaves the app hash alone, so that empty blocks end.
func TestEmptyBlocks(t *testing.T) {
	h := newHouse(t, 2, Environment{})
	before := h.machine.Head()
	for _, txs := range [][][]byte{nil, {{}}, {{KindBundle}}, {{9, 9}}, {EncodeCloses(nil)}} {
		h.time += 100
		h.block(txs...)
	}
	if after := h.machine.Head(); !bytes.Equal(before.AppHash(), after.AppHash()) || after.Height != 5 || after.Time != 501 {
		t.Errorf("the head is %+v", after)
	}
}

// TestValidators tells the consensus of the powers that the council decided, and
// of none that came and went within a block.
func TestValidators(t *testing.T) {
	h := newHouse(t, 1, Environment{})
	key := func(name byte) []byte { return append([]byte{name}, make([]byte, 31)...) }
	id := governance.ProposalID(0)
	decide := func(name byte, power int64) tx.Operation {
		id++
		return governance.ProposeKind.Encode(governance.Propose{
			Proposal: id, Change: governance.Change{Validator: &governance.Validator{PublicKey: key(name), Power: power}}, Until: 1000,
		})
	}
	vote := func(id governance.ProposalID) tx.Operation {
		return governance.VoteKind.Encode(governance.Vote{Proposal: id, Yes: true})
	}
	execute := func(operations ...tx.Operation) []Power {
		r := h.machine.Execute(Block{Height: h.machine.Head().Height + 1, Txs: [][]byte{bundle(t, h.sign(1, operations...))}})
		if r.Record.Outcomes[0].Code != 0 {
			t.Fatal(refusalText(r.Record.Outcomes[0].Code))
		}
		h.commit(r)
		return r.Validators
	}
	same := func(a, b Power) bool { return bytes.Equal(a.PublicKey, b.PublicKey) && a.Power == b.Power }
	if got := execute(decide(1, 5), vote(1), decide(2, 6), vote(2), decide(1, 7), vote(3)); !slices.EqualFunc(got, []Power{{key(1), 7}, {key(2), 6}}, same) {
		t.Errorf("two validators: %v", got)
	}
	if got := execute(decide(0, 0), vote(4), decide(3, 9), vote(5), decide(3, 0), vote(6)); !slices.EqualFunc(got, []Power{{key(0), 0}}, same) {
		t.Errorf("one removed, one that came and went: %v", got)
	}
}
