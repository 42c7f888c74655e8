package store

import (
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"
)

// KV is a byte map of its own within the store, for the databases of the chain.
// Its methods use no type of this package, so that the chain can name what it
// needs without knowing who provides it.
type KV struct {
	db     *pebble.DB
	prefix []byte
}

// KV returns the byte map of a name.
func (s *Store) KV(name string) *KV { return &KV{db: s.blocks, prefix: append([]byte(name), 0)} }

// Get returns the value at key, or nil when there is none; an empty value is
// not nil.
func (kv *KV) Get(key []byte) ([]byte, error) {
	value, ok := get(kv.db, kv.key(key))
	if !ok {
		return nil, nil
	}
	return value, nil
}

// Write sets each key to its value, all or none; a nil value deletes. When sync
// is set, they and all writes before them are on disk on return.
func (kv *KV) Write(sync bool, keys, values [][]byte) error {
	batch := kv.db.NewBatch()
	defer batch.Close()
	for i, key := range keys {
		var err error
		if values[i] == nil {
			err = batch.Delete(kv.key(key), nil)
		} else {
			err = batch.Set(kv.key(key), values[i], nil)
		}
		if err != nil {
			return fmt.Errorf("store: write: %w", err)
		}
	}
	if err := batch.Commit(&pebble.WriteOptions{Sync: sync}); err != nil {
		return fmt.Errorf("store: write: %w", err)
	}
	return nil
}

// Ascend yields the pairs of [from, to) in order, as of the call; a nil to is
// the end. The slices are good until the next pair.
func (kv *KV) Ascend(from, to []byte) iter.Seq2[[]byte, []byte] { return kv.scan(from, to, false) }

// Descend yields the pairs of [from, to) in reverse order, as of the call; a nil
// to is the end. The slices are good until the next pair.
func (kv *KV) Descend(from, to []byte) iter.Seq2[[]byte, []byte] { return kv.scan(from, to, true) }

func (kv *KV) scan(from, to []byte, reverse bool) iter.Seq2[[]byte, []byte] {
	until := kv.end()
	if to != nil {
		until = kv.key(to)
	}
	return func(yield func([]byte, []byte) bool) {
		for key, value := range scan(kv.db, kv.key(from), until, reverse) {
			if !yield(key[len(kv.prefix):], value) {
				return
			}
		}
	}
}

func (kv *KV) key(key []byte) []byte {
	return append(append(make([]byte, 0, len(kv.prefix)+len(key)), kv.prefix...), key...)
}

// end is the least key past the map: its prefix ends in 0, so 1 follows it.
func (kv *KV) end() []byte {
	end := kv.key(nil)
	end[len(end)-1] = 1
	return end
}
