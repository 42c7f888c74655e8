package merkle

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// names shortens the names of keys, for a trie of millions keeps them in memory. A
// row's name is that of its table, up to a slash, and then numbers of eight bytes,
// which are seldom large: a table is a byte here, and a zero byte of a number a bit.
// A name has one short form, whatever came before it.
type names struct {
	tables [][]byte
	number map[string]byte
}

// literal stands before a table's name where there are too many to number them.
const literal = 0xff

// word is how many bytes of a name share a byte that says which of them are not zero.
const word = 8

// pack appends the short form of a name.
func (n *names) pack(b, name []byte) []byte {
	table := bytes.IndexByte(name, '/') + 1
	if number, ok := n.tableOf(name[:table]); ok {
		b = append(b, number)
	} else {
		b = append(binary.AppendUvarint(append(b, literal), uint64(table)), name[:table]...) //nolint:gosec // a length
	}
	rest := name[table:]
	b = binary.AppendUvarint(b, uint64(len(rest)))
	for len(rest) > 0 {
		k := min(word, len(rest))
		at := len(b)
		b = append(b, 0)
		for i, c := range rest[:k] {
			if c != 0 {
				b[at] |= 1 << i
				b = append(b, c)
			}
		}
		rest = rest[k:]
	}
	return b
}

// tableOf is the number of a table, which gets one while there are any.
func (n *names) tableOf(table []byte) (byte, bool) {
	number, ok := n.number[string(table)]
	if !ok && len(n.tables) < literal {
		if n.number == nil {
			n.number = map[string]byte{}
		}
		number, ok = byte(len(n.tables)), true //nolint:gosec // below literal
		n.number[string(table)] = number
		n.tables = append(n.tables, bytes.Clone(table))
	}
	return number, ok
}

// unpack appends the name whose short form packed begins with.
func (n *names) unpack(b, packed []byte) []byte {
	if packed[0] == literal {
		table, size := binary.Uvarint(packed[1:])
		packed = packed[1+size:]
		b, packed = append(b, packed[:table]...), packed[table:]
	} else {
		b, packed = append(b, n.tables[packed[0]]...), packed[1:]
	}
	left, size := binary.Uvarint(packed)
	for packed = packed[size:]; left > 0; left -= min(word, left) {
		set := packed[0]
		packed = packed[1:]
		for i := range min(word, left) {
			if set&(1<<i) == 0 {
				b = append(b, 0)
				continue
			}
			b, packed = append(b, packed[0]), packed[1:]
		}
	}
	return b
}

// packedLen is the length of the short form that b begins with.
func packedLen(b []byte) int {
	at := 1
	if b[0] == literal {
		table, size := binary.Uvarint(b[1:])
		at += size + int(table) //nolint:gosec // a length
	}
	left, size := binary.Uvarint(b[at:])
	for at += size; left > 0; left -= min(word, left) {
		at += 1 + bits.OnesCount8(b[at])
	}
	return at
}
