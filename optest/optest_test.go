package optest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/tx"
)

const bank tx.AccountID = 1

var euro = ledger.Define{Asset: 978, Symbol: "EUR", Decimals: 6}

// TestWorld tries an operation, which leaves it to the caller to keep it, and one
// that is refused, which leaves nothing.
func TestWorld(t *testing.T) {
	w := NewWorld(t, ledger.Ops)
	defined := func() bool { _, ok := ledger.AssetAt(w, euro.Asset); return ok }
	if _, err := w.Try(bank, ledger.DefineKind.Encode(euro)); err != nil || !defined() {
		t.Errorf("tried, but not there: %v", err)
	}
	if w.Undo(); defined() {
		t.Error("undone, but there")
	}
	w.Must(t, bank, ledger.DefineKind.Encode(euro))
	if w.Undo(); !defined() {
		t.Error("what must be was not kept")
	}
	if _, err := w.Try(bank, ledger.DefineKind.Encode(euro)); err != ledger.ErrDefined { //nolint:errorlint // This very refusal.
		t.Errorf("defined twice: %v", err)
	}
	if _, err := w.Try(bank, tx.Operation{Kind: 1 << 30}); err == nil {
		t.Error("an operation of no domain is taken")
	}
	if _, err := w.Try(bank, tx.Operation{Kind: ledger.DefineKind.Number, Body: []byte{0xff}}); err == nil {
		t.Error("bytes that are no operation are taken")
	}
}

// listener hears a test complain.
type listener struct {
	testing.TB
	heard []string
}

func (l *listener) Helper() {}

func (l *listener) Errorf(format string, args ...any) {
	l.heard = append(l.heard, fmt.Sprintf(format, args...))
}

// TestPrecedence holds the definition of an asset to the order of its refusals,
// and to that order reversed.
func TestPrecedence(t *testing.T) {
	rules := []Broken[ledger.Define]{
		{ledger.ErrDefined, func(w *World, _ *tx.AccountID, o *ledger.Define) { w.Must(t, bank, ledger.DefineKind.Encode(*o)) }},
		{ledger.ErrDecimals, func(_ *World, _ *tx.AccountID, o *ledger.Define) { o.Decimals = 19 }},
		{ledger.ErrSymbol, func(_ *World, _ *tx.AccountID, o *ledger.Define) { o.Symbol = "" }},
	}
	Precedence(t, NewWorld(t, ledger.Ops), bank, ledger.DefineKind, euro, rules)

	slices.Reverse(rules[1:])
	l := &listener{TB: t}
	Precedence(l, NewWorld(t, ledger.Ops), bank, ledger.DefineKind, euro, rules)
	want := []string{fmt.Sprintf("got %v, want %v", ledger.ErrSymbol, ledger.ErrDecimals)}
	if !slices.Equal(l.heard, want) {
		t.Errorf("out of order: heard %q, want %q", l.heard, want)
	}
}
