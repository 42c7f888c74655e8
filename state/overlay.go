package state

import (
	"iter"
	"slices"

	"github.com/tidwall/btree"
)

// Overlay is a Store over committed rows that remembers what changed. Reads are
// remembered too, so a row is fetched once per block.
type Overlay struct {
	base    Reader
	rows    btree.Map[string, cell]
	journal []undo
}

// cell is what the overlay knows about one key.
type cell struct {
	row     []byte
	present bool
	dirty   bool
}

// undo restores one key to what it was before the envelope at hand.
type undo struct {
	key   string
	was   cell
	known bool
}

// NewOverlay returns an overlay without changes.
func NewOverlay(base Reader) *Overlay { return &Overlay{base: base} }

// Get returns the row at key and whether there is one.
func (o *Overlay) Get(key []byte) ([]byte, bool) {
	if c, ok := o.rows.Get(string(key)); ok {
		return c.row, c.present
	}
	row, ok := o.base.Get(key)
	if ok {
		row = append([]byte(nil), row...)
	}
	o.rows.Set(string(key), cell{row: row, present: ok})
	return row, ok
}

// Put writes row at key. The overlay keeps row.
func (o *Overlay) Put(key, row []byte) { o.set(key, cell{row: row, present: true, dirty: true}) }

// Delete removes the row at key, if any.
func (o *Overlay) Delete(key []byte) { o.set(key, cell{dirty: true}) }

func (o *Overlay) set(key []byte, c cell) {
	k := string(key)
	was, known := o.rows.Set(k, c)
	o.journal = append(o.journal, undo{k, was, known})
}

// Keep makes the changes since the last Keep or Undo part of the block.
func (o *Overlay) Keep() { o.journal = o.journal[:0] }

// Undo takes back the changes since the last Keep or Undo.
func (o *Overlay) Undo() {
	for _, u := range slices.Backward(o.journal) {
		if u.known {
			o.rows.Set(u.key, u.was)
		} else {
			o.rows.Delete(u.key)
		}
	}
	o.journal = o.journal[:0]
}

// Changes returns what the block changed, sorted by key. A row that was made
// and deleted within the block is reported as deleted.
func (o *Overlay) Changes() []Change {
	var changes []Change
	o.rows.Scan(func(key string, c cell) bool {
		if c.dirty {
			changes = append(changes, Change{Key: []byte(key), Row: c.row, Deleted: !c.present})
		}
		return true
	})
	return changes
}

// Ascend yields the rows of [from, to) in order, as changed.
func (o *Overlay) Ascend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		changed := o.changed(from, to)
		for key, row := range o.base.Ascend(from, to) {
			for len(changed) > 0 && changed[0].key < string(key) {
				if !changed[0].yield(yield) {
					return
				}
				changed = changed[1:]
			}
			if len(changed) > 0 && changed[0].key == string(key) {
				if !changed[0].yield(yield) {
					return
				}
				changed = changed[1:]
				continue
			}
			if !yield(key, row) {
				return
			}
		}
		for _, c := range changed {
			if !c.yield(yield) {
				return
			}
		}
	}
}

// Descend yields the rows of [from, to) in reverse order, as changed.
func (o *Overlay) Descend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		changed := o.changed(from, to)
		last := func() *row { return &changed[len(changed)-1] }
		for key, row := range o.base.Descend(from, to) {
			for len(changed) > 0 && last().key > string(key) {
				if !last().yield(yield) {
					return
				}
				changed = changed[:len(changed)-1]
			}
			if len(changed) > 0 && last().key == string(key) {
				if !last().yield(yield) {
					return
				}
				changed = changed[:len(changed)-1]
				continue
			}
			if !yield(key, row) {
				return
			}
		}
		for len(changed) > 0 {
			if !last().yield(yield) {
				return
			}
			changed = changed[:len(changed)-1]
		}
	}
}

// row is a changed row within a range.
type row struct {
	key  string
	cell cell
}

// yield passes the row on, unless it is deleted.
func (r *row) yield(yield func([]byte, []byte) bool) bool {
	return !r.cell.present || yield([]byte(r.key), r.cell.row)
}

// changed lists the dirty cells of [from, to), sorted. The list is a copy, so
// the caller of a scan may write while it scans.
func (o *Overlay) changed(from, to []byte) []row {
	var rows []row
	o.rows.Ascend(string(from), func(key string, c cell) bool {
		if key >= string(to) {
			return false
		}
		if c.dirty {
			rows = append(rows, row{key, c})
		}
		return true
	})
	return rows
}
