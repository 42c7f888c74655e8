package proof

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/tx"
)

// Fact is a receipt as it stands in the log, with the salt that keeps a proof of
// it from giving away the ones beside it.
type Fact struct {
	_        struct{} `cbor:",toarray"`
	Salt     []byte
	Kind     uint32
	Audience tx.AccountID
	Body     []byte
	// Said is what the body says, where the machine that said it is at hand.
	Said any `cbor:"-" json:"-"`
}

// Receipt returns the receipt that a fact is of.
func (f Fact) Receipt() op.Receipt {
	return op.Receipt{Kind: f.Kind, Audience: f.Audience, Body: f.Body, Said: f.Said}
}

// Leaf is the fact's hash as it stands in the log of a block's receipts. Without
// the salt it gives nothing away.
func (f Fact) Leaf(height int64) merkle.Hash {
	return merkle.LeafHash(codec.Marshal(leaf{Height: height, Fact: f}))
}

// leaf is what the log commits to for one fact.
type leaf struct {
	_      struct{} `cbor:",toarray"`
	Height int64
	Fact   Fact
}

// Roots are what an app hash commits to: all rows, and the log of all receipts.
type Roots struct {
	_     struct{} `cbor:",toarray"`
	State merkle.Hash
	Log   merkle.Hash
	Size  uint64 // Receipts in the log: its root alone does not say how many.
}

// AppHash is the hash by which a block's header commits to state and receipts:
//
//	SHA-256("commonwatt/app/2\n" ‖ state root ‖ log root ‖ size of the log, 8 bytes, most significant first)
func (r Roots) AppHash() merkle.Hash {
	sum := sha256.New()
	sum.Write([]byte("commonwatt/app/2\n"))
	sum.Write(r.State[:])
	sum.Write(r.Log[:])
	sum.Write(binary.BigEndian.AppendUint64(nil, r.Size))
	return merkle.Hash(sum.Sum(nil))
}
