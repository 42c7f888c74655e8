package merkle

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sort"
)

// ref names a node of a shard: none, the inner node or the leaf of a number.
type ref uint32

const (
	none   ref = 0
	isLeaf ref = 1
	some   ref = 2
	shift      = 2
)

// maxNodes is how many nodes of a kind a shard can name.
const maxNodes = 1 << (32 - shift)

// inner is the node where the keys below it first differ, at bit depth. It
// keeps the hashes of its children, so that an update reads no sibling.
type inner struct {
	hash   [2]Hash
	prefix Hash // any key that was ever below: all share the first depth bits
	child  [2]ref
	depth  uint8
}

type leaf struct{ key, value Hash }

// subtree is a node with its hash; the zero subtree has no keys.
type subtree struct {
	node ref
	hash Hash
}

// shard is the part of a trie whose keys begin with the same shardBits bits. It
// owns its memory, so that shards may change in parallel.
type shard struct {
	top    subtree
	inners slab[inner]
	leaves slab[leaf]
}

// apply makes the changes, in any order, their keys distinct.
func (s *shard) apply(changes []Change) {
	slices.SortFunc(changes, func(a, b Change) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	for i := 1; i < len(changes); i++ {
		if changes[i-1].Key == changes[i].Key {
			panic("merkle: two changes of key " + changes[i].Key.String() + " in one batch")
		}
	}
	s.top = s.merge(s.top, changes)
}

// merge returns what t becomes with the changes, which are sorted.
//
// Every step finds the first bit at which the changed keys, and t's own, part.
// There t itself forks, or a new fork is tried above it; join keeps a fork only
// when both of its sides have keys, and that is the canonical shape.
func (s *shard) merge(t subtree, changes []Change) subtree {
	if len(changes) == 0 {
		return t
	}
	first, last := &changes[0].Key, &changes[len(changes)-1].Key
	depth := commonBits(first, last)
	below, deepest := s.extent(t.node)
	if below != nil {
		depth = min(depth, deepest, commonBits(first, below))
	}
	if depth == hashBits {
		return s.put(t, &changes[0])
	}
	fork := uint8(depth) //nolint:gosec // below 256: hashBits was returned above
	cut := sort.Search(len(changes), func(i int) bool { return bit(&changes[i].Key, fork) == 1 })
	if below != nil && depth == deepest {
		return s.descend(t, changes[:cut], changes[cut:])
	}
	var side [2]subtree
	if below != nil {
		side[bit(below, fork)] = t
	}
	return s.join(fork, first, s.merge(side[0], changes[:cut]), s.merge(side[1], changes[cut:]))
}

// extent returns a key that begins as all keys below the node do, and how many
// bits they share; the key is nil when there is no node.
func (s *shard) extent(node ref) (key *Hash, shared int) {
	switch {
	case node == none:
		return nil, 0
	case node&isLeaf != 0:
		return &s.leaf(node).key, hashBits
	}
	n := s.inner(node)
	return &n.prefix, int(n.depth)
}

// put makes one change where its key belongs: t is empty or the leaf of that
// key.
func (s *shard) put(t subtree, c *Change) subtree {
	if c.Delete {
		if t.node != none {
			s.leaves.release(uint32(t.node >> shift))
		}
		return subtree{}
	}
	if t.node == none {
		t.node = name(s.leaves.take()) | isLeaf
	}
	*s.leaf(t.node) = leaf{c.Key, c.Value}
	t.hash = hashLeaf(&c.Key, &c.Value)
	return t
}

// descend changes both sides of the inner node t and hashes it once; the node
// goes when a side becomes empty.
func (s *shard) descend(t subtree, left, right []Change) subtree {
	n := s.inner(t.node)
	was := n.hash
	l := s.merge(subtree{n.child[0], n.hash[0]}, left)
	r := s.merge(subtree{n.child[1], n.hash[1]}, right)
	if l.node == none || r.node == none {
		s.inners.release(uint32(t.node >> shift))
		if l.node == none {
			return r
		}
		return l
	}
	n.child, n.hash = [2]ref{l.node, r.node}, [2]Hash{l.hash, r.hash}
	if n.hash != was {
		t.hash = hashInner(n.depth, &l.hash, &r.hash)
	}
	return t
}

// join puts l and r below a new inner node, or returns the one that has keys.
func (s *shard) join(depth uint8, prefix *Hash, l, r subtree) subtree {
	switch {
	case l.node == none:
		return r
	case r.node == none:
		return l
	}
	t := subtree{name(s.inners.take()), hashInner(depth, &l.hash, &r.hash)}
	*s.inner(t.node) = inner{
		hash: [2]Hash{l.hash, r.hash}, prefix: *prefix,
		child: [2]ref{l.node, r.node}, depth: depth,
	}
	return t
}

func (s *shard) inner(node ref) *inner { return s.inners.at(uint32(node >> shift)) }
func (s *shard) leaf(node ref) *leaf   { return s.leaves.at(uint32(node >> shift)) }

// name is the ref of inner node i.
func name(i uint32) ref {
	if i >= maxNodes {
		panic("merkle: a shard is full")
	}
	return ref(i<<shift) | some
}

// hashLeaf is SHA-256(0x00 ‖ key ‖ value).
func hashLeaf(key, value *Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = leafPrefix
	copy(b[1:], key[:])
	copy(b[1+sha256.Size:], value[:])
	return sha256.Sum256(b[:])
}

// hashInner is SHA-256(0x01 ‖ depth ‖ left ‖ right).
func hashInner(depth uint8, left, right *Hash) Hash {
	var b [2 + 2*sha256.Size]byte
	b[0], b[1] = innerPrefix, depth
	copy(b[2:], left[:])
	copy(b[2+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}
