package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// The ledger of a run: accounts 1 to accounts with a key each, and one currency that
// account 1 issued to all of them.
const (
	chainID  = "bench"
	euro     = ledger.AssetID(978)
	accounts = 2000
	purse    = 1_000_000_000 // What each account starts with.
)

// keys are those of the accounts, by number less one, made once.
var keys = sync.OnceValue(func() []ed25519.PrivateKey {
	list := make([]ed25519.PrivateKey, accounts)
	for i := range list {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("bench "), uint64(i)))
		list[i] = ed25519.NewKeyFromSeed(seed[:])
	}
	return list
})

// genesis is a ledger of the accounts.
func genesis() machine.Genesis {
	g := machine.Genesis{Council: []tx.AccountID{1}}
	for i, key := range keys() {
		public := tx.Key{Scheme: tx.Ed25519, Public: key.Public().(ed25519.PublicKey)}
		g.Accounts = append(g.Accounts, machine.Founder{
			Account: tx.AccountID(i + 1), Keys: []party.Credential{{Key: public, Role: party.Owner}},
		})
	}
	return g
}

// sign makes an envelope of operations.
func sign(account tx.AccountID, nonce uint64, operations ...tx.Operation) []byte {
	body := tx.Body{Chain: chainID, Account: account, Nonce: nonce, Expiry: 1 << 40, Operations: operations}
	return tx.SignEd25519(body.Encode(), keys()[account-1])
}

// transfers makes envelopes that each move one unit to the next account: as many as
// there are to be, of the first accounts in turn, with nonces from one on.
func transfers(among, count int, nonce uint64) [][]byte {
	envelopes := make([][]byte, 0, count)
	for ; len(envelopes) < count; nonce++ {
		for a := range tx.AccountID(among) { //nolint:gosec // a few
			to := (a+1)%tx.AccountID(among) + 1
			envelopes = append(envelopes, sign(a+1, nonce, ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: to, Amount: 1})))
			if len(envelopes) == count {
				break
			}
		}
	}
	return envelopes
}

// funding is the envelopes that define the currency and give every account its purse.
func funding() [][]byte {
	deposit := sha256.Sum256([]byte("deposit"))
	operations := []tx.Operation{ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6})}
	for a := range tx.AccountID(accounts) {
		operations = append(operations, ledger.IssueKind.Encode(ledger.Issue{Asset: euro, To: a + 1, Amount: purse, Deposit: deposit[:]}))
	}
	return split(operations, 1)
}

// operationsEach is how many operations an envelope of many has.
const operationsEach = 1000

// split signs operations for account 1, in envelopes with nonces from one on.
func split(operations []tx.Operation, nonce uint64) [][]byte {
	var envelopes [][]byte
	for ; len(operations) > 0; nonce++ {
		k := min(len(operations), operationsEach)
		envelopes = append(envelopes, sign(1, nonce, operations[:k]...))
		operations = operations[k:]
	}
	return envelopes
}

// founded is a running node on a new ledger, and the last nonce of account 1.
type founded struct {
	*node.Node
	nonce uint64
	close func() error
}

// found makes a ledger, funds its accounts and starts its node.
func (r *run) found(ctx context.Context) (*founded, error) {
	dir, remove, err := r.folder()
	if err != nil {
		return nil, err
	}
	if err := node.Init(dir, chainID, genesis()); err != nil {
		return nil, err
	}
	n, err := node.Open(node.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	f := &founded{Node: n, close: func() error {
		defer remove()
		return n.Close()
	}}
	if err := f.all(ctx, funding()); err != nil {
		return nil, fmt.Errorf("funding: %w", errors.Join(err, f.close()))
	}
	f.nonce = 1000
	return f, nil
}

// all sends envelopes and waits until all are applied.
func (f *founded) all(ctx context.Context, envelopes [][]byte) error {
	return sendAll(ctx, f.Node, envelopes)
}

// operations has account 1 sign and send operations, and waits until all are applied.
func (f *founded) operations(ctx context.Context, list []tx.Operation) error {
	envelopes := split(list, f.nonce+1)
	f.nonce += uint64(len(envelopes))
	return f.all(ctx, envelopes)
}

// sendAll sends envelopes to a node and waits until all are applied.
func sendAll(ctx context.Context, n *node.Node, envelopes [][]byte) error {
	tickets := make([]*node.Ticket, len(envelopes))
	for i, raw := range envelopes {
		var err error
		if tickets[i], err = n.Send(ctx, raw); err != nil {
			return err
		}
	}
	for i, ticket := range tickets {
		o, err := ticket.Wait(ctx)
		if err == nil && o.Code != 0 {
			err = fmt.Errorf("envelope %d was refused with code %d at operation %d", i, o.Code, o.At)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// seen waits until the read model shows all that is committed.
func (f *founded) seen(ctx context.Context) error { return f.Seen(ctx, f.Height()) }

// settled waits until every interval of some microgrids before a moment is settled.
func (f *founded) settled(ctx context.Context, t town) error {
	for {
		height := f.Height()
		open := t.until
		f.Read(func(rows state.Reader, _ machine.Head) {
			for id := range t.microgrids {
				m, _ := grid.At(rows, id+1)
				open = min(open, m.Open)
			}
		})
		if open >= t.until {
			return nil
		}
		if err := f.Wait(ctx, height+1); err != nil {
			return err
		}
	}
}

// energy is some energy that differs from meter to meter.
func energy(base, n, every uint64) quantity.Energy { return quantity.Energy(base + n%every) } //nolint:gosec // a few hundred
