package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/optest/memory"
)

// exported is a snapshot in memory.
func exported(t rapid.TB, rows naive, root merkle.Hash) (Manifest, [][]byte) {
	var chunks [][]byte
	manifest, err := Export(rows, root, func(chunk []byte) error {
		chunks = append(chunks, chunk)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return manifest, chunks
}

// imported takes a snapshot in and returns its rows.
func imported(manifest Manifest, chunks [][]byte) (naive, *merkle.Trie, error) {
	rows, in := naive{}, NewImport(manifest, nil)
	for _, chunk := range chunks {
		changes, err := in.Add(chunk)
		if err != nil {
			return nil, nil, err
		}
		for _, c := range changes {
			rows[string(c.Key)] = string(c.Row)
		}
	}
	trie, err := in.Finish()
	return rows, trie, err
}

func TestSnapshotComesBackTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, trie := naive(rapid.MapOf(rapid.StringMatching(`[a-z]{1,9}/[0-9]{0,3}`), rapid.String()).Draw(t, "rows")), merkle.NewTrie()
		for key, row := range rows {
			trie.Apply([]merkle.Change{Change{Key: []byte(key), Row: []byte(row)}.Hashed()}, nil)
		}
		manifest, chunks := exported(t, rows, trie.Root())
		var read Manifest
		if err := codec.Unmarshal(codec.Marshal(manifest), &read); err != nil {
			t.Fatal(err)
		}
		again, tree, err := imported(read, chunks)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(again, rows) || tree.Root() != trie.Root() {
			t.Fatalf("came back as %v, want %v", again, rows)
		}
	})
}

// Chunks are bounded by rows and by bytes; only a row that is larger alone goes
// beyond.
func TestChunksAreBounded(t *testing.T) {
	many, _ := planted(maxChunkRows + 1)
	large := naive{}
	for i := range 10 {
		large[fmt.Sprintf("zone.plan/%d", i)] = string(make([]byte, maxChunkBytes/4))
	}
	large["zone.plan/0"], large["zone.plan/5"] = string(make([]byte, maxChunkBytes+1)), string(make([]byte, 2*maxChunkBytes))
	for _, shape := range []struct {
		name string
		rows naive
		want []int // rows in each chunk
	}{
		{"no rows", naive{}, nil},
		{"many small rows", many, []int{maxChunkRows, 1}},
		{"large rows", large, []int{1, 3, 1, 1, 3, 1}},
	} {
		manifest, chunks := exported(t, shape.rows, merkle.Empty)
		var got []int
		for _, raw := range chunks {
			var c chunk
			codec.Read(raw, &c)
			got = append(got, len(c.Rows))
		}
		if !slices.Equal(got, shape.want) || manifest.Rows != uint64(len(shape.rows)) {
			t.Errorf("%s: chunks of %v rows, %d in all; want %v", shape.name, got, manifest.Rows, shape.want)
		}
	}
}

func TestExportEndsWhenWritingFails(t *testing.T) {
	rows, trie := planted(maxChunkRows + 1)
	full := errors.New("the disk is full")
	for good := range 2 {
		writes := 0
		_, err := Export(rows, trie.Root(), func([]byte) error {
			if writes++; writes > good {
				return full
			}
			return nil
		})
		if !errors.Is(err, full) || writes != good+1 {
			t.Errorf("after %d chunks: %v, %d writes", good, err, writes)
		}
	}
}

// A chunk that is not the next one is refused and may come again.
func TestImportWaitsForTheRightChunk(t *testing.T) {
	rows, trie := planted(maxChunkRows + 1)
	manifest, chunks := exported(t, rows, trie.Root())
	in := NewImport(manifest, nil)
	for n, chunk := range chunks {
		for _, wrong := range [][]byte{nil, chunk[1:], chunks[1-n], bytes.Replace(chunk, []byte("row"), []byte("roe"), 1)} {
			if _, err := in.Add(wrong); !errors.Is(err, ErrChunk) {
				t.Fatalf("chunk %d: %v, want %v", n, err, ErrChunk)
			}
		}
		if _, err := in.Finish(); !errors.Is(err, ErrSnapshot) || in.Taken() != n {
			t.Fatalf("after %d chunks the import says %d and %v", n, in.Taken(), err)
		}
		if _, err := in.Add(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := in.Add(chunks[1]); !errors.Is(err, ErrChunk) {
		t.Errorf("one chunk too many: %v", err)
	}
	if _, err := in.Finish(); err != nil {
		t.Error(err)
	}
}

// A manifest that names what its chunks are, but not the rows of the root, is
// refused before the rows are used.
func TestImportRefusesForgedSnapshots(t *testing.T) {
	rows, trie := planted(3)
	honest, _ := exported(t, rows, trie.Root())
	forge := func(rows ...pair) [][]byte { return [][]byte{codec.Marshal(chunk{Rows: rows})} }
	row := func(n int) pair {
		key := fmt.Sprintf("zone.meter/%06d", n)
		return pair{Key: []byte(key), Row: []byte(rows[key])}
	}
	if _, _, err := imported(Manifest{honest.Root, 3, honest.Chunks}, forge(row(0), row(1), row(2))); err != nil {
		t.Fatalf("the honest snapshot: %v", err)
	}
	for _, forged := range []struct {
		name   string
		rows   uint64
		chunks [][]byte
	}{
		{"a row is missing", 2, forge(row(0), row(1))},
		{"a row is changed", 3, forge(row(0), row(1), pair{Key: row(2).Key, Row: []byte("row 9")})},
		{"a row is added", 4, forge(row(0), row(1), row(2), row(3))},
		{"a row comes twice", 3, forge(row(0), row(1), row(1), row(2))},
		{"rows are out of order", 3, forge(row(1), row(0), row(2))},
		{"chunks are out of order", 3, slices.Concat(forge(row(2)), forge(row(0), row(1)))},
		{"a key is empty", 4, forge(pair{}, row(0), row(1), row(2))},
		{"the count is wrong", 4, forge(row(0), row(1), row(2))},
		{"the bytes are no chunk", 3, [][]byte{[]byte("rows")}},
		{"nothing came", 0, nil},
	} {
		manifest := Manifest{Root: honest.Root, Rows: forged.rows}
		for _, raw := range forged.chunks {
			manifest.Chunks = append(manifest.Chunks, sha256.Sum256(raw))
		}
		if _, _, err := imported(manifest, forged.chunks); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s: %v, want %v", forged.name, err, ErrSnapshot)
		}
	}
}

// FuzzImport takes a chunk from a stranger whose manifest vouches for it.
func FuzzImport(f *testing.F) {
	f.Add(codec.Marshal(chunk{Rows: []pair{{Key: []byte("zone.meter/1"), Row: []byte("row")}}}))
	f.Add(codec.Marshal(chunk{Rows: []pair{{Key: []byte("b")}, {Key: []byte("a")}}}))
	memory.Large(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		defer memory.Bound(t)()
		if _, _, err := imported(Manifest{Chunks: []merkle.Hash{sha256.Sum256(raw)}}, [][]byte{raw}); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%x: %v, want %v", raw, err, ErrSnapshot)
		}
	})
}
