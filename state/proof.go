package state

import (
	"crypto/sha256"
	"errors"

	"github.com/commonwatt/commonwatt/merkle"
)

// ErrOtherRow refuses a proof whose row is not the one that the tree holds.
var ErrOtherRow = errors.New("state: the proof is of another row")

// Proof shows the row at a key, or that there is none, to anyone who trusts a
// state root.
type Proof struct {
	Key  []byte       `cbor:"1,keyasint" json:"key"`
	Row  []byte       `cbor:"2,keyasint,omitempty" json:"row,omitempty"` // nothing when there is none
	Path merkle.Proof `cbor:"3,keyasint" json:"path"`
}

// Prove returns the proof of what is at key in rows, whose tree is trie.
func Prove(trie *merkle.Trie, rows Reader, key []byte) Proof {
	row, _ := rows.Get(key)
	return Proof{
		Key: append([]byte(nil), key...),
		Row: append([]byte(nil), row...),
		Path: trie.Prove(sha256.Sum256(key), func(key []byte) merkle.Hash {
			row, _ := rows.Get(key)
			return sha256.Sum256(row)
		}),
	}
}

// Verify returns the row at p.Key under a state root, and whether there is one.
// It is for the caller to check that p.Key is the key asked for.
//
// Errors: ErrOtherRow; merkle.ErrShape and merkle.ErrRoot for a path that does
// not lead from the key to the root.
func (p *Proof) Verify(root merkle.Hash) (row []byte, present bool, err error) {
	value, present, err := p.Path.Verify(root, sha256.Sum256(p.Key))
	switch {
	case err != nil:
		return nil, false, err
	case !present && len(p.Row) > 0, present && sha256.Sum256(p.Row) != value:
		return nil, false, ErrOtherRow
	}
	return p.Row, present, nil
}

// Hashed is the change in the authenticated tree that goes with c: the tree
// holds the hash of the row at the hash of the key.
func (c Change) Hashed() merkle.Change {
	hashed := merkle.Change{Name: c.Key, Key: sha256.Sum256(c.Key), Delete: c.Deleted}
	if !c.Deleted {
		hashed.Value = sha256.Sum256(c.Row)
	}
	return hashed
}
