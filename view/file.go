package view

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // The driver.
)

// file is SQLite in a file. One connection writes.
type file struct {
	path     string
	db       *sql.DB
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	inserts  map[*table][2]string // Of one row, and of fileBatch.
}

// fileBatch is how many rows one statement inserts, at a third of what as many
// statements take; more cost time again.
const fileBatch = 16

func openFile(path string) (*View, error) {
	f, version, err := newFile(path)
	if err != nil {
		return nil, err
	}
	if version != schemaVersion(schema) {
		if err := errors.Join(f.close(), remove(path)); err != nil {
			return nil, fmt.Errorf("view: replace a view of another version: %w", err)
		}
		if f, _, err = newFile(path); err != nil {
			return nil, err
		}
	}
	v := &View{db: f, writer: newWriter(f)}
	var height int64
	if v.read, err = sql.Open("sqlite", source(path, "&mode=ro&_pragma=query_only(1)")); err != nil {
		return nil, errors.Join(fmt.Errorf("view: %w", err), f.close())
	}
	v.read.SetMaxOpenConns(readersMax)
	if err := f.row("SELECT coalesce(max(height), 0) FROM block", nil, []any{&height}); err != nil {
		return nil, errors.Join(fmt.Errorf("view: %s: %w", path, err), v.Close())
	}
	v.height.Store(height)
	return v, nil
}

// newFile opens a file, with the schema if it is new, and says which version's it is.
func newFile(path string) (f *file, version int64, err error) {
	// SQLite would let everybody read it, and whose bills these are is private.
	touched, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = touched.Close()
	}
	if err != nil {
		return nil, 0, fmt.Errorf("view: %w", err)
	}
	f = &file{path: path, prepared: map[string]*sql.Stmt{}, inserts: map[*table][2]string{}}
	if f.db, err = sql.Open("sqlite", source(path, "")); err != nil {
		return nil, 0, fmt.Errorf("view: %w", err)
	}
	if version, err = f.load(); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("view: %s: %w", path, err), f.close())
	}
	return f, version, nil
}

// source is how the driver opens a file. With a write-ahead log readers go on
// while a block is written. It is synced at checkpoints only: after a power cut
// the last blocks may be missing, and the feed brings them again.
func source(path, more string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-8192)" + more
}

// load makes the schema where there is none.
func (f *file) load() (version int64, err error) {
	ctx := context.Background()
	if f.conn, err = f.db.Conn(ctx); err != nil {
		return 0, err
	}
	var tables int64
	if err := f.conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return 0, err
	}
	if tables == 0 {
		script := fmt.Sprintf("BEGIN; %s; PRAGMA user_version = %d; COMMIT", schema, schemaVersion(schema))
		if _, err := f.conn.ExecContext(ctx, script); err != nil {
			return 0, err
		}
	}
	err = f.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
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

func (f *file) ready() (int64, error) { return -1, nil }

func (f *file) yield() {}

func (f *file) begin() error { return f.plain("BEGIN IMMEDIATE") }

func (f *file) commit() error { return f.plain("COMMIT") }

func (f *file) undo() error { return f.plain("ROLLBACK") }

func (f *file) plain(statement string) error {
	_, err := f.conn.ExecContext(context.Background(), statement)
	return err
}

// statement prepares a query once.
func (f *file) statement(query string) (*sql.Stmt, error) {
	if s, ok := f.prepared[query]; ok {
		return s, nil
	}
	s, err := f.conn.PrepareContext(context.Background(), query)
	if err == nil {
		f.prepared[query] = s
	}
	return s, err
}

func (f *file) exec(query string, args []any) error {
	s, err := f.statement(query)
	if err == nil {
		_, err = s.ExecContext(context.Background(), args...)
	}
	return err
}

func (f *file) row(query string, args []any, into []any) error {
	s, err := f.statement(query)
	if err == nil {
		err = s.QueryRowContext(context.Background(), args...).Scan(into...)
	}
	return err
}

func (f *file) insert(t *table, args []any) error {
	text, ok := f.inserts[t]
	if !ok {
		text = [2]string{t.insert(1), t.insert(fileBatch)}
		f.inserts[t] = text
	}
	for len(args) > 0 {
		query, size := text[0], len(t.columns)
		if len(args) >= fileBatch*size {
			query, size = text[1], fileBatch*size
		}
		if err := f.exec(query, args[:size]); err != nil {
			return err
		}
		args = args[size:]
	}
	return nil
}

func (f *file) batch() int { return fileBatch }

func (f *file) query(query string) string { return query }

func (f *file) options() *sql.TxOptions { return &sql.TxOptions{ReadOnly: true} }

func (f *file) moment(*Reader) error { return nil }

func (f *file) failed(err error) error { return err }

func (f *file) address() string { return f.path }

func (f *file) close() error {
	var errs []error
	for _, s := range f.prepared {
		errs = append(errs, s.Close())
	}
	if f.conn != nil {
		errs = append(errs, f.conn.Close())
	}
	return errors.Join(append(errs, f.db.Close())...)
}
