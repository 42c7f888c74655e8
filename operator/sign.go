package operator

import (
	"context"
	"fmt"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// expiryBlocks is for how many blocks an envelope may wait.
const expiryBlocks = 1 << 20

// begin makes the operator sign for a running node.
func (o *Operator) Begin(n *node.Node) {
	o.node = n
	n.Read(func(rows state.Reader, head machine.Head) {
		o.chain, o.nonce = head.ChainID, party.HighestNonce(rows, Account)
	})
}

// Bounds of an envelope that the operator signs, below those of package tx.
const (
	operationsPerEnvelope = 500
	bytesPerEnvelope      = 256 << 10
)

// submit signs operations in as many envelopes as they need, and waits until all
// of them are applied.
func (o *Operator) Submit(ctx context.Context, operations []tx.Operation) error {
	for len(operations) > 0 {
		n, size := 0, 0
		for n < min(len(operations), operationsPerEnvelope) && (n == 0 || size+len(operations[n].Body) <= bytesPerEnvelope) {
			size += len(operations[n].Body)
			n++
		}
		ticket, err := o.Send(ctx, operations[:n])
		if err != nil {
			return err
		}
		if err := o.Accepted(ticket.Wait(ctx)); err != nil {
			return err
		}
		operations = operations[n:]
	}
	return nil
}

// send signs operations in one envelope and sends it.
func (o *Operator) Send(ctx context.Context, operations []tx.Operation) (*node.Ticket, error) {
	o.nonce++
	body := tx.Body{
		Chain: o.chain, Account: Account, Nonce: o.nonce,
		Expiry:     uint64(o.node.Height()) + expiryBlocks, //nolint:gosec // heights are ≥ 0
		Operations: operations,
	}
	return o.node.Send(ctx, tx.SignEd25519(body.Encode(), o.key))
}

// accepted turns a refusal of the ledger into an error that says what it is.
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
