package node

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
)

// empty is what takes snapshots in, with nothing in it yet.
func empty(t *testing.T) *shared {
	t.Helper()
	dir, quiet := t.TempDir(), slog.New(slog.DiscardHandler)
	s, err := store.Open(dir, store.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	app, err := newApplication(s, admission.NewVerifier(1, 1), machine.RulesNewest)
	if err != nil {
		t.Fatal(err)
	}
	all, err := openSnapshots(dir, s, 0, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return &shared{Application: app, store: s, snapshots: all, chainID: "test", log: quiet}
}

// A snapshot is taken in when all of it is what a header proves, and refused when any
// of it is something else; nothing of a refused one stays.
func TestTakeInProvenOnly(t *testing.T) {
	source := empty(t)
	genesis := machine.Genesis{Rules: machine.RulesNewest}
	if _, err := source.Genesis("test", genesis.Encode()); err != nil {
		t.Fatal(err)
	}
	head := source.machine.Head()
	export := func(rows state.Reader) (state.Manifest, []byte) {
		var chunk []byte
		m, err := state.Export(rows, head.Root, func(raw []byte) error { chunk = raw; return nil })
		if err != nil || len(m.Chunks) != 1 {
			t.Fatal(err, len(m.Chunks))
		}
		return m, chunk
	}
	rows, chunk := export(source.store)
	other := state.NewMemory()
	for key, row := range source.store.Ascend(nil, []byte{0xff}) {
		other.Apply([]state.Change{{Key: bytes.Clone(key), Row: append(bytes.Clone(row), 0)}})
	}
	otherRows, otherChunk := export(other)
	more, tree := state.NewMemory(), merkle.NewTrie()
	more.Apply([]state.Change{{Key: []byte("zone.more/1"), Row: []byte{1}}})
	for key, row := range source.store.Ascend(nil, []byte{0xff}) {
		more.Apply([]state.Change{{Key: bytes.Clone(key), Row: bytes.Clone(row)}})
	}
	for key, row := range more.Ascend(nil, []byte{0xff}) {
		tree.Apply([]merkle.Change{state.Change{Key: key, Row: row}.Hashed()}, both)
	}
	moreRows, moreChunk := export(more)
	moreRows.Root = tree.Root()
	proven := chain.Proven{Height: head.Height, Time: int64(head.Time), AppHash: head.AppHash()}
	for _, c := range []struct {
		name  string
		forge func(*manifest)
		chunk []byte
		want  error
	}{
		{"the truth", func(*manifest) {}, chunk, nil},
		{"another chain", func(m *manifest) { m.Head.ChainID = "other" }, chunk, chain.ErrSnapshot},
		{"another height", func(m *manifest) { m.Head.Height++ }, chunk, chain.ErrSnapshot},
		{"another time", func(m *manifest) { m.Head.Time++ }, chunk, chain.ErrSnapshot},
		{"another state", func(m *manifest) { m.Head.Root[0] ^= 1; m.Rows.Root[0] ^= 1 }, chunk, chain.ErrSnapshot},
		{"other receipts", func(m *manifest) { m.Head.Log = merkle.Frontier{Size: 1, Peaks: []merkle.Hash{{1}}} }, chunk, chain.ErrSnapshot},
		{"no log", func(m *manifest) { m.Head.Log = merkle.Frontier{Size: 3} }, chunk, chain.ErrSnapshot},
		{"rows of another root", func(m *manifest) { m.Rows.Root[0] ^= 1 }, chunk, chain.ErrSnapshot},
		{"another secret", func(m *manifest) { m.Head.Secret = []byte{1} }, chunk, chain.ErrSnapshot},
		{"other rows that the manifest names", func(m *manifest) { m.Rows = otherRows; m.Rows.Root = head.Root }, otherChunk, chain.ErrSnapshot},
		{"more rows, under a root of their own", func(m *manifest) { m.Rows = moreRows }, moreChunk, chain.ErrSnapshot},
		{"a chunk that it does not name", func(*manifest) {}, otherChunk, chain.ErrChunk},
	} {
		t.Run(c.name, func(t *testing.T) {
			target, m := empty(t), manifest{Head: head, Rows: rows}
			m.Rows.Chunks = slices.Clone(rows.Chunks)
			c.forge(&m)
			raw := codec.Marshal(m)
			err := target.Begin(chain.Snapshot{Height: head.Height, Format: snapshotFormat, Chunks: 1, Manifest: raw}, proven)
			if err == nil {
				err = target.Add(c.chunk)
			}
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			_, founded := target.store.Head()
			if founded != (c.want == nil) {
				t.Errorf("a head is there: %v", founded)
			}
			if founded && !bytes.Equal(target.machine.Head().Encode(), head.Encode()) {
				t.Error("the machine goes on from another head")
			}
			if c.want == nil && sha256.Sum256(raw) != sha256.Sum256(target.snapshots.kept[0].raw) {
				t.Error("what was taken in is not given to others")
			}
		})
	}
}
