package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/merkle"
)

// Refusals of a snapshot.
var (
	// ErrChunk refuses bytes that are not the chunk the manifest names next. The
	// import stands as it was: the chunk may come from someone else.
	ErrChunk = errors.New("state: this is not the next chunk of the snapshot")
	// ErrSnapshot refuses the snapshot as a whole: its chunks are what its
	// manifest names, and they are not the rows under its root.
	ErrSnapshot = errors.New("state: the snapshot does not hold the rows of its root")
)

// A chunk ends before the row that would take it over one of these; a row that
// is larger alone is a chunk of its own.
const (
	maxChunkBytes = 1 << 20
	maxChunkRows  = 1 << 15
)

// Manifest says what a snapshot consists of. The same rows have the same
// manifest and chunks on every node, so chunks may come from several.
type Manifest struct {
	Root   merkle.Hash   `cbor:"1,keyasint" json:"root"`
	Rows   uint64        `cbor:"2,keyasint" json:"rows"`
	Chunks []merkle.Hash `cbor:"3,keyasint" json:"chunks"` // SHA-256 of each, in order
}

// chunk is a run of rows in the order of their keys.
type chunk struct {
	_    struct{} `cbor:",toarray"`
	Rows []pair
}

type pair struct {
	_        struct{} `cbor:",toarray"`
	Key, Row []byte
}

// Export writes all rows, whose tree has this root, as a row of chunks, and
// returns their manifest. It holds one chunk in memory.
//
// Errors: what write returns, which ends the export.
func Export(rows Reader, root merkle.Hash, write func(chunk []byte) error) (Manifest, error) {
	manifest := Manifest{Root: root}
	var open chunk
	size := 0
	flush := func() error {
		raw := codec.Marshal(open)
		manifest.Chunks = append(manifest.Chunks, sha256.Sum256(raw))
		manifest.Rows += uint64(len(open.Rows))
		open.Rows, size = open.Rows[:0], 0
		return write(raw)
	}
	for key, row := range rows.Ascend(nil, last) {
		grown := len(key) + len(row)
		if len(open.Rows) > 0 && (size+grown > maxChunkBytes || len(open.Rows) == maxChunkRows) {
			if err := flush(); err != nil {
				return Manifest{}, fmt.Errorf("state: export: %w", err)
			}
		}
		open.Rows = append(open.Rows, pair{Key: bytes.Clone(key), Row: bytes.Clone(row)})
		size += grown
	}
	if len(open.Rows) > 0 {
		if err := flush(); err != nil {
			return Manifest{}, fmt.Errorf("state: export: %w", err)
		}
	}
	return manifest, nil
}

// last is above every key, since a key starts with a table's name, which is
// text.
var last = []byte{0xff}

// Import takes a snapshot in, chunk by chunk, and builds the tree of its rows.
// Rows are not to be trusted before Finish has compared the root.
type Import struct {
	manifest Manifest
	both     func(a, b func())
	trie     *merkle.Trie
	taken    int
	key      []byte // of the last row
}

// NewImport begins the import of a snapshot whose root the caller trusts; both
// is for merkle.Trie.Apply.
func NewImport(manifest Manifest, both func(a, b func())) *Import {
	return &Import{manifest: manifest, both: both, trie: merkle.NewTrie()}
}

// Add takes the next chunk and returns its rows, for the caller to keep until
// Finish. It holds nothing of them but their hashes.
//
// Errors: ErrChunk; ErrSnapshot for rows out of order and bytes that are no
// chunk at all.
func (i *Import) Add(raw []byte) ([]Change, error) {
	if i.taken == len(i.manifest.Chunks) || sha256.Sum256(raw) != i.manifest.Chunks[i.taken] {
		return nil, ErrChunk
	}
	var c chunk
	if err := codec.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("%w: chunk %d: %w", ErrSnapshot, i.taken, err)
	}
	rows := make([]Change, len(c.Rows))
	hashed := make([]merkle.Change, len(c.Rows))
	for n, row := range c.Rows {
		if bytes.Compare(row.Key, i.key) <= 0 {
			return nil, fmt.Errorf("%w: chunk %d, row %d is out of order", ErrSnapshot, i.taken, n)
		}
		i.key = row.Key
		rows[n] = Change{Key: row.Key, Row: row.Row}
		hashed[n] = rows[n].Hashed()
	}
	i.trie.Apply(hashed, i.both)
	i.taken++
	return rows, nil
}

// Taken is the number of chunks taken in, hence that of the next one.
func (i *Import) Taken() int { return i.taken }

// Finish returns the tree of the imported rows.
//
// Errors: ErrSnapshot when chunks are missing, or rows are other than the root
// and the manifest say.
func (i *Import) Finish() (*merkle.Trie, error) {
	switch {
	case i.taken != len(i.manifest.Chunks):
		return nil, fmt.Errorf("%w: %d of %d chunks came", ErrSnapshot, i.taken, len(i.manifest.Chunks))
	case uint64(i.trie.Len()) != i.manifest.Rows: //nolint:gosec // a length
		return nil, fmt.Errorf("%w: %d rows came, %d were promised", ErrSnapshot, i.trie.Len(), i.manifest.Rows)
	case i.trie.Root() != i.manifest.Root:
		return nil, fmt.Errorf("%w: its rows have the root %s", ErrSnapshot, i.trie.Root())
	}
	return i.trie, nil
}
