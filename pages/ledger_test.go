package pages_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/commonwatt/commonwatt/pages"
)

// Every block, envelope and receipt, as everybody: receipts that are somebody
// else's are sealed, and nothing of what is told holds another's secrets.
func TestLedgerKeepsSecrets(t *testing.T) {
	w := newTown(t, "2026-06-20 00:00", "2026-06-20 03:00")
	ctx := t.Context()
	blocks, err := w.Blocks(ctx, 1<<60, 100)
	if err != nil || len(blocks) == 0 {
		t.Fatal(len(blocks), err)
	}
	sealed, open := map[string]int{}, map[string]int{}
	for _, row := range blocks {
		b, err := w.Block(ctx, row.Height)
		if err != nil || b.Hash == "" || b.Signatures != 1 {
			t.Fatalf("block %d: %+v, %v", row.Height, b, err)
		}
		for _, entry := range b.Entries {
			id := entry.ID
			if id == "" {
				id = fmt.Sprintf("%d.%d", entry.Height, entry.Position)
			}
			for _, name := range []string{"anna", "dario", "operator", "auditor", "visitor"} {
				e, err := w.Envelope(ctx, w.who(name), id)
				if err != nil || len(e.Facts) != entry.Receipts {
					t.Fatalf("envelope %s: %+v, %v", id, e, err)
				}
				for n, f := range e.Facts {
					one, err := w.Receipt(ctx, w.who(name), f.Height, f.Position, n)
					if err != nil || one.Leaf != f.Leaf || one.Sealed != f.Sealed {
						t.Fatalf("receipt %d.%d.%d: %+v, %+v, %v", f.Height, f.Position, n, one, f, err)
					}
					if f.Sealed {
						sealed[name]++
						continue
					}
					open[name]++
					if f.Name == "settlement.statement" && name != "operator" {
						text, err := json.Marshal(f)
						if err != nil {
							t.Fatal(err)
						}
						w.noSecrets(t, name, string(text))
					}
				}
			}
		}
	}
	if open["anna"] <= open["visitor"] || open["operator"] <= open["anna"] || sealed["operator"] >= sealed["auditor"] || open["visitor"] != open["auditor"] {
		t.Errorf("open %v, sealed %v", open, sealed)
	}
	for _, id := range []string{"", "zz", "1.99", "9999.0", "-1.0", "00"} {
		if _, err := w.Envelope(ctx, w.who("auditor"), id); !notFound(err) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// A search leads somewhere or nowhere, and a name to its owner and operator only.
func TestSearch(t *testing.T) {
	w := newTown(t, "2026-06-20 00:00", "2026-06-20 01:00")
	anna := fmt.Sprint(uint64(w.community.Account("anna")))
	for _, c := range []struct{ viewer, q, path string }{
		{"auditor", "3", "/ledger/block/3"},
		{"visitor", "2026-06-20", "/community/2026-06-20"},
		{"anna", "2026-06-20", "/today/2026-06-20"},
		{"visitor", "2026-06-20T00:20:00Z", "/replay/2026-06-20T00:15:00Z"},
		{"operator", "anna", "/today?account=" + anna},
		{"anna", anna, "/today?account=" + anna},
		{"bela", anna, ""},
		{"bela", "anna", ""},
		{"auditor", "anna", ""},
		{"auditor", "", ""},
		{"auditor", "0.0.0", ""},
	} {
		found, err := w.Search(t.Context(), w.who(c.viewer), c.q)
		if err != nil || (len(found) == 0) != (c.path == "") || len(found) > 0 && found[0].Path != c.path {
			t.Errorf("%s looks for %q: %+v, %v", c.viewer, c.q, found, err)
		}
	}
}

// Aggregates are for all and agree with the members' bills, which with the
// receivers come to nothing.
func TestCommunity(t *testing.T) {
	w := newTown(t, "2026-06-19 00:00", "2026-06-20 06:00")
	m := w.community.Microgrid()
	c, err := w.Community(t.Context(), w.who("visitor"), m, "2026-06-19")
	if err != nil {
		t.Fatal(err)
	}
	var demand, traded int64
	for _, s := range c.Intervals {
		demand, traded = demand+s.Demand, traded+s.Traded
	}
	if demand != c.Demand.Wh || traded != c.Traded.Wh || c.Traded.Wh+c.Bought.Wh != c.Demand.Wh || c.Traded.Wh+c.Sold.Wh != c.Supply.Wh ||
		c.Traded.Shown+c.Bought.Shown != c.Demand.Shown || c.Traded.Shown+c.Sold.Shown != c.Supply.Shown || c.Progress.Settled != 96 {
		t.Errorf("%+v", c)
	}
	o, err := w.Operation(t.Context(), w.who("operator"), m, "2026-06")
	if err != nil {
		t.Fatal(err)
	}
	var units, shown int64
	for _, r := range o.Members {
		units, shown = units+r.Balance.Units, shown+r.Balance.Shown
	}
	for _, r := range o.Received {
		units, shown = units+r.Amount.Units, shown+r.Amount.Shown
	}
	if units != 0 || shown != 0 || len(o.Members) != 12 || o.Settled != 120 || o.Total != 2880 {
		t.Errorf("in all %d, shown %d: %+v", units, shown, o)
	}
	other := w.who("operator")
	other.Microgrid++
	for _, v := range []pages.Viewer{w.who("anna"), w.who("auditor"), w.who("visitor"), other} {
		if _, err := w.Operation(t.Context(), v, m, "2026-06"); !forbidden(err) {
			t.Errorf("%+v: %v", v, err)
		}
	}
}
