package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/tx"
)

// bureau is where the operator signs operations and has rows proven: a running node, or
// one that is started for it.
type bureau interface {
	Operate(ctx context.Context, ask live.ToBook) ([]op.Receipt, error)
	Prove(ctx context.Context, ask live.ToProve) ([]byte, error)
}

// atBureau runs f at the bureau of a folder's community.
func atBureau(cmd *cobra.Command, dir string, f func(bureau, *community.Community) error) (err error) {
	c, err := loadCommunity(dir)
	if err != nil {
		return err
	}
	client, err := live.Find(cmd.Context(), dir)
	switch {
	case err == nil:
		return refusedByNode(f(client, c))
	case !errors.Is(err, live.ErrNotRunning):
		return err
	}
	release, err := lockFolder(dir, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	own := &ownNode{}
	if own.operator, err = operator.Open(dir, c.Name); err != nil {
		return err
	}
	if own.node, err = openNode(dir, newLog(cmd.ErrOrStderr())); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.node.Close()) }()
	own.operator.Begin(own.node)
	err = f(own, c)
	if _, refused := errors.AsType[*op.Refusal](err); refused {
		return badInput(err)
	}
	return err
}

// ownNode is a node that runs for one command.
type ownNode struct {
	operator *operator.Operator
	node     *node.Node
}

func (o *ownNode) Operate(ctx context.Context, ask live.ToBook) ([]op.Receipt, error) {
	receipts, err := live.Operate(ctx, o.operator, o.node.Read, time.Now(), ask)
	if err != nil || ask.DryRun {
		return receipts, err
	}
	if err := o.node.Rest(ctx); err != nil {
		return nil, err
	}
	return receipts, o.node.Seen(ctx, o.node.Height())
}

func (o *ownNode) Prove(ctx context.Context, ask live.ToProve) ([]byte, error) {
	b, err := o.node.ProveSince(ctx, ask.Since, ask.Places, ask.Rows)
	return b.Encode(), err
}

// operate has operations booked, or tried, and returns the first receipt.
func operate(cmd *cobra.Command, at bureau, dryRun bool, operations ...tx.Operation) (op.Receipt, error) {
	receipts, err := at.Operate(cmd.Context(), live.ToBook{Operations: operations, DryRun: dryRun})
	if err != nil {
		return op.Receipt{}, err
	}
	if len(receipts) == 0 {
		return op.Receipt{}, errors.New("the ledger says nothing of it")
	}
	return receipts[0], nil
}

// hand writes a bundle that shows a row, for the other operator.
func hand(cmd *cobra.Command, at bureau, file string, keys ...[]byte) error {
	raw, err := at.Prove(cmd.Context(), live.ToProve{Rows: keys})
	if err != nil {
		return err
	}
	return os.WriteFile(file, raw, 0o644) //nolint:gosec // It is to be given away.
}

// bundleFile reads a bundle that the other operator sent. It is for the ledger to say
// whether it is good.
func bundleFile(file string) ([]byte, *proof.Bundle, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, badInput(err)
	}
	b, err := proof.Decode(raw)
	if err != nil {
		return nil, nil, badInput(fmt.Errorf("%s: is no bundle of proofs: %w", file, err))
	}
	return raw, b, nil
}

// ledgerOf is the chain's id of a folder's ledger.
func ledgerOf(ctx context.Context, at bureau) (string, error) {
	raw, err := at.Prove(ctx, live.ToProve{})
	if err != nil {
		return "", err
	}
	b, err := proof.Decode(raw)
	if err != nil {
		return "", err
	}
	return b.Chain, nil
}
