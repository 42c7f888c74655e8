package node_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/tx"
)

// A flood: accounts that send all that they can, each from several connections.
const (
	flooders     = 10
	floodEach    = 1200 // Envelopes of a flooder.
	floodSize    = 100  // Operations of each, for which the flooder has no money.
	floodHonest  = 15   // Transfers of one who does not flood.
	floodBlocks  = 3    // In which each of them must be.
	floodHeapMax = 512 << 20
)

// While others send far more than the ledger can take, one who sends now and then is
// let in without waiting for room, and then in one of the next three blocks that hold
// anything (an empty one, which proves the state before it, passes nobody over); and
// memory has its bound.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("signs tens of thousands of envelopes")
	}
	n, _ := start(t, flooders+2)
	defer n.Close()
	fund(t, n, flooders+2)
	dear := []tx.Operation{ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: 1, Amount: 2 * purse})}
	flood := make([][][]byte, flooders)
	for f := range flood {
		for nonce := range uint64(floodEach) {
			flood[f] = append(flood[f], sign(tx.AccountID(f+2), nonce+10, slices.Repeat(dear, floodSize)...))
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var sending sync.WaitGroup
	var offered atomic.Int64
	for _, envelopes := range flood {
		sending.Go(func() {
			for _, raw := range envelopes {
				if _, err := n.Send(ctx, raw); err != nil {
					return
				}
				offered.Add(1)
			}
		})
	}
	for offered.Load() < flooders*floodEach/4 { // The queue is full by then.
		runtime.Gosched()
	}
	hurried, gone := context.WithCancel(context.Background())
	gone() // It is told so when there is no room for it.
	const honest = tx.AccountID(flooders + 2)
	worst, during, heap := 0, 0, uint64(0)
	for nonce := uint64(10); nonce < 10+floodHonest; nonce++ {
		ticket, err := n.Send(hurried, transfer(honest, 1, nonce, 1))
		if err != nil {
			t.Fatal(err)
		}
		height := n.Height()
		if o, err := ticket.Wait(context.Background()); err != nil || o.Code != 0 {
			t.Fatal(o.Code, err)
		}
		worst = max(worst, withSomething(t, n, height+1, ticket.Height()))
		if offered.Load() < flooders*floodEach {
			during++
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		heap = max(heap, m.HeapInuse)
	}
	cancel()
	sending.Wait()
	if worst > floodBlocks || heap > floodHeapMax {
		t.Errorf("an honest envelope was in block %d after it was let in, want at most %d; the heap took %d MiB", worst, floodBlocks, heap>>20)
	}
	t.Logf("%d honest envelopes, %d of them during the flood, at most %d blocks; %d MiB", floodHonest, during, worst, heap>>20)
}

// withSomething counts the blocks from one height to another that hold anything.
func withSomething(t *testing.T, n *node.Node, from, to int64) (blocks int) {
	t.Helper()
	for height := from; height <= to; height++ {
		r, err := n.Record(height)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Outcomes) > 0 {
			blocks++
		}
	}
	return blocks
}
