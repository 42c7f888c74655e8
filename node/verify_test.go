package node_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// street is when the microgrid of the tests begins.
const street = interval.Time(1_748_736_000)

// streetOperations found a microgrid of two homes, each with a meter.
func streetOperations() []tx.Operation {
	operations := []tx.Operation{
		party.OpenKind.Encode(party.Open{Account: 100}), party.OpenKind.Encode(party.Open{Account: 101}), party.OpenKind.Encode(party.Open{Account: 102}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: 1, Root: 1, Currency: euro, Gateway: 1, Utility: 100, Network: 101, Levy: 102,
			Length: interval.Minutes15, Start: street, Correction: 24 * 3600,
		}),
		tariff.SetKind.Encode(tariff.Set{Microgrid: 1, Steps: []tariff.Step{{From: street, Prices: tariff.Prices{Retail: 320, FeedIn: 80, Levy: 10}}}}),
	}
	for m := uint64(1); m <= 2; m++ {
		operations = append(operations,
			grid.ConnectKind.Encode(grid.Connect{Microgrid: 1, Point: grid.PointID(m), Zone: 1, Account: tx.AccountID(m), From: street}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: 1, Device: grid.DeviceID(m), Point: grid.PointID(m), Kind: grid.Meter, From: street}))
	}
	return operations
}

// streetReadings records what both homes measured in one interval.
func streetReadings(n int) tx.Operation {
	return metering.RecordKind.Encode(metering.Record{Microgrid: 1, Intervals: []metering.Readings{{
		Start: street + interval.Time(n*900),
		Values: []metering.Value{
			{Device: 1, Import: quantity.Energy(300 + n), Quality: metering.Actual},
			{Device: 2, Export: quantity.Energy(200 + 7*n), Quality: metering.Actual},
		},
	}}})
}

