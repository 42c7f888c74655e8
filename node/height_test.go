package node_test

import (
	"sync/atomic"
	"testing"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
)

// Whoever saw rows can ask how far they are: the height is never below them, or a
// report that waits for the view would miss the last block.
func TestHeightCoversWhatIsRead(t *testing.T) {
	n, _ := start(t, 2)
	defer n.Close()
	fund(t, n, 2)
	var done atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for !done.Load() {
			var at int64
			n.Read(func(_ state.Reader, head machine.Head) { at = head.Height })
			if height := n.Height(); height < at {
				t.Errorf("the rows are of %d, the height is %d", at, height)
				return
			}
		}
	}()
	for nonce := range uint64(40) {
		accept(t, n, transfer(2, 1, nonce+1, 1))
	}
	done.Store(true)
	<-ended
}
