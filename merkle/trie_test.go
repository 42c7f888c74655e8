package merkle_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/merkle"
)

// pairs is the naive auditor: what a trie should hold.
type pairs map[merkle.Hash]merkle.Hash

// root is the root by its definition, one recursion over sorted keys.
func (p pairs) root() merkle.Hash {
	return naiveRoot(p, p.keys())
}

func (p pairs) keys() []merkle.Hash {
	keys := make([]merkle.Hash, 0, len(p))
	for key := range p {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b merkle.Hash) int { return bytes.Compare(a[:], b[:]) })
	return keys
}

func naiveRoot(p pairs, keys []merkle.Hash) merkle.Hash {
	switch len(keys) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		value := p[keys[0]]
		return sha256.Sum256(slices.Concat([]byte{0}, keys[0][:], value[:]))
	}
	for depth := range 256 {
		ones := slices.IndexFunc(keys, func(key merkle.Hash) bool { return key[depth/8]<<(depth%8) >= 0x80 })
		if ones <= 0 {
			continue
		}
		l, r := naiveRoot(p, keys[:ones]), naiveRoot(p, keys[ones:])
		return sha256.Sum256(slices.Concat([]byte{1, byte(depth)}, l[:], r[:]))
	}
	panic("two keys are equal")
}

// apply makes the changes in the model.
func (p pairs) apply(changes []merkle.Change) {
	for _, c := range changes {
		if c.Delete {
			delete(p, c.Key)
		} else {
			p[c.Key] = c.Value
		}
	}
}

func hashOf(n uint64) merkle.Hash { return sha256.Sum256(nameOf(n)) }

func nameOf(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// put changes the value at hashOf(n), remove takes the key out.
func put(n uint64, value merkle.Hash) merkle.Change {
	return merkle.Change{Name: nameOf(n), Key: hashOf(n), Value: value}
}

func remove(n uint64) merkle.Change {
	return merkle.Change{Name: nameOf(n), Key: hashOf(n), Delete: true}
}

// valueOf is what a trie asks for values: whoever keeps the rows.
func (p pairs) valueOf(name []byte) merkle.Hash { return p[sha256.Sum256(name)] }

// valueOfPlain is valueOf for keys that are their own names.
func (p pairs) valueOfPlain(name []byte) merkle.Hash { return p[merkle.Hash(name)] }

// inParallel is what a caller on several cores passes to Apply.
func inParallel(a, b func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a()
	}()
	b()
	<-done
}

// crowded draws keys that share long prefixes, which hashed keys never do.
func crowded() *rapid.Generator[merkle.Hash] {
	some := map[int][]byte{ // Most have more than eight bytes in common, and many of those ten.
		0: {0, 0, 0, 0, 0, 0, 0x01, 0x80}, 1: {0, 0, 0, 0, 0, 0xff}, 9: {0, 0, 0, 0x01, 0xff},
		10: {0, 0x01, 0x7f, 0x80, 0xff}, 31: {0, 0x01, 0x03, 0x80, 0xff},
	}
	return rapid.Custom(func(t *rapid.T) merkle.Hash {
		var key merkle.Hash
		for _, at := range slices.Sorted(maps.Keys(some)) {
			key[at] = rapid.SampledFrom(some[at]).Draw(t, "byte")
		}
		return key
	})
}

func batch() *rapid.Generator[[]merkle.Change] {
	change := rapid.Custom(func(t *rapid.T) merkle.Change {
		key := crowded().Draw(t, "key")
		return merkle.Change{
			Name:   key[:],
			Key:    key,
			Value:  hashOf(rapid.Uint64Range(0, 3).Draw(t, "value")),
			Delete: rapid.Bool().Draw(t, "delete"),
		}
	})
	return rapid.SliceOfNDistinct(change, 0, 48, func(c merkle.Change) merkle.Hash { return c.Key })
}

func TestTrieHoldsWhatTheModelHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trie, model := merkle.NewPlainTrie(), pairs{}
		asked := rapid.SliceOf(crowded()).Draw(t, "asked")
		t.Repeat(map[string]func(*rapid.T){
			"apply": func(t *rapid.T) {
				changes := batch().Draw(t, "changes")
				model.apply(changes)
				trie.Apply(changes, nil)
			},
			"": func(t *rapid.T) {
				if trie.Root() != model.root() || trie.Len() != len(model) {
					t.Fatalf("root %s of %d keys, want %s of %d", trie.Root(), trie.Len(), model.root(), len(model))
				}
				for _, key := range append(model.keys(), asked...) {
					checkProof(t, trie, model, trie.Prove(key, model.valueOfPlain), key)
				}
			},
		})
	})
}

// checkProof holds the proof of what is at a key against the model.
func checkProof(t rapid.TB, trie *merkle.Trie, model pairs, proof merkle.Proof, key merkle.Hash) {
	want, there := model[key]
	got, ok, err := proof.Verify(trie.Root(), key)
	if err != nil || got != want || ok != there {
		t.Fatalf("proof of %s says %s, %t, %v; want %s, %t", key, got, ok, err, want, there)
	}
}

