package node_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// The tests' ledger: accounts 1 to n with a key each, and one currency that
// account 1 issued to all of them.
const (
	testChain = "test"
	euro      = ledger.AssetID(978)
	purse     = 1_000_000_000 // What each account starts with.
)

// keyOf is the key of a test account.
func keyOf(account tx.AccountID) ed25519.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("node test "), uint64(account)))
	return ed25519.NewKeyFromSeed(seed[:])
}

// genesisOf has n accounts.
func genesisOf(n int) machine.Genesis {
	var g machine.Genesis
	for a := tx.AccountID(1); a <= tx.AccountID(n); a++ {
		key := tx.Key{Scheme: tx.Ed25519, Public: keyOf(a).Public().(ed25519.PublicKey)}
		g.Accounts = append(g.Accounts, machine.Founder{Account: a, Keys: []party.Credential{{Key: key, Role: party.Owner}}})
	}
	g.Council = []tx.AccountID{1}
	return g
}

// sign makes an envelope of operations.
func sign(account tx.AccountID, nonce uint64, operations ...tx.Operation) []byte {
	body := tx.Body{Chain: testChain, Account: account, Nonce: nonce, Expiry: 1 << 40, Operations: operations}
	return tx.SignEd25519(body.Encode(), keyOf(account))
}

// transfer makes an envelope that moves an amount.
func transfer(from, to tx.AccountID, nonce uint64, amount int64) []byte {
	return sign(from, nonce, ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: to, Amount: quantity.Money(amount)}))
}

// fund defines the currency and gives every account its purse.
func fund(t testing.TB, n *node.Node, accounts int) {
	t.Helper()
	deposit := sha256.Sum256([]byte("deposit"))
	operations := []tx.Operation{ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6})}
	nonce := uint64(0)
	flush := func() {
		nonce++
		accept(t, n, sign(1, nonce, operations...))
		operations = nil
	}
	for a := tx.AccountID(1); a <= tx.AccountID(accounts); a++ {
		operations = append(operations, ledger.IssueKind.Encode(ledger.Issue{Asset: euro, To: a, Amount: purse, Deposit: deposit[:]}))
		if len(operations) == 500 {
			flush()
		}
	}
	if len(operations) > 0 {
		flush()
	}
}

// accept submits an envelope and expects it to be applied.
func accept(t testing.TB, n *node.Node, raw []byte) machine.Outcome {
	t.Helper()
	o, err := n.Submit(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if o.Code != 0 {
		t.Fatalf("refused with code %d at operation %d", o.Code, o.At)
	}
	return o
}

// start makes a ledger in a new folder and opens it.
func start(t testing.TB, accounts int) (*node.Node, string) {
	t.Helper()
	dir := t.TempDir()
	if err := node.Init(dir, testChain, genesisOf(accounts)); err != nil {
		t.Fatal(err)
	}
	return open(t, dir), dir
}

func open(t testing.TB, dir string) *node.Node {
	t.Helper()
	n, err := node.Open(node.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
