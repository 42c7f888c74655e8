package proof

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Place is where a receipt stands on the ledger.
type Place struct {
	Height   int64
	Position uint32 // Of the outcome in its block: envelopes and closes in their order.
	N        uint32 // Of the receipt in its outcome.
}

// ID names one receipt for a public link. Its key is made of the receipt's salt, which
// only those know who may read the receipt: the leaf would not do, since anybody is
// told the leaves of receipts that are sealed. Who has the ID was given it.
type ID struct {
	Place
	Key [8]byte
}

// ErrID refuses a text that is no ID.
var ErrID = errors.New("proof: a receipt's id is HEIGHT-POSITION-N-KEY, as in 812-3-0-9f86d081884c7d65")

// NewID returns the ID of the receipt at a place.
func NewID(at Place, f Fact) ID {
	return ID{at, [8]byte(keyOf(at, f))}
}

// keyOf gives neither salt nor receipt away.
func keyOf(at Place, f Fact) []byte {
	leaf := f.Leaf(at.Height)
	sum := sha256.New()
	sum.Write([]byte("commonwatt/link/1\n"))
	sum.Write(f.Salt)
	sum.Write(leaf[:])
	return sum.Sum(nil)[:len(ID{}.Key)]
}

// Is reports whether a receipt is the one that the ID names.
func (id ID) Is(f Fact) bool { return subtle.ConstantTimeCompare(id.Key[:], keyOf(id.Place, f)) == 1 }

// String is the ID as ParseID reads it.
func (id ID) String() string {
	return fmt.Sprintf("%d-%d-%d-%x", id.Height, id.Position, id.N, id.Key)
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
	key, err4 := hex.DecodeString(parts[3])
	if errors.Join(err1, err2, err3, err4) != nil || len(key) != 8 {
		return ID{}, ErrID
	}
	id := ID{Place{height, uint32(position), uint32(n)}, [8]byte(key)}
	if id.String() != text {
		return ID{}, ErrID // A sign, a leading zero, a capital: another spelling.
	}
	return id, nil
}
