package merkle

import (
	"crypto/sha256"
	"math/bits"
)

// Log is an append-only log of RFC 6962 §2.1 that keeps its frontier only: the
// roots of the largest complete subtrees, one for each 1 in the binary size.
// The zero Log is empty and ready for use.
type Log struct {
	frontier Frontier
}

// Frontier is all that a log needs to go on after a restart.
type Frontier struct {
	Size  uint64 `cbor:"1,keyasint" json:"size"`
	Peaks []Hash `cbor:"2,keyasint" json:"peaks"` // from left to right, the largest first
}

// LeafHash is the hash of a leaf's data, SHA-256(0x00 ‖ data) (RFC 6962 §2.1).
func LeafHash(data []byte) Hash {
	h := sha256.New()
	h.Write([]byte{leafPrefix})
	h.Write(data)
	return Hash(h.Sum(nil))
}

// Resume returns the log that had this frontier.
//
// Errors: ErrShape when the peaks are not as many as the size has subtrees.
func Resume(f Frontier) (*Log, error) {
	if len(f.Peaks) != bits.OnesCount64(f.Size) {
		return nil, ErrShape
	}
	f.Peaks = append([]Hash(nil), f.Peaks...)
	return &Log{f}, nil
}

// Frontier returns a copy of the log's frontier.
func (l *Log) Frontier() Frontier {
	return Frontier{l.frontier.Size, append([]Hash{}, l.frontier.Peaks...)}
}

// Size is the number of leaves.
func (l *Log) Size() uint64 { return l.frontier.Size }

// Append adds a leaf by its hash and returns the root of the largest complete
// subtree that ends with it: its peak. Who keeps leaf and peak of every leaf
// can prove anything about the log quickly, see Peaks.
func (l *Log) Append(leaf Hash) (peak Hash) {
	f := &l.frontier
	peak = leaf
	for range bits.TrailingZeros64(^f.Size) {
		last := len(f.Peaks) - 1
		peak = hashPair(&f.Peaks[last], &peak)
		f.Peaks = f.Peaks[:last]
	}
	f.Peaks = append(f.Peaks, peak)
	f.Size++ // 2⁶⁴ leaves are out of reach
	return peak
}

// Root is the Merkle tree hash of all leaves: Empty when there is none
// (RFC 6962 §2.1).
func (l *Log) Root() Hash {
	last := len(l.frontier.Peaks) - 1
	if last < 0 {
		return Empty
	}
	root := l.frontier.Peaks[last]
	for i := last - 1; i >= 0; i-- {
		root = hashPair(&l.frontier.Peaks[i], &root)
	}
	return root
}

// NodeHash is the hash of an inner node, SHA-256(0x01 ‖ left ‖ right) (RFC 6962 §2.1).
func NodeHash(left, right Hash) Hash { return hashPair(&left, &right) }

// hashPair is NodeHash without copies.
func hashPair(left, right *Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = innerPrefix
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}
