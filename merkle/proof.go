package merkle

// Proof shows what a Trie holds at a key: a value, or nothing. It is the path
// that a search for the key takes from the root, and the leaf it ends at.
//
// Why absence is sound. An inner node's hash commits to its depth, so a search
// has no choice: at an inner node it goes where the key's bit at that depth
// says, and the bits between two depths do not matter on the way. If the key
// were in the trie, it would be on that side at each node, hence below every
// node of the path, and the path's last node is a leaf: it would be that leaf.
// So a leaf with another key at the end of the key's own path proves that the
// key is absent, and a leaf with the key proves its value. Leaf and inner node
// hash different first bytes and fixed lengths, so a path to a true root that
// is not the search's path contains a collision of SHA-256. The empty trie has
// no path; its root is the hash of nothing, which no leaf or node shares.
type Proof struct {
	Leaf *Leaf  `cbor:"1,keyasint,omitempty" json:"leaf,omitempty"` // nil for the empty trie
	Path []Step `cbor:"2,keyasint" json:"path"`                     // from the root down
}

// Leaf is a pair that a trie holds.
type Leaf struct {
	Key   Hash `cbor:"1,keyasint" json:"key"`
	Value Hash `cbor:"2,keyasint" json:"value"`
}

// Step is an inner node of a path: the bit it forks at and the hash of the side
// that the path does not take.
type Step struct {
	Depth uint8 `cbor:"1,keyasint" json:"depth"`
	Aside Hash  `cbor:"2,keyasint" json:"aside"`
}

// Prove returns the proof of what the trie holds at key; value is asked for the value at
// a name, which is the key's or that of the leaf where the search for it ends.
func (t *Trie) Prove(key Hash, value func(name []byte) Hash) Proof {
	proof := Proof{Path: []Step{}}
	shards := t.shards[:]
	for depth := range uint8(shardBits) {
		middle := len(shards) / 2
		near, far := shards[:middle], shards[middle:]
		if bit(&key, depth) == 1 {
			near, far = far, near
		}
		aside := crown(far, depth+1)
		switch {
		case aside.node == none:
			shards = near
		case crown(near, depth+1).node == none:
			shards = far
		default:
			shards = near
			proof.Path = append(proof.Path, Step{depth, aside.hash})
		}
	}
	shards[0].prove(key, value, &proof)
	return proof
}

// prove extends the proof from the shard's top to a leaf.
func (s *shard) prove(key Hash, value func(name []byte) Hash, proof *Proof) {
	node := s.top.node
	if node == none {
		return
	}
	for node&isLeaf == 0 {
		n := s.inner(node)
		side := bit(&key, n.depth)
		proof.Path = append(proof.Path, Step{n.depth, n.hash[1-side]})
		node = n.child[side]
	}
	var room [maxBunch]leaf
	leaves := s.bunch(node).leaves(room[:0])
	for len(leaves) > 1 {
		depth, near, far := split(leaves)
		if bit(&key, depth) == 1 {
			near, far = far, near
		}
		proof.Path = append(proof.Path, Step{depth, hashLeaves(far)})
		leaves = near
	}
	name := s.names.unpack(nil, leaves[0].name)
	proof.Leaf = &Leaf{s.digest(name), value(name)}
}

// Verify returns what the trie with this root holds at key: a value, or
// nothing.
//
// Errors: ErrShape when p is no path that a search for key can take; ErrRoot
// when it is a path of another trie.
func (p *Proof) Verify(root, key Hash) (value Hash, present bool, err error) {
	if p.Leaf == nil {
		if len(p.Path) != 0 {
			return Hash{}, false, ErrShape
		}
		if root != Empty {
			return Hash{}, false, ErrRoot
		}
		return Hash{}, false, nil
	}
	hash := hashLeaf(&p.Leaf.Key, &p.Leaf.Value)
	for i := len(p.Path) - 1; i >= 0; i-- {
		step := &p.Path[i]
		side := bit(&key, step.Depth)
		if i > 0 && p.Path[i-1].Depth >= step.Depth || bit(&p.Leaf.Key, step.Depth) != side {
			return Hash{}, false, ErrShape
		}
		if side == 0 {
			hash = hashInner(step.Depth, &hash, &step.Aside)
		} else {
			hash = hashInner(step.Depth, &step.Aside, &hash)
		}
	}
	if hash != root {
		return Hash{}, false, ErrRoot
	}
	if p.Leaf.Key != key {
		return Hash{}, false, nil
	}
	return p.Leaf.Value, true, nil
}
