package node_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/view"
)

// A read model that an earlier version made, or that lacks the last blocks, is made
// whole before somebody reads it; the folder stays as it is.
func TestPeekViewIsWhole(t *testing.T) {
	dir := lived(t)
	digest := func() (sum [32]byte) {
		t.Helper()
		err := node.PeekView(dir, func(s *node.Still) (err error) {
			if s.View.Height() != s.Head.Height {
				t.Errorf("the view is at %d, the ledger at %d", s.View.Height(), s.Head.Height)
			}
			sum, err = s.View.Digest(context.Background())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	before := digest()
	empty := filepath.Join(t.TempDir(), "view.sqlite")
	v, err := view.Open(empty)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	_, contents := files(t, filepath.Dir(empty))
	for _, content := range contents {
		rewrite(t, dir, "view.sqlite", content)
	}
	if digest() != before {
		t.Error("it is not what the receipts make")
	}
	_, after := files(t, dir)
	for name, content := range contents {
		if string(after["view.sqlite"]) != string(content) {
			t.Errorf("%s was written to", name)
		}
	}
}
