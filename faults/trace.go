package faults

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
)

// trace is every event of a run: as a hash, by which two runs are compared, and as
// lines for who wants to read them.
type trace struct {
	run  *run
	hash hash.Hash
	line func(string)
	raw  []byte
}

func newTrace(r *run, line func(string)) *trace {
	return &trace{run: r, hash: sha256.New(), line: line}
}

// add adds an event: what happened, at which node, and numbers that tell it from
// others of its kind.
func (t *trace) add(what string, node int, numbers ...int64) {
	t.raw = binary.BigEndian.AppendUint64(t.raw[:0], uint64(t.run.now)) //nolint:gosec // the bits, not the value
	t.raw = append(t.raw, byte(node), byte(len(what)))                  //nolint:gosec // nodes are few, words short
	t.raw = append(t.raw, what...)
	for _, n := range numbers {
		t.raw = binary.BigEndian.AppendUint64(t.raw, uint64(n)) //nolint:gosec // the bits, not the value
	}
	t.hash.Write(t.raw)
	if t.line != nil {
		t.line(fmt.Sprintf("%12.6f s  node %d  %-12s %v", float64(t.run.now)/float64(second), node, what, numbers))
	}
}

// note adds a line that is for readers only: what it says is in the numbers of an
// event.
func (t *trace) note(format string, args ...any) {
	if t.line != nil {
		t.line(fmt.Sprintf("%12.6f s          "+format, append([]any{float64(t.run.now) / float64(second)}, args...)...))
	}
}

func (t *trace) sum() []byte { return t.hash.Sum(nil) }

// short is the begin of a hash as a number, for events.
func short(h []byte) int64 {
	if len(h) < 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(h) >> 1)
}
