package node_test

import (
	"iter"
	"path/filepath"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/store"
)

// records yields the blocks' records of a stopped node.
func records(t testing.TB, dir string) iter.Seq[machine.Record] {
	return func(yield func(machine.Record) bool) {
		s, err := store.Open(filepath.Join(dir, "store"), store.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, raw := range s.Records(0) {
			var r machine.Record
			codec.Read(raw, &r)
			if !yield(r) {
				return
			}
		}
	}
}
