package merkle

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sort"
)

// ref names a node of a shard: none, the inner node of a number, or the bunch whose
// first leaf has a number.
type ref uint32

const (
	none   ref = 0
	isLeaf ref = 1
	some   ref = 2
	shift      = 2
)

// maxNodes is how many nodes of a kind a shard can name.
const maxNodes = 1 << (32 - shift)

// maxBunch is the most keys that are kept as a bunch, a list of leaves without inner
// nodes over them: an inner node takes more memory than a leaf, and what is above
// a few leaves is soon hashed again. More save less memory and cost more hashing.
const maxBunch = 8

// inner is the node where the keys below it first differ, at bit depth. It
// keeps the hashes of its children, so that an update reads no sibling.
type inner struct {
	hash   [2]Hash
	prefix Hash // any key that was ever below: all share the first depth bits
	child  [2]ref
	depth  uint8
}

// leaf is a pair. The leaves of a bunch are linked in the order of their keys.
type leaf struct {
	key, value Hash
	next       ref
}

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
// when it has more keys than a bunch, on both sides, and that is the one shape there
// is for some keys.
func (s *shard) merge(t subtree, changes []Change) subtree {
	switch {
	case len(changes) == 0:
		return t
	case t.node == none || t.node&isLeaf != 0:
		return s.rebunch(t, changes)
	}
	n := s.inner(t.node)
	first, last := &changes[0].Key, &changes[len(changes)-1].Key
	depth := min(commonBits(first, last), int(n.depth), commonBits(first, &n.prefix))
	fork := uint8(depth) //nolint:gosec // no deeper than n
	cut := sort.Search(len(changes), func(i int) bool { return bit(&changes[i].Key, fork) == 1 })
	if fork == n.depth {
		return s.descend(t, changes[:cut], changes[cut:])
	}
	var side [2]subtree
	side[bit(&n.prefix, fork)] = t
	return s.join(fork, first, s.merge(side[0], changes[:cut]), s.merge(side[1], changes[cut:]))
}

// rebunch makes changes to a bunch, or to nothing.
func (s *shard) rebunch(t subtree, changes []Change) subtree {
	var few [2 * maxBunch]leaf
	leaves := few[:0]
	for node := t.node; node != none; {
		l := *s.leaf(node)
		for len(changes) > 0 && bytes.Compare(changes[0].Key[:], l.key[:]) < 0 {
			leaves, changes = changes[0].put(leaves), changes[1:]
		}
		if len(changes) > 0 && changes[0].Key == l.key {
			leaves, changes = changes[0].put(leaves), changes[1:]
		} else {
			leaves = append(leaves, l)
		}
		s.leaves.release(uint32(node >> shift))
		node = l.next
	}
	for i := range changes {
		leaves = changes[i].put(leaves)
	}
	return s.plant(leaves)
}

// put appends what a change leaves at its key.
func (c *Change) put(leaves []leaf) []leaf {
	if c.Delete {
		return leaves
	}
	return append(leaves, leaf{key: c.Key, value: c.Value})
}

// plant makes new nodes for leaves, which are sorted.
func (s *shard) plant(leaves []leaf) subtree {
	switch {
	case len(leaves) == 0:
		return subtree{}
	case len(leaves) > maxBunch:
		depth, l, r := split(leaves)
		return s.fork(depth, &leaves[0].key, s.plant(l), s.plant(r))
	}
	t := subtree{hash: hashBunch(leaves)}
	for i := range slices.Backward(leaves) {
		leaves[i].next = t.node
		t.node = name(s.leaves.take()) | isLeaf
		*s.leaf(t.node) = leaves[i]
	}
	return t
}

// bunch appends the leaves of a bunch.
func (s *shard) bunch(node ref, leaves []leaf) []leaf {
	for node != none {
		l := s.leaf(node)
		leaves, node = append(leaves, *l), l.next
	}
	return leaves
}

// split parts two or more leaves where their keys first differ.
func split(leaves []leaf) (depth uint8, l, r []leaf) {
	depth = uint8(commonBits(&leaves[0].key, &leaves[len(leaves)-1].key)) //nolint:gosec // keys differ
	cut := sort.Search(len(leaves), func(i int) bool { return bit(&leaves[i].key, depth) == 1 })
	return depth, leaves[:cut], leaves[cut:]
}

// hashBunch is the root of one or more leaves.
func hashBunch(leaves []leaf) Hash {
	if len(leaves) == 1 {
		return hashLeaf(&leaves[0].key, &leaves[0].value)
	}
	depth, l, r := split(leaves)
	left, right := hashBunch(l), hashBunch(r)
	return hashInner(depth, &left, &right)
}

// descend changes both sides of the inner node t and hashes it once; the node
// goes when too few keys are left for it.
func (s *shard) descend(t subtree, left, right []Change) subtree {
	n := s.inner(t.node)
	was := n.hash
	l := s.merge(subtree{n.child[0], n.hash[0]}, left)
	r := s.merge(subtree{n.child[1], n.hash[1]}, right)
	if u, few := s.shrink(l, r); few {
		s.inners.release(uint32(t.node >> shift))
		return u
	}
	n.child, n.hash = [2]ref{l.node, r.node}, [2]Hash{l.hash, r.hash}
	if n.hash != was {
		t.hash = hashInner(n.depth, &l.hash, &r.hash)
	}
	return t
}

// join puts l and r below a new inner node, unless they are too few keys for it.
func (s *shard) join(depth uint8, prefix *Hash, l, r subtree) subtree {
	if t, few := s.shrink(l, r); few {
		return t
	}
	return s.fork(depth, prefix, l, r)
}

// fork puts l and r below a new inner node.
func (s *shard) fork(depth uint8, prefix *Hash, l, r subtree) subtree {
	t := subtree{name(s.inners.take()), hashInner(depth, &l.hash, &r.hash)}
	*s.inner(t.node) = inner{
		hash: [2]Hash{l.hash, r.hash}, prefix: *prefix,
		child: [2]ref{l.node, r.node}, depth: depth,
	}
	return t
}

// shrink returns what two sides are without an inner node over them, when they need
// none: the one that has keys, or a bunch of both.
func (s *shard) shrink(l, r subtree) (t subtree, few bool) {
	switch {
	case l.node == none:
		return r, true
	case r.node == none:
		return l, true
	case l.node&isLeaf == 0 || r.node&isLeaf == 0:
		return t, false
	}
	var room [2 * maxBunch]leaf
	leaves := s.bunch(r.node, s.bunch(l.node, room[:0]))
	if len(leaves) > maxBunch {
		return t, false
	}
	for _, node := range [2]ref{l.node, r.node} {
		s.uproot(node)
	}
	return s.plant(leaves), true
}

// uproot frees the leaves of a bunch.
func (s *shard) uproot(node ref) {
	for node != none {
		next := s.leaf(node).next
		s.leaves.release(uint32(node >> shift))
		node = next
	}
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
