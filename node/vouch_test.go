package node_test

import (
	"testing"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/store"
)

// A bundle that was found good is known from then on, and one with a bad signature is
// refused each time, also when it differs from a good one by that alone.
func TestBundlesAreKnownAsAWhole(t *testing.T) {
	disk, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	verifier := admission.NewVerifier(16, 16)
	app, err := node.NewApplication(disk, verifier)
	if err != nil {
		t.Fatal(err)
	}
	good, err := machine.EncodeBundle(7, [][]byte{transfer(1, 2, 1, 1), transfer(2, 1, 1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	bad := append([]byte{}, good...)
	bad[len(bad)-1] ^= 1 // The end of a signature.
	for range 2 {
		if err := app.Accept([][]byte{good}); err != nil {
			t.Error(err)
		}
		if app.Accept([][]byte{bad}) == nil || app.Accept([][]byte{good, bad}) == nil || app.Accept([][]byte{{}}) == nil {
			t.Error("took a bad bundle")
		}
	}
	if !verifier.Vouched(good) || verifier.Vouched(bad) {
		t.Error("what is good is not known, or what is bad is")
	}
}
