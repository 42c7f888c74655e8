package proof

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/merkle"
)

// changing is a world whose validators change twice: one of four is replaced, then
// all. Nobody who trusts the first block can follow to the last one in one go.
func changing(t testing.TB) *world {
	t.Helper()
	w := newWorld("riverside-1", voters(0, 4, 10))
	w.steps(3)
	w.next = append(voters(1, 4, 10), voters(4, 5, 10)...)
	w.steps(6)
	w.next = append(voters(2, 5, 10), voters(5, 6, 10)...)
	w.steps(8)
	w.next = voters(4, 8, 10)
	w.steps(10)
	w.next = voters(10, 14, 10)
	w.steps(14)
	return w
}

// connected is a bundle of the last block by way of what Connect finds.
func connected(t testing.TB, w *world, from int64) *Bundle {
	t.Helper()
	path, err := Connect(w.at, w.name, from, w.height())
	if err != nil {
		t.Fatal(err)
	}
	last := len(path) - 1
	b := &Bundle{Format: Format, Chain: w.name, Roots: w.roots(), Path: path[:last], Block: path[last]}
	b.Seal()
	return b
}

// at is the signed header at a height, for Connect.
func (w *world) at(height int64) (Block, error) {
	if height < 1 || height > w.height() {
		return Block{}, fmt.Errorf("there is no block %d", height)
	}
	b := w.blocks[height-1]
	b.Signatures = slices.Clone(b.Signatures)
	return b, nil
}

