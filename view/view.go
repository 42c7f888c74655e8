// Package view is the read model: what receipts said, in an embedded SQLite
// database, ready to be asked. It is the only package that speaks SQL.
//
// Its promise: the view is made of receipts alone, in their order, and of
// nothing else; deleted and fed again it comes back the same, row by row. The
// height it shows was written in one transaction with its rows, so it neither
// misses a block nor counts one twice.
package view

import (
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed" // The schema.
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"

	_ "modernc.org/sqlite" // The driver.
)

//go:embed schema.sql
var schema string

// View is an open read model. One goroutine applies records; any number may
// read at the same time.
type View struct {
	writer *writer
	write  *sql.DB
	read   *sql.DB
	height atomic.Int64
}

// readersMax bounds the connections, and so the memory, of concurrent reads.
const readersMax = 8

// Open opens the view in a file, or makes an empty one. A file with another
// version's schema is replaced by an empty view, which the blocks fill again.
//
// Errors: those of the disk.
func Open(path string) (*View, error) {
	v, version, err := open(path)
	if err != nil {
		return nil, err
	}
	if version != schemaVersion() {
		if err := errors.Join(v.Close(), remove(path)); err != nil {
			return nil, fmt.Errorf("view: replace a view of another version: %w", err)
		}
		if v, _, err = open(path); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// open opens a file, with the schema if it is new, and says which version's it is.
func open(path string) (v *View, version int64, err error) {
	// SQLite would let everybody read it, and whose bills these are is private.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return nil, 0, fmt.Errorf("view: %w", err)
	}
	v = &View{}
	if v.write, err = sql.Open("sqlite", source(path, "")); err != nil {
		return nil, 0, fmt.Errorf("view: %w", err)
	}
	if v.read, err = sql.Open("sqlite", source(path, "&mode=ro&_pragma=query_only(1)")); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("view: %w", err), v.Close())
	}
	v.read.SetMaxOpenConns(readersMax)
	if version, err = v.load(); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("view: %s: %w", path, err), v.Close())
	}
	return v, version, nil
}

// source is how the driver opens a file. With a write-ahead log readers go on
// while a block is written. It is synced at checkpoints only: after a power cut
// the last blocks may be missing, and the feed brings them again.
func source(path, more string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-8192)" + more
}

// load reads where the view stands.
func (v *View) load() (version int64, err error) {
	ctx := context.Background()
	conn, err := v.write.Conn(ctx)
	if err != nil {
		return 0, err
	}
	v.writer = newWriter(conn)
	var tables int64
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return 0, err
	}
	if tables == 0 {
		script := fmt.Sprintf("BEGIN; %s; PRAGMA user_version = %d; COMMIT", schema, schemaVersion())
		if _, err := conn.ExecContext(ctx, script); err != nil {
			return 0, err
		}
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil || version != schemaVersion() {
		return version, err
	}
	var height int64
	err = conn.QueryRowContext(ctx, "SELECT coalesce(max(height), 0) FROM block").Scan(&height)
	v.height.Store(height)
	return version, err
}

// schemaVersion tells schemas apart: SQLite keeps 31 bits for it.
func schemaVersion() int64 {
	sum := sha256.Sum256([]byte(schema))
	return int64(binary.BigEndian.Uint32(sum[:4]) >> 1)
}

// remove deletes a database and the logs beside it.
func remove(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Height is that of the last block whose receipts the view shows, 0 before the
// first.
func (v *View) Height() int64 { return v.height.Load() }

// Close ends the view.
func (v *View) Close() error {
	var errs []error
	if v.writer != nil {
		errs = append(errs, v.writer.close())
	}
	if v.read != nil {
		errs = append(errs, v.read.Close())
	}
	return errors.Join(append(errs, v.write.Close())...)
}
