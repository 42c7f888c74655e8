// Package view is the read model: what receipts said, in a database, ready to be
// asked: an embedded SQLite file, or PostgreSQL. It is the only package that speaks
// SQL, and both are spoken to in the same.
//
// Its promise: the view is made of receipts alone, in their order, and of
// nothing else; deleted and fed again it comes back the same, row by row. The
// height it shows was written in one transaction with its rows, so it neither
// misses a block nor counts one twice.
package view

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"sync/atomic"
)

// ErrAway means that the database of a read model cannot be had for now. Nothing is
// lost: the ledger goes on, and the read model is brought up to it later.
var ErrAway = errors.New("the read model is away")

// ErrFollows means that another node writes the read model; here it is read.
var ErrFollows = errors.New("another node writes the read model")

// View is an open read model. One goroutine applies records; any number may
// read at the same time.
type View struct {
	db     database
	writer *writer
	read   *sql.DB
	height atomic.Int64
}

// database is what a view is kept in.
type database interface {
	// ready makes sure that this view may write. It returns the height that the
	// database shows, or -1 when that is what it was at the last time.
	//
	// Errors: ErrAway, ErrFollows (with a height, too); what only people can mend.
	ready() (height int64, err error)

	// yield is the opposite of ready.
	yield()

	// begin, commit and undo are those of the one transaction of the writer.
	begin() error
	commit() error
	undo() error
	// exec runs a statement, at the latest before the next row or commit.
	exec(query string, args []any) error
	// row runs a query for one row. Errors: sql.ErrNoRows.
	row(query string, args []any, into []any) error
	// insert inserts rows, one after the other in args.
	insert(t *table, args []any) error
	// batch is how many rows to insert at once.
	batch() int

	// query says a query as the database understands it.
	query(query string) string
	// options are those of a transaction that reads, and moment begins it.
	options() *sql.TxOptions
	moment(r *Reader) error
	// failed says what an error of a read means.
	failed(err error) error

	// address says where the database is, without what is secret.
	address() string
	close() error
}

// readersMax bounds the connections, and so the memory, of concurrent reads.
const readersMax = 8

// Open opens the view in a file, or makes an empty one. A file with another
// version's schema is replaced by an empty view, which the blocks fill again.
//
// An address that begins with postgres:// is that of a PostgreSQL server. It is not
// looked for before Ready or a read.
//
// Errors: those of the disk; an address that cannot be understood.
func Open(path string) (*View, error) {
	if Remote(path) {
		return openPostgres(path)
	}
	return openFile(path)
}

// Ready makes sure that this view may be written to, and knows its height. It costs
// nothing while all is well; after an error, the view may show another height.
//
// Errors: ErrAway; ErrFollows; what only people can mend, such as a password.
func (v *View) Ready() error {
	height, err := v.db.ready()
	if height >= 0 {
		v.height.Store(height)
	}
	return err
}

// Yield lets another node write the view, until the next Ready.
func (v *View) Yield() { v.db.yield() }

// schemaVersion tells schemas apart: SQLite keeps 31 bits for it.
func schemaVersion(schema string) int64 {
	sum := sha256.Sum256([]byte(schema))
	return int64(binary.BigEndian.Uint32(sum[:4]) >> 1)
}

// Height is that of the last block whose receipts the view shows, 0 before the
// first.
func (v *View) Height() int64 { return v.height.Load() }

// Address says where the view is, without a password.
func (v *View) Address() string { return v.db.address() }

// Close ends the view.
func (v *View) Close() error { return errors.Join(v.read.Close(), v.db.close()) }
