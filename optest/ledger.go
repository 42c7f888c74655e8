package optest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/state"
)

// Ledger is a world with a chain: its rows are committed block by block, each block has
// a header that its one validator signed, and rows are proven as a node proves them.
type Ledger struct {
	*World
	Chain string

	key  ed25519.PrivateKey
	rows *state.Memory
	trie *merkle.Trie
	last proof.Block // The header of the block at hand, which holds the rows before it.
}

// NewLedger returns an empty ledger whose first block is at a moment.
func NewLedger(t testing.TB, chain string, at interval.Time, sets ...*op.Set) *Ledger {
	t.Helper()
	seed := sha256.Sum256([]byte(chain))
	l := &Ledger{World: NewWorld(t, sets...), Chain: chain, key: ed25519.NewKeyFromSeed(seed[:]), rows: state.NewMemory(), trie: merkle.NewTrie()}
	l.Ctx.ChainID = chain
	l.Next(at)
	return l
}

// Next commits what was kept and goes on with the next block, whose time is at.
func (l *Ledger) Next(at interval.Time) {
	changes := l.Changes()
	hashed := make([]merkle.Change, len(changes))
	for n, c := range changes {
		hashed[n] = c.Hashed()
	}
	l.trie.Apply(hashed, nil)
	l.rows.Apply(changes)
	l.Overlay = state.NewOverlay(l.rows)
	l.Ctx.Time, l.Ctx.Height = at, l.Ctx.Height+1
	l.last = l.header()
}

// header is that of the block at hand, signed.
func (l *Ledger) header() proof.Block {
	set := []proof.Validator{{Key: proof.Key(l.key.Public().(ed25519.PublicKey)), Power: 1}}
	validators, app, none := proof.ValidatorsHash(set), l.roots().AppHash(), make([]byte, sha256.Size)
	b := proof.Block{
		Header: proof.Header{
			BlockProtocol: 11, Height: l.Ctx.Height, Time: int64(l.Ctx.Time)*1_000_000_000 + l.Ctx.Height%1_000_000_000,
			Validators: validators[:], NextValidators: validators[:], App: app[:], Proposer: none[:20],
		},
		Parts: proof.Parts{Total: 1, Hash: none}, Validators: set,
	}
	if l.Ctx.Height > 1 {
		hash := l.last.Header.Hash(l.Chain)
		b.Header.LastBlock = proof.BlockID{Hash: hash[:], Parts: l.last.Parts}
	}
	signature := ed25519.Sign(l.key, b.SignBytes(l.Chain, b.Header.Time))
	b.Signatures = []proof.Signature{{Time: b.Header.Time, Signature: [ed25519.SignatureSize]byte(signature)}}
	return b
}

func (l *Ledger) roots() proof.Roots {
	var log merkle.Log
	return proof.Roots{State: l.trie.Root(), Log: log.Root()}
}

// Trust is what somebody trusts who knows the block at hand.
func (l *Ledger) Trust() proof.Trust {
	return proof.Trust{Chain: l.Chain, Height: l.Ctx.Height, Hash: l.last.Header.Hash(l.Chain)}
}

// Prove makes a bundle of committed rows by their keys, present or absent.
func (l *Ledger) Prove(keys ...[]byte) []byte {
	b := &proof.Bundle{Format: proof.Format, Chain: l.Chain, Block: l.last, Roots: l.roots()}
	slices.SortFunc(keys, bytes.Compare)
	for _, k := range keys {
		b.Rows = append(b.Rows, state.Prove(l.trie, l.rows, k))
	}
	b.Seal()
	return b.Encode()
}