// Each way to forge a bundle is refused, and at the step that is meant for it.
func TestForgedBundles(t *testing.T) {
	w := changing(t)
	first := w.blocks[0].Trust(w.name)
	other := newWorld("riverside-2", voters(0, 4, 10))
	other.steps(3)
	mine := newWorld("riverside-1", voters(100, 104, 10))
	mine.steps(14)
	for name, c := range map[string]struct {
		step Step
		says string
		make func(b *Bundle, trust *Trust, now *interval.Time) *Bundle
	}{
		"as it is": {"", "", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { return b }},

		"no bundle of this format": {StepFormat, "begin with", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Format = "commonwatt/proof/2"; return b }},
		"no chain":                 {StepFormat, "chain's id", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Chain = ""; return b }},
		"a hash cut short": {StepFormat, "size", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Block.Header.App = b.Block.Header.App[:31]
			return b
		}},
		"a time before 1970": {StepFormat, "sign", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Block.Signatures[0].Time = -1; return b }},

		"another chain": {StepChain, `you trust "riverside-1"`, func(*Bundle, *Trust, *interval.Time) *Bundle { return other.bundle() }},
		"another chain that says it is this one": {StepSignatures, "did not sign", func(*Bundle, *Trust, *interval.Time) *Bundle {
			b := other.bundle()
			b.Chain = "riverside-1"
			return b
		}},
		"another chain, for who trusts a hash alone": {StepTrust, "you trust", func(_ *Bundle, trust *Trust, _ *interval.Time) *Bundle {
			*trust = Trust{Height: 1, Hash: trust.Hash}
			return other.bundle(1)
		}},

		"no validators":       {StepValidators, "none", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Path[0].Validators = nil; return b }},
		"validators left out": {StepValidators, "missing", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Path[1].Validators = nil; return b }},
		"more power for one": {StepValidators, "hash to", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Path[0].Validators = slices.Clone(b.Path[0].Validators)
			b.Path[0].Validators[0].Power = 1000
			return b
		}},
		"no power": {StepValidators, "not above zero", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Path[0].Validators = []Validator{{Power: 0}}
			return b
		}},
		"power that overflows": {StepValidators, "more than CometBFT", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Path[0].Validators = []Validator{{Key: Key{1}, Power: powerMax}, {Key: Key{2}, Power: 1}}
			return b
		}},
		"one validator twice": {StepValidators, "twice", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Path[0].Validators = append(slices.Clone(b.Path[0].Validators), b.Path[0].Validators[0])
			return b
		}},
		"validators that are known": {StepValidators, "twice", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			same := w.blocks[w.height()-2]
			b.Path = append(b.Path, same)
			return b
		}},

		"signed by other keys": {StepSignatures, "did not sign", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			forger := voters(200, 204, 10)
			for i := range forger {
				forger[i].Validator = w.now[i].Validator
			}
			b.Block.Validators = setOf(w.now)
			w.sign(&b.Block, forger)
			b.Block.Validators = nil
			return b
		}},
		"signed by too few": {StepSignatures, "with 20 of the power of 40", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Block.Signatures = b.Block.Signatures[:2]
			return b
		}},
		"signed by nobody": {StepSignatures, "with 0 of", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Block.Signatures = nil; return b }},
		"one signature twice": {StepSignatures, "one for each", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			s := b.Block.Signatures
			b.Block.Signatures = []Signature{s[0], s[0], s[1]}
			return b
		}},
		"signatures in another order": {StepSignatures, "order", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Block.Signatures[0], b.Block.Signatures[1] = b.Block.Signatures[1], b.Block.Signatures[0]
			return b
		}},
		"a signature by nobody": {StepSignatures, "there is not", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Block.Signatures[2].Validator = 7; return b }},
		"a signature beside enough good ones is bad": {StepSignatures, "did not sign", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			all := w.blocks[w.height()-1].Signatures
			b.Block.Signatures = slices.Clone(all)
			b.Block.Signatures[3].Signature[5] ^= 1
			return b
		}},
		"signatures of another round": {StepSignatures, "did not sign", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Block.Round++; return b }},
		"signatures of other parts":   {StepSignatures, "did not sign", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Block.Parts.Total++; return b }},
		"a header that was not signed": {StepSignatures, "did not sign", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			forged := Roots{Size: 1}.AppHash()
			b.Block.Header.App = forged[:]
			return b
		}},

		"validators of one's own": {StepTrust, "block 1 has the hash", func(*Bundle, *Trust, *interval.Time) *Bundle { return mine.bundle(1) }},
		"validators of one's own after the trusted block": {StepTrust, "0 of the power of 40 signed", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			forged := mine.bundle()
			forged.Path = []Block{b.Path[0]}
			return forged
		}},
		"a path without a block that is needed": {StepTrust, "blocks between are missing", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Path = slices.Delete(b.Path, 1, len(b.Path)-1)
			return b
		}},
		"a path that ends early": {StepTrust, "blocks between are missing", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Path, b.Block.Validators = b.Path[:1], setOf(w.now)
			return b
		}},
		"a path in another order": {StepTrust, "comes after", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Path[0], b.Path[1] = b.Path[1], b.Path[0]
			return b
		}},
		"the same block twice": {StepTrust, "comes after", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			again := b.Path[0]
			again.Validators = nil
			b.Path = slices.Insert(b.Path, 1, again)
			return b
		}},
		"a trust that is too old": {StepTrust, "366 days old; trust holds for 365", func(b *Bundle, _ *Trust, now *interval.Time) *Bundle {
			*now = w.blocks[0].Header.Seconds() + 366*day
			return b
		}},
		"a trust whose own period is over": {StepTrust, "trust holds for 1", func(b *Bundle, trust *Trust, now *interval.Time) *Bundle {
			trust.Period = day
			*now = w.blocks[0].Header.Seconds() + day
			return b
		}},
		"a bundle of the future": {StepTrust, "ahead of now", func(b *Bundle, _ *Trust, now *interval.Time) *Bundle {
			*now = b.Block.Header.Seconds() - interval.Time(AheadMax) - 1
			return b
		}},
		"a block that is not in it": {StepTrust, "block 2, which you trust, is not in the bundle", func(b *Bundle, trust *Trust, _ *interval.Time) *Bundle {
			*trust = Trust{Height: 2, Hash: w.blocks[1].Header.Hash(w.name)}
			return b
		}},
		"a trust with another header": {StepTrust, "contradicts itself", func(b *Bundle, trust *Trust, _ *interval.Time) *Bundle {
			trust.Header = &w.blocks[1].Header
			return b
		}},
		"a trust with other validators": {StepTrust, "its validators", func(b *Bundle, trust *Trust, _ *interval.Time) *Bundle {
			trust.Validators = setOf(voters(100, 104, 10))
			return b
		}},
		"a later trust whose validators did not sign": {StepTrust, "0 of the power of 40 signed it; it takes more than two thirds", func(_ *Bundle, trust *Trust, _ *interval.Time) *Bundle {
			*trust = w.blocks[13].Trust(w.name)
			return early(t, w)
		}},
		"a later hash": {StepTrust, "ask for a newer one", func(_ *Bundle, trust *Trust, _ *interval.Time) *Bundle {
			*trust = Trust{Height: 14, Hash: w.blocks[13].Header.Hash(w.name)}
			return early(t, w)
		}},

		"another block's header": {StepAppHash, "the header says", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Roots = other.roots()
			b.Roots.Size = 99
			return b
		}},
		"a log of another size": {StepAppHash, "the header says", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Roots.Size++; return b }},

		"no salt": {StepReceipt, "salt", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Receipts[0].Fact.Salt = nil; return b }},
		"a receipt twice": {StepReceipt, "twice", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Receipts = append(b.Receipts, b.Receipts[1])
			return b
		}},
		"a receipt of a later block": {StepReceipt, "shows those before", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle {
			b.Receipts[0].Height = b.Block.Header.Height
			return b
		}},

		"a receipt for somebody else": {StepLog, "does not lead", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Receipts[0].Fact.Audience++; return b }},
		"a receipt of another block":  {StepLog, "does not lead", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Receipts[0].Height++; return b }},
		"a receipt at another place":  {StepLog, "does not lead", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Receipts[0].Index ^= 1; return b }},
		"a receipt past the log":      {StepLog, "shape", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Receipts[1].Index = b.Roots.Size; return b }},

		"another row":         {StepState, "another row", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Rows[0].Row = []byte("is 3"); return b }},
		"a row that is not":   {StepState, "another row", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Rows[1].Row = []byte("is 3"); return b }},
		"no row where one is": {StepState, "another row", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Rows[0].Row = nil; return b }},
		"a row twice":         {StepState, "twice", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Rows[1] = b.Rows[0]; return b }},

		"another true bundle": {StepSum, "sum to", func(b *Bundle, _ *Trust, _ *interval.Time) *Bundle { b.Rows = b.Rows[:1]; return b }},
	} {
		t.Run(name, func(t *testing.T) {
			b := connected(t, w, 1)
			w.disclose(b, 2, 4)
			w.show(b, "row/0-2", "row/none")
			b.Seal()
			trust, now := first, later
			forged := c.make(b, &trust, &now)
			if c.step != StepSum {
				forged.Seal() // As whoever forges it would.
			}
			raw := forged.Encode()
			if got := stepAt(raw, trust, now, c.says); got != c.step {
				t.Errorf("it fails at %q, should at %q", got, c.step)
			}
		})
	}
}

