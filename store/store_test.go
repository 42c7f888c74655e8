package store

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/state"
)

var _ state.Reader = (*Store)(nil)

// openTest opens a store until the test ends.
func openTest(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func commit(t testing.TB, s *Store, blocks ...Block) {
	t.Helper()
	for _, b := range blocks {
		if err := s.Commit(b); err != nil {
			t.Fatal(err)
		}
	}
}

// put is a change that writes a row.
func put(key, row string) state.Change { return state.Change{Key: []byte(key), Row: []byte(row)} }

// remove is a change that deletes a row.
func remove(key string) state.Change { return state.Change{Key: []byte(key), Deleted: true} }

// listed renders a scan as "key=row key=row ".
func listed(rows iter.Seq2[[]byte, []byte]) (list string) {
	for key, row := range rows {
		list += fmt.Sprintf("%s=%s ", key, row)
	}
	return list
}

func TestBlocksComeBackAfterReopening(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s,
		Block{Height: 1, Changes: []state.Change{put("a", "1"), put("b", "1")}, Record: []byte("one"), Head: []byte("at 1")},
		Block{Height: 2, Changes: []state.Change{remove("a"), put("b", "2"), put("c", "")}, Record: []byte("two"), Head: []byte("at 2")},
	)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openTest(t, dir, Options{ReadOnly: true})
	if head, ok := s.Head(); string(head) != "at 2" || !ok {
		t.Errorf("head is %q", head)
	}
	if got, want := listed(s.Ascend([]byte("a"), []byte("z"))), "b=2 c= "; got != want {
		t.Errorf("ascending %q, want %q", got, want)
	}
	if got, want := listed(s.Descend([]byte("a"), []byte("c"))), "b=2 "; got != want {
		t.Errorf("descending %q, want %q", got, want)
	}
	if _, ok := s.Get([]byte("a")); ok {
		t.Error("a deleted row is there")
	}
	if record, err := s.Record(1); string(record) != "one" || err != nil {
		t.Errorf("record 1 is %q, %v", record, err)
	}
	if _, err := s.Record(3); !errors.Is(err, ErrNoRecord) {
		t.Errorf("record 3: %v", err)
	}
	for height, record := range s.Records(2) {
		if height != 2 || string(record) != "two" {
			t.Errorf("records from 2 have %d %q", height, record)
		}
	}
	if err := s.Commit(Block{Height: 3}); err == nil {
		t.Error("a store opened for reading was written to")
	}
}

func TestNothingToReadIsAnError(t *testing.T) {
	if _, err := Open(t.TempDir(), Options{ReadOnly: true}); err == nil {
		t.Error("an empty folder was opened for reading")
	}
}

// Scans agree with a sorted map, whatever was written before.
func TestScansAgreeWithAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := Open("", Options{FS: vfs.NewMem()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		model := map[string]string{}
		key := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00\xff")), 1, 3, -1)
		for height := range rapid.Int64Range(1, 5).Draw(t, "blocks") {
			changes := map[string]state.Change{}
			for _, k := range rapid.SliceOf(key).Draw(t, "keys") {
				if rapid.Bool().Draw(t, "delete") {
					changes[k] = remove(k)
					delete(model, k)
				} else {
					changes[k] = put(k, strconv.FormatInt(height, 10))
					model[k] = strconv.FormatInt(height, 10)
				}
			}
			if err := s.Commit(Block{Height: height + 1, Changes: slices.Collect(maps.Values(changes))}); err != nil {
				t.Fatal(err)
			}
		}
		from, to := key.Draw(t, "from"), key.Draw(t, "to")
		var up, down string
		for _, k := range slices.Sorted(maps.Keys(model)) {
			if k >= from && k < to {
				up += fmt.Sprintf("%s=%s ", k, model[k])
				down = fmt.Sprintf("%s=%s ", k, model[k]) + down
			}
		}
		if got := listed(s.Ascend([]byte(from), []byte(to))); got != up {
			t.Errorf("ascending %q, want %q", got, up)
		}
		if got := listed(s.Descend([]byte(from), []byte(to))); got != down {
			t.Errorf("descending %q, want %q", got, down)
		}
	})
}

func TestMapsAreApart(t *testing.T) {
	s := openTest(t, "", Options{FS: vfs.NewMem()})
	near, far := s.KV("a"), s.KV("ab")
	for _, kv := range []*KV{near, far} {
		if err := kv.Write(true, [][]byte{[]byte("k"), []byte("l"), []byte("m")}, [][]byte{{}, kv.prefix, []byte("m")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := near.Write(false, [][]byte{[]byte("k")}, [][]byte{nil}); err != nil {
		t.Fatal(err)
	}
	if value, err := near.Get([]byte("k")); value != nil || err != nil {
		t.Errorf("a deleted value is %q, %v", value, err)
	}
	if value, err := far.Get([]byte("k")); value == nil || err != nil {
		t.Errorf("an empty value is nil, %v", err)
	}
	if got, want := listed(near.Ascend([]byte("a"), nil)), "l=a\x00 m=m "; got != want {
		t.Errorf("ascending to the end %q, want %q", got, want)
	}
	if got, want := listed(far.Descend(nil, []byte("m"))), "l=ab\x00 k= "; got != want {
		t.Errorf("descending from m %q, want %q", got, want)
	}
}

// campaign is how many rounds a test of chance runs: few by default, and as many
// as COMMONWATT_CAMPAIGN says.
func campaign(t *testing.T, few int) int {
	t.Helper()
	if text := os.Getenv("COMMONWATT_CAMPAIGN"); text != "" {
		rounds, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return rounds
	}
	return few
}
