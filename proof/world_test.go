package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/state"
)

// world is a small chain in memory, as validators would make it.
type world struct {
	name   string
	rows   *state.Memory
	trie   *merkle.Trie
	log    merkle.Log
	leaves []merkle.Hash
	facts  []Shown
	now    []voter // Who signs the block at hand.
	next   []voter // And the one after it.
	blocks []Block // By height less one, with everybody's signature.
}

// voter is a validator with its key.
type voter struct {
	Validator
	key ed25519.PrivateKey
}

// voters makes validators of equal power, whose keys begin at a number.
func voters(from, to int, power int64) []voter {
	var list []voter
	for i := from; i < to; i++ {
		seed := sha256.Sum256(fmt.Appendf(nil, "voter %d", i))
		key := ed25519.NewKeyFromSeed(seed[:])
		list = append(list, voter{Validator{Key: Key(key.Public().(ed25519.PublicKey)), Power: power}, key})
	}
	return list
}

func setOf(list []voter) []Validator {
	set := make([]Validator, len(list))
	for i, v := range list {
		set[i] = v.Validator
	}
	return set
}

// note is what a world's receipts say.
type note struct {
	Height int64  `cbor:"1,keyasint"`
	N      uint64 `cbor:"2,keyasint"`
}

// newWorld begins a chain with validators, some rows and some receipts.
func newWorld(name string, list []voter) *world {
	w := &world{name: name, rows: state.NewMemory(), trie: merkle.NewTrie(), now: list, next: list}
	w.write(0, 5)
	return w
}

// write puts rows and receipts of a block into the state.
func (w *world) write(height int64, count int) {
	var changes []state.Change
	var hashed []merkle.Change
	for i := range count {
		c := state.Change{Key: fmt.Appendf(nil, "row/%d-%d", height, i), Row: fmt.Appendf(nil, "is %d", i)}
		changes, hashed = append(changes, c), append(hashed, c.Hashed())
		f := Fact{Salt: slices.Repeat([]byte{byte(i + 1)}, saltSize), Kind: 104, Audience: 7, Body: codec.Marshal(note{height, uint64(i)})}
		w.facts, w.leaves = append(w.facts, Shown{height, f}), append(w.leaves, f.Leaf(height))
		w.log.Append(f.Leaf(height))
	}
	w.rows.Apply(changes)
	w.trie.Apply(hashed, nil)
}

func (w *world) roots() Roots {
	return Roots{State: w.trie.Root(), Log: w.log.Root(), Size: w.log.Size()}
}

// height is that of the last block.
func (w *world) height() int64 { return int64(len(w.blocks)) }

// step makes a block, which holds the state so far.
func (w *world) step() *Block {
	height := w.height() + 1
	number := binary.BigEndian.AppendUint64(make([]byte, 24), uint64(height))
	app, set, next := w.roots().AppHash(), ValidatorsHash(setOf(w.now)), ValidatorsHash(setOf(w.next))
	b := Block{
		Header: Header{
			BlockProtocol: 11, Height: height, Time: 1_790_000_000_000_000_000 + height*1_000_000_007,
			LastCommit: number, Data: number, Validators: set[:], NextValidators: next[:], Consensus: number, App: app[:],
			LastResults: merkle.Empty[:], Evidence: merkle.Empty[:], Proposer: set[:20],
		},
		Parts: Parts{Total: 1, Hash: number}, Validators: setOf(w.now),
	}
	if height > 1 {
		last := w.blocks[height-2].Header.Hash(w.name)
		b.Header.LastBlock = BlockID{Hash: last[:], Parts: w.blocks[height-2].Parts}
	}
	w.sign(&b, w.now)
	w.blocks = append(w.blocks, b)
	w.now = w.next
	return &w.blocks[height-1]
}

// sign makes voters, who are all or some of the block's validators in their order,
// sign it.
func (w *world) sign(b *Block, list []voter) {
	b.Signatures = nil
	for _, v := range list {
		i := slices.Index(b.Validators, v.Validator)
		at := b.Header.Time + int64(i) + 1
		signature := ed25519.Sign(v.key, b.signBytes(w.name, b.Header.Hash(w.name), at))
		b.Signatures = append(b.Signatures, Signature{Validator: uint32(i), Time: at, Signature: [64]byte(signature)})
	}
}

// steps makes blocks until a height.
func (w *world) steps(height int64) {
	for w.height() < height {
		w.step()
	}
}

// bundle makes a bundle of the last block, which is made for it, by way of others.
func (w *world) bundle(way ...int64) *Bundle {
	w.step()
	var path []Block
	for _, height := range append(way, w.height()) {
		path = append(path, w.blocks[height-1])
	}
	omit(path)
	b := &Bundle{Format: Format, Chain: w.name, Roots: w.roots(), Path: path[:len(way)], Block: path[len(way)]}
	b.Seal()
	return b
}

// disclose shows receipts by their index.
func (w *world) disclose(b *Bundle, indices ...uint64) {
	nodes := merkle.Leaves(func(i uint64) merkle.Hash { return w.leaves[i] })
	for _, i := range indices {
		b.Receipts = append(b.Receipts, Disclosed{
			Height: w.facts[i].Height, Fact: w.facts[i].Fact, Index: i, Path: merkle.ProveInclusion(nodes, i, w.log.Size()),
		})
	}
}

// show proves rows, in the order of their keys.
func (w *world) show(b *Bundle, keys ...string) {
	for _, key := range keys {
		b.Rows = append(b.Rows, state.Prove(w.trie, w.rows, []byte(key)))
	}
}

// typical is a bundle of four validators that has one of everything.
func typical(t testing.TB) (*world, *Bundle) {
	t.Helper()
	w := newWorld("riverside-1", voters(0, 4, 10))
	w.steps(3)
	w.write(3, 6)
	b := w.bundle(1)
	w.disclose(b, 2, 8)
	w.show(b, "row/3-2", "row/none")
	b.Seal()
	return w, b
}

// least is a bundle of one validator that has one of everything.
func least(t testing.TB) (*world, *Bundle) {
	t.Helper()
	w := newWorld("riverside-1", voters(0, 1, 1))
	b := w.bundle()
	w.disclose(b, 1)
	w.show(b, "row/none")
	b.Seal()
	return w, b
}
