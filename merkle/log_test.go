package merkle_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/merkle"
)

// witness is a log together with the independent implementation of RFC 6962 and
// what a caller of Append keeps.
type witness struct {
	log    merkle.Log
	theirs *testonly.Tree
	leaves []merkle.Hash
	peaks  []merkle.Hash
	roots  []merkle.Hash // by size
}

// watch logs n leaves.
func watch(n int) *witness {
	w := &witness{theirs: testonly.New(rfc6962.DefaultHasher), roots: []merkle.Hash{merkle.Empty}}
	for i := range n {
		data := []byte{byte(i), byte(i >> 8)}
		w.theirs.AppendData(data)
		w.leaves = append(w.leaves, merkle.LeafHash(data))
		w.peaks = append(w.peaks, w.log.Append(w.leaves[i]))
		w.roots = append(w.roots, w.log.Root())
	}
	return w
}

// nodes are the two ways to find the hashes of a proof.
func (w *witness) nodes() map[string]merkle.Nodes {
	return map[string]merkle.Nodes{
		"leaves": merkle.Leaves(func(i uint64) merkle.Hash { return w.leaves[i] }),
		"peaks":  merkle.Peaks(func(i uint64) (leaf, peak merkle.Hash) { return w.leaves[i], w.peaks[i] }),
	}
}

func ours(theirs [][]byte) []merkle.Hash {
	var path []merkle.Hash
	for _, hash := range theirs {
		path = append(path, merkle.Hash(hash))
	}
	return path
}

func theirs(ours []merkle.Hash) [][]byte {
	var path [][]byte
	for i := range ours {
		path = append(path, ours[i][:])
	}
	return path
}

func TestLogRootsAreThoseOfRFC6962(t *testing.T) {
	w := watch(300)
	if got := ours([][]byte{w.theirs.HashAt(0)})[0]; merkle.Empty != got {
		t.Errorf("the empty root is %s, want %s", merkle.Empty, got)
	}
	for size, root := range w.roots {
		if want := merkle.Hash(w.theirs.HashAt(uint64(size))); root != want {
			t.Errorf("root at size %d is %s, want %s", size, root, want)
		}
	}
}

// The inputs and roots that the certificate transparency projects publish.
func TestLogRootsArePublished(t *testing.T) {
	var log merkle.Log
	for i, data := range testonly.LeafInputs() {
		log.Append(merkle.LeafHash(data))
		if want := merkle.Hash(testonly.RootHashes()[i+1]); log.Root() != want {
			t.Errorf("root at size %d is %s, want %s", i+1, log.Root(), want)
		}
	}
}

func TestInclusionProofsAreThoseOfRFC6962(t *testing.T) {
	const size = 70
	w := watch(size)
	for name, nodes := range w.nodes() {
		for n := uint64(1); n <= size; n++ {
			for i := range n {
				want, err := w.theirs.InclusionProof(i, n)
				if err != nil {
					t.Fatal(err)
				}
				got := merkle.ProveInclusion(nodes, i, n)
				if !slices.Equal(got, ours(want)) {
					t.Fatalf("from %s: leaf %d of %d has another proof", name, i, n)
				}
				if err := merkle.VerifyInclusion(w.roots[n], w.leaves[i], i, n, got); err != nil {
					t.Fatalf("from %s: leaf %d of %d: %v", name, i, n, err)
				}
			}
		}
	}
}

func TestConsistencyProofsAreThoseOfRFC6962(t *testing.T) {
	const size = 70
	w := watch(size)
	for name, nodes := range w.nodes() {
		for newer := range uint64(size + 1) {
			for older := range newer + 1 {
				want, err := w.theirs.ConsistencyProof(older, newer)
				if err != nil {
					t.Fatal(err)
				}
				got := merkle.ProveConsistency(nodes, older, newer)
				if !slices.Equal(got, ours(want)) {
					t.Fatalf("from %s: %d to %d leaves has another proof", name, older, newer)
				}
				if err := merkle.VerifyConsistency(w.roots[older], w.roots[newer], older, newer, got); err != nil {
					t.Fatalf("from %s: %d to %d leaves: %v", name, older, newer, err)
				}
			}
		}
	}
}

// A proof with kept peaks reads a few hashes, whatever the length of the log.
func TestPeaksMakeProofsShortWork(t *testing.T) {
	const size = 50_000
	w := watch(size)
	reads := 0
	nodes := merkle.Peaks(func(i uint64) (leaf, peak merkle.Hash) {
		reads++
		return w.leaves[i], w.peaks[i]
	})
	for _, i := range []uint64{0, 12_345, size / 2, size - 2, size - 1} {
		reads = 0
		path := merkle.ProveInclusion(nodes, i, size)
		if err := merkle.VerifyInclusion(w.roots[size], w.leaves[i], i, size, path); err != nil {
			t.Errorf("leaf %d: %v", i, err)
		}
		if reads > 16*16*2 {
			t.Errorf("leaf %d: the proof reads %d times", i, reads)
		}
	}
}

