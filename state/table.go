package state

import (
	"iter"

	"github.com/commonwatt/commonwatt/codec"
)

// Key is anything with one byte form; byte order is the order of a table. The
// keys of a table have one length, so that no key starts with another.
type Key[K any] interface {
	comparable
	// AppendKey appends the byte form.
	AppendKey([]byte) []byte
	// ReadKey reads the byte form back; the receiver is not used.
	ReadKey([]byte) K
}

// Table is a typed view of the rows under one name.
type Table[K Key[K], T any] struct{ prefix string }

// NewTable names a table. Names are "domain.noun" and are part of the protocol.
func NewTable[K Key[K], T any](name string) Table[K, T] { return Table[K, T]{name + "/"} }

// Get returns the row at k and whether there is one.
func (t Table[K, T]) Get(s Reader, k K) (row T, ok bool) {
	raw, ok := s.Get(t.key(k))
	if ok {
		codec.Read(raw, &row)
	}
	return row, ok
}

// Has reports whether there is a row at k.
func (t Table[K, T]) Has(s Reader, k K) bool {
	_, ok := s.Get(t.key(k))
	return ok
}

// Put writes row at k.
func (t Table[K, T]) Put(s Store, k K, row T) { s.Put(t.key(k), codec.Marshal(row)) }

// Delete removes the row at k, if any.
func (t Table[K, T]) Delete(s Store, k K) { s.Delete(t.key(k)) }

// All yields every row in the order of the keys.
func (t Table[K, T]) All(s Reader) iter.Seq2[K, T] {
	return t.ascend(s, []byte(t.prefix), end([]byte(t.prefix)))
}

// Under yields the rows whose keys start with the byte form of parent.
func (t Table[K, T]) Under(s Reader, parent interface{ AppendKey([]byte) []byte }) iter.Seq2[K, T] {
	from := parent.AppendKey([]byte(t.prefix))
	return t.ascend(s, from, end(from))
}

// Range yields the rows of [from, to).
func (t Table[K, T]) Range(s Reader, from, to K) iter.Seq2[K, T] {
	return t.ascend(s, t.key(from), t.key(to))
}

// Last returns the last row of [from, to) and whether there is any.
func (t Table[K, T]) Last(s Reader, from, to K) (k K, row T, ok bool) {
	for key, raw := range s.Descend(t.key(from), t.key(to)) {
		codec.Read(raw, &row)
		return k.ReadKey(key[len(t.prefix):]), row, true
	}
	return k, row, false
}

// Key returns the row's key in the map, which a proof names.
func (t Table[K, T]) Key(k K) []byte { return t.key(k) }

// Parse reads a row that somebody shows, and reports whether it is one of the table's.
func (t Table[K, T]) Parse(key, raw []byte) (k K, row T, ok bool) {
	if len(key) != len(t.key(k)) || string(key[:len(t.prefix)]) != t.prefix {
		return k, row, false
	}
	k = k.ReadKey(key[len(t.prefix):])
	return k, row, codec.Unmarshal(raw, &row) == nil
}

func (t Table[K, T]) key(k K) []byte { return k.AppendKey(append(make([]byte, 0, 48), t.prefix...)) }

func (t Table[K, T]) ascend(s Reader, from, to []byte) iter.Seq2[K, T] {
	return func(yield func(K, T) bool) {
		var none K
		for key, raw := range s.Ascend(from, to) {
			var row T
			codec.Read(raw, &row)
			if !yield(none.ReadKey(key[len(t.prefix):]), row) {
				return
			}
		}
	}
}
