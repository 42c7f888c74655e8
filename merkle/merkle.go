// Package merkle holds the two trees whose roots a block commits to: Trie, an
// authenticated map from hashed keys to hashed rows, and Log, the append-only
// log of RFC 6962.
//
// Its promise: a root stands for contents and nothing else. The root of a Trie
// is a function of the set of (key, value) pairs, whatever the order, the
// batches or the number of cores that led there; the root of a Log is that of
// RFC 6962 §2.1 over its leaves. Every proof either leads to the root or is
// refused, and checking one needs no more than the proof, the root and the
// question.
package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/bits"
)

// Hash is a SHA-256 digest: a key, a row, a leaf or a root.
type Hash [sha256.Size]byte

// hashBits is the number of bits in a Hash, the depth below every inner node.
const hashBits = 8 * sha256.Size

// Empty is the root of a tree without leaves, the hash of nothing
// (RFC 6962 §2.1). No leaf and no inner node has it, since those hash at least
// their prefix byte.
var Empty = Hash(sha256.Sum256(nil))

// What a hash begins with, so that no leaf passes for an inner node
// (RFC 6962 §2.1).
const (
	leafPrefix  = 0x00
	innerPrefix = 0x01
)

// Refusals of proofs.
var (
	ErrShape = errors.New("merkle: the proof does not have the shape that its claim needs")
	ErrRoot  = errors.New("merkle: the proof does not lead to the root")
)

// MarshalText writes h in lower-case hexadecimal.
func (h Hash) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, h[:]), nil
}

// UnmarshalText reads 64 hexadecimal digits.
//
// Errors: ErrShape for any other text.
func (h *Hash) UnmarshalText(text []byte) error {
	var read Hash
	if len(text) != hex.EncodedLen(len(h)) {
		return ErrShape
	}
	if _, err := hex.Decode(read[:], text); err != nil {
		return ErrShape
	}
	*h = read
	return nil
}

// String is h in lower-case hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// bit is the bit of h at depth, counted from the most significant one.
func bit(h *Hash, depth uint8) int {
	return int(h[depth>>3]>>(7-depth&7)) & 1
}

// commonBits counts the leading bits that a and b share: hashBits when they are
// equal.
func commonBits(a, b *Hash) int {
	for i := 0; i < len(a); i += 8 {
		if differ := binary.BigEndian.Uint64(a[i:]) ^ binary.BigEndian.Uint64(b[i:]); differ != 0 {
			return 8*i + bits.LeadingZeros64(differ)
		}
	}
	return hashBits
}
