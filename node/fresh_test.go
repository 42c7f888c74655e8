package node

import (
	"testing"

	"github.com/commonwatt/commonwatt/machine"
)

// TestFresh keeps the records of blocks, and is asked for some of them.
func TestFresh(t *testing.T) {
	block := func(height int64, receipts int) machine.Record {
		return machine.Record{Height: height, Outcomes: []machine.Outcome{{Receipts: make([]machine.Fact, receipts)}}}
	}
	var f fresh
	holds := func(height int64, want bool) {
		t.Helper()
		if r, ok := f.take(height); ok != want || ok && r.Height != height {
			t.Errorf("block %d: there is %v, want %v; its height is %d", height, ok, want, r.Height)
		}
	}
	f.keep(block(1, 2))
	f.keep(block(2, freshMost)) // Too large.
	f.keep(block(3, 1))
	holds(1, true)
	holds(2, false)
	holds(3, true)
	holds(3, false)
	f.keep(block(4, 0))
	holds(5, false) // It is not block 4, which nobody will ask for any more.
	holds(4, false)
	for height := range int64(4) {
		f.keep(block(10+height, freshMost/3))
	}
	holds(11, false) // Those before the last two made room.
	holds(12, true)
	holds(13, true)
	for height := range int64(2 * freshMost) {
		f.keep(block(20+height, 0))
	}
	if len(f.records) > freshMost {
		t.Errorf("%d blocks without receipts are kept", len(f.records))
	}
	f.end()
	f.keep(block(1<<20, 1))
	holds(1<<20, false)
}
