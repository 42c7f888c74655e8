package state

import (
	"errors"
	"fmt"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/merkle"
)

// planted returns n rows and their tree.
func planted(n int) (naive, *merkle.Trie) {
	rows, trie := naive{}, merkle.NewTrie()
	var changes []merkle.Change
	for i := range n {
		key, row := fmt.Sprintf("zone.meter/%06d", i), fmt.Sprintf("row %d", i)
		rows[key] = row
		changes = append(changes, Change{Key: []byte(key), Row: []byte(row)}.Hashed())
	}
	trie.Apply(changes, nil)
	return rows, trie
}

func TestProofShowsARowOrNone(t *testing.T) {
	rows, trie := planted(200)
	for _, key := range []string{"zone.meter/000000", "zone.meter/000199", "zone.meter/000200", "", "elsewhere/1"} {
		proof := Prove(trie, rows, []byte(key))
		want, there := rows[key]
		row, present, err := proof.Verify(trie.Root())
		if string(row) != want || present != there || err != nil {
			t.Errorf("the proof of %q says %q, %t, %v; want %q, %t", key, row, present, err, want, there)
		}
	}
}

// A deleted row is provably gone, and so is a row of an empty ledger.
func TestProofOfADeletedRow(t *testing.T) {
	rows, trie := planted(1)
	for key := range rows {
		trie.Apply([]merkle.Change{Change{Key: []byte(key), Deleted: true}.Hashed()}, nil)
		proof := Prove(trie, naive{}, []byte(key))
		if _, present, err := proof.Verify(trie.Root()); present || err != nil {
			t.Errorf("the proof of a deleted row says %t, %v", present, err)
		}
	}
}

func TestEveryByteOfARowProofCounts(t *testing.T) {
	rows, trie := planted(50)
	for _, key := range []string{"zone.meter/000007", "zone.meter/000700"} {
		raw := codec.Marshal(Prove(trie, rows, []byte(key)))
		for i := range raw {
			raw[i] ^= 1
			var proof Proof
			err := codec.Unmarshal(raw, &proof)
			if err == nil {
				_, _, err = proof.Verify(trie.Root())
			}
			// Another key than was asked for may well be absent too: the key is
			// part of the question, and the verifier compares it.
			if err == nil && string(proof.Key) == key {
				t.Errorf("byte %d of the proof of %q does not matter", i, key)
			}
			raw[i] ^= 1
		}
	}
}

func TestProofOfAnotherRowIsRefused(t *testing.T) {
	rows, trie := planted(50)
	there := Prove(trie, rows, []byte("zone.meter/000007"))
	absent := Prove(trie, rows, []byte("zone.meter/000700"))
	for _, claim := range []struct {
		name string
		path merkle.Proof
		key  string
		row  string
		root merkle.Hash
		want error
	}{
		{"a row that was never there", absent.Path, "zone.meter/000700", "row 7", trie.Root(), ErrOtherRow},
		{"another row", there.Path, "zone.meter/000007", "row 8", trie.Root(), ErrOtherRow},
		{"no row where there is one", there.Path, "zone.meter/000007", "", trie.Root(), ErrOtherRow},
		{"another key", there.Path, "zone.meter/000008", "row 7", trie.Root(), merkle.ErrShape},
		{"another root", there.Path, "zone.meter/000007", "row 7", merkle.Hash{}, merkle.ErrRoot},
	} {
		proof := Proof{Key: []byte(claim.key), Row: []byte(claim.row), Path: claim.path}
		if _, _, err := proof.Verify(claim.root); !errors.Is(err, claim.want) {
			t.Errorf("%s: %v, want %v", claim.name, err, claim.want)
		}
	}
}
