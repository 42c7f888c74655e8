// Package memory bounds what a decoder may take for one input.
//
// Its promise: a decoder under it that allocates out of proportion fails its test,
// also with large inputs made to provoke that.
package memory

import (
	"bytes"
	"runtime/metrics"
	"testing"
)

// most is what one input may have allocated in all.
const most = 64 << 20

// Bound fails a test that allocates more than 64 MiB until the function it returns is
// called. It counts what is allocated in the whole process.
//
//	defer memory.Bound(t)()
func Bound(t *testing.T) func() {
	t.Helper()
	before := allocated()
	return func() {
		t.Helper()
		if took := allocated() - before; took > most {
			t.Errorf("one input took %d MiB, want at most %d", took>>20, most>>20)
		}
	}
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Large adds inputs of a megabyte to a fuzz test of bytes: what nests, what claims to
// be long, and what repeats, in the formats that we read.
func Large(f *testing.F) {
	f.Helper()
	const size = 1 << 20
	for _, piece := range []string{
		"\x81", "\x9f", "\xa1\x01", "\xd9\xd9\xf7", // CBOR: arrays, maps and tags within each other.
		"\x9a\xff\xff\xff\xff", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "\x5a\x7f\xff\xff\xff", // CBOR that says it is long.
		"[", `{"a":`, "[[a]]\n", "a=[", "<a>", "<a b='c'/>", ",", "\"", "9", "\n", "\x00", "\xff", "/A\r\n", "1-0:1.8.0(1*kWh)\r\n",
	} {
		f.Add(bytes.Repeat([]byte(piece), size/len(piece)))
	}
}
