// Package state is the ordered map that every domain keeps its rows in.
//
// Its promise: what a block reads is what the blocks before it wrote, an
// envelope's writes happen all or not at all, and the set of changes a block
// leaves behind is sorted and the same on every node.
package state

import "iter"

// Reader is an ordered map of committed rows. Keys are ordered as bytes.
// Callers do not keep or change the slices they get past the next call.
type Reader interface {
	// Get returns the row at key and whether there is one.
	Get(key []byte) ([]byte, bool)
	// Ascend yields the rows of [from, to) in order.
	Ascend(from, to []byte) iter.Seq2[[]byte, []byte]
	// Descend yields the rows of [from, to) in reverse order.
	Descend(from, to []byte) iter.Seq2[[]byte, []byte]
}

// Store is a Reader that can be written to. Only machine makes one; domains
// reach it through tables.
type Store interface {
	Reader
	Put(key, row []byte)
	Delete(key []byte)
}

// Change is one row as a block leaves it.
type Change struct {
	Key     []byte
	Row     []byte
	Deleted bool
}

// end returns the least key above every key that starts with prefix; prefix is
// never all 0xff because it starts with a table's name.
func end(prefix []byte) []byte {
	stop := append([]byte(nil), prefix...)
	for i := len(stop) - 1; i >= 0; i-- {
		if stop[i] != 0xff {
			stop[i]++
			return stop[:i+1]
		}
	}
	panic("state: a prefix without an end")
}
