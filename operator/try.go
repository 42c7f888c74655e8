package operator

import (
	"fmt"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Try applies operations of an account to committed rows as the next block would at a
// moment, and changes nothing. It returns their receipts.
//
// Errors: the refusal that the ledger would answer with.
func Try(rows state.Reader, head machine.Head, now interval.Time, signer tx.AccountID, operations []tx.Operation) ([]op.Receipt, error) {
	registry, s := machine.Registry(), state.NewOverlay(rows)
	ctx := machine.Trying(rows, head, signer)
	ctx.Time = max(now, head.Time)
	for n, sent := range operations {
		known, ok := registry.Operation(sent.Kind)
		if !ok || known.Carries != nil {
			return nil, fmt.Errorf("operation %d of kind %d cannot be tried", n, sent.Kind)
		}
		o, err := known.Decode(sent.Body)
		if err == nil {
			if no := known.Apply(&ctx, s, o); no != nil {
				err = no
			}
		}
		if err != nil {
			return nil, fmt.Errorf("the ledger would refuse it: %w; nothing is booked", err)
		}
	}
	return ctx.Take(), nil
}
