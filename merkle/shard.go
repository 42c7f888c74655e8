package merkle

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sort"
)

// ref names a node of a shard: none, or the inner node or the bunch of a number.
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
	prefix [8]byte // What any key that was ever below begins with: all share the first depth bits.
	child  [2]ref
	depth  uint8
}

// subtree is a node with its hash; the zero subtree has no keys.
type subtree struct {
	node ref
	hash Hash
}

// shard is the part of a trie whose keys begin with the same shardBits bits. It
// owns its memory, so that shards may change in parallel.
type shard struct {
	top     subtree
	keys    int
	inners  slab[inner]
	bunches ground
	names   names
	digest  func(name []byte) Hash // The key of a name.
	packed  []byte                 // Short forms of names, while a bunch changes.
	was     bunch                  // A bunch, while it changes.
	made    bunch                  // One, while it is made.
	name    []byte                 // A name, while its key is made.
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
	below := s.below(n)
	first, last := &changes[0].Key, &changes[len(changes)-1].Key
	depth := min(commonBits(first, last), int(n.depth), commonBits(first, &below))
	fork := uint8(depth) //nolint:gosec // no deeper than n
	cut := sort.Search(len(changes), func(i int) bool { return bit(&changes[i].Key, fork) == 1 })
	if fork == n.depth {
		return s.descend(t, changes[:cut], changes[cut:])
	}
	var side [2]subtree
	side[bit(&below, fork)] = t
	return s.join(fork, first, s.merge(side[0], changes[:cut]), s.merge(side[1], changes[cut:]))
}

// below returns a key that shares its first bits with those below n, as many as they
// share among themselves.
func (s *shard) below(n *inner) (key Hash) {
	if int(n.depth) <= 8*len(n.prefix) {
		copy(key[:], n.prefix[:])
		return key
	}
	node := n.child[0] // Hashes share so much only if somebody makes them.
	for node&isLeaf == 0 {
		node = s.inner(node).child[0]
	}
	var few [maxBunch]leaf
	return s.key(&s.bunch(node).leaves(few[:0])[0])
}

// rebunch makes changes to a bunch, or to nothing.
func (s *shard) rebunch(t subtree, changes []Change) subtree {
	var room [maxBunch + 1]leaf
	leaves := room[:0]
	if t.node != none {
		b := s.bunch(t.node)
		if s.update(b, changes) {
			return subtree{t.node, hashLeaves(b.leaves(leaves))}
		}
		s.was = append(s.was[:0], b...) // What is planted may take its room.
		leaves = s.was.leaves(leaves)
		s.uproot(t.node)
	}
	s.packed = s.packed[:0]
	before := len(leaves)
	var last *Hash // If the leaves are too many for a bunch, then by this key.
	for len(changes) > 0 && len(leaves) <= maxBunch {
		last = &changes[0].Key
		leaves, changes = s.change(leaves, &changes[0]), changes[1:]
	}
	s.keys += len(leaves) - before
	return s.merge(s.plant(leaves, last), changes)
}

// change makes a change to the leaves of a bunch.
func (s *shard) change(leaves []leaf, c *Change) []leaf {
	begins := len(s.packed)
	s.packed = s.names.pack(s.packed, c.Name)
	l := leaf{name: s.packed[begins:]}
	at := slices.IndexFunc(leaves, func(other leaf) bool { return bytes.Equal(other.name, l.name) })
	if c.Delete {
		if at < 0 {
			return leaves
		}
		return remove(leaves, at)
	}
	l.hash = hashLeaf(&c.Key, &c.Value)
	switch {
	case at >= 0:
		leaves[at].hash = l.hash
		return leaves
	case len(leaves) == 0:
		return append(leaves, l)
	}
	at = nearest(leaves, &c.Key)
	other := s.key(&leaves[at])
	shared := uint8(commonBits(&c.Key, &other)) //nolint:gosec // keys differ
	return insert(leaves, l, at, shared, bit(&c.Key, shared))
}

// update makes changes in place, and reports whether all are of values of keys that are
// there. If not, some may have been made.
func (s *shard) update(b bunch, changes []Change) bool {
	for i := range changes {
		c := &changes[i]
		if c.Delete {
			return false
		}
		s.packed = s.names.pack(s.packed[:0], c.Name)
		hash := hashLeaf(&c.Key, &c.Value)
		if !b.put(s.packed, &hash) {
			return false
		}
	}
	return true
}

// key is the key of a leaf.
func (s *shard) key(l *leaf) Hash {
	s.name = s.names.unpack(s.name[:0], l.name)
	return s.digest(s.name)
}

// plant makes new nodes for leaves, all of which begin with the bits of prefix that they
// have in common.
func (s *shard) plant(leaves []leaf, prefix *Hash) subtree {
	switch {
	case len(leaves) == 0:
		return subtree{}
	case len(leaves) > maxBunch:
		depth, l, r := split(leaves)
		return s.fork(depth, prefix, s.plant(l, prefix), s.plant(r, prefix))
	}
	s.made = appendBunch(s.made[:0], leaves)
	return subtree{name(s.bunches.add(s.made)) | isLeaf, hashLeaves(leaves)}
}

// descend changes both sides of the inner node t and hashes it once; the node
// goes when too few keys are left for it.
func (s *shard) descend(t subtree, left, right []Change) subtree {
	n := s.inner(t.node)
	was := n.hash
	l := s.merge(subtree{n.child[0], n.hash[0]}, left)
	r := s.merge(subtree{n.child[1], n.hash[1]}, right)
	if u, few := s.shrink(n.depth, l, r); few {
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
	if t, few := s.shrink(depth, l, r); few {
		return t
	}
	return s.fork(depth, prefix, l, r)
}

// fork puts l and r below a new inner node.
func (s *shard) fork(depth uint8, prefix *Hash, l, r subtree) subtree {
	t := subtree{name(s.inners.take()), hashInner(depth, &l.hash, &r.hash)}
	*s.inner(t.node) = inner{
		hash: [2]Hash{l.hash, r.hash}, prefix: [8]byte(prefix[:]),
		child: [2]ref{l.node, r.node}, depth: depth,
	}
	return t
}

// shrink returns what two sides are without an inner node over them, when they need
// none: the one that has keys, or a bunch of both, whose keys part at depth.
func (s *shard) shrink(depth uint8, l, r subtree) (t subtree, few bool) {
	switch {
	case l.node == none:
		return r, true
	case r.node == none:
		return l, true
	case l.node&isLeaf == 0 || r.node&isLeaf == 0 || s.bunch(l.node).len()+s.bunch(r.node).len() > maxBunch:
		return t, false
	}
	var room [maxBunch]leaf
	leaves := s.bunch(l.node).leaves(room[:0])
	leaves[len(leaves)-1].parts = depth
	leaves = s.bunch(r.node).leaves(leaves)
	s.uproot(l.node)
	s.uproot(r.node)
	return s.plant(leaves, nil), true
}

// uproot frees a bunch.
func (s *shard) uproot(node ref) { s.bunches.remove(uint32(node >> shift)) }

func (s *shard) inner(node ref) *inner { return s.inners.at(uint32(node >> shift)) }
func (s *shard) bunch(node ref) bunch  { return s.bunches.at(uint32(node >> shift)) }

// name is the ref of node i.
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
