package proof

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/state"
)

// Format is what a bundle of this version begins with.
const Format = "commonwatt/proof/1"

// Bounds of what Verify takes on.
const (
	BytesMax      = 1 << 20
	PathMax       = 256
	ValidatorsMax = 1 << 12
)

// Bundle shows receipts and rows of a ledger to whoever trusts its validators.
type Bundle struct {
	_      struct{} `cbor:",toarray"`
	Format string
	Chain  string // The chain's id, which every header commits to.
	// Path is signed headers from one that may be trusted to Block, oldest first, none
	// when the reader needs none: each can be believed by whoever believes the one before.
	Path     []Block
	Block    Block // Its header commits to Roots, which are those after the block before.
	Roots    Roots
	Receipts []Disclosed   // In the order of the log.
	Rows     []state.Proof // In the order of their keys.
	// Sum is SHA-256 over the bytes before its own. It vouches for nothing, since anybody
	// can compute it: it tells on a change that makes another true bundle of this one.
	Sum merkle.Hash
}

// Disclosed is a receipt and that it is in the log.
type Disclosed struct {
	_      struct{} `cbor:",toarray"`
	Height int64    // Of the receipt's block.
	Fact   Fact
	Index  uint64        // In the log.
	Path   []merkle.Hash // Its audit path, from the leaf up (RFC 6962 §2.1.1).
}

// Reasons to refuse the bytes of a bundle.
var (
	errTooLarge = fmt.Errorf("it has more than %d bytes", BytesMax)
	errFormat   = errors.New("it does not begin with " + Format)
	errSize     = errors.New("it has more headers or validators than a bundle may have, or a chain's id that no chain has")
)

// Encode returns the canonical bytes of a bundle, as a .cwproof file holds them.
func (b *Bundle) Encode() []byte { return codec.Marshal(b) }

// Seal sets the sum, when all else is there.
func (b *Bundle) Seal() { b.Sum = b.sum() }

func (b *Bundle) sum() merkle.Hash {
	raw := b.Encode()
	return sha256.Sum256(raw[:len(raw)-len(b.Sum)])
}

// Decode reads the bytes of a bundle. They are not verified.
//
// Errors: *Failed at StepFormat.
func Decode(raw []byte) (*Bundle, error) {
	if len(raw) > BytesMax {
		return nil, &Failed{Step: StepFormat, Err: errTooLarge}
	}
	b := &Bundle{}
	err := codec.Unmarshal(raw, b)
	if err == nil {
		err = b.wellFormed()
	}
	if err != nil {
		return nil, &Failed{Step: StepFormat, Err: err}
	}
	return b, nil
}

// wellFormed says whether what a bundle holds is of the sizes that it may have.
func (b *Bundle) wellFormed() error {
	switch {
	case b.Format != Format:
		return errFormat
	case b.Chain == "", len(b.Chain) > chainMax, len(b.Path) > PathMax:
		return errSize
	}
	for i := range b.Path {
		if err := b.Path[i].wellFormed(); err != nil {
			return err
		}
	}
	return b.Block.wellFormed()
}

func (b *Block) wellFormed() error {
	if len(b.Validators) > ValidatorsMax || len(b.Signatures) > ValidatorsMax || len(b.Parts.Hash) != hashSize {
		return errSize
	}
	for i := range b.Signatures {
		if b.Signatures[i].Time < 0 {
			return errHeader
		}
	}
	return b.Header.wellFormed()
}

// Anchor is what a bundle itself says is to be trusted: its oldest header. Whoever
// verifies a bundle with its own anchor knows that it agrees with itself, and with
// nothing else: anybody can make one. Show the anchor to the reader, who compares
// it with what somebody else says.
func (b *Bundle) Anchor() Trust {
	first := &b.Block
	if len(b.Path) > 0 {
		first = &b.Path[0]
	}
	return first.trust(b.Chain, first.Validators)
}
