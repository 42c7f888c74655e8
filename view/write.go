package view

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// writer is the one connection that writes, with its prepared statements and
// the rows that wait to be inserted together.
type writer struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	batches  map[string]*batch
	parties  map[grid.MicrogridID]parties
	balances map[ledger.Holding]ledger.Balance // What is to be added.
}

// batch is rows of one table that are inserted together: a statement of several
// rows costs a third of as many statements.
type batch struct {
	one, many string // Statements that insert one row, and batchRows.
	columns   int
	args      []any
}

// batchRows is how many rows one statement inserts; more cost time again.
const batchRows = 16

// parties are the accounts that a settlement pays, in which currency.
type parties struct {
	currency               ledger.AssetID
	utility, network, levy tx.AccountID
}

func newWriter(conn *sql.Conn) *writer {
	w := &writer{conn: conn, prepared: map[string]*sql.Stmt{}}
	w.reset()
	return w
}

// reset forgets what a transaction was about to write.
func (w *writer) reset() {
	w.batches = map[string]*batch{}
	w.parties = map[grid.MicrogridID]parties{}
	w.balances = map[ledger.Holding]ledger.Balance{}
}

func (w *writer) close() error {
	var errs []error
	for _, s := range w.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

// atomically runs f in one transaction.
func (w *writer) atomically(f func() error) error {
	ctx := context.Background()
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = w.conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		w.reset()
		_, undo := w.conn.ExecContext(ctx, "ROLLBACK")
		return errors.Join(err, undo)
	}
	return nil
}

// statement prepares a query once.
func (w *writer) statement(query string) (*sql.Stmt, error) {
	if s, ok := w.prepared[query]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), query)
	if err == nil {
		w.prepared[query] = s
	}
	return s, err
}

// exec runs a statement; it sees no rows that wait in batches.
func (w *writer) exec(query string, args ...any) error {
	s, err := w.statement(query)
	if err == nil {
		_, err = s.ExecContext(context.Background(), args...)
	}
	return err
}

// row runs a query for one row; it sees no rows that wait in batches.
//
// Errors: sql.ErrNoRows.
func (w *writer) row(query string, args []any, into ...any) error {
	s, err := w.statement(query)
	if err == nil {
		err = s.QueryRowContext(context.Background(), args...).Scan(into...)
	}
	return err
}

// put inserts or replaces a row, at once.
func (w *writer) put(table string, values ...any) error {
	return w.exec("INSERT OR REPLACE INTO "+table+" VALUES "+placeholders(1, len(values)), values...)
}

// add inserts a row, together with others of its table.
func (w *writer) add(table string, values ...any) error {
	b, ok := w.batches[table]
	if !ok {
		into := "INSERT INTO " + table + " VALUES "
		b = &batch{
			one: into + placeholders(1, len(values)), many: into + placeholders(batchRows, len(values)),
			columns: len(values), args: make([]any, 0, batchRows*len(values)),
		}
		w.batches[table] = b
	}
	b.args = append(b.args, values...)
	if len(b.args) < batchRows*b.columns {
		return nil
	}
	err := w.exec(b.many, b.args...)
	b.args = b.args[:0]
	return err
}

// flush inserts the rows of a table that wait.
func (w *writer) flush(table string) error {
	b, ok := w.batches[table]
	if !ok {
		return nil
	}
	for at := 0; at < len(b.args); at += b.columns {
		if err := w.exec(b.one, b.args[at:at+b.columns]...); err != nil {
			return err
		}
	}
	b.args = b.args[:0]
	return nil
}

// placeholders is as many rows of as many question marks.
func placeholders(rows, columns int) string {
	row := "(" + strings.Repeat("?,", columns-1) + "?)"
	return strings.Repeat(row+",", rows-1) + row
}

// post adds to a balance.
func (w *writer) post(account tx.AccountID, asset ledger.AssetID, posted, held quantity.Money) {
	k := ledger.Holding{Account: account, Asset: asset}
	b := w.balances[k]
	b.Posted, b.Held = quantity.MustAdd(b.Posted, posted), quantity.MustAdd(b.Held, held)
	w.balances[k] = b
}

// finish writes all that waits.
func (w *writer) finish() error {
	for table := range w.batches {
		if err := w.flush(table); err != nil {
			return err
		}
	}
	for k, b := range w.balances {
		err := w.exec(`INSERT INTO balance VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
			SET posted = posted + excluded.posted, held = held + excluded.held`,
			bits(k.Account), bits(k.Asset), int64(b.Posted), int64(b.Held))
		if err != nil {
			return err
		}
	}
	clear(w.balances)
	return nil
}
