package proof

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/commonwatt/commonwatt/merkle"
)

// Place is where a receipt stands on the ledger.
type Place struct {
	Height   int64
	Position uint32 // Of the outcome in its block: envelopes and closes in their order.
	N        uint32 // Of the receipt in its outcome.
}

// ID names one receipt for a public link. Its leaf is salted, so that nobody can
// guess it: who has the ID was given it.
type ID struct {
	Place
	Leaf [8]byte // What the receipt's leaf begins with.
}

// ErrID refuses a text that is no ID.
var ErrID = errors.New("proof: a receipt's id is HEIGHT-POSITION-N-LEAF, as in 812-3-0-9f86d081884c7d65")

// NewID returns the ID of the receipt at a place with a leaf.
func NewID(at Place, leaf merkle.Hash) ID { return ID{at, [8]byte(leaf[:8])} }

// Is reports whether a leaf is that of the ID.
func (id ID) Is(leaf merkle.Hash) bool { return id.Leaf == [8]byte(leaf[:8]) }

// String is the ID as ParseID reads it.
func (id ID) String() string {
	return fmt.Sprintf("%d-%d-%d-%x", id.Height, id.Position, id.N, id.Leaf)
}

// ParseID reads an ID, written in the one way.
//
// Errors: ErrID.
func ParseID(text string) (ID, error) {
	parts := strings.Split(text, "-")
	if len(parts) != 4 {
		return ID{}, ErrID
	}
	height, err1 := strconv.ParseInt(parts[0], 10, 64)
	position, err2 := strconv.ParseUint(parts[1], 10, 32)
	n, err3 := strconv.ParseUint(parts[2], 10, 32)
	leaf, err4 := hex.DecodeString(parts[3])
	if errors.Join(err1, err2, err3, err4) != nil || len(leaf) != 8 {
		return ID{}, ErrID
	}
	id := ID{Place{height, uint32(position), uint32(n)}, [8]byte(leaf)}
	if id.String() != text {
		return ID{}, ErrID // A sign, a leading zero, a capital: another spelling.
	}
	return id, nil
}
