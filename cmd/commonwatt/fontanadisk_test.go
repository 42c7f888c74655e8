package main

import (
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/state"
)

// aDay is as many readings as a gateway sends at once that asks its meters once a day.
const aDay = interval.Time(86400)

// partsOf is how many bytes the parts of a node's folder take, by their names.
func partsOf(t *testing.T, dir string) (parts map[string]int64) {
	t.Helper()
	parts = map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if at := strings.Split(name, string(filepath.Separator)); at[0] == "store" {
			name = filepath.Join(at[:2]...)
			if filepath.Ext(path) == ".log" {
				name += " log" // What was written of late, up to a fixed size.
			}
		} else {
			name = at[0]
		}
		parts[name] += info.Size()
		parts["all"] += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// A year, a day at a time, with all blocks kept and with the last ones only: what the
// parts of the folder take.
func TestFontanaDisk(t *testing.T) {
	if os.Getenv("COMMONWATT_FONTANA") == "" {
		t.Skip("the whole year runs with COMMONWATT_FONTANA=1, as make fontana does")
	}
	readings := shared(t, "readings.csv.gz")
	sizes := map[int64]map[string]int64{}
	for _, settings := range []node.Settings{{}, {KeepBlocks: node.KeepLeast, SnapshotBlocks: node.KeepLeast / 2}} {
		began := time.Now()
		s, err := gather(fontanaFree, settleFlags{readings: []string{readings}}, newProgress(io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		s.dir = t.TempDir()
		said := s.liveDaily(t, settings)
		parts := partsOf(t, s.dir)
		for _, name := range slices.Sorted(maps.Keys(parts)) {
			said += fmt.Sprintf("\n  %-24s %8d kB", name, parts[name]/1000)
		}
		sizes[settings.KeepBlocks] = parts
		t.Logf("keep_blocks %d, %.0f s: %s", settings.KeepBlocks, time.Since(began).Seconds(), said)
		if _, err := node.Verify(t.Context(), s.dir, func(int64, int64) {}); err != nil {
			t.Error(err)
		}
	}
	if all, few := sizes[0]["store/ledger"], sizes[node.KeepLeast]["store/ledger"]; few >= all {
		t.Errorf("the ledger takes %d bytes where the last receipts are kept, and %d where all are", few, all)
	}
}

// liveDaily settles the readings, a day at a time, and says what came of it.
func (s *settling) liveDaily(t *testing.T, settings node.Settings) string {
	t.Helper()
	var err error
	if s.operator, err = operator.Open(s.dir, s.community.Name); err != nil {
		t.Fatal(err)
	}
	if s.node, err = node.Open(node.Config{Dir: s.dir, Log: slog.New(slog.DiscardHandler), Settings: settings}); err != nil {
		t.Fatal(err)
	}
	s.operator.Begin(s.node)
	if err := s.screen(); err != nil {
		t.Fatal(err)
	}
	if err := s.found(t.Context()); err != nil {
		t.Fatal(err)
	}
	for rest := s.readings; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(r gateway.Reading) bool { return r.Start >= rest[0].Start+aDay })
		if n < 0 {
			n = len(rest)
		}
		if s.readings, rest = rest[:n], rest[n:]; len(s.readings) > 0 {
			if err := s.record(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.lapse(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.node.Seen(t.Context(), s.node.Height()); err != nil {
		t.Fatal(err)
	}
	rows, bytes := 0, 0
	s.node.Read(func(r state.Reader, _ machine.Head) {
		for key, row := range r.Ascend(nil, []byte{0xff}) {
			rows, bytes = rows+1, bytes+len(key)+len(row)
		}
	})
	height, first := s.node.Height(), s.node.Status().First
	if err := s.node.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("height %d, receipts from block %d on, the state is %d rows of %d kB", height, first, rows, bytes/1000)
}
