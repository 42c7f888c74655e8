package store

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Sizes are small on purpose: a year of a community is settled within half a
// gigabyte and a node idles in less than a tenth. The engine takes the memory of
// its tables, those that wait for the disk included, out of the cache: were it no
// larger than they are, then each look at a row would read the index and the filter of
// its file again, just when many rows are written.
const (
	cacheBytes         = 64 << 20
	ledgerMemTable     = 8 << 20
	blocksMemTable     = 8 << 20
	openFilesMax       = 256
	separateValueBytes = 1 << 10
	filterBits         = 10
)

// Open opens the store in a folder, which it makes when it may write.
//
// Rows and blocks are two instances of the engine: blocks are large, written
// once and synced, rows are small, rewritten and not; kept apart, compacting
// one never rewrites the other, and a sync of one never waits for the other.
func Open(dir string, o Options) (*Store, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if !o.ReadOnly {
		if err := probe(o.FS, dir); err != nil {
			return nil, fmt.Errorf("store: open %s: cannot be written to: %w", dir, err)
		}
	}
	cache := pebble.NewCache(cacheBytes)
	defer cache.Unref()
	ledger, err := open(o, cache, o.FS.PathJoin(dir, "ledger"), ledgerMemTable)
	if err != nil {
		return nil, err
	}
	blocks, err := open(o, cache, o.FS.PathJoin(dir, "blocks"), blocksMemTable)
	if err != nil {
		return nil, errors.Join(err, ledger.Close())
	}
	return &Store{ledger: ledger, blocks: blocks, recent: newRecent()}, nil
}

// probeBytes is the room that a store asks for before it opens.
const probeBytes = 1 << 20

// probe says why nothing can be written to a folder. The engine does not: where a disk
// is full it tries again, thousands of times a second, and opens when there is room.
func probe(disk vfs.FS, dir string) error {
	name := disk.PathJoin(dir, "PROBE")
	if err := disk.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := disk.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeBytes))
	err = errors.Join(err, f.Sync(), f.Close())
	return errors.Join(err, disk.Remove(name))
}

// Close closes the store. What was written is on disk afterwards.
func (s *Store) Close() error {
	if err := errors.Join(s.ledger.Close(), s.blocks.Close()); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

func open(o Options, cache *pebble.Cache, dir string, memTable uint64) (*pebble.DB, error) {
	options := &pebble.Options{
		Cache:              cache,
		FS:                 named{o.FS},
		FormatMajorVersion: pebble.FormatValueSeparation,
		Logger:             logger{o.Log},
		MaxOpenFiles:       openFilesMax,
		MemTableSize:       cmp.Or(o.memTable, memTable),
		ReadOnly:           o.ReadOnly,
	}
	// Most rows that a block asks for and that are not there are values it is
	// about to write; a filter answers that without reading a file.
	for i := range options.Levels {
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(filterBits)
	}
	// Receipts and blocks are written once: kept in files of their own they are
	// not rewritten each time the keys around them are compacted.
	options.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy {
		return pebble.ValueSeparationPolicy{
			Enabled:               true,
			MinimumSize:           separateValueBytes,
			MaxBlobReferenceDepth: 10,
			TargetGarbageRatio:    1,
		}
	}
	db, err := pebble.Open(dir, options)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", dir, err)
	}
	return db, nil
}

// get reads one value. The slice is the caller's.
func get(db pebble.Reader, key []byte) ([]byte, bool) {
	value, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false
	}
	if err != nil {
		panic(Fault{err})
	}
	value = append([]byte{}, value...)
	if err := closer.Close(); err != nil {
		panic(Fault{err})
	}
	return value, true
}

// scan yields the pairs of [from, to), where no to is the end. The slices are
// good until the next pair.
func scan(db pebble.Reader, from, to []byte, reverse bool) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
		if err != nil {
			panic(Fault{err})
		}
		defer func() {
			if err := it.Close(); err != nil {
				panic(Fault{err})
			}
		}()
		first, next := it.First, it.Next
		if reverse {
			first, next = it.Last, it.Prev
		}
		for ok := first(); ok; ok = next() {
			value, err := it.ValueAndErr()
			if err != nil {
				panic(Fault{err})
			}
			if !yield(it.Key(), value) {
				return
			}
		}
	}
}

// logger passes on what the engine reports as an error. The engine calls
// Fatalf when it can no longer keep what it was given; the node stops at once,
// before it acknowledges anything more.
type logger struct{ log *slog.Logger }

// Infof drops what the engine does all day.
func (logger) Infof(string, ...any) {}

// Errorf passes on what the engine could not do and will try again.
func (l logger) Errorf(format string, args ...any) {
	l.log.Warn("storage engine", "reason", fmt.Sprintf(format, args...))
}

// Fatalf stops the node.
func (logger) Fatalf(format string, args ...any) {
	panic(Fault{fmt.Errorf(format, args...)})
}

// Corrupt reports whether an error, or the Fault of a panic, says that what is stored
// is not what was written.
func Corrupt(err error) bool { return pebble.IsCorruptionError(err) }
