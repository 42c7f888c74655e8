package proof

import (
	"errors"
	"testing"

	"github.com/commonwatt/commonwatt/merkle"
)

func TestID(t *testing.T) {
	leaf := merkle.LeafHash([]byte("a receipt"))
	id := NewID(Place{812, 3, 0}, leaf)
	again, err := ParseID(id.String())
	if err != nil || again != id || !again.Is(leaf) {
		t.Errorf("%s reads back as %v, %v", id, again, err)
	}
	if id.Is(merkle.LeafHash([]byte("another"))) {
		t.Error("the id is of another leaf, too")
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
