package merkle

import "crypto/sha256"

// The trie's keys are spread over shards by their first bits.
const (
	shardBits  = 4
	shardCount = 1 << shardBits
)

// smallBatch is the number of changes below which handing half of them to
// another core costs more than it saves.
const smallBatch = 256

// Change puts a value at a key or takes the key out.
type Change struct {
	Name   []byte // the row's key, which the trie keeps in fewer bytes than its hash
	Key    Hash   // SHA-256 of Name
	Value  Hash   // SHA-256 of the row; of no meaning when Delete is set
	Delete bool   // of a key that is not there: no change
}

// Trie is an authenticated map from hashed keys to hashed values: a binary Merkle trie
// whose paths are compressed, in memory. It keeps hashes of pairs, and names of keys, but
// no values, which those have who keep the rows. An inner node is the place
// where two keys first differ, so n keys have n-1 inner nodes, of which those above
// the last few keys are not kept; shape and root follow from the set of pairs alone:
//
//	root of no pair         SHA-256()
//	root of one pair        SHA-256(0x00 ‖ key ‖ value)
//	root of more            SHA-256(0x01 ‖ depth ‖ root of the 0-side ‖ root of the 1-side)
//
// where depth, one byte, is the number of leading bits that all keys share,
// and the sides are the pairs whose keys have a 0 or a 1 right after them.
//
// Reads may run in parallel with one another, but not with Apply. Changes that
// undo a batch restore its root.
type Trie struct {
	shards [shardCount]shard
	root   Hash
}

// NewTrie returns a trie without keys.
func NewTrie() *Trie { return newTrie(func(name []byte) Hash { return sha256.Sum256(name) }) }

// newTrie returns a trie without keys, which are by digest what they are by SHA-256.
func newTrie(digest func(name []byte) Hash) *Trie {
	t := &Trie{root: Empty}
	for i := range t.shards {
		t.shards[i].digest = digest
	}
	return t
}

// Root is the hash of all that the trie holds: Empty when that is nothing.
func (t *Trie) Root() Hash { return t.root }

// Len is the number of keys.
func (t *Trie) Len() int {
	keys := 0
	for i := range t.shards {
		keys += t.shards[i].keys
	}
	return keys
}

// Apply makes the changes, each of another key, and hashes every touched node
// once. It reorders the slice. It panics on two changes of one key.
//
// both runs its two functions, in turn or in parallel, and returns when both
// are done; they share nothing. A nil both runs them in turn. The root is the
// same either way.
func (t *Trie) Apply(changes []Change, both func(a, b func())) {
	if both == nil {
		both = InTurn
	}
	spread(t.shards[:], changes, 0, both)
	t.root = Empty
	if top := crown(t.shards[:], 0); top.node != none {
		t.root = top.hash
	}
}

// InTurn runs two functions one after the other.
func InTurn(a, b func()) {
	a()
	b()
}

// spread hands every shard its changes; the keys agree before bit depth.
func spread(shards []shard, changes []Change, depth uint8, both func(a, b func())) {
	if len(changes) == 0 {
		return
	}
	if len(shards) == 1 {
		shards[0].apply(changes)
		return
	}
	if len(changes) < smallBatch {
		both = InTurn
	}
	middle, cut := len(shards)/2, partition(changes, depth)
	both(
		func() { spread(shards[:middle], changes[:cut], depth+1, both) },
		func() { spread(shards[middle:], changes[cut:], depth+1, both) },
	)
}

// partition moves the keys with a 0 at bit depth before those with a 1 and
// returns how many they are.
func partition(changes []Change, depth uint8) int {
	zeros, ones := 0, len(changes)
	for zeros < ones {
		if bit(&changes[zeros].Key, depth) == 0 {
			zeros++
			continue
		}
		ones--
		changes[zeros], changes[ones] = changes[ones], changes[zeros]
	}
	return zeros
}

// crown returns the subtree over shards whose keys agree before bit depth. Its
// inner nodes above the shards are hashed anew each time, since there are
// fewer of them than shards.
func crown(shards []shard, depth uint8) subtree {
	if len(shards) == 1 {
		return shards[0].top
	}
	middle := len(shards) / 2
	l, r := crown(shards[:middle], depth+1), crown(shards[middle:], depth+1)
	switch {
	case l.node == none:
		return r
	case r.node == none:
		return l
	}
	return subtree{some, hashInner(depth, &l.hash, &r.hash)}
}
