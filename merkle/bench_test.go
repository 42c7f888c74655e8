package merkle_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/commonwatt/commonwatt/merkle"
)

const million = 1_000_000

// fill returns a trie of a million keys and the bytes each takes.
func fill(both func(a, b func())) (*merkle.Trie, float64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	trie := merkle.NewTrie()
	const step = 10_000
	changes := make([]merkle.Change, step)
	for from := uint64(0); from < million; from += step {
		for i := range changes {
			changes[i] = put(from+uint64(i), hashOf(from))
		}
		trie.Apply(changes, both)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	return trie, float64(after.HeapAlloc-before.HeapAlloc) / million
}

// BenchmarkApply updates random keys among a million, in batches as a block
// brings them; an operation is a batch.
func BenchmarkApply(b *testing.B) {
	for _, mode := range []struct {
		name  string
		batch int
		both  func(a, b func())
	}{
		{"batch=100", 100, nil},
		{"batch=10000", 10_000, nil},
		{"batch=10000/parallel", 10_000, inParallel},
		{"batch=100000", 100_000, nil},
		{"batch=100000/parallel", 100_000, inParallel},
	} {
		b.Run(mode.name, func(b *testing.B) {
			trie, bytesPerKey := fill(inParallel)
			random := rand.New(rand.NewPCG(1, 2))
			changes := make([]merkle.Change, mode.batch)
			for b.Loop() {
				b.StopTimer()
				from := random.Uint64N(million) // keys are hashed, so neighbours are not
				for i := range changes {
					n := (from + uint64(i)) % million
					changes[i] = put(n, hashOf(random.Uint64()))
				}
				b.StartTimer()
				trie.Apply(changes, mode.both)
			}
			b.ReportMetric(bytesPerKey, "B/key")
			b.ReportMetric(float64(b.N*mode.batch)/b.Elapsed().Seconds(), "updates/s")
		})
	}
}

// BenchmarkChurn puts keys among a million and takes them out again, in batches of
// 10,000.
func BenchmarkChurn(b *testing.B) {
	trie, _ := fill(inParallel)
	changes := make([]merkle.Change, 10_000)
	for n := uint64(million); b.Loop(); n += 10_000 {
		for _, gone := range []bool{false, true} {
			b.StopTimer()
			for i := range changes {
				changes[i] = put(n+uint64(i), hashOf(n))
				changes[i].Delete = gone
			}
			b.StartTimer()
			trie.Apply(changes, nil)
		}
	}
	b.ReportMetric(float64(b.N*2*len(changes))/b.Elapsed().Seconds(), "changes/s")
}

// BenchmarkBuild is the start of a node: a trie of a million keys from nothing.
func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		fill(inParallel)
	}
}

func BenchmarkProve(b *testing.B) {
	trie, _ := fill(inParallel)
	n := uint64(0)
	for b.Loop() {
		trie.Prove(hashOf(n%(2*million)), func([]byte) merkle.Hash { return merkle.Hash{} })
		n++
	}
}

func BenchmarkLogAppend(b *testing.B) {
	var log merkle.Log
	leaf := hashOf(1)
	for b.Loop() {
		log.Append(leaf)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}
