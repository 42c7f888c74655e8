package machine

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// TestEnvelopesThatAreNone puts into a block what admission would have kept out.
// Refusals of what has no signer leave no receipt.
func TestEnvelopesThatAreNone(t *testing.T) {
	h := newHouse(t, 2, Environment{})
	define := ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR"})
	good := h.sign(1, define)
	forged := bytes.Clone(good)
	forged[len(forged)-1] ^= 1
	list := h.block(
		bundle(t, []byte("nonsense"), forged),
		[]byte("no transaction"),
		append([]byte{KindBundle}, make([]byte, stampSize)...),
		EncodeCloses([]Close{{Microgrid: town}}), // Not at the head of the block.
		bundle(t, good))
	want := []uint32{uint32(tx.ErrEncoding), uint32(tx.ErrSignature), ErrTx.Code, ErrTx.Code, ErrTx.Code, 0}
	receipts := []int{0, 1, 0, 0, 0, 1}
	if len(list) != len(want) {
		t.Fatalf("%d outcomes, want %d", len(list), len(want))
	}
	for n, o := range list {
		if o.Code != want[n] || len(o.Receipts) != receipts[n] {
			t.Errorf("outcome %d: code %d with %d receipts, want %d with %d", n, o.Code, len(o.Receipts), want[n], receipts[n])
		}
	}
}

// TestRefusedLeavesNoRow refuses an envelope whose first operations were good:
// no row remembers it.
func TestRefusedLeavesNoRow(t *testing.T) {
	h := newHouse(t, 2, Environment{})
	root, rows := h.machine.Head().Root, h.rows.Len()
	o := h.block(bundle(t, h.sign(1,
		ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR"}),
		party.OpenKind.Encode(party.Open{Account: 3}),
		party.OpenKind.Encode(party.Open{Account: 2}))))[0]
	if o.Code != party.ErrTaken.Code || o.At != 2 || len(o.Receipts) != 1 {
		t.Errorf("the outcome is %+v", o)
	}
	if refused := RefusedReceipt.Read(o.Receipts[0].Receipt()); refused != (Refused{party.ErrTaken.Code, 2}) || o.Receipts[0].Audience != 1 {
		t.Errorf("the receipt is %+v", refused)
	}
	if h.machine.Head().Root != root || h.rows.Len() != rows {
		t.Error("a refused envelope left something in the state")
	}
}

// TestAdmit refuses what the next block would, as far as no operation has to be
// applied for it.
func TestAdmit(t *testing.T) {
	h := newHouse(t, 2, Environment{})
	h.must(1, ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR"}))
	h.must(1, party.RotateKind.Encode(party.Rotate{Account: 1, Add: []party.Credential{credential(2, party.Meter)}}))
	good := tx.Body{
		Chain: testChain, Account: 1, Nonce: 3, Expiry: 3,
		Operations: []tx.Operation{ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: 2, Amount: 1})},
	}
	for _, c := range []struct {
		want   error
		signer tx.AccountID
		change func(*tx.Body)
	}{
		{nil, 1, func(*tx.Body) {}}, // Its account has nothing, but that only a block knows.
		{ErrChain, 1, func(b *tx.Body) { b.Chain = "other" }},
		{ErrExpired, 1, func(b *tx.Body) { b.Expiry = 2 }},
		{ErrNoAccount, 1, func(b *tx.Body) { b.Account = 3 }},
		{ErrNotKey, 3, func(*tx.Body) {}},
		{party.ErrNonceUsed, 1, func(b *tx.Body) { b.Nonce = 2 }},
		{ErrOperation, 1, func(b *tx.Body) { b.Operations[0].Kind = 1 }},
		{ErrRole, 2, func(*tx.Body) {}},
		{ErrMalformed, 1, func(b *tx.Body) { b.Operations[0].Body = append(bytes.Clone(b.Operations[0].Body), 0) }},
		{ledger.ErrTransferAmount, 1, func(b *tx.Body) {
			b.Operations[0] = ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: 2})
		}},
	} {
		body := good
		body.Operations = []tx.Operation{good.Operations[0]}
		c.change(&body)
		e, err := tx.Decode(tx.SignEd25519(body.Encode(), keyOf(c.signer)))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.machine.Admit(e); !errors.Is(err, c.want) {
			t.Errorf("got %v, want %v", err, c.want)
		}
	}
}

// TestBeginRefuses tries geneses that cannot be.
func TestBeginRefuses(t *testing.T) {
	for want, change := range map[string]func(*Genesis){
		"accounts[1]: account 1: party: the account's number is taken": func(g *Genesis) { g.Accounts[1].Account = 1 },
		"accounts[1]: account 2 has no key":                            func(g *Genesis) { g.Accounts[1].Keys = nil },
		"accounts[0]: account 1: party: an account with keys needs":    func(g *Genesis) { g.Accounts[0].Keys[0].Role = party.Meter },
		"council[0]: there is no account 3":                            func(g *Genesis) { g.Council[0] = 3 },
		"validators[0]: not a key of 32 bytes":                         func(g *Genesis) { g.Validators[0].Power = 0 },
	} {
		g := genesisOf(2)
		change(&g)
		m, err := New(state.NewMemory(), Head{}, Environment{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Begin(testChain, g.Encode()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	m := newHouse(t, 1, Environment{}).machine
	if _, err := m.Begin(testChain, codec.Marshal("no genesis")); err == nil {
		t.Error("what is no genesis began a chain")
	}
}
