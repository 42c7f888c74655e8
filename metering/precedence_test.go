package metering

import (
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// world is a state that operations are tried on.
type world struct {
	*state.Overlay
	registry *op.Registry
	ctx      op.Context // Its signer and time are those of the next operation.
}

func newWorld(t testing.TB) *world {
	t.Helper()
	registry, err := op.NewRegistry(party.Ops, ledger.Ops, grid.Ops, Ops)
	if err != nil {
		t.Fatal(err)
	}
	return &world{state.NewOverlay(state.NewMemory()), registry, op.Context{Time: 100_000}}
}

// try applies an operation as the machine does: decoded, checked, all or nothing.
// It returns the receipts.
func (w *world) try(signer tx.AccountID, sent tx.Operation) ([]op.Receipt, error) {
	operation, _ := w.registry.Operation(sent.Kind)
	o, err := operation.Decode(sent.Body)
	if err != nil {
		return nil, err
	}
	ctx := w.ctx
	ctx.Signer = signer
	if no := operation.Apply(&ctx, w.Overlay, o); no != nil {
		w.Undo()
		return nil, no
	}
	return ctx.Take(), nil
}

// must applies operations that are good.
func (w *world) must(t testing.TB, signer tx.AccountID, sent ...tx.Operation) []op.Receipt {
	t.Helper()
	var all []op.Receipt
	for _, o := range sent {
		receipts, err := w.try(signer, o)
		if err != nil {
			t.Fatal(err)
		}
		w.Keep()
		all = append(all, receipts...)
	}
	return all
}

// broken breaks one more rule of an operation: by its fields, its signer or the
// state behind it.
type broken[O any] struct {
	want  *op.Refusal
	wreck func(w *world, signer *tx.AccountID, o *O)
}

// precedence tries an operation that is good, then breaks its rules one after
// the other, the last in precedence first: each time the rule that was broken
// last is the one that is named.
func precedence[O any](t *testing.T, w *world, signer tx.AccountID, kind op.Kind[O], good O, rules []broken[O]) {
	t.Helper()
	if _, err := w.try(signer, kind.Encode(good)); err != nil {
		t.Fatalf("the good one is refused: %v", err)
	}
	w.Undo()
	for _, rule := range rules {
		rule.wreck(w, &signer, &good)
		w.Keep()
		if _, err := w.try(signer, kind.Encode(good)); err != rule.want { //nolint:errorlint // This very refusal.
			t.Errorf("got %v, want %v", err, rule.want)
		}
		w.Undo()
	}
}
