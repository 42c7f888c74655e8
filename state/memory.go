package state

import (
	"iter"

	"github.com/tidwall/btree"
)

// Memory is a Reader that holds its rows in memory: for replays and tests.
type Memory struct{ rows btree.Map[string, []byte] }

// NewMemory returns a Memory without rows.
func NewMemory() *Memory { return &Memory{} }

// Apply makes a block's changes.
func (m *Memory) Apply(changes []Change) {
	for _, c := range changes {
		if c.Deleted {
			m.rows.Delete(string(c.Key))
		} else {
			m.rows.Set(string(c.Key), c.Row)
		}
	}
}

// Len is the number of rows.
func (m *Memory) Len() int { return m.rows.Len() }

// Get returns the row at key and whether there is one.
func (m *Memory) Get(key []byte) ([]byte, bool) { return m.rows.Get(string(key)) }

// Ascend yields the rows of [from, to) in order.
func (m *Memory) Ascend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		m.rows.Ascend(string(from), func(key string, row []byte) bool {
			return key < string(to) && yield([]byte(key), row)
		})
	}
}

// Descend yields the rows of [from, to) in reverse order.
func (m *Memory) Descend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		m.rows.Descend(string(to), func(key string, row []byte) bool {
			return key == string(to) || (key >= string(from) && yield([]byte(key), row))
		})
	}
}
