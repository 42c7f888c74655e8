package machine

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

const testChain = "test"

// house is a machine with rows of its own, fed block by block.
type house struct {
	t       testing.TB
	rows    *state.Memory
	machine *Machine
	time    interval.Time // Of the next block.
	nonces  map[tx.AccountID]uint64
	records []Record
	blocks  []Block
	hashes  [][]byte // After each block.
}

// keyOf is the key of a test account.
func keyOf(account tx.AccountID) ed25519.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(account)))
	return ed25519.NewKeyFromSeed(seed[:])
}

func credential(account tx.AccountID, role party.Role) party.Credential {
	return party.Credential{Key: tx.Ed25519Key(keyOf(account).Public().(ed25519.PublicKey)), Role: role}
}

// genesisOf has accounts 1 to n; the first has a seat in the council.
func genesisOf(n tx.AccountID) Genesis {
	g := Genesis{Council: []tx.AccountID{1}}
	for a := tx.AccountID(1); a <= n; a++ {
		g.Accounts = append(g.Accounts, Founder{Account: a, Keys: []party.Credential{credential(a, party.Owner)}})
	}
	g.Validators = []governance.Validator{{PublicKey: make([]byte, 32), Power: 1}}
	return g
}

// newHouse begins a chain with n accounts.
func newHouse(t testing.TB, n tx.AccountID, env Environment) *house {
	t.Helper()
	h := &house{t: t, rows: state.NewMemory(), nonces: map[tx.AccountID]uint64{}, time: 1}
	m, err := New(h.rows, Head{}, env)
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Begin(testChain, genesisOf(n).Encode())
	if err != nil {
		t.Fatal(err)
	}
	h.machine = m
	h.commit(r)
	return h
}

func (h *house) commit(r Result) {
	h.rows.Apply(r.Changes)
	h.machine.Advance(r)
}

// sign makes an envelope with the account's next nonce.
func (h *house) sign(account tx.AccountID, operations ...tx.Operation) []byte {
	h.nonces[account]++
	body := tx.Body{Chain: testChain, Account: account, Nonce: h.nonces[account], Expiry: 1 << 40, Operations: operations}
	return tx.SignEd25519(body.Encode(), keyOf(account))
}

// bundle makes one transaction of envelopes.
func bundle(t testing.TB, envelopes ...[]byte) []byte {
	t.Helper()
	raw, err := EncodeBundle(0, envelopes)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// block executes a block of transactions, commits it and checks what must hold
// after every block.
func (h *house) block(txs ...[]byte) []Outcome {
	h.t.Helper()
	b := Block{Height: h.machine.Head().Height + 1, Time: h.time, Txs: txs}
	before := h.machine.Head().AppHash()
	r := h.machine.Execute(b)
	h.commit(r)
	h.records, h.blocks = append(h.records, r.Record), append(h.blocks, b)
	h.hashes = append(h.hashes, r.Head.AppHash())
	if err := Audit(h.rows); err != nil {
		h.t.Fatal(err)
	}
	h.meant()
	if says := h.says(r); says == bytes.Equal(before, r.Head.AppHash()) {
		h.t.Fatalf("block %d: receipts or changes: %v; the app hash moved: %v", b.Height, says, !says)
	}
	return r.Record.Outcomes
}

// meant checks of all receipts so far that what they say is still what their bytes say:
// nobody may change what was emitted.
func (h *house) meant() {
	h.t.Helper()
	for _, r := range h.records[max(0, len(h.records)-10):] {
		for _, o := range r.Outcomes {
			for _, f := range o.Receipts {
				if !bytes.Equal(codec.Marshal(f.Said), f.Body) {
					h.t.Fatalf("block %d: a receipt of kind %d says %+v, and its bytes %x", r.Height, f.Kind, f.Said, f.Body)
				}
			}
		}
	}
}

// says reports whether a block changed or said anything.
func (h *house) says(r Result) bool {
	for _, o := range r.Record.Outcomes {
		if len(o.Receipts) > 0 {
			return true
		}
	}
	return len(r.Changes) > 0
}

// must executes a block of one envelope that has to be good.
func (h *house) must(account tx.AccountID, operations ...tx.Operation) {
	h.t.Helper()
	for _, o := range h.block(bundle(h.t, h.sign(account, operations...))) {
		if o.Code != 0 {
			h.t.Fatalf("operation %d of %d: %s", o.At, account, refusalText(o.Code))
		}
	}
}

// closes executes blocks until nothing is due.
func (h *house) closes() {
	h.t.Helper()
	for list := h.machine.Due(); len(list) > 0; list = h.machine.Due() {
		raw := EncodeCloses(list)
		if err := h.machine.CheckCloses(raw); err != nil {
			h.t.Fatal(err)
		}
		for _, o := range h.block(raw) {
			if o.Code != 0 {
				h.t.Fatal(refusalText(o.Code))
			}
		}
	}
}

// refusalText says what a code means.
func refusalText(code uint32) string {
	for _, r := range Registry().Refusals {
		if r.Code == code {
			return r.Error()
		}
	}
	return tx.Refusal(code).Error()
}
