package merkle

import (
	"fmt"
	"math/bits"
)

// Nodes returns the root of the complete subtree of a log over the 2^level
// leaves from index·2^level on. Proofs ask it for no others.
type Nodes func(level int, index uint64) Hash

// Leaves computes nodes from leaf hashes alone: one call per leaf below a node,
// so a proof reads the whole log. It suits the small logs.
func Leaves(leaf func(i uint64) Hash) Nodes {
	var nodes Nodes
	nodes = func(level int, index uint64) Hash {
		if level == 0 {
			return leaf(index)
		}
		l, r := nodes(level-1, 2*index), nodes(level-1, 2*index+1)
		return hashPair(&l, &r)
	}
	return nodes
}

// Peaks computes nodes from the leaf hashes and what Append returned for each:
// a node costs at most level calls, so a proof in a log of n leaves costs
// log² n.
//
// A left child ends where no larger complete subtree does, so it is the peak of
// its last leaf; a right child is hashed from its own children.
func Peaks(kept func(i uint64) (leaf, peak Hash)) Nodes {
	var nodes Nodes
	nodes = func(level int, index uint64) Hash {
		last := (index+1)<<level - 1
		leaf, peak := kept(last)
		if level == 0 {
			return leaf
		}
		if index&1 == 0 {
			return peak
		}
		l, r := nodes(level-1, 2*index), nodes(level-1, 2*index+1)
		return hashPair(&l, &r)
	}
	return nodes
}

// span returns the Merkle tree hash of the leaves [from, to), where from is a
// multiple of the power of two at or above to-from (RFC 6962 §2.1).
func (nodes Nodes) span(from, to uint64) Hash {
	width := to - from
	if width&(width-1) == 0 {
		level := bits.TrailingZeros64(width)
		return nodes(level, from>>level)
	}
	middle := from + half(width)
	l, r := nodes.span(from, middle), nodes.span(middle, to)
	return hashPair(&l, &r)
}

// half is the largest power of two below n, which is at least 2: the k of
// RFC 6962 §2.1.
func half(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// ProveInclusion returns the audit path of leaf index in the log's first size
// leaves, from the leaf up (RFC 6962 §2.1.1). It panics when there is no such
// leaf.
func ProveInclusion(nodes Nodes, index, size uint64) []Hash {
	if index >= size {
		panic(fmt.Sprintf("merkle: leaf %d of %d", index, size))
	}
	return nodes.path(index, 0, size)
}

func (nodes Nodes) path(index, from, to uint64) []Hash {
	if to-from == 1 {
		return nil
	}
	middle := from + half(to-from)
	if index < middle {
		return append(nodes.path(index, from, middle), nodes.span(middle, to))
	}
	return append(nodes.path(index, middle, to), nodes.span(from, middle))
}

// VerifyInclusion returns nil when the leaf hash is number index of the size
// leaves below root (RFC 9162 §2.1.3.2).
//
// Errors: ErrShape for an index beyond the size or a proof of the wrong length;
// ErrRoot when the proof leads elsewhere.
func VerifyInclusion(root, leaf Hash, index, size uint64, proof []Hash) error {
	if index >= size {
		return ErrShape
	}
	hash, last := leaf, size-1
	for i := range proof {
		if last == 0 {
			return ErrShape
		}
		if index&1 == 1 || index == last {
			hash = hashPair(&proof[i], &hash)
			rise := bits.TrailingZeros64(index)
			index, last = index>>rise, last>>rise
		} else {
			hash = hashPair(&hash, &proof[i])
		}
		index, last = index>>1, last>>1
	}
	if last != 0 {
		return ErrShape
	}
	if hash != root {
		return ErrRoot
	}
	return nil
}

// ProveConsistency returns the proof that the log's first older leaves are the
// beginning of its first newer leaves (RFC 6962 §2.1.2): nothing when either
// is all or none of the other. It panics when older exceeds newer.
func ProveConsistency(nodes Nodes, older, newer uint64) []Hash {
	if older > newer {
		panic(fmt.Sprintf("merkle: %d leaves before %d", older, newer))
	}
	if older == 0 {
		return nil
	}
	return nodes.subproof(older, 0, newer, true)
}

// subproof is SUBPROOF of RFC 6962 §2.1.2 over the leaves [from, to); whole says
// that the subtree is one whose root the verifier knows.
func (nodes Nodes) subproof(older, from, to uint64, whole bool) []Hash {
	if older == to {
		if whole {
			return nil
		}
		return []Hash{nodes.span(from, to)}
	}
	middle := from + half(to-from)
	if older <= middle {
		return append(nodes.subproof(older, from, middle, whole), nodes.span(middle, to))
	}
	return append(nodes.subproof(older, middle, to, false), nodes.span(from, middle))
}

// VerifyConsistency returns nil when the older leaves below olderRoot are the
// beginning of the newer leaves below newerRoot (RFC 9162 §2.1.4.2).
//
// Errors: ErrShape for sizes in the wrong order or a proof of the wrong length;
// ErrRoot when the proof leads elsewhere.
func VerifyConsistency(olderRoot, newerRoot Hash, older, newer uint64, proof []Hash) error {
	switch {
	case older > newer:
		return ErrShape
	case older == newer:
		return verifySame(olderRoot, newerRoot, proof)
	case older == 0:
		return verifySame(olderRoot, Empty, proof)
	}
	if older&(older-1) == 0 {
		proof = append([]Hash{olderRoot}, proof...)
	}
	if len(proof) == 0 {
		return ErrShape
	}
	return climb(olderRoot, newerRoot, older-1, newer-1, proof)
}

// verifySame checks the two cases that need no proof.
func verifySame(a, b Hash, proof []Hash) error {
	if len(proof) != 0 {
		return ErrShape
	}
	if a != b {
		return ErrRoot
	}
	return nil
}

// climb follows the proof from the older log's last leaf up to both roots;
// index and last are the numbers of the last leaves (RFC 9162 §2.1.4.2).
func climb(olderRoot, newerRoot Hash, index, last uint64, proof []Hash) error {
	rise := bits.TrailingZeros64(^index)
	index, last = index>>rise, last>>rise
	old, grown := proof[0], proof[0]
	for i := 1; i < len(proof); i++ {
		if last == 0 {
			return ErrShape
		}
		if index&1 == 1 || index == last {
			old, grown = hashPair(&proof[i], &old), hashPair(&proof[i], &grown)
			rise := bits.TrailingZeros64(index)
			index, last = index>>rise, last>>rise
		} else {
			grown = hashPair(&grown, &proof[i])
		}
		index, last = index>>1, last>>1
	}
	if last != 0 {
		return ErrShape
	}
	if old != olderRoot || grown != newerRoot {
		return ErrRoot
	}
	return nil
}