func TestLogGoesOnFromItsFrontier(t *testing.T) {
	w := watch(100)
	var log merkle.Log
	for i, leaf := range w.leaves {
		var saved merkle.Frontier
		if err := codec.Unmarshal(codec.Marshal(log.Frontier()), &saved); err != nil {
			t.Fatal(err)
		}
		again, err := merkle.Resume(saved)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(again.Frontier(), log.Frontier()) || again.Size() != uint64(i) {
			t.Fatalf("frontier %v reads back as %v", log.Frontier(), again.Frontier())
		}
		again.Append(leaf)
		if again.Root() != w.roots[i+1] {
			t.Fatalf("root %s after a restart at size %d, want %s", again.Root(), i, w.roots[i+1])
		}
		log = *again
	}
	for _, torn := range []merkle.Frontier{
		{Size: 0, Peaks: []merkle.Hash{{}}},
		{Size: 3, Peaks: []merkle.Hash{{}}},
		{Size: 4},
	} {
		if _, err := merkle.Resume(torn); !errors.Is(err, merkle.ErrShape) {
			t.Errorf("Resume takes %d peaks for size %d", len(torn.Peaks), torn.Size)
		}
	}
}

// A frontier is a copy: appending to the log that it came from leaves it alone.
func TestFrontierIsACopy(t *testing.T) {
	log := watch(7).log
	saved := log.Frontier()
	peaks := slices.Clone(saved.Peaks)
	log.Append(hashOf(1))
	if !slices.Equal(saved.Peaks, peaks) {
		t.Error("the frontier changed with the log")
	}
}

// spoil changes a proof in one of the ways that must not matter to a verifier's
// verdict: the other implementation says which verdict is right.
func spoil(t *rapid.T, path []merkle.Hash) []merkle.Hash {
	path = slices.Clone(path)
	at := rapid.IntRange(0, len(path)).Draw(t, "at")
	switch rapid.SampledFrom([]string{"keep", "flip", "drop", "insert"}).Draw(t, "spoil") {
	case "flip":
		if at < len(path) {
			path[at][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
		}
	case "drop":
		if at < len(path) {
			path = slices.Delete(path, at, at+1)
		}
	case "insert":
		path = slices.Insert(path, at, hashOf(1))
	}
	return path
}

func TestVerdictsOnSpoiledProofs(t *testing.T) {
	const size = 40
	w := watch(size)
	nodes, number := w.nodes()["peaks"], rapid.Uint64Range(0, size)
	rapid.Check(t, func(t *rapid.T) {
		older, newer := number.Draw(t, "older"), number.Draw(t, "newer")
		if older < newer {
			path := spoil(t, merkle.ProveInclusion(nodes, older, newer))
			claimed := number.Draw(t, "claimed index")
			leaf, root := w.leaves[older], w.roots[newer]
			got := merkle.VerifyInclusion(root, leaf, claimed, newer, path)
			want := proof.VerifyInclusion(rfc6962.DefaultHasher, claimed, newer, leaf[:], theirs(path), root[:])
			if (got == nil) != (want == nil) {
				t.Fatalf("inclusion of %d in %d: %v, the other says %v", claimed, newer, got, want)
			}
		}
		older, newer = min(older, newer), max(older, newer)
		path := spoil(t, merkle.ProveConsistency(nodes, older, newer))
		claimed := number.Draw(t, "claimed size")
		from, to := w.roots[claimed], w.roots[newer]
		got := merkle.VerifyConsistency(from, to, claimed, newer, path)
		want := proof.VerifyConsistency(rfc6962.DefaultHasher, claimed, newer, theirs(path), from[:], to[:])
		if (got == nil) != (want == nil) {
			t.Fatalf("consistency of %d with %d: %v, the other says %v", claimed, newer, got, want)
		}
	})
}

func TestLogProofsOfNothingPanic(t *testing.T) {
	nodes := watch(3).nodes()["leaves"]
	for name, ask := range map[string]func(){
		"a leaf beyond the log":  func() { merkle.ProveInclusion(nodes, 3, 3) },
		"growth to fewer leaves": func() { merkle.ProveConsistency(nodes, 3, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			ask()
		})
	}
}

// FuzzLogProof gives both verifiers the same claims from a stranger; their
// verdicts agree but for one: of an empty older log we ask for its root as well.
func FuzzLogProof(f *testing.F) {
	w := watch(20)
	nodes := w.nodes()["peaks"]
	f.Add(uint64(7), uint64(20), slices.Concat(theirs(merkle.ProveInclusion(nodes, 7, 20))...))
	f.Add(uint64(7), uint64(20), slices.Concat(theirs(merkle.ProveConsistency(nodes, 7, 20))...))
	f.Add(uint64(0), uint64(1)<<63, []byte{})
	f.Fuzz(func(t *testing.T, index, size uint64, raw []byte) {
		var path []merkle.Hash
		for part := range slices.Chunk(raw, 32) {
			var hash merkle.Hash
			copy(hash[:], part)
			path = append(path, hash)
		}
		leaf, root := w.leaves[index%20], w.roots[size%21]
		got := merkle.VerifyInclusion(root, leaf, index, size, path)
		want := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], theirs(path), root[:])
		if (got == nil) != (want == nil) {
			t.Errorf("inclusion: %v, the other says %v", got, want)
		}
		if index == 0 {
			return
		}
		old := w.roots[index%21]
		got = merkle.VerifyConsistency(old, root, index, size, path)
		want = proof.VerifyConsistency(rfc6962.DefaultHasher, index, size, theirs(path), old[:], root[:])
		if (got == nil) != (want == nil) {
			t.Errorf("consistency: %v, the other says %v", got, want)
		}
	})
}
