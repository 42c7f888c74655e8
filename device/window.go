package device

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
)

// windowSize is how many messages of a device are remembered, in the order of
// their sequences: eight hours of quarters.
const windowSize = 32

// entry is a message that was accepted, whole but for what is the same in all of
// a device's: two messages with one entry have the same bytes.
type entry struct {
	sequence uint64 // 0: carried over from the epoch before.
	start    interval.Time
	imported quantity.Energy // The registers.
	exported quantity.Energy
	quality  metering.Quality
	clock    Clock
	graded   bool // It counts for the settlement.
}

// entryOf is the entry of a message.
func entryOf(m *Message, graded bool) entry {
	return entry{m.Sequence, m.Start, m.Import, m.Export, m.Quality, m.Clock, graded}
}

// same reports whether two entries of one sequence are of the same bytes.
func (e entry) same(other entry) bool {
	e.graded = other.graded
	return e == other
}

// window is the latest messages of a device, by sequence.
type window []entry

// A packed window is its entries one after the other, each as what it adds to the
// one before: a byte of marks; unless the marks say that it follows, how much
// later its sequence is, and its start; and how much higher its registers are. A
// message that follows the one before takes four bytes or so, and all of them are
// written anew with each message.
const (
	qualityBits = 0x03 // Index in qualities.
	lostBit     = 0x04 // The clock is not synchronised.
	gradedBit   = 0x08
	followsBit  = 0x10 // The next sequence, as long after the one before as that after its own.
)

// qualities are the letters that marks index.
var qualities = [...]metering.Quality{metering.Actual, metering.Estimated, metering.Final, metering.Substituted}

// unpack reads what pack wrote.
func unpack(raw []byte) window {
	w := make(window, 0, windowSize+1)
	var last entry
	var step interval.Time
	next := func() int64 {
		n, size := binary.Varint(raw)
		raw = raw[size:]
		return n
	}
	for len(raw) > 0 {
		marks := raw[0]
		raw = raw[1:]
		e := entry{quality: qualities[marks&qualityBits], clock: Synchronised, graded: marks&gradedBit != 0}
		if marks&lostBit != 0 {
			e.clock = Unsynchronised
		}
		e.sequence = last.sequence + 1
		if marks&followsBit == 0 {
			e.sequence = last.sequence + uint64(next()) //nolint:gosec // ≥ 0
			step = interval.Time(next())
		}
		e.start = last.start + step
		e.imported, e.exported = last.imported+quantity.Energy(next()), last.exported+quantity.Energy(next())
		w = append(w, e)
		last = e
	}
	return w
}

// pack writes a window.
func (w window) pack() []byte {
	raw := make([]byte, 0, 32+8*len(w))
	var last entry
	var step interval.Time
	for _, e := range w {
		marks := byte(slices.Index(qualities[:], e.quality)) //nolint:gosec // one of four
		if e.clock == Unsynchronised {
			marks |= lostBit
		}
		if e.graded {
			marks |= gradedBit
		}
		if e.sequence == last.sequence+1 && e.start-last.start == step {
			raw = append(raw, marks|followsBit)
		} else {
			step = e.start - last.start
			raw = binary.AppendVarint(append(raw, marks), int64(e.sequence-last.sequence)) //nolint:gosec // < 2⁵³
			raw = binary.AppendVarint(raw, int64(step))
		}
		raw = binary.AppendVarint(raw, int64(e.imported-last.imported))
		raw = binary.AppendVarint(raw, int64(e.exported-last.exported))
		last = e
	}
	return raw
}

// highest is the highest sequence, or 0.
func (w window) highest() uint64 {
	if len(w) == 0 {
		return 0
	}
	return w[len(w)-1].sequence
}

// find returns where a sequence is, or would be.
func (w window) find(sequence uint64) (int, bool) {
	if sequence > w.highest() {
		return len(w), false
	}
	return slices.BinarySearchFunc(w, sequence, func(e entry, n uint64) int { return cmp.Compare(e.sequence, n) })
}

// graded returns the last graded entry before i and the first one from i on, or
// nil where there is none.
func (w window) graded(i int) (before, after *entry) {
	for n := i - 1; n >= 0 && before == nil; n-- {
		if w[n].graded {
			before = &w[n]
		}
	}
	for n := i; n < len(w) && after == nil; n++ {
		if w[n].graded {
			after = &w[n]
		}
	}
	return before, after
}

// insert puts an entry at its place, i, and drops the lowest one when there are
// too many; but never the last graded one, from which the next energy is counted.
// It returns the floor: the highest
// sequence that was dropped so far, and at least 1 when anything was.
func (w window) insert(i int, e entry, floor uint64) (window, uint64) {
	w = slices.Insert(w, i, e)
	if len(w) <= windowSize {
		return w, floor
	}
	lowest := 0
	if last, _ := w.graded(len(w)); last == &w[0] {
		lowest = 1
	}
	floor = max(floor, w[lowest].sequence, 1)
	return slices.Delete(w, lowest, lowest+1), floor
}

// carried is the window that a new epoch begins with: the last graded message, as
// one before all sequences; or nothing when other registers begin.
func (w window) carried(replaced bool) window {
	last, _ := w.graded(len(w))
	if last == nil || replaced {
		return nil
	}
	e := *last
	e.sequence = 0
	return window{e}
}
