package merkle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestNamesComeBack packs names of all sorts one after the other, as a bunch has them:
// each comes back, in the same form the second time, and no two have one form.
func TestNamesComeBack(t *testing.T) {
	part := rapid.SliceOf(rapid.SampledFrom([]byte{0, 0, 0, 1, '/', 0xff}))
	name := rapid.OneOf(part, rapid.Custom(func(t *rapid.T) []byte {
		table := rapid.SampledFrom([]string{"grid.device/", "ledger.balance/", "/", "no slash"}).Draw(t, "table")
		return append([]byte(table), part.Draw(t, "number")...)
	}))
	rapid.Check(t, func(t *rapid.T) {
		var n names
		for range rapid.SampledFrom([]int{0, literal - 1, literal, literal + 1}).Draw(t, "tables before") {
			n.pack(nil, fmt.Appendf(nil, "table%d/", len(n.tables)))
		}
		list := rapid.SliceOf(name).Draw(t, "names")
		var row []byte
		forms := map[string]string{}
		for _, name := range list {
			form := n.pack(nil, name)
			if was, ok := forms[string(form)]; ok && was != string(name) {
				t.Fatalf("%q and %q are both %x", was, name, form)
			}
			forms[string(form)] = string(name)
			row = append(row, form...)
		}
		for _, name := range list {
			size := packedLen(row)
			if back := n.unpack(nil, row); !bytes.Equal(back, name) {
				t.Fatalf("%q came back as %q", name, back)
			}
			if again := n.pack(nil, name); !bytes.Equal(again, row[:size]) {
				t.Fatalf("%q is %x and then %x", name, row[:size], again)
			}
			row = row[size:]
		}
		if len(row) > 0 {
			t.Fatalf("%d bytes are left", len(row))
		}
	})
}

// TestNamesAreShort holds the short forms against the 32 bytes of a hash.
func TestNamesAreShort(t *testing.T) {
	var n names
	home := binary.BigEndian.AppendUint64([]byte("grid.device/"), 750)
	home = binary.BigEndian.AppendUint64(home, 1<<20)
	random := slices.Concat([]byte("ledger.balance/"), bytes.Repeat([]byte{7}, 16))
	for _, c := range []struct {
		name []byte
		most int
	}{{home, 8}, {random, 20}, {[]byte("governance.version/"), 2}} {
		if form := n.pack(nil, c.name); len(form) > c.most {
			t.Errorf("%q takes %d bytes, want %d or fewer", c.name, len(form), c.most)
		}
	}
}
