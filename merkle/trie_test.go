package merkle_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
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

func hashOf(n uint64) merkle.Hash {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, n))
}

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
	return rapid.Custom(func(t *rapid.T) merkle.Hash {
		var key merkle.Hash
		for _, at := range []int{0, 1, 9, 31} {
			key[at] = rapid.SampledFrom([]byte{0x00, 0x00, 0x01, 0x80, 0xff}).Draw(t, "byte")
		}
		return key
	})
}

func batch() *rapid.Generator[[]merkle.Change] {
	change := rapid.Custom(func(t *rapid.T) merkle.Change {
		return merkle.Change{
			Key:    crowded().Draw(t, "key"),
			Value:  hashOf(rapid.Uint64Range(0, 3).Draw(t, "value")),
			Delete: rapid.Bool().Draw(t, "delete"),
		}
	})
	return rapid.SliceOfNDistinct(change, 0, 24, func(c merkle.Change) merkle.Hash { return c.Key })
}

func TestTrieHoldsWhatTheModelHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trie, model := merkle.NewTrie(), pairs{}
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
					checkKey(t, trie, model, key)
				}
			},
		})
	})
}

// checkKey asks the trie, and its proof, for one key.
func checkKey(t rapid.TB, trie *merkle.Trie, model pairs, key merkle.Hash) {
	want, there := model[key]
	if got, ok := trie.Get(key); got != want || ok != there {
		t.Fatalf("Get(%s) = %s, %t; want %s, %t", key, got, ok, want, there)
	}
	proof := trie.Prove(key)
	got, ok, err := proof.Verify(trie.Root(), key)
	if err != nil || got != want || ok != there {
		t.Fatalf("proof of %s says %s, %t, %v; want %s, %t", key, got, ok, err, want, there)
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
		puts = append(puts, merkle.Change{Key: hashOf(n), Value: hashOf(n * n)})
		detours = append(detours,
			merkle.Change{Key: hashOf(n), Value: hashOf(n + 1), Delete: n%3 == 0},
			merkle.Change{Key: hashOf(keys + n), Value: hashOf(n)})
	}
	var ends []merkle.Change
	for n := range uint64(keys) {
		ends = append(ends, merkle.Change{Key: hashOf(keys + n), Delete: true})
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
	trie.Apply([]merkle.Change{{Key: hashOf(1), Value: hashOf(1)}, {Key: hashOf(2), Value: hashOf(2)}}, nil)
	before := trie.Root()
	trie.Apply([]merkle.Change{{Key: hashOf(1), Delete: true}, {Key: hashOf(3), Value: hashOf(3)}}, nil)
	if trie.Root() == before {
		t.Fatal("the batch changed nothing")
	}
	trie.Apply([]merkle.Change{{Key: hashOf(1), Value: hashOf(1)}, {Key: hashOf(3), Delete: true}}, nil)
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
				changes = append(changes, merkle.Change{Key: hashOf(5000 + n), Delete: gone})
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
	trie.Apply([]merkle.Change{{Key: hashOf(1), Value: hashOf(1)}}, nil)
	trie.Apply([]merkle.Change{{Key: hashOf(1), Delete: true}, {Key: hashOf(2), Delete: true}}, nil)
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
	merkle.NewTrie().Apply([]merkle.Change{{Key: hashOf(1)}, {Key: hashOf(1), Delete: true}}, nil)
}

// The root of three pairs, written out once, so that a change of the hashing
// rules cannot go unnoticed.
func TestRootIsPinned(t *testing.T) {
	trie := merkle.NewTrie()
	for n := range uint64(3) {
		trie.Apply([]merkle.Change{{Key: hashOf(n), Value: hashOf(n + 100)}}, nil)
	}
	const want = "a7980cfffbe7eb67b6ea6b02e1ab99fdd2b36429e370b2e6a4054da8d464d639"
	if trie.Root().String() != want {
		t.Errorf("root %s, want %s", trie.Root(), want)
	}
}
