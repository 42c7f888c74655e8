package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/tx"
)

// BenchmarkProve makes a bundle of a receipt of a ledger with several hundred
// thousand of them, and says how long the first one took, which reads them all.
func BenchmarkProve(b *testing.B) {
	const accounts = 2000
	n, _ := start(b, accounts)
	defer n.Close()
	fund(b, n, accounts)
	for round := range 100 {
		envelopes := make([][]byte, 0, accounts)
		for a := tx.AccountID(1); a <= accounts; a++ {
			envelopes = append(envelopes, transfer(a, a%accounts+1, uint64(1000+round), 1))
		}
		sendAll(b, n, envelopes)
	}
	if err := n.Rest(b.Context()); err != nil {
		b.Fatal(err)
	}
	head := headOf(n)
	height := head.Height / 2
	for r, err := n.Record(height); err != nil || len(r.Outcomes) == 0; r, err = n.Record(height) {
		height++ // Past blocks that are empty.
	}
	began := time.Now()
	if _, err := n.Prove(context.Background(), nil, nil); err != nil {
		b.Fatal(err)
	}
	first := time.Since(began)
	for b.Loop() {
		if _, err := n.Prove(context.Background(), []proof.Place{{Height: height}}, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(head.Log.Size), "receipts")
	b.ReportMetric(float64(first.Milliseconds()), "ms/first")
}

// sendAll sends envelopes and waits until all are applied.
func sendAll(b *testing.B, n *node.Node, envelopes [][]byte) {
	b.Helper()
	tickets := make([]*node.Ticket, len(envelopes))
	for i, raw := range envelopes {
		var err error
		if tickets[i], err = n.Send(context.Background(), raw); err != nil {
			b.Fatal(err)
		}
	}
	for _, ticket := range tickets {
		if o, err := ticket.Wait(context.Background()); err != nil || o.Code != 0 {
			b.Fatal(o.Code, o.At, err)
		}
	}
}
