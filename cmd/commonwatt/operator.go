package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// operatorAccount is the operator's account on a ledger that settle founds.
const operatorAccount tx.AccountID = 1

// operatorFile holds the operator's private key, PKCS #8 (RFC 5958) in PEM.
// operatorDraft is its name until it is complete.
const (
	operatorFile  = "operator.pem"
	operatorDraft = "operator.pem.new"
)

// expiryBlocks is for how many blocks an envelope may wait.
const expiryBlocks = 1 << 20

// operator signs for the operator of a community.
type operator struct {
	key   ed25519.PrivateKey
	node  *node.Node
	chain string
	nonce uint64
}

// openOperator reads the operator's key of a folder. In a folder without a ledger
// it makes a key, and the start of a ledger that knows it; what was cut short
// while it did so, the next time completes.
func openOperator(dir string, c *community.Community) (*operator, error) {
	key, err := readKey(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && node.Exists(dir):
		return nil, fmt.Errorf("%s is missing in %s: without the operator's key the ledger can be verified, but not continued", operatorFile, dir)
	case errors.Is(err, fs.ErrNotExist):
		key, err = makeKey(dir)
	}
	if err != nil || node.Exists(dir) {
		return &operator{key: key}, err
	}
	public := party.Credential{Key: tx.Key{Scheme: tx.Ed25519, Public: key.Public().(ed25519.PublicKey)}, Role: party.Owner}
	return &operator{key: key}, node.Init(dir, chainID(c.Name), machine.Genesis{
		Accounts: []machine.Founder{{Account: operatorAccount, Keys: []party.Credential{public}}},
		Council:  []tx.AccountID{operatorAccount},
	})
}

// chainID names a new chain, so that no envelope for another fits it. It keeps
// what of the community's name is plain, since a chain's is at most 50 bytes.
func chainID(community string) string {
	words := strings.FieldsFunc(community, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	var random [6]byte
	_, _ = rand.Read(random[:]) // It never fails.
	return fmt.Sprintf("%.32s-%s", strings.Join(words, "-"), hex.EncodeToString(random[:]))
}

// begin makes the operator sign for a running node.
func (o *operator) begin(n *node.Node) {
	o.node = n
	n.Read(func(rows state.Reader, head machine.Head) {
		o.chain, o.nonce = head.ChainID, party.HighestNonce(rows, operatorAccount)
	})
}

// Bounds of an envelope that the operator signs, below those of package tx.
const (
	operationsPerEnvelope = 500
	bytesPerEnvelope      = 256 << 10
)

// submit signs operations in as many envelopes as they need, and waits until all
// of them are applied.
func (o *operator) submit(ctx context.Context, operations []tx.Operation) error {
	for len(operations) > 0 {
		n, size := 0, 0
		for n < min(len(operations), operationsPerEnvelope) && (n == 0 || size+len(operations[n].Body) <= bytesPerEnvelope) {
			size += len(operations[n].Body)
			n++
		}
		ticket, err := o.send(ctx, operations[:n])
		if err != nil {
			return err
		}
		if err := o.accepted(ticket.Wait(ctx)); err != nil {
			return err
		}
		operations = operations[n:]
	}
	return nil
}

// send signs operations in one envelope and sends it.
func (o *operator) send(ctx context.Context, operations []tx.Operation) (*node.Ticket, error) {
	o.nonce++
	body := tx.Body{
		Chain: o.chain, Account: operatorAccount, Nonce: o.nonce,
		Expiry:     uint64(o.node.Height()) + expiryBlocks, //nolint:gosec // heights are ≥ 0
		Operations: operations,
	}
	return o.node.Send(ctx, tx.SignEd25519(body.Encode(), o.key))
}

// accepted turns a refusal of the ledger into an error that says what it is.
func (o *operator) accepted(outcome machine.Outcome, err error) error {
	switch {
	case err != nil:
		return err
	case outcome.Code == 0:
		return nil
	}
	for _, no := range machine.Registry().Refusals {
		if no.Code == outcome.Code {
			return fmt.Errorf("the ledger refuses operation %d of envelope %d: %w; nothing of it was booked", outcome.At, outcome.Nonce, no)
		}
	}
	return fmt.Errorf("the ledger refuses envelope %d with code %d; nothing of it was booked", outcome.Nonce, outcome.Code)
}

// makeKey makes a key and leaves it in a folder. It is there whole or not at all.
func makeKey(dir string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	draft := filepath.Join(dir, operatorDraft)
	if err := os.WriteFile(draft, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(draft, filepath.Join(dir, operatorFile))
}

func readKey(dir string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, operatorFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: this is not a key in PEM: bring the file back from a copy", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: the key is a %T, not Ed25519", path, key)
	}
	return private, nil
}
