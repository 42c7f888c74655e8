package proof

import (
	"bytes"
	"errors"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/interval"
)

// later is a moment after all blocks of a world.
const later interval.Time = 1_790_000_900

// stepOf is the step at which bytes fail, or nothing.
func stepOf(raw []byte, trust Trust) Step {
	b, err := Decode(raw)
	if err == nil {
		_, err = b.Verify(trust, later)
	}
	if err == nil {
		return ""
	}
	failed, ok := errors.AsType[*Failed](err)
	if !ok {
		panic(err)
	}
	return failed.Step
}

func TestVerify(t *testing.T) {
	w, b := typical(t)
	trust, err := ParseTrust(w.blocks[0].trust(w.name, nil).String())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(b.Encode())
	if err != nil {
		t.Fatal(err)
	}
	v, err := again.Verify(trust, later)
	if err != nil {
		t.Fatal(err)
	}
	if v.Height != 4 || v.Power != 40 || v.Total != 40 || len(v.Receipts) != 2 || !bytes.Equal(v.Receipts[1].Fact.Body, codec.Marshal(note{3, 3})) {
		t.Errorf("verified %+v", v)
	}
	if !v.Rows[0].Present || string(v.Rows[0].Row) != "is 2" || v.Rows[1].Present {
		t.Errorf("rows %+v", v.Rows)
	}
	if len(v.Passed) != len(Steps()) {
		t.Errorf("passed %v", v.Passed)
	}
	for i, step := range Steps() {
		if v.Passed[i].Step != step {
			t.Errorf("step %d is %s, not %s", i, v.Passed[i].Step, step)
		}
	}
	// What was verified is trusted from now on.
	w.write(4, 1)
	if _, err := w.bundle().Verify(v.Trust, later); err != nil {
		t.Error(err)
	}
}

// Every byte counts: whichever is changed, the bundle is refused and the step is
// named, whatever of its chain the reader trusts.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	w, b := typical(t)
	for name, trust := range map[string]Trust{
		"the first block's hash": {Height: 1, Hash: w.blocks[0].Header.Hash(w.name)},
		"a block between":        w.blocks[1].trust(w.name, w.blocks[1].Validators),
	} {
		count := changeAll(t, name, b.Encode(), trust, func(at int) []byte { return []byte{1 << (at % 8)} })
		for _, step := range Steps()[2:] {
			if count[step] == 0 && step != StepTrust && step != StepReceipt {
				t.Errorf("%s: no change fails at %q", name, step)
			}
		}
	}
}

// The same for each bit of each byte, and all of a byte's at once.
func TestEveryBitCounts(t *testing.T) {
	w, b := least(t)
	changeAll(t, "the block", b.Encode(), w.blocks[0].trust(w.name, w.blocks[0].Validators),
		func(int) []byte { return []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} })
}

// changeAll changes one byte after the other and counts where the bundle fails.
func changeAll(t *testing.T, name string, raw []byte, trust Trust, flips func(at int) []byte) map[Step]int {
	t.Helper()
	if step := stepOf(raw, trust); step != "" {
		t.Fatalf("%s: the bundle itself fails at %q", name, step)
	}
	count := map[Step]int{}
	for at := range raw {
		for _, flip := range flips(at) {
			raw[at] ^= flip
			step := stepOf(raw, trust)
			if step == "" {
				t.Errorf("%s: byte %d of %d may be changed by %02x", name, at, len(raw), flip)
			}
			count[step]++
			raw[at] ^= flip
		}
		if step := stepOf(raw[:at], trust); step != StepFormat {
			t.Errorf("%s: cut off at %d: %q", name, at, step)
		}
	}
	if step := stepOf(append(raw, 0), trust); step != StepFormat {
		t.Errorf("%s: a byte more: %q", name, step)
	}
	t.Logf("%s: %d bytes, %v", name, len(raw), count)
	return count
}
