package merkle

import (
	"bytes"
	"testing"
)

// TestGroundIsFull lets bunches grow and shrink in turn: each stays what it was, and once
// they have outgrown all room there is, no more than an eighth is empty, apart from a piece.
func TestGroundIsFull(t *testing.T) {
	const count = 1000
	var g ground
	made := func(i uint32, size int) bunch { return bytes.Repeat([]byte{byte(i), byte(i >> 8)}, size) }
	var numbers []uint32
	for i := range uint32(count) {
		numbers = append(numbers, g.add(made(i, 1)))
	}
	for _, size := range []int{20, 40, 10, 80, 300, 301, 5} {
		for i := range uint32(count) {
			g.remove(numbers[i])
			numbers[i] = g.add(made(i, size))
			if most := g.held + g.held/8 + pieceSize; size >= 300 && g.taken > most {
				t.Fatalf("%d bytes are taken for %d", g.taken, g.held)
			}
		}
		for i := range uint32(count) {
			if !bytes.Equal(g.at(numbers[i]), made(i, size)) {
				t.Fatalf("bunch %d of %d bytes is another one", i, 2*size)
			}
		}
	}
}
