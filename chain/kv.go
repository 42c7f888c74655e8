package chain

import (
	"errors"
	"iter"

	dbm "github.com/cometbft/cometbft-db"
)

// KV is a map of bytes to bytes that keeps one of CometBFT's databases. The
// slices it yields are good until the next pair.
type KV interface {
	// Get returns the value at key, or nil when there is none; an empty value is
	// not nil.
	Get(key []byte) ([]byte, error)
	// Write sets each key to its value, all or none; a nil value deletes. When
	// sync is set, they and all writes before them are on disk on return.
	Write(sync bool, keys, values [][]byte) error
	// Ascend yields the pairs of [from, to) in order; a nil to is the end.
	Ascend(from, to []byte) iter.Seq2[[]byte, []byte]
	// Descend yields the pairs of [from, to) in reverse order.
	Descend(from, to []byte) iter.Seq2[[]byte, []byte]
}

var (
	errNoKey   = errors.New("chain: a key is empty")
	errNoValue = errors.New("chain: a value is nil")
	errWritten = errors.New("chain: the batch is written")
)

// database makes a map look as CometBFT wants it.
type database struct{ kv KV }

// Get returns the value at key, or nil.
func (d database) Get(key []byte) ([]byte, error) {
	if len(key) == 0 {
		return nil, errNoKey
	}
	return d.kv.Get(key)
}

// Has reports whether there is a value at key.
func (d database) Has(key []byte) (bool, error) {
	value, err := d.Get(key)
	return value != nil, err
}

// Set writes a value.
func (d database) Set(key, value []byte) error { return d.set(false, key, value) }

// SetSync writes a value to disk.
func (d database) SetSync(key, value []byte) error { return d.set(true, key, value) }

func (d database) set(sync bool, key, value []byte) error {
	if len(key) == 0 {
		return errNoKey
	}
	if value == nil {
		return errNoValue
	}
	return d.kv.Write(sync, [][]byte{key}, [][]byte{value})
}

// Delete removes a key.
func (d database) Delete(key []byte) error { return d.remove(false, key) }

// DeleteSync removes a key from the disk.
func (d database) DeleteSync(key []byte) error { return d.remove(true, key) }

func (d database) remove(sync bool, key []byte) error {
	if len(key) == 0 {
		return errNoKey
	}
	return d.kv.Write(sync, [][]byte{key}, [][]byte{nil})
}

// Iterator goes through [from, to) in order.
func (d database) Iterator(from, to []byte) (dbm.Iterator, error) {
	return newIterator(d.kv.Ascend(from, to), from, to), nil
}

// ReverseIterator goes through [from, to) in reverse order.
func (d database) ReverseIterator(from, to []byte) (dbm.Iterator, error) {
	return newIterator(d.kv.Descend(from, to), from, to), nil
}

// NewBatch collects writes.
func (d database) NewBatch() dbm.Batch { return &batch{kv: d.kv} }

// Close leaves the map open; it is closed by the one who opened it.
func (d database) Close() error { return nil }

// Print is for CometBFT's own tools.
func (d database) Print() error { return nil }

// Stats is for CometBFT's own tools.
func (d database) Stats() map[string]string { return nil }

// Compact is left to the map.
func (d database) Compact(_, _ []byte) error { return nil }

// batch collects writes, which are its caller's slices until they are written.
type batch struct {
	kv           KV
	keys, values [][]byte
	closed       bool
}

// Set adds a value.
func (b *batch) Set(key, value []byte) error {
	if value == nil {
		return errNoValue
	}
	return b.add(key, value)
}

// Delete adds the removal of a key.
func (b *batch) Delete(key []byte) error { return b.add(key, nil) }

func (b *batch) add(key, value []byte) error {
	if len(key) == 0 {
		return errNoKey
	}
	if b.closed {
		return errWritten
	}
	b.keys, b.values = append(b.keys, key), append(b.values, value)
	return nil
}

// Write writes all or nothing.
func (b *batch) Write() error { return b.write(false) }

// WriteSync writes all or nothing, to disk.
func (b *batch) WriteSync() error { return b.write(true) }

func (b *batch) write(sync bool) error {
	if b.closed {
		return errWritten
	}
	err := b.kv.Write(sync, b.keys, b.values)
	return errors.Join(err, b.Close())
}

// Close ends the batch.
func (b *batch) Close() error {
	b.keys, b.values, b.closed = nil, nil, true
	return nil
}

// iterator pulls pairs from a sequence.
type iterator struct {
	next       func() ([]byte, []byte, bool)
	stop       func()
	from, to   []byte
	key, value []byte
	valid      bool
}

func newIterator(pairs iter.Seq2[[]byte, []byte], from, to []byte) *iterator {
	it := &iterator{from: from, to: to}
	it.next, it.stop = iter.Pull2(pairs)
	it.key, it.value, it.valid = it.next()
	return it
}

// Domain returns the bounds.
func (it *iterator) Domain() (from, to []byte) { return it.from, it.to }

// Valid reports whether there is a pair.
func (it *iterator) Valid() bool { return it.valid }

// Next goes on to the next pair.
func (it *iterator) Next() {
	it.mustBeValid()
	it.key, it.value, it.valid = it.next()
}

// Key returns the pair's key.
func (it *iterator) Key() []byte {
	it.mustBeValid()
	return it.key
}

// Value returns the pair's value.
func (it *iterator) Value() []byte {
	it.mustBeValid()
	return it.value
}

// Error is nil: a map that fails panics.
func (it *iterator) Error() error { return nil }

// Close ends the iteration.
func (it *iterator) Close() error {
	it.stop()
	return nil
}

func (it *iterator) mustBeValid() {
	if !it.valid {
		panic("chain: the iterator is past its end")
	}
}
