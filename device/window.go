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

// Layout of a packed entry: sequence, start, import, export, quality, clock and
// whether it is graded. Each has a fixed place, so that a window is read and
// written as fast as it is copied.
const (
	atStart   = 8
	atImport  = 16
	atExport  = 24
	atQuality = 32
	atClock   = 33
	entrySize = 34
	gradedBit = 0x80
)

// unpack reads what pack wrote.
func unpack(raw []byte) window {
	w := make(window, len(raw)/entrySize, len(raw)/entrySize+1)
	for n := range w {
		b := raw[n*entrySize:][:entrySize]
		w[n] = entry{
			sequence: binary.BigEndian.Uint64(b),
			start:    interval.Time(binary.BigEndian.Uint64(b[atStart:])),    //nolint:gosec // we wrote it
			imported: quantity.Energy(binary.BigEndian.Uint64(b[atImport:])), //nolint:gosec // we wrote it
			exported: quantity.Energy(binary.BigEndian.Uint64(b[atExport:])), //nolint:gosec // we wrote it
			quality:  metering.Quality(b[atQuality]),
			clock:    Clock(b[atClock] &^ gradedBit),
			graded:   b[atClock]&gradedBit != 0,
		}
	}
	return w
}

// pack writes a window, entrySize bytes for each entry.
func (w window) pack() []byte {
	raw := make([]byte, 0, len(w)*entrySize)
	for _, e := range w {
		raw = binary.BigEndian.AppendUint64(raw, e.sequence)
		raw = binary.BigEndian.AppendUint64(raw, uint64(e.start))    //nolint:gosec // ≥ 0
		raw = binary.BigEndian.AppendUint64(raw, uint64(e.imported)) //nolint:gosec // ≥ 0
		raw = binary.BigEndian.AppendUint64(raw, uint64(e.exported)) //nolint:gosec // ≥ 0
		clock := byte(e.clock)
		if e.graded {
			clock |= gradedBit
		}
		raw = append(raw, byte(e.quality), clock)
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