// Keys that somebody made to share ten bytes, and then others that share nine with them.
func TestKeysThatShareMoreThanEightBytes(t *testing.T) {
	trie, model := merkle.NewPlainTrie(), pairs{}
	for _, ninth := range []byte{0x10, 0x01, 0x80, 0x11} {
		var changes []merkle.Change
		for n := range byte(50) {
			key := merkle.Hash{9: ninth, 10: 5 * n}
			changes = append(changes, merkle.Change{Name: key[:], Key: key, Value: hashOf(uint64(n))})
		}
		model.apply(changes)
		trie.Apply(changes, nil)
		if trie.Root() != model.root() {
			t.Fatalf("with %x, the root is %s, want %s", ninth, trie.Root(), model.root())
		}
	}
}

// The same pairs, reached in one batch or many, in any order, by way of keys
// that came and went, on one core or more, have the same root.
func TestRootForgetsHistory(t *testing.T) {
	const keys = 5000
	random := rand.New(rand.NewPCG(1, 2))
	final := pairs{}
	var puts, detours []merkle.Change
	for n := range uint64(keys) {
		final[hashOf(n)] = hashOf(n * n)
		puts = append(puts, put(n, hashOf(n*n)))
		detours = append(detours,
			merkle.Change{Name: nameOf(n), Key: hashOf(n), Value: hashOf(n + 1), Delete: n%3 == 0},
			put(keys+n, hashOf(n)))
	}
	var ends []merkle.Change
	for n := range uint64(keys) {
		ends = append(ends, remove(keys+n))
	}
	ends = append(ends, puts...)
	for _, history := range []struct {
		name   string
		stages [][]merkle.Change
		size   int
		both   func(a, b func())
	}{
		{"one batch", [][]merkle.Change{puts}, 2 * keys, nil},
		{"one batch, in parallel", [][]merkle.Change{puts}, 2 * keys, inParallel},
		{"one by one", [][]merkle.Change{puts}, 1, nil},
		{"with detours", [][]merkle.Change{detours, ends}, 2 * keys, nil},
		{"with detours, in parallel", [][]merkle.Change{detours, ends}, 1777, inParallel},
		{"with detours, in small batches", [][]merkle.Change{detours, ends}, 7, inParallel},
	} {
		trie := merkle.NewTrie()
		for _, stage := range history.stages {
			changes := slices.Clone(stage)
			random.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
			for part := range slices.Chunk(changes, history.size) {
				trie.Apply(part, history.both)
			}
		}
		if trie.Root() != final.root() || trie.Len() != keys {
			t.Errorf("%s: root %s of %d keys, want %s", history.name, trie.Root(), trie.Len(), final.root())
		}
	}
}

func TestUndoingABatchRestoresTheRoot(t *testing.T) {
	trie := merkle.NewTrie()
	trie.Apply([]merkle.Change{put(1, hashOf(1)), put(2, hashOf(2))}, nil)
	before := trie.Root()
	trie.Apply([]merkle.Change{remove(1), put(3, hashOf(3))}, nil)
	if trie.Root() == before {
		t.Fatal("the batch changed nothing")
	}
	trie.Apply([]merkle.Change{put(1, hashOf(1)), remove(3)}, nil)
	if trie.Root() != before {
		t.Errorf("root %s, want %s again", trie.Root(), before)
	}
}

// Keys that come and go leave no memory behind.
func TestChurnDoesNotGrowTheTrie(t *testing.T) {
	trie, _ := grove(1000)
	churn := func() {
		for _, gone := range []bool{false, true} {
			var changes []merkle.Change
			for n := range uint64(1000) {
				changes = append(changes, merkle.Change{Name: nameOf(5000 + n), Key: hashOf(5000 + n), Delete: gone})
			}
			trie.Apply(changes, nil)
		}
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	churn()
	before := heap()
	for range 100 {
		churn()
	}
	if after := heap(); after > before+1<<20 {
		t.Errorf("a hundred rounds took %d kB", (after-before)>>10)
	}
	runtime.KeepAlive(trie)
}

func TestEmptyTrie(t *testing.T) {
	trie := merkle.NewTrie()
	if trie.Root() != merkle.Empty {
		t.Error("a new trie is not empty")
	}
	trie.Apply([]merkle.Change{put(1, hashOf(1))}, nil)
	trie.Apply([]merkle.Change{remove(1), remove(2)}, nil)
	if trie.Root() != merkle.Empty || trie.Len() != 0 {
		t.Errorf("after deleting all: root %s of %d keys", trie.Root(), trie.Len())
	}
}

func TestTwoChangesOfOneKeyPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	merkle.NewTrie().Apply([]merkle.Change{put(1, merkle.Hash{}), remove(1)}, nil)
}

// The root of three pairs, written out once, so that a change of the hashing
// rules cannot go unnoticed.
func TestRootIsPinned(t *testing.T) {
	trie := merkle.NewTrie()
	for n := range uint64(3) {
		trie.Apply([]merkle.Change{put(n, hashOf(n+100))}, nil)
	}
	const want = "a7980cfffbe7eb67b6ea6b02e1ab99fdd2b36429e370b2e6a4054da8d464d639"
	if trie.Root().String() != want {
		t.Errorf("root %s, want %s", trie.Root(), want)
	}
}
