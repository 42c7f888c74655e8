package optest

import (
	"testing"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/tx"
)

// Broken breaks one more rule of an operation: by its fields, its signer or the
// state behind it. It is a struct without a name of its own, so that a table of
// them is written without the names of its fields.
type Broken[O any] = struct {
	Want  *op.Refusal
	Wreck func(w *World, signer *tx.AccountID, o *O)
}

// Precedence tries an operation that is good, then breaks its rules one after
// the other, the last in precedence first: each time the rule that was broken
// last is the one that is named.
func Precedence[O any](t testing.TB, w *World, signer tx.AccountID, kind op.Kind[O], good O, rules []Broken[O]) {
	t.Helper()
	if _, err := w.Try(signer, kind.Encode(good)); err != nil {
		t.Fatalf("the good one is refused: %v", err)
	}
	w.Undo()
	for _, rule := range rules {
		rule.Wreck(w, &signer, &good)
		w.Keep()
		if _, err := w.Try(signer, kind.Encode(good)); err != rule.Want { //nolint:errorlint // This very refusal.
			t.Errorf("got %v, want %v", err, rule.Want)
		}
		w.Undo()
	}
}
