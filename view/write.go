package view

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// writer is the one who writes, with the rows that wait to be inserted together.
type writer struct {
	db       database
	batches  map[string]*batch
	upserts  map[string]string
	parties  map[grid.MicrogridID]parties
	balances map[ledger.Holding]ledger.Balance // What is to be added.
}

// batch is rows of one table that are inserted together.
type batch struct {
	table *table
	args  []any
}

// parties are the accounts that a settlement pays, in which currency.
type parties struct {
	currency               ledger.AssetID
	utility, network, levy tx.AccountID
}

func newWriter(db database) *writer {
	w := &writer{db: db, upserts: map[string]string{}}
	w.reset()
	return w
}

// reset forgets what a transaction was about to write.
func (w *writer) reset() {
	w.batches = map[string]*batch{}
	w.parties = map[grid.MicrogridID]parties{}
	w.balances = map[ledger.Holding]ledger.Balance{}
}

// atomically runs f in one transaction.
func (w *writer) atomically(f func() error) error {
	if err := w.db.begin(); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = w.db.commit()
	}
	if err != nil {
		w.reset()
		return errors.Join(err, w.db.undo())
	}
	return nil
}

// exec runs a statement; it sees no rows that wait in batches.
func (w *writer) exec(query string, args ...any) error { return w.db.exec(query, plain(args)) }

// row runs a query for one row; it sees no rows that wait in batches.
//
// Errors: sql.ErrNoRows.
func (w *writer) row(query string, args []any, into ...any) error {
	return w.db.row(query, plain(args), into)
}

// put inserts or replaces a row, at once.
func (w *writer) put(table string, values ...any) error {
	query, ok := w.upserts[table]
	if !ok {
		query = tableOf(table).upsert()
		w.upserts[table] = query
	}
	return w.exec(query, values...)
}

// add inserts a row, together with others of its table.
func (w *writer) add(table string, values ...any) error {
	b, ok := w.batches[table]
	if !ok {
		b = &batch{table: tableOf(table)}
		w.batches[table] = b
	}
	b.args = append(b.args, plain(values)...)
	if len(b.args) < w.db.batch()*len(values) {
		return nil
	}
	return w.flush(table)
}

// flush inserts the rows of a table that wait.
func (w *writer) flush(table string) error {
	b, ok := w.batches[table]
	if !ok || len(b.args) == 0 {
		return nil
	}
	err := w.db.insert(b.table, b.args)
	b.args = b.args[:0]
	return err
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
	return w.postAll()
}

// postsEach is how many balances one statement adds to; see fileBatch.
const postsEach = 16

// postAll adds to all balances that wait, in the order in which the table keeps them.
func (w *writer) postAll() error {
	holdings := slices.SortedFunc(maps.Keys(w.balances), func(a, b ledger.Holding) int {
		return cmp.Or(cmp.Compare(bits(a.Account), bits(b.Account)), cmp.Compare(bits(a.Asset), bits(b.Asset)))
	})
	for some := range slices.Chunk(holdings, postsEach) {
		var args []any
		for _, k := range some {
			b := w.balances[k]
			args = append(args, bits(k.Account), bits(k.Asset), int64(b.Posted), int64(b.Held))
		}
		err := w.exec(tableOf("balance").insert(len(some))+` ON CONFLICT (account, asset) DO UPDATE
			SET posted = balance.posted + excluded.posted, held = balance.held + excluded.held`, args...)
		if err != nil {
			return err
		}
	}
	clear(w.balances)
	return nil
}
