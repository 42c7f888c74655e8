package state

import (
	"encoding/binary"
	"iter"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/interval"
)

// History is a table whose rows take effect at a time: a tariff, a limit, a
// rule. What held at a moment is the latest row at or before it, so a settled
// interval can be computed again with what held then.
type History[K Key[K], T any] struct{ table Table[dated[K], T] }

// NewHistory names a history.
func NewHistory[K Key[K], T any](name string) History[K, T] {
	return History[K, T]{NewTable[dated[K], T](name)}
}

// Put makes row hold for k from a moment on, until a later row.
func (h History[K, T]) Put(s Store, k K, from interval.Time, row T) {
	h.table.Put(s, dated[K]{k, from}, row)
}

// At returns the row that holds for k at a moment, and since when.
func (h History[K, T]) At(s Reader, k K, at interval.Time) (row T, since interval.Time, ok bool) {
	from := k.AppendKey([]byte(h.table.prefix))
	to := append(h.table.key(dated[K]{k, at}), 0) // The least key above the moment's.
	for key, raw := range s.Descend(from, to) {
		codec.Read(raw, &row)
		return row, dated[K]{}.ReadKey(key[len(h.table.prefix):]).from, true
	}
	return row, 0, false
}

// Under yields what holds at a moment for each key that starts with the byte form
// of parent.
func (h History[K, T]) Under(s Reader, parent interface{ AppendKey([]byte) []byte }, at interval.Time) iter.Seq2[K, T] {
	return func(yield func(K, T) bool) {
		var key K
		var row T
		held := false
		for d, r := range h.table.Under(s, parent) {
			if held && d.key != key {
				if !yield(key, row) {
					return
				}
				held = false
			}
			if d.from <= at {
				key, row, held = d.key, r, true
			}
		}
		if held {
			yield(key, row)
		}
	}
}

// dated is a key with the time from which its row holds.
type dated[K Key[K]] struct {
	key  K
	from interval.Time
}

// AppendKey orders by key, then time; the sign bit is flipped so that times
// before 1970 sort first.
func (d dated[K]) AppendKey(b []byte) []byte {
	return AppendTime(d.key.AppendKey(b), d.from)
}

// ReadKey reads what AppendKey wrote.
func (dated[K]) ReadKey(b []byte) dated[K] {
	var none K
	n := len(b) - 8
	return dated[K]{none.ReadKey(b[:n]), ReadTime(b[n:])}
}

// AppendTime appends a moment so that byte order is order in time.
func AppendTime(b []byte, t interval.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t)^1<<63) //nolint:gosec // the bits, not the value
}

// ReadTime reads what AppendTime wrote.
func ReadTime(b []byte) interval.Time {
	return interval.Time(binary.BigEndian.Uint64(b) ^ 1<<63) //nolint:gosec // the bits, not the value
}
