package merkle

import (
	"bytes"
	"slices"
)

// maxBunch is the most keys that are kept as a bunch, a list of leaves without inner
// nodes over them: an inner node takes more memory than a leaf, and what is above
// a few leaves is soon hashed again. More save less memory and cost more hashing.
const maxBunch = 24

// bunch is how many leaves there are, and then one after the other, in the order of their
// keys. Of each there is its hash, the depth at which its key and the next one's part, and
// its name's short form: a key is the hash of its name and four times as long, and a value
// can be had from whoever keeps the rows. Neither is needed to hash what is above when a
// value changes.
type bunch []byte

// leaf is one key of a bunch.
type leaf struct {
	hash  Hash
	parts uint8  // From the next leaf's key, at this depth; of no meaning in the last one.
	name  []byte // Its short form.
}

// hashSize and leafHead are the bytes of a bunch before a leaf's depth and its name.
const (
	hashSize = len(Hash{})
	leafHead = hashSize + 1
)

// len is how many leaves there are.
func (b bunch) len() int { return int(b[0]) }

// leaves appends the leaves of a bunch, whose names are parts of it.
func (b bunch) leaves(list []leaf) []leaf {
	for b = b[1:]; len(b) > 0; {
		end := leafHead + packedLen(b[leafHead:])
		list = append(list, leaf{hash: Hash(b[:hashSize]), parts: b[hashSize], name: b[leafHead:end:end]})
		b = b[end:]
	}
	return list
}

// appendBunch appends the bunch of some leaves.
func appendBunch(b bunch, leaves []leaf) bunch {
	b = append(b, byte(len(leaves))) //nolint:gosec // at most maxBunch
	for i := range leaves {
		l := &leaves[i]
		b = append(append(append(b, l.hash[:]...), l.parts), l.name...)
	}
	return b
}

// put gives the leaf of a name another hash, and reports whether there is one.
func (b bunch) put(name []byte, hash *Hash) bool {
	for b = b[1:]; len(b) > 0; {
		end := leafHead + packedLen(b[leafHead:])
		if bytes.Equal(b[leafHead:end], name) {
			copy(b, hash[:])
			return true
		}
		b = b[end:]
	}
	return false
}

// split parts two or more leaves where their keys first differ.
func split(leaves []leaf) (depth uint8, l, r []leaf) {
	cut := 0
	for i := range leaves[:len(leaves)-1] {
		if leaves[i].parts < leaves[cut].parts {
			cut = i
		}
	}
	return leaves[cut].parts, leaves[:cut+1], leaves[cut+1:]
}

// hashLeaves is the root of one or more leaves.
func hashLeaves(leaves []leaf) Hash {
	if len(leaves) == 1 {
		return leaves[0].hash
	}
	depth, l, r := split(leaves)
	left, right := hashLeaves(l), hashLeaves(r)
	return hashInner(depth, &left, &right)
}

// nearest returns where a search for a key ends among one or more leaves.
func nearest(leaves []leaf, key *Hash) (at int) {
	for len(leaves) > 1 {
		depth, l, r := split(leaves)
		if leaves = l; bit(key, depth) == 1 {
			leaves = r
			at += len(l)
		}
	}
	return at
}

// insert puts a leaf among others, where its key has the first bits, shared of them, in
// common with that of the leaf at near, and has one that is bit next.
func insert(leaves []leaf, l leaf, near int, shared uint8, bit int) []leaf {
	from, to := near, near // All that have more in common with the one at near.
	for from > 0 && leaves[from-1].parts > shared {
		from--
	}
	for to < len(leaves)-1 && leaves[to].parts > shared {
		to++
	}
	if bit == 0 {
		l.parts = shared
		return slices.Insert(leaves, from, l)
	}
	l.parts, leaves[to].parts = leaves[to].parts, shared
	return slices.Insert(leaves, to+1, l)
}

// remove takes a leaf out.
func remove(leaves []leaf, at int) []leaf {
	if at > 0 {
		leaves[at-1].parts = min(leaves[at-1].parts, leaves[at].parts)
	}
	return slices.Delete(leaves, at, at+1)
}
