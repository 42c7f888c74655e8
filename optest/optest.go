// Package optest has what tests of operations share: a world to try operations
// in, and the proof that their refusals come in order of precedence.
//
// Its promise: an operation is tried as the machine would, decoded from its
// bytes, and applied as a whole or not at all.
package optest

import (
	"fmt"
	"testing"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// World is a state that operations are tried on.
type World struct {
	*state.Overlay
	Ctx      op.Context // What the next operation is applied in; its signer is given to Try.
	registry *op.Registry
}

// NewWorld returns an empty world that knows the operations of sets. Its clock
// stands at 100,000 s, and its rules are the newest.
func NewWorld(t testing.TB, sets ...*op.Set) *World {
	t.Helper()
	registry, err := op.NewRegistry(sets...)
	if err != nil {
		t.Fatal(err)
	}
	return &World{Overlay: state.NewOverlay(state.NewMemory()), Ctx: op.Context{Time: 100_000, Rules: op.RulesSnapshots}, registry: registry}
}

// Try applies an operation as the machine does: decoded, checked, all or nothing.
// It returns the receipts. What the operation changed is still to be kept, or
// undone.
func (w *World) Try(signer tx.AccountID, sent tx.Operation) ([]op.Receipt, error) {
	operation, ok := w.registry.Operation(sent.Kind)
	if !ok {
		return nil, fmt.Errorf("this world has no operation %d", sent.Kind)
	}
	o, err := operation.Decode(sent.Body)
	if err != nil {
		return nil, err
	}
	ctx := w.Ctx
	ctx.Signer = signer
	if operation.Carries != nil {
		ctx.Carried = operation.Carries(&ctx, w.Overlay, o)
		op.VerifyInTurn(ctx.Carried)
	}
	if no := operation.Apply(&ctx, w.Overlay, o); no != nil {
		w.Undo()
		return nil, no
	}
	return ctx.Take(), nil
}

// Must applies operations that are good, and keeps what they changed.
func (w *World) Must(t testing.TB, signer tx.AccountID, sent ...tx.Operation) []op.Receipt {
	t.Helper()
	var all []op.Receipt
	for _, o := range sent {
		receipts, err := w.Try(signer, o)
		if err != nil {
			t.Fatal(err)
		}
		w.Keep()
		all = append(all, receipts...)
	}
	return all
}
