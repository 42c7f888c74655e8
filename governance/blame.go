package governance

import (
	"bytes"
	"crypto/sha256"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// Equivocated is the receipt of evidence that a validator signed two different blocks,
// or votes, where it may sign one. Nothing follows from it by itself: its key was
// stolen, or its folder ran twice, or it lies, and the council says what becomes of it.
type Equivocated struct {
	Address   []byte `cbor:"1,keyasint" json:"address"`              // The first 20 bytes of the SHA-256 of its key.
	PublicKey []byte `cbor:"2,keyasint,omitempty" json:"public_key"` // Empty when it is no validator any more.
	Height    int64  `cbor:"3,keyasint" json:"height"`               // Of the block that it was to sign once.
}

// EquivocatedReceipt is the kind of Equivocated.
var EquivocatedReceipt = op.DefineReceipt[Equivocated](Ops, 22, "equivocated", "Evidence that a validator signed two different things where it may sign one.")

// addressSize is that of a validator's address, as CometBFT makes it.
const addressSize = 20

// Blame records evidence against the validator of an address.
func Blame(ctx *op.Context, s state.Reader, address []byte, height int64) {
	blamed := Equivocated{Address: address, Height: height}
	for key := range validators.All(s) {
		if sum := sha256.Sum256(key[:]); bytes.Equal(sum[:addressSize], address) {
			blamed.PublicKey = key[:]
		}
	}
	op.Emit(ctx, EquivocatedReceipt, op.Public, blamed)
}
