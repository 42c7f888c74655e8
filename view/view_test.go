package view

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
)

func empty(t *testing.T) *View {
	t.Helper()
	v, err := opened(somewhere(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// opened is a view that may be written to.
func opened(path string) (*View, error) {
	v, err := Open(path)
	if err != nil {
		return nil, err
	}
	err = v.Ready()
	for ; errors.Is(err, ErrFollows); err = v.Ready() { // Soon the last one's connection has ended.
	}
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// fed is a view that got the records so many at a time.
func fed(t *testing.T, records []machine.Record, atOnce int) *View {
	t.Helper()
	v := empty(t)
	for chunk := range slices.Chunk(records, atOnce) {
		if err := v.Apply(chunk); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func dump(t *testing.T, v *View) string {
	t.Helper()
	var out bytes.Buffer
	if err := v.Dump(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func scanText(rows *sql.Rows, s *string) error { return rows.Scan(s) }

func read(t *testing.T, v *View, f func(*Reader) error) {
	t.Helper()
	if err := v.Read(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// TestEveryReceiptIsKnown holds the view to the ledger's list of receipts.
func TestEveryReceiptIsKnown(t *testing.T) {
	known := machine.Registry().Receipts
	for _, r := range known {
		if writers[r.Kind] == nil {
			t.Errorf("%s has no writer", r.Name)
		}
	}
	if len(writers) != len(known) {
		t.Errorf("%d writers for %d kinds of receipts", len(writers), len(known))
	}
}

// TestBalancesAreTheLedgers follows money through every kind of posting: what
// the receipts add up to is what the ledger holds.
func TestBalancesAreTheLedgers(t *testing.T) {
	both(t, func(t *testing.T) {
		for seed := range seeds() {
			w := lived(t, seed)
			v := fed(t, w.records, 1)
			seen := map[ledger.Holding]ledger.Balance{}
			read(t, v, func(r *Reader) error {
				return r.Balances(func(h ledger.Holding, b ledger.Balance) error {
					seen[h] = b
					return nil
				})
			})
			for a := operator; a <= dot; a++ {
				k := ledger.Holding{Account: a, Asset: euro}
				if want := ledger.BalanceOf(w.rows, a, euro); seen[k] != want {
					t.Errorf("seed %d: account %d has %+v in the view, %+v in the ledger", seed, a, seen[k], want)
				}
				delete(seen, k)
			}
			if len(seen) != 0 {
				t.Errorf("seed %d: balances that the ledger does not have: %v", seed, seen)
			}
		}
	})
}

// TestManyBalancesInABlock changes more balances at once than a statement adds to, up
// and down.
func TestManyBalancesInABlock(t *testing.T) {
	both(t, func(t *testing.T) {
		const first, many = tx.AccountID(1000), 2*postsEach + 3
		w := found(t)
		var opened, issued, paid []tx.Operation
		for n := range tx.AccountID(many) {
			opened = append(opened, party.OpenKind.Encode(party.Open{Account: first + n}))
			issued = append(issued, ledger.IssueKind.Encode(ledger.Issue{Asset: euro, To: first + n, Amount: 100 + quantity.Money(n), Deposit: make([]byte, 32)}))
			paid = append(paid, ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: first + n, Amount: 1}))
		}
		w.block(operator, opened...)
		w.block(operator, append(issued, ledger.IssueKind.Encode(ledger.Issue{Asset: euro, To: operator, Amount: many, Deposit: make([]byte, 32)}))...)
		w.block(operator, paid...)
		read(t, fed(t, w.records, 1), func(r *Reader) error {
			seen := map[ledger.Holding]ledger.Balance{}
			err := r.Balances(func(h ledger.Holding, b ledger.Balance) error {
				seen[h] = b
				return nil
			})
			for n := range tx.AccountID(many) {
				if b := seen[ledger.Holding{Account: first + n, Asset: euro}]; b.Posted != 101+quantity.Money(n) {
					t.Errorf("account %d has %d in the view, want %d", first+n, b.Posted, 101+n)
				}
			}
			return err
		})
	})
}

// TestRebuiltViewIsTheSame feeds the same receipts in other portions.
func TestRebuiltViewIsTheSame(t *testing.T) {
	both(t, func(t *testing.T) {
		w := lived(t, 1)
		want := dump(t, fed(t, w.records, 1))
		for _, atOnce := range []int{2, 7, len(w.records)} {
			v := fed(t, w.records, atOnce)
			if got := dump(t, v); got != want {
				t.Errorf("%d blocks at once give other rows than one by one", atOnce)
			}
		}
		read(t, fed(t, w.records, 5), func(r *Reader) error {
			names := catalog(t, r)
			for _, table := range names {
				if !strings.Contains(want, table+"\n") || len(names) != len(tables) {
					t.Errorf("the dump misses table %s", table)
				}
				if rows, err := list(r, "SELECT 'row' FROM "+table+" LIMIT 1", scanText); err != nil || len(rows) == 0 {
					t.Errorf("no rows in table %s show that it comes back, %v", table, err)
				}
			}
			return nil
		})
		a, err := fed(t, w.records, 3).Digest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, err := fed(t, w.records[:len(w.records)-1], 3).Digest(t.Context())
		if err != nil || a == b {
			t.Errorf("a block less has the same digest, %v", err)
		}
	})
}

// TestRevisionsReplaceEachOther checks that of what was corrected one revision
// is the latest, and the first is still there.
func TestRevisionsReplaceEachOther(t *testing.T) {
	both(t, func(t *testing.T) {
		w := found(t)
		w.read(0, []quantity.Energy{-1_000, 600, 500, 0})
		w.read(1, []quantity.Energy{0, 0, 0, 0})
		w.read(0, []quantity.Energy{missing, 900})
		w.read(0, []quantity.Energy{missing, 800})
		w.read(2, []quantity.Energy{0, 0, 0, 0})
		v := fed(t, w.records, 100)
		read(t, v, func(r *Reader) error {
			text, err := list(r, `SELECT point || ':' || revision || '>' || superseded || ' ' || import_wh FROM statement
				WHERE start = ? ORDER BY point, revision`, scanText, int64(noon))
			if got := strings.Join(text, ", "); got != "5:1>2 0, 5:2>3 0, 5:3>0 0, 6:1>2 600, 6:2>3 900, 6:3>0 800, 7:1>2 500, 7:2>3 500, 7:3>0 500, 8:1>0 0" {
				t.Errorf("statements %s", got)
			}
			return err
		})
	})
}

// TestApplyIsAtomic checks that blocks which do not fit leave no trace.
func TestApplyIsAtomic(t *testing.T) {
	both(t, func(t *testing.T) {
		w := lived(t, 2)
		r := w.records
		alien := machine.Record{Height: 4, Outcomes: []machine.Outcome{{Receipts: []machine.Fact{{Kind: 999_999}}}}}
		correction := machine.Fact{
			Kind: settlement.StatementReceipt.Kind,
			Body: codec.Marshal(settlement.Statement{Microgrid: town1, Start: noon, Revision: 2, Point: 5}),
		}
		v := fed(t, r[:3], 3)
		before := dump(t, v)
		for what, bad := range map[string][]machine.Record{
			"a block twice":           {r[2]},
			"a gap":                   {r[4]},
			"a gap after a good one":  {r[3], r[5]},
			"an unknown receipt":      {alien},
			"before the first block":  {{Height: 0}},
			"a correction of nothing": {{Height: 4, Outcomes: []machine.Outcome{{Receipts: []machine.Fact{correction}}}}},
		} {
			if err := v.Apply(bad); err == nil {
				t.Errorf("%s was taken", what)
			}
			if v.Height() != 3 || dump(t, v) != before {
				t.Errorf("%s left a trace", what)
			}
		}
		if err := v.Apply(r[3:]); err != nil {
			t.Errorf("the right blocks, after wrong ones: %v", err)
		}
		if dump(t, v) != dump(t, fed(t, r, 5)) {
			t.Error("wrong blocks in between make another view")
		}
	})
}

func TestReopened(t *testing.T) {
	both(t, func(t *testing.T) {
		w := found(t)
		path := somewhere(t)
		v, err := opened(path)
		if err != nil {
			t.Fatal(err)
		}
		if v.Height() != 0 {
			t.Errorf("an empty view is at height %d", v.Height())
		}
		if err := v.Apply(w.records); err != nil {
			t.Fatal(err)
		}
		rows := dump(t, v)
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		if v, err = opened(path); err != nil {
			t.Fatal(err)
		}
		if v.Height() != 1 || dump(t, v) != rows {
			t.Errorf("opened again it stands at %d, with rows that are not those it had", v.Height())
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}

		age(t, path)
		if v, err = opened(path); err != nil {
			t.Fatal(err)
		}
		if v.Height() != 0 {
			t.Errorf("a view of another version is at height %d, not made anew", v.Height())
		}
		if err := v.Apply(w.records); err != nil || dump(t, v) != rows {
			t.Errorf("a view made anew has other rows, %v", err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestReadersSeeOneMoment checks that blocks which come during a read do not
// change what it sees.
func TestReadersSeeOneMoment(t *testing.T) {
	both(t, func(t *testing.T) {
		w := lived(t, 0)
		v := fed(t, w.records[:8], 8)
		count := func(r *Reader) (n int) {
			suspects, err := r.Suspects(town1)
			if err != nil {
				t.Error(err)
			}
			for _, d := range suspects {
				err := r.Exceptions(grid.Device{Microgrid: town1, Device: d}, Period{0, 1 << 40}, func(metering.Exception) error { n++; return nil })
				if err != nil {
					t.Error(err)
				}
			}
			return n
		}
		read(t, v, func(r *Reader) error {
			before := count(r)
			if err := v.Apply(w.records[8:]); err != nil {
				t.Error(err)
			}
			if after := count(r); after != before {
				t.Errorf("%d exceptions became %d within one read", before, after)
			}
			return nil
		})
		read(t, v, func(r *Reader) error {
			if count(r) == 0 {
				t.Error("the next read does not see the new blocks")
			}
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := v.Read(ctx, func(*Reader) error { return nil }); err == nil {
			t.Error("a read goes on after its context ended")
		}
	})
}

// TestLargeNumbers checks that the highest account keeps its number.
func TestLargeNumbers(t *testing.T) {
	const high tx.AccountID = 1<<64 - 1
	if got := number[tx.AccountID](bits(high)); got != high {
		t.Errorf("%d came back as %d", high, got)
	}
}
