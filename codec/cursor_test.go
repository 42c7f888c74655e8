package codec

import (
	"encoding/hex"
	"testing"
)

// The head of an item has one form for each number (RFC 8949 §4.2.1).
func TestHeadsAreShortest(t *testing.T) {
	cases := []struct {
		raw  string
		want uint64
		good bool
	}{
		{"00", 0, true},
		{"17", 23, true},
		{"1818", 24, true},
		{"18ff", 255, true},
		{"190100", 256, true},
		{"19ffff", 65535, true},
		{"1a00010000", 65536, true},
		{"1affffffff", 1<<32 - 1, true},
		{"1b0000000100000000", 1 << 32, true},
		{"1bffffffffffffffff", 1<<64 - 1, true},
		{"1800", 0, false},
		{"1817", 0, false},
		{"1900ff", 0, false},
		{"1a0000ffff", 0, false},
		{"1b00000000ffffffff", 0, false},
		{"1c", 0, false},
		{"1f", 0, false},
		{"18", 0, false},
		{"1901", 0, false},
		{"", 0, false},
		{"20", 0, false},
	}
	for _, c := range cases {
		raw, err := hex.DecodeString(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		cur := NewCursor(raw)
		if got := cur.Head(MajorUint); got != c.want || cur.Done() != c.good {
			t.Errorf("%s: got %d, good %v", c.raw, got, cur.Done())
		}
	}
}