// lived makes the folder of a ledger on which something of everything happened,
// over many blocks.
func lived(t *testing.T) string {
	t.Helper()
	n, dir := start(t, 4)
	fund(t, n, 4)
	accept(t, n, sign(1, 10, streetOperations()...))
	for i := range 12 {
		accept(t, n, sign(1, uint64(11+i), streetReadings(i)))
		accept(t, n, transfer(2, 3, uint64(2+i), int64(1_000_000+i*977)))
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// verify runs Verify without progress.
func verify(dir string) (node.Verified, error) {
	return node.Verify(context.Background(), dir, func(int64, int64) {})
}

// files lists a folder's files with their contents.
func files(t *testing.T, dir string) (paths []string, contents map[string][]byte) {
	t.Helper()
	contents = map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		paths = append(paths, name)
		contents[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths, contents
}

// rewrite gives a file other bytes.
func rewrite(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// flipped is a file with one byte changed.
func flipped(content []byte, at int, by byte) []byte {
	changed := slices.Clone(content)
	changed[at] ^= by
	return changed
}

// Flips of the two tests below.
const flipsDefault = 150

// Any byte that changes in any file of a folder is found, and its file is named.
// Verify writes nothing while it looks.
func TestVerifyFindsAnyByte(t *testing.T) {
	dir := lived(t)
	rewrite(t, dir, "bills.csv", []byte("account,period\n")) // Others' files in the folder are sealed too.
	if err := store.Seal(dir); err != nil {
		t.Fatal(err)
	}
	paths, contents := files(t, dir)
	if _, err := verify(dir); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(26, 11))
	for n := range flipsDefault {
		name := paths[n%len(paths)]
		if len(contents[name]) == 0 {
			continue
		}
		at, by := random.IntN(len(contents[name])), byte(1<<random.IntN(8))
		rewrite(t, dir, name, flipped(contents[name], at, by))
		_, err := verify(dir)
		if err == nil || !strings.Contains(err.Error(), filepath.ToSlash(name)) {
			t.Errorf("%s, byte %d ^ %#x: %v", name, at, by, err)
		}
		rewrite(t, dir, name, contents[name])
	}
	if _, err := verify(dir); err != nil {
		t.Error(err)
	}
	after, now := files(t, dir)
	if !slices.Equal(paths, after) {
		t.Errorf("files were %q, are %q", paths, after)
	}
	for name := range contents {
		if !bytes.Equal(contents[name], now[name]) {
			t.Errorf("%s was written to", name)
		}
	}
}

// Whoever changes a byte and seals the folder again is found by the replay,
// unless the byte means nothing: settings of the engine, the end of its log, which
// it takes for a write that was cut short and the node makes again, and what the
// database of the read model leaves empty, which in a small one is most of it.
func TestVerifyFindsForgedSeals(t *testing.T) {
	dir := lived(t)
	paths, contents := files(t, dir)
	var sizes []int
	total := 0
	for _, name := range paths {
		size := len(contents[name])
		if !strings.HasPrefix(name, "store") && name != "view.sqlite" && name != filepath.Join("chain", "genesis.json") {
			size = 0 // No part of the ledger.
		}
		total += size
		sizes = append(sizes, total)
	}
	random := rand.New(rand.NewPCG(27, 11))
	missed := map[string]int{}
	tried := map[string]int{}
	for range flipsDefault {
		place := random.IntN(total)
		i, _ := slices.BinarySearch(sizes, place+1)
		name := paths[i]
		at := len(contents[name]) - (sizes[i] - place)
		rewrite(t, dir, name, flipped(contents[name], at, byte(1<<random.IntN(8))))
		if err := store.Seal(dir); err != nil {
			t.Fatal(err)
		}
		tried[name]++
		if _, err := verify(dir); err == nil {
			missed[name]++
			if strings.HasSuffix(name, ".log") {
				checkCutShort(t, dir, name, contents[name], at)
			}
		} else if _, ok := errors.AsType[*node.Difference](err); !ok {
			t.Errorf("%s, byte %d: %v says no height", name, at, err)
		}
		rewrite(t, dir, name, contents[name])
	}
	t.Logf("tried %v, missed %v", tried, missed)
	all, unseen := 0, 0
	for name := range tried {
		if name != "view.sqlite" && !strings.Contains(name, "OPTIONS") {
			all, unseen = all+tried[name], unseen+missed[name]
		}
	}
	if unseen*20 > all {
		t.Errorf("%d of %d changes went unseen", unseen, all)
	}
}

// checkCutShort checks that a byte of a log of which nobody noticed that it changed is
// in the write that ends it: had the write ended there, nobody would have noticed either.
func checkCutShort(t *testing.T, dir, name string, log []byte, at int) {
	t.Helper()
	rewrite(t, dir, name, log[:at])
	if err := store.Seal(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(dir); err != nil {
		t.Errorf("%s, byte %d of %d: it changed and went unseen, and no crash leaves it so: %v", name, at, len(log), err)
	}
}

// reopened changes the data of a folder and seals it again.
func reopened(t *testing.T, dir string, change func(s *store.Store)) {
	t.Helper()
	s, err := store.Open(filepath.Join(dir, "store"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	change(s)
	if err := errors.Join(s.Close(), store.Seal(dir)); err != nil {
		t.Fatal(err)
	}
}

// recordOf reads what a folder keeps of a block.
func recordOf(t *testing.T, s *store.Store, height int64) (r machine.Record) {
	t.Helper()
	raw, err := s.Record(height)
	if err != nil {
		t.Fatal(err)
	}
	codec.Read(raw, &r)
	return r
}

// commit writes to a store what no machine made.
func commit(t *testing.T, s *store.Store, height int64, record machine.Record, changes ...state.Change) {
	t.Helper()
	head, _ := s.Head()
	if err := s.Commit(store.Block{Height: height, Record: codec.Marshal(record), Head: head, Changes: changes}); err != nil {
		t.Fatal(err)
	}
}

// Forgeries that keep every checksum in order are found where they begin.
func TestVerifyNamesTheHeight(t *testing.T) {
	folder := lived(t)
	honest, err := verify(folder)
	if err != nil {
		t.Fatal(err)
	}
	last, busy := honest.Height, int64(5)
	reopened(t, folder, func(s *store.Store) {
		for len(recordOf(t, s, busy).Outcomes) == 0 { // Between two that have work there may be one without.
			busy++
		}
	})
	for _, c := range []struct {
		name   string
		forge  func(t *testing.T, dir string, s *store.Store)
		height int64
		says   string
	}{
		{"a balance", func(t *testing.T, _ string, s *store.Store) {
			for key, row := range s.Ascend(nil, []byte{0xff}) {
				if b := ledger.BalanceOf(s, 3, euro); bytes.Contains(row, codec.Marshal(b.Posted)) {
					rich := bytes.Replace(row, codec.Marshal(b.Posted), codec.Marshal(b.Posted+1), 1)
					commit(t, s, last, recordOf(t, s, last), state.Change{Key: slices.Clone(key), Row: rich})
					return
				}
			}
			t.Fatal("there is no such row")
		}, last, "the stored rows are not those that the blocks make: a row differs"},
		{"a row too many", func(t *testing.T, _ string, s *store.Store) {
			commit(t, s, last, recordOf(t, s, last), state.Change{Key: []byte("zzz"), Row: []byte{1}})
		}, last, "there are"},
		{"receipts of a block", func(t *testing.T, _ string, s *store.Store) {
			r := recordOf(t, s, busy)
			r.Outcomes[0].Nonce++
			commit(t, s, busy, r)
		}, busy, "the stored receipts are not those that the block makes"},
		{"the read model", func(t *testing.T, dir string, s *store.Store) {
			forgeView(t, dir, s, last)
		}, last, "the read model is not what the receipts make"},
		{"a transfer in the seventh block", func(t *testing.T, _ string, s *store.Store) {
			forgeBlock(t, s, 7, 3)
		}, 7, "the block cannot be trusted"},
		{"the last block", func(t *testing.T, _ string, s *store.Store) {
			forgeBlock(t, s, last, 3)
		}, last, "the block cannot be trusted"},
		{"the genesis", func(t *testing.T, dir string, _ *store.Store) {
			const name = "chain/genesis.json"
			genesis, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			rewrite(t, dir, name, bytes.Replace(genesis, []byte(testChain), []byte("Test"), 1))
		}, 1, "the block cannot be trusted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			reopened(t, dir, func(s *store.Store) { c.forge(t, dir, s) })
			_, err := verify(dir)
			d, ok := errors.AsType[*node.Difference](err)
			if !ok || d.Height != c.height || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want height %d: %s", err, c.height, c.says)
			}
		})
	}
}

// forgeView makes the read model of a folder anew, from receipts of which those of
// the last block that has any are missing.
func forgeView(t *testing.T, dir string, s *store.Store, last int64) {
	t.Helper()
	path := filepath.Join(dir, "view.sqlite")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	v, err := view.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []machine.Record
	for height := range last {
		all = append(all, recordOf(t, s, height+1))
	}
	busy := last - 1
	for len(all[busy].Outcomes) == 0 {
		busy--
	}
	all[busy].Outcomes = nil
	if err := errors.Join(v.Apply(all), v.Close()); err != nil {
		t.Fatal(err)
	}
}

// forgeBlock changes one bit of a stored block, at an eighth of its length.
func forgeBlock(t *testing.T, s *store.Store, height int64, eighth int) {
	t.Helper()
	kv := s.KV("blockstore")
	var key, part []byte
	for k, v := range kv.Ascend(nil, nil) {
		if bytes.Contains(k, fmt.Appendf(nil, "P:%d:0", height)) {
			key, part = slices.Clone(k), slices.Clone(v)
		}
	}
	if key == nil {
		t.Fatalf("block %d has no part", height)
	}
	part[len(part)*eighth/8] ^= 4
	if err := kv.Write(true, [][]byte{key}, [][]byte{part}); err != nil {
		t.Fatal(err)
	}
}

// Wherever a bit of a block is forged, in its header, its envelopes or the
// signatures under the block before, it is that block's height that is named.
func TestVerifyNamesTheForgedBlock(t *testing.T) {
	folder := lived(t)
	for eighth := range 8 {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
		reopened(t, dir, func(s *store.Store) { forgeBlock(t, s, 7, eighth) })
		_, err := verify(dir)
		if d, ok := errors.AsType[*node.Difference](err); !ok || d.Height != 7 {
			t.Errorf("a bit at %d/8: %v; want height 7", eighth, err)
		}
	}
}

// Garbage in place of any file ends in an error that names a place, never in a
// panic.
func TestVerifyOfGarbage(t *testing.T) {
	dir := lived(t)
	paths, contents := files(t, dir)
	noise := sha256.Sum256([]byte("noise"))
	for _, name := range paths {
		for _, garbage := range [][]byte{nil, bytes.Repeat(noise[:], len(contents[name])/32+1), contents[name][:len(contents[name])/2]} {
			if bytes.Equal(garbage, contents[name]) {
				continue
			}
			rewrite(t, dir, name, garbage)
			if _, err := verify(dir); err == nil {
				t.Errorf("%s with %d bytes of garbage is as it should be", name, len(garbage))
			}
			rewrite(t, dir, name, contents[name])
		}
	}
}
