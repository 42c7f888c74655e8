package state

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naive is an ordered map that is sorted whenever it is read.
type naive map[string]string

func (n naive) Get(key []byte) ([]byte, bool) {
	row, ok := n[string(key)]
	return []byte(row), ok
}

func (n naive) Ascend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return n.scan(n.keys(from, to))
}

func (n naive) Descend(from, to []byte) iter.Seq2[[]byte, []byte] {
	keys := n.keys(from, to)
	slices.Reverse(keys)
	return n.scan(keys)
}

func (n naive) keys(from, to []byte) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(n)), func(key string) bool {
		return key < string(from) || key >= string(to)
	})
}

func (n naive) scan(keys []string) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for _, key := range keys {
			if !yield([]byte(key), []byte(n[key])) {
				return
			}
		}
	}
}

// model is what an overlay should be, by copying everything.
type model struct {
	rows, keptRows       naive
	changed, keptChanged map[string]bool
}

func (m *model) set(key string) { m.changed[key] = true }

func (m *model) keep() {
	m.keptRows, m.keptChanged = maps.Clone(m.rows), maps.Clone(m.changed)
}

func (m *model) undo() {
	m.rows, m.changed = maps.Clone(m.keptRows), maps.Clone(m.keptChanged)
}

func (m *model) changes() (list []string) {
	for _, key := range slices.Sorted(maps.Keys(m.changed)) {
		row, ok := m.rows[key]
		list = append(list, fmt.Sprintf("%s=%s %v", key, row, !ok))
	}
	return list
}

// TestOverlayModel plays blocks of envelopes on an overlay and on the model.
func TestOverlayModel(t *testing.T) {
	key := rapid.StringMatching(`[a-d]{1,2}`)
	rapid.Check(t, func(t *rapid.T) {
		base := naive(rapid.MapOf(key, rapid.StringMatching(`[0-9]`)).Draw(t, "base"))
		o := NewOverlay(base)
		m := &model{rows: maps.Clone(base), changed: map[string]bool{}}
		m.keep()
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, row := key.Draw(t, "key"), rapid.StringMatching(`[0-9]`).Draw(t, "row")
				o.Put([]byte(k), []byte(row))
				m.rows[k] = row
				m.set(k)
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				o.Delete([]byte(k))
				delete(m.rows, k)
				m.set(k)
			},
			"get": func(t *rapid.T) {
				k := key.Draw(t, "key")
				got, ok := o.Get([]byte(k))
				want, is := m.rows[k]
				if ok != is || string(got) != want {
					t.Fatalf("get %s: %s, %v; want %s, %v", k, got, ok, want, is)
				}
			},
			"keep": func(*rapid.T) { o.Keep(); m.keep() },
			"undo": func(*rapid.T) { o.Undo(); m.undo() },
			"": func(t *rapid.T) {
				from, to := key.Draw(t, "from"), key.Draw(t, "to")
				most := rapid.IntRange(1, 20).Draw(t, "most")
				same(t, "ascend", scan(o.Ascend, from, to, most), scan(m.rows.Ascend, from, to, most))
				same(t, "descend", scan(o.Descend, from, to, most), scan(m.rows.Descend, from, to, most))
				same(t, "changes", changes(o), m.changes())
			},
		})
	})
}

// scan lists the first rows of a range.
func scan(in func(from, to []byte) iter.Seq2[[]byte, []byte], from, to string, most int) (list []string) {
	for key, row := range in([]byte(from), []byte(to)) {
		if list = append(list, string(key)+"="+string(row)); len(list) == most {
			break
		}
	}
	return list
}

func changes(o *Overlay) (list []string) {
	for _, c := range o.Changes() {
		list = append(list, fmt.Sprintf("%s=%s %v", c.Key, c.Row, c.Deleted))
	}
	return list
}

func same(t rapid.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
}

// TestOverlayScanWhileWriting checks that a scan shows what was there when it
// began, whatever its reader writes.
func TestOverlayScanWhileWriting(t *testing.T) {
	o := NewOverlay(naive{"a": "1", "c": "3"})
	o.Put([]byte("b"), []byte("2"))
	var seen []string
	for key, row := range o.Ascend([]byte("a"), []byte("z")) {
		seen = append(seen, string(key)+string(row))
		o.Put([]byte("d"), []byte("4"))
		o.Delete([]byte("b"))
	}
	if want := []string{"a1", "b2", "c3"}; !slices.Equal(seen, want) {
		t.Errorf("saw %q, want %q", seen, want)
	}
	if after := scan(o.Ascend, "a", "z", 9); !slices.Equal(after, []string{"a=1", "c=3", "d=4"}) {
		t.Errorf("afterwards %q", after)
	}
}

// counted counts the reads of committed rows.
type counted struct {
	naive
	reads int
}

func (c *counted) Get(key []byte) ([]byte, bool) {
	c.reads++
	return c.naive.Get(key)
}

func TestOverlayReadsOnce(t *testing.T) {
	base := &counted{naive: naive{"a": "1"}}
	o := NewOverlay(base)
	for range 3 {
		o.Get([]byte("a"))
		o.Get([]byte("absent"))
	}
	if base.reads != 2 {
		t.Errorf("two keys were fetched %d times", base.reads)
	}
	if got := o.Changes(); len(got) != 0 {
		t.Errorf("reading changed %v", got)
	}
}
