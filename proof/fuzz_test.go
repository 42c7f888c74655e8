package proof

import (
	"bytes"
	"testing"

	"github.com/commonwatt/commonwatt/optest/memory"
)

// Whatever bytes come, they are refused or they are the bundle; nothing panics.
func FuzzVerify(f *testing.F) {
	w, b := typical(f)
	_, small := least(f)
	good := [][]byte{b.Encode(), small.Encode()}
	for _, raw := range good {
		f.Add(raw)
	}
	trust := w.blocks[0].Trust(w.name)
	memory.Large(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		defer memory.Bound(t)()
		r := Inspect(raw, &trust, later)
		if r.Err == nil && !bytes.Equal(raw, good[0]) {
			t.Errorf("%x is another bundle", raw)
		}
		if r.Bundle != nil && !bytes.Equal(r.Bundle.Encode(), raw) {
			t.Errorf("%x reads as what is written %x", raw, r.Bundle.Encode())
		}
		Inspect(raw, nil, later)
	})
}
