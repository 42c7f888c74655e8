package merkle_test

import (
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/merkle"
)

// grove is a trie of n keys, hashOf(0) to hashOf(n-1), and its model.
func grove(n uint64) (*merkle.Trie, pairs) {
	trie, model := merkle.NewTrie(), pairs{}
	var changes []merkle.Change
	for i := range n {
		changes = append(changes, put(i, hashOf(i+1000)))
	}
	model.apply(changes)
	trie.Apply(changes, nil)
	return trie, model
}

// Small tries have empty shards, so their paths differ from those of large ones.
func TestEveryKeyHasAProof(t *testing.T) {
	for size := range uint64(40) {
		trie, model := grove(size)
		for i := range 3 * size {
			checkProof(t, trie, model, trie.Prove(hashOf(i), model.valueOf), hashOf(i))
		}
	}
	trie, model := grove(3000)
	for i := range uint64(6000) {
		checkProof(t, trie, model, trie.Prove(hashOf(i), model.valueOf), hashOf(i))
	}
}

// accept reads a proof as a verifier does, from bytes.
func accept(raw []byte, root, key merkle.Hash) (merkle.Hash, bool, error) {
	var proof merkle.Proof
	if err := codec.Unmarshal(raw, &proof); err != nil {
		return merkle.Hash{}, false, err
	}
	return proof.Verify(root, key)
}

func TestEveryByteOfAProofCounts(t *testing.T) {
	for _, size := range []uint64{0, 1, 2, 300} {
		trie, model := grove(size)
		for _, key := range []merkle.Hash{hashOf(0), hashOf(1), hashOf(299), hashOf(300), hashOf(301)} {
			raw := codec.Marshal(trie.Prove(key, model.valueOf))
			if _, _, err := accept(raw, trie.Root(), key); err != nil {
				t.Fatalf("%d keys: the proof of %s itself fails: %v", size, key, err)
			}
			for i := range raw {
				for bit := range 8 {
					raw[i] ^= 1 << bit
					if _, _, err := accept(raw, trie.Root(), key); err == nil {
						t.Errorf("%d keys: bit %d of byte %d of the proof of %s does not matter", size, bit, i, key)
					}
					raw[i] ^= 1 << bit
				}
			}
		}
	}
}

func TestProofOfAnotherQuestionIsRefused(t *testing.T) {
	trie, model := grove(300)
	other, _ := grove(299)
	there, absent := trie.Prove(hashOf(7), model.valueOf), trie.Prove(hashOf(700), model.valueOf)
	nothing := merkle.Proof{}
	leafless := merkle.Proof{Path: there.Path}
	shuffled := merkle.Proof{Leaf: there.Leaf, Path: append([]merkle.Step{there.Path[1], there.Path[0]}, there.Path[2:]...)}
	cut := merkle.Proof{Leaf: there.Leaf, Path: there.Path[:len(there.Path)-1]}
	for _, claim := range []struct {
		name  string
		proof merkle.Proof
		root  merkle.Hash
		key   merkle.Hash
		want  error
	}{
		{"a path without a leaf", leafless, trie.Root(), hashOf(7), merkle.ErrShape},
		{"depths that fall", shuffled, trie.Root(), hashOf(7), merkle.ErrShape},
		{"the path of another key", there, trie.Root(), hashOf(8), merkle.ErrShape},
		{"the absence of a key that is there", absent, trie.Root(), hashOf(7), merkle.ErrShape},
		{"no path to a root that is not empty", nothing, trie.Root(), hashOf(7), merkle.ErrRoot},
		{"a path that ends early", cut, trie.Root(), hashOf(7), merkle.ErrRoot},
		{"another trie's root", there, other.Root(), hashOf(7), merkle.ErrRoot},
		{"the root of the empty trie", there, merkle.Empty, hashOf(7), merkle.ErrRoot},
	} {
		if _, _, err := claim.proof.Verify(claim.root, claim.key); !errors.Is(err, claim.want) {
			t.Errorf("%s: %v, want %v", claim.name, err, claim.want)
		}
	}
}

// No recombination of true parts lies: whatever of leaf and path a forger takes
// from two true proofs, Verify says the truth or refuses.
func TestPartsOfTrueProofsCannotLie(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trie, model := merkle.NewPlainTrie(), pairs{}
		changes := batch().Draw(t, "changes")
		model.apply(changes)
		trie.Apply(changes, nil)
		one, two := trie.Prove(crowded().Draw(t, "one"), model.valueOfPlain), trie.Prove(crowded().Draw(t, "two"), model.valueOfPlain)
		forged := merkle.Proof{
			Leaf: one.Leaf,
			Path: append(
				one.Path[:rapid.IntRange(0, len(one.Path)).Draw(t, "above"):len(one.Path)],
				two.Path[rapid.IntRange(0, len(two.Path)).Draw(t, "below"):]...),
		}
		key := crowded().Draw(t, "key")
		value, present, err := forged.Verify(trie.Root(), key)
		if want, ok := model[key]; err == nil && (value != want || present != ok) {
			t.Fatalf("a forged proof says %s, %t at %s; the truth is %s, %t", value, present, key, want, ok)
		}
	})
}

func TestProofSurvivesJSON(t *testing.T) {
	trie, model := grove(20)
	raw, err := json.Marshal(trie.Prove(hashOf(3), model.valueOf))
	if err != nil {
		t.Fatal(err)
	}
	var proof merkle.Proof
	if err := json.Unmarshal(raw, &proof); err != nil {
		t.Fatal(err)
	}
	if value, present, err := proof.Verify(trie.Root(), hashOf(3)); value != hashOf(1003) || !present || err != nil {
		t.Errorf("after JSON the proof says %s, %t, %v", value, present, err)
	}
	for _, text := range []string{"", "00", hashOf(1).String() + "00", "zz" + hashOf(1).String()[2:]} {
		if err := new(merkle.Hash).UnmarshalText([]byte(text)); !errors.Is(err, merkle.ErrShape) {
			t.Errorf("%q reads as a hash", text)
		}
	}
}

// FuzzProof gives Verify bytes from a stranger: it may refuse or tell the truth.
func FuzzProof(f *testing.F) {
	trie, model := grove(20)
	single, one := grove(1)
	for i := range uint64(4) {
		key := hashOf(18 + i)
		f.Add(codec.Marshal(trie.Prove(key, model.valueOf)), key[:])
	}
	f.Fuzz(func(t *testing.T, raw, name []byte) {
		var key merkle.Hash
		copy(key[:], name)
		for _, known := range []struct {
			root  merkle.Hash
			model pairs
		}{{trie.Root(), model}, {single.Root(), one}, {merkle.Empty, nil}} {
			value, present, err := accept(raw, known.root, key)
			if want, ok := known.model[key]; err == nil && (value != want || present != ok) {
				t.Errorf("%x says %s, %t at %s; the truth is %s, %t", raw, value, present, key, want, ok)
			}
		}
	})
}
