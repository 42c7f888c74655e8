package proof

import (
	"fmt"
	"testing"
)

// sized is a bundle of a ledger with so many validators: one receipt of a hundred
// thousand, and two rows of as many, from the first block.
func sized(b testing.TB, validators int) (raw []byte, trust Trust) {
	b.Helper()
	w := newWorld("riverside-1", voters(0, validators, 10))
	w.steps(2)
	w.write(2, 100_000)
	bundle := w.bundle(1)
	bundle.Path[0].trim(nil)
	bundle.Block.Validators = w.blocks[0].Validators
	bundle.Block.trim(w.blocks[0].Validators)
	bundle.Block.Validators = nil
	w.disclose(bundle, 54_321)
	w.show(bundle, "row/2-4711", "row/none")
	bundle.Seal()
	return bundle.Encode(), w.blocks[0].Trust(w.name)
}

// Decoding and verifying a bundle. The size is in bytes.
func BenchmarkVerify(b *testing.B) {
	for _, validators := range []int{1, 4, 100} {
		b.Run(fmt.Sprintf("validators=%d", validators), func(b *testing.B) {
			raw, trust := sized(b, validators)
			for b.Loop() {
				bundle, err := Decode(raw)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := bundle.Verify(trust, later); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(raw)), "size")
		})
	}
}

// A bundle of a hundred validators fits into 20 kB.
func TestSize(t *testing.T) {
	raw, trust := sized(t, 100)
	if step := stepOf(raw, trust); step != "" || len(raw) > 20_000 {
		t.Errorf("%d bytes, %q", len(raw), step)
	}
}
