package proof

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
)

// An ID names one receipt, and says nothing that the public is told: neither its leaf
// nor its salt.
func TestID(t *testing.T) {
	at, f := Place{812, 3, 0}, Fact{Salt: []byte("sixteen bytes of"), Kind: 7001, Audience: 12, Body: []byte{0xa0}}
	id := NewID(at, f)
	again, err := ParseID(id.String())
	if err != nil || again != id || !again.Is(f) {
		t.Errorf("%s reads back as %v, %v", id, again, err)
	}
	salted, other := f, f
	salted.Salt, other.Body = []byte("sixteen others of"), []byte{0xa1, 1, 1}
	if id.Is(salted) || id.Is(other) || (ID{Place{811, 3, 0}, id.Key}).Is(f) {
		t.Error("the id is of another receipt, too")
	}
	leaf := f.Leaf(at.Height)
	if guess := sha256.Sum256(append([]byte("commonwatt/link/1\n"), leaf[:]...)); id.Key == [8]byte(guess[:8]) {
		t.Errorf("who knows the leaf knows %s", id)
	}
	for _, public := range [][]byte{leaf[:], f.Salt} {
		if bytes.Contains(public, id.Key[:]) {
			t.Errorf("%s gives %x away", id, public)
		}
	}
	for _, text := range []string{
		"", "812-3-0", "812-3-0-9f86d081884c7d6", "812-3-0-9f86d081884c7d6555", "812-3-0-9F86d081884c7d65", "+812-3-0-9f86d081884c7d65",
		"0812-3-0-9f86d081884c7d65", "812-3-4294967296-9f86d081884c7d65", "812--3-0-9f86d081884c7d65", "812-3-0-9f86d081884c7d65-",
	} {
		if id, err := ParseID(text); !errors.Is(err, ErrID) {
			t.Errorf("%q is %v, %v", text, id, err)
		}
	}
}
