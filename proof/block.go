package proof

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/commonwatt/commonwatt/merkle"
)

// Block is a signed header: a header, who was to sign it, and who did.
type Block struct {
	_      struct{} `cbor:",toarray"`
	Header Header
	Parts  Parts  // Signatures are over the header's hash and this.
	Round  uint32 // In which the block was decided.
	// Validators are those of the header, in CometBFT's order: by power, the most
	// first. There are none where they are those of the block before in the bundle.
	Validators []Validator
	// Signatures are in the order of the validators; only votes for this block.
	Signatures []Signature
}

// Validator is who may sign blocks, and with how much voting power.
type Validator struct {
	_     struct{} `cbor:",toarray"`
	Key   Key      `json:"key"`
	Power int64    `json:"power"`
}

// Key is an Ed25519 public key.
type Key [ed25519.PublicKeySize]byte

// MarshalText writes lower-case hexadecimal.
func (k Key) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k[:]), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (k *Key) UnmarshalText(text []byte) error { return (*merkle.Hash)(k).UnmarshalText(text) }

// String is the key in lower-case hexadecimal.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Signature is a validator's precommit for the block.
type Signature struct {
	_         struct{} `cbor:",toarray"`
	Validator uint32   // Index into the validators.
	Time      int64    // When it was signed, in nanoseconds since 1970.
	Signature [ed25519.SignatureSize]byte
}

// Reasons to refuse a block's validators and signatures.
var (
	errNoValidators = errors.New("there are none")
	errPower        = errors.New("a power is not above zero, or all are more than CometBFT allows")
	errTwice        = errors.New("one is there twice")
	errOrder        = errors.New("the signatures are not one for each validator, in the validators' order")
	errNoValidator  = errors.New("a signature is by a validator that there is not")
)

// powerMax bounds the sum of powers (CometBFT's MaxTotalVotingPower), so that three
// times it is an int64.
const powerMax = math.MaxInt64 / 8

// ValidatorsHash is the hash of a validator set as headers hold it (CometBFT
// v0.40, types.ValidatorSet.Hash).
func ValidatorsHash(list []Validator) merkle.Hash {
	leaves := make([][]byte, len(list))
	for i, v := range list {
		key := message(nil).bytes(1, v.Key[:])
		leaves[i] = message(nil).message(1, key).uint(2, uint64(v.Power)) //nolint:gosec // powers are > 0
	}
	return treeHash(leaves)
}

// checkValidators says whether a list is the validator set of a header.
func checkValidators(list []Validator, header *Header) error {
	if len(list) == 0 {
		return errNoValidators
	}
	seen := make(map[Key]bool, len(list))
	var sum int64
	for _, v := range list {
		if v.Power <= 0 || v.Power > powerMax-sum {
			return errPower
		}
		if seen[v.Key] {
			return errTwice
		}
		seen[v.Key], sum = true, sum+v.Power
	}
	if hash := ValidatorsHash(list); !bytes.Equal(hash[:], header.Validators) {
		return fmt.Errorf("those of block %d hash to %x, its header says %x", header.Height, hash, []byte(header.Validators))
	}
	return nil
}

// powerOf is the power of all of a set.
func powerOf(list []Validator) (sum int64) {
	for _, v := range list {
		sum += v.Power
	}
	return sum
}

// signBytes is what a validator signs for a block (CometBFT v0.40, CanonicalVote
// of a precommit, types.VoteSignBytes).
func (b *Block) signBytes(chain string, hash merkle.Hash, time int64) []byte {
	const precommit = 2
	id := message(nil).bytes(1, hash[:]).message(2, b.Parts.message())
	return message(nil).uint(1, precommit).
		fixed(2, uint64(b.Header.Height)). //nolint:gosec // heights are > 0
		fixed(3, uint64(b.Round)).
		message(4, id).
		message(5, timestamp(time)).
		bytes(6, []byte(chain)).
		delimited()
}

// SignBytes is what a validator of a chain signs for the block at a moment.
func (b *Block) SignBytes(chain string, time int64) []byte {
	return b.signBytes(chain, b.Header.Hash(chain), time)
}

// checkSignatures verifies every signature and that those who signed have more
// than two thirds of the power. It returns who signed.
func (b *Block) checkSignatures(chain string, validators []Validator) ([]Validator, error) {
	hash := b.Header.Hash(chain)
	signers := make([]Validator, len(b.Signatures))
	next := uint32(0)
	for i := range b.Signatures {
		s := &b.Signatures[i]
		switch {
		case s.Validator < next:
			return nil, errOrder
		case int64(s.Validator) >= int64(len(validators)):
			return nil, errNoValidator
		}
		signers[i], next = validators[s.Validator], s.Validator+1
		if !ed25519.Verify(signers[i].Key[:], b.signBytes(chain, hash, s.Time), s.Signature[:]) {
			return nil, fmt.Errorf("validator %s did not sign this header of block %d", signers[i].Key, b.Header.Height)
		}
	}
	if signed, all := powerOf(signers), powerOf(validators); signed*3 <= all*2 {
		return nil, fmt.Errorf("block %d is signed with %d of the power of %d; it takes more than two thirds", b.Header.Height, signed, all)
	}
	return signers, nil
}
