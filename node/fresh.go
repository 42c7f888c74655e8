package node

import (
	"sync"

	"github.com/commonwatt/commonwatt/machine"
)

// freshMost is how many receipts, and blocks, are kept as the machine said them. A block
// of more than half of that is not, so that a million meters do not wait in memory twice.
const freshMost = 1 << 16

// fresh is the records of the last blocks as the machine made them, until the view asks
// for them.
type fresh struct {
	mu      sync.Mutex
	records []machine.Record // In the order of their heights.
	size    int              // Of all of them.
	ended   bool             // Nobody asks for any.
}

// keep takes a record in, and drops the oldest ones when there are too many.
func (f *fresh) keep(r machine.Record) {
	size := sizeOf(r)
	if size > freshMost/2 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	f.records, f.size = append(f.records, r), f.size+size
	for f.size > freshMost {
		f.drop()
	}
}

// take returns the record of a height and drops it and all before it; ok tells whether
// it was there.
func (f *fresh) take(height int64) (r machine.Record, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.records) > 0 && f.records[0].Height <= height {
		r = f.drop()
	}
	return r, r.Height == height
}

// end drops all records, and keeps no more.
func (f *fresh) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records, f.size, f.ended = nil, 0, true
}

// drop takes the oldest record out.
func (f *fresh) drop() machine.Record {
	r := f.records[0]
	f.records[0] = machine.Record{} // It is not kept for the slice's sake.
	f.records, f.size = f.records[1:], f.size-sizeOf(r)
	return r
}

// sizeOf is a block and how many receipts it holds.
func sizeOf(r machine.Record) int {
	size := 1
	for _, o := range r.Outcomes {
		size += len(o.Receipts)
	}
	return size
}