// early is a bundle of a block before the last ones, which others signed.
func early(t *testing.T, w *world) *Bundle {
	t.Helper()
	path, err := Connect(w.at, w.name, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	b := &Bundle{Format: Format, Chain: w.name, Roots: w.roots(), Path: path[:1], Block: path[1]}
	return b
}

// stepAt is the step at which bytes fail with an error that says something, or
// nothing when they do not fail.
func stepAt(raw []byte, trust Trust, now interval.Time, says string) Step {
	r := Inspect(raw, &trust, now)
	if r.Err == nil {
		return ""
	}
	last := r.Steps[len(r.Steps)-1]
	if says == "" || !strings.Contains(last.Text, says) {
		return Step(fmt.Sprintf("%s: %s", last.Step, last.Text))
	}
	return last.Step
}

// Whoever trusts any block, earlier or later, believes a bundle whose validators
// stayed, and Connect leads from any block to any later one however they change.
func TestConnect(t *testing.T) {
	w := changing(t)
	for from := int64(1); from < w.height(); from++ {
		b := connected(t, w, from)
		if _, err := b.Verify(w.blocks[from-1].Trust(w.name), later); err != nil {
			t.Errorf("from block %d: %v", from, err)
		}
		// Whoever trusts a block on the way, too, by its hash or with its validators.
		for i := range b.Path {
			on := w.blocks[b.Path[i].Header.Height-1]
			if _, err := b.Verify(Trust{Height: on.Header.Height, Hash: on.Header.Hash(w.name)}, later); err != nil {
				t.Errorf("from block %d, trusting %d: %v", from, on.Header.Height, err)
			}
		}
	}
	if b := connected(t, w, 1); len(b.Path) < 4 || len(b.Path) > 9 {
		t.Errorf("%d blocks lead from 1 to 14", len(b.Path))
	}
	same := newWorld("riverside-1", voters(0, 4, 10))
	same.steps(30)
	b := connected(t, same, 1)
	if len(b.Path) != 1 || len(b.Block.Signatures) != 3 || b.Block.Validators != nil {
		t.Errorf("where nothing changes, the path has %d blocks, the last %d signatures", len(b.Path), len(b.Block.Signatures))
	}
	for name, c := range map[string][2]int64{"back": {5, 3}, "to what there is not": {1, 31}, "from nothing": {0, 3}} {
		if _, err := Connect(same.at, same.name, c[0], c[1]); err == nil {
			t.Errorf("a path leads %s", name)
		}
	}
	// A bundle that is older than the trust, of validators that stayed.
	older := connected(t, same, 1)
	same.write(30, 3)
	same.steps(40)
	trust := same.blocks[39].Trust(same.name)
	v, err := older.Verify(trust, later)
	if err != nil || v.Trust.Height != 40 {
		t.Errorf("trust in block %d after %v", v.Trust.Height, err)
	}
	same.next = append(voters(1, 4, 10), voters(20, 21, 10)...) // Two of the three whose signatures it has stay.
	same.steps(42)
	if got := stepAt(older.Encode(), same.blocks[41].Trust(same.name), later, "20 of the power of 40 signed it"); got != StepTrust {
		t.Errorf("of half of whom one trusts now: %q", got)
	}
}

// Two thirds are not more than two thirds, and a third is not more than a third.
func TestThresholds(t *testing.T) {
	w := newWorld("riverside-1", voters(0, 3, 10))
	b := w.bundle()
	trust := w.blocks[0].Trust(w.name)
	for n, want := range []Step{2: StepSignatures, 3: ""} {
		w.sign(&b.Block, w.now[:n])
		b.Seal()
		if n > 1 && stepOf(b.Encode(), trust) != want {
			t.Errorf("signed by %d of 3: %q", n, stepOf(b.Encode(), trust))
		}
	}
	for kept, want := range []Step{1: StepTrust, 2: ""} {
		if kept == 0 {
			continue
		}
		w := newWorld("riverside-1", voters(0, 3, 10))
		w.step()
		w.next = append(voters(0, kept, 10), voters(5, 6-kept+2, 10)...)
		w.steps(5)
		b := w.bundle(1)
		if got := stepOf(b.Encode(), w.blocks[0].Trust(w.name)); got != want {
			t.Errorf("%d of 3 that were trusted signed: %q", kept, got)
		}
	}
}

// The very next block may have other validators: the header before names them.
func TestAdjacent(t *testing.T) {
	w := newWorld("riverside-1", voters(0, 4, 10))
	w.steps(2)
	w.next = voters(10, 14, 10)
	w.step()
	b := w.bundle(3)
	if got := stepOf(b.Encode(), w.blocks[2].Trust(w.name)); got != "" {
		t.Errorf("what the header names: %q", got)
	}
	fork := newWorld("riverside-1", voters(0, 4, 10))
	fork.steps(2)
	fork.next = voters(20, 24, 10)
	fork.step()
	forged := fork.bundle()
	if got := stepAt(forged.Encode(), w.blocks[2].Trust(w.name), later, "other validators"); got != StepTrust {
		t.Errorf("what it does not name: %q", got)
	}
	// Of the same validators, but on another block.
	fork = newWorld("riverside-1", voters(0, 4, 10))
	fork.steps(2)
	fork.blocks[1].Header.LastResults = bytes.Repeat([]byte{7}, 32)
	fork.sign(&fork.blocks[1], fork.now)
	forged = fork.bundle()
	if got := stepAt(forged.Encode(), w.blocks[1].Trust(w.name), later, "does not follow"); got != StepTrust {
		t.Errorf("on another block: %q", got)
	}
}

// A trust is read as it is written.
func TestParseTrust(t *testing.T) {
	trust := Trust{Height: 812, Hash: merkle.LeafHash(nil)}
	if again, err := ParseTrust(trust.String()); err != nil || again.Height != 812 || again.Hash != trust.Hash {
		t.Errorf("%s reads back as %v, %v", trust, again, err)
	}
	for _, text := range []string{"", "812", "0:" + trust.Hash.String(), "-1:" + trust.Hash.String(), "812:" + trust.Hash.String()[1:], "x:" + trust.Hash.String()} {
		if _, err := ParseTrust(text); err == nil {
			t.Errorf("%q is a trust", text)
		}
	}
}
