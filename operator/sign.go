package operator

import (
	"context"
	"errors"
	"fmt"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// expiryBlocks is for how many blocks an envelope may wait.
const expiryBlocks = 1 << 20

// Begin makes the operator sign for a running node.
func (o *Operator) Begin(n *node.Node) {
	o.node = n
	n.Read(func(rows state.Reader, head machine.Head) {
		o.chain, o.nonce = head.ChainID, party.HighestNonce(rows, o.account)
	})
}

// Bounds of an envelope that the operator signs, below those of package tx.
const (
	operationsPerEnvelope = 500
	bytesPerEnvelope      = 256 << 10
)

// Submit signs operations in as many envelopes as they need, and waits until all
// of them are applied.
func (o *Operator) Submit(ctx context.Context, operations []tx.Operation) error {
	for len(operations) > 0 {
		n, size := 0, 0
		for n < min(len(operations), operationsPerEnvelope) && (n == 0 || size+len(operations[n].Body) <= bytesPerEnvelope) {
			size += len(operations[n].Body)
			n++
		}
		if err := o.apply(ctx, operations[:n]); err != nil {
			return err
		}
		operations = operations[n:]
	}
	return nil
}

// overtakenMax is how often somebody else who signs for the operator may take the
// next nonce first.
const overtakenMax = 8

// apply signs operations in one envelope and waits until it is applied.
func (o *Operator) apply(ctx context.Context, operations []tx.Operation) error {
	outcome, _, err := o.Settle(ctx, operations)
	return o.Accepted(outcome, err)
}

// Settle signs operations in one envelope, waits until a block holds it and returns
// what became of it, and the block's height. Where its nonce was used meanwhile, nothing was, and it is signed
// again.
//
// Errors: those of the node's Submit.
func (o *Operator) Settle(ctx context.Context, operations []tx.Operation) (machine.Outcome, int64, error) {
	for tries := 1; ; tries++ {
		ticket, err := o.Send(ctx, operations)
		if err != nil {
			return machine.Outcome{}, 0, err
		}
		outcome, err := ticket.Wait(ctx)
		overtaken := outcome.Code == party.ErrNonceUsed.Code || errors.Is(err, party.ErrNonceUsed)
		if !overtaken || tries == overtakenMax {
			return outcome, ticket.Height(), err
		}
	}
}

// Send signs operations in one envelope and sends it.
func (o *Operator) Send(ctx context.Context, operations []tx.Operation) (*node.Ticket, error) {
	o.node.Read(func(rows state.Reader, _ machine.Head) { // A gateway may hold a copy of the key.
		o.nonce = max(o.nonce, party.HighestNonce(rows, o.account)) + 1
	})
	body := tx.Body{
		Chain: o.chain, Account: o.account, Nonce: o.nonce,
		Expiry:     uint64(o.node.Height()) + expiryBlocks, //nolint:gosec // heights are ≥ 0
		Operations: operations,
	}
	return o.node.Send(ctx, tx.SignEd25519(body.Encode(), o.key))
}

// Accepted turns a refusal of the ledger into an error that says what it is.
func (o *Operator) Accepted(outcome machine.Outcome, err error) error {
	switch {
	case err != nil:
		return err
	case outcome.Code == 0:
		return nil
	}
	for _, no := range machine.Registry().Refusals {
		if no.Code == outcome.Code {
			return fmt.Errorf("the ledger refuses operation %d of envelope %d: %w; nothing of it was booked", outcome.At, outcome.Nonce, no)
		}
	}
	return fmt.Errorf("the ledger refuses envelope %d with code %d; nothing of it was booked", outcome.Nonce, outcome.Code)
}
