package chain

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cometbft/cometbft/light"
	"github.com/cometbft/cometbft/types"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/proof"
)

// registrar is a counter whose hash of the state commits to a log with a receipt of
// each transaction, as the ledger's does, and whose validators change by some.
type registrar struct {
	*counter
	elections map[uint64][]Validator // By the name of the transaction that decides.

	mu     sync.Mutex
	log    merkle.Log
	leaves []merkle.Hash
	shown  []proof.Shown
}

func (r *registrar) Finalize(b Block) (Outcome, error) {
	out, err := r.counter.Finalize(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, tx := range b.Txs {
		if out.Results[i].Code != 0 {
			continue
		}
		salt := sha256.Sum256(tx)
		f := proof.Fact{Salt: salt[:16], Kind: 1, Body: tx[:8]}
		leaf := f.Leaf(b.Height)
		r.log.Append(leaf)
		r.leaves, r.shown = append(r.leaves, leaf), append(r.shown, proof.Shown{Height: b.Height, Fact: f})
		out.Validators = append(out.Validators, r.elections[nameOf(tx)]...)
		hash := r.roots().AppHash()
		out.AppHash, r.next.hash = hash[:], hash[:]
	}
	return out, err
}

func (r *registrar) roots() proof.Roots {
	return proof.Roots{State: merkle.Empty, Log: r.log.Root(), Size: r.log.Size()}
}

// Names of transactions that change the validators.
const (
	joinBoth  = 100 // The third and the fourth validator join the first two.
	leaveBoth = 101 // The first two leave.
)

// changed is a network in which the two validators that began have left it to two
// others, at rest.
func changed(t *testing.T) (network, *registrar) {
	t.Helper()
	n := newNetwork(t, 4)
	var keys []Validator
	for i := range n {
		self, err := Keys(n[i].dir)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, Validator{PublicKey: self.Validator, Power: 10})
	}
	elections := map[uint64][]Validator{
		joinBoth: keys[2:], leaveBoth: {{PublicKey: keys[0].PublicKey}, {PublicKey: keys[1].PublicKey}},
	}
	begun := time.Now().Unix()
	apps := make([]*registrar, len(n))
	for i := range n {
		n[i].cfg.Idle = 50 * time.Millisecond
		n[i].over = func(c *counter) Application {
			apps[i] = &registrar{counter: c, elections: elections}
			return apps[i]
		}
		if err := errors.Join(os.Remove(filepath.Join(n[i].dir, genesisFile)), Init(n[i].dir, Genesis{ChainID: "test", Time: begun, Validators: keys[:2]})); err != nil {
			t.Fatal(err)
		}
		n[i].run(t)
	}
	for _, name := range []uint64{1, joinBoth, 2, leaveBoth, 3} {
		submit(t, n[0].chain, n[0].app, name)
		wait(t, n[0].chain, n[0].chain.Height()+3) // A change takes hold two blocks on.
	}
	wait(t, n[2].chain, n[0].chain.Height())
	if err := n[2].chain.Rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n, apps[2]
}

// A bundle of a real network: whoever trusts the validators that it began with
// believes those that it has now, by way of the block in which all of them signed;
// and for any two blocks, package proof believes what CometBFT's light client does.
func TestBundleOfANetworkThatChanged(t *testing.T) {
	t.Parallel()
	n, app := changed(t)
	headers := n[2].chain.Headers()
	app.mu.Lock()
	roots, leaves, shown := app.roots(), app.leaves, app.shown
	app.mu.Unlock()
	last := n[2].chain.Height()
	path, err := proof.Connect(headers.At, headers.Chain(), 1, last)
	if err != nil {
		t.Fatal(err)
	}
	b := proof.Bundle{Format: proof.Format, Chain: headers.Chain(), Path: path[:len(path)-1], Block: path[len(path)-1], Roots: roots}
	nodes := merkle.Leaves(func(i uint64) merkle.Hash { return leaves[i] })
	for i, s := range shown {
		b.Receipts = append(b.Receipts, proof.Disclosed{
			Height: s.Height, Fact: s.Fact, Index: uint64(i), Path: merkle.ProveInclusion(nodes, uint64(i), roots.Size),
		})
	}
	b.Seal()
	first, err := headers.At(1)
	if err != nil {
		t.Fatal(err)
	}
	trust := proof.Trust{Height: 1, Hash: first.Header.Hash(headers.Chain())}
	v, err := b.Verify(trust, b.Block.Header.Seconds())
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Receipts) != 5 || len(b.Path) < 2 || len(b.Encode()) > 20_000 {
		t.Errorf("%d receipts by way of %d blocks in %d bytes", len(v.Receipts), len(b.Path), len(b.Encode()))
	}
	short := b
	short.Path = b.Path[:1]
	short.Block.Validators = v.Trust.Validators
	short.Seal()
	if _, err := short.Verify(trust, b.Block.Header.Seconds()); err == nil {
		t.Error("without the blocks between it is believed, too")
	}
	raw, found := b.Encode(), map[proof.Step]int{}
	for at := 0; at < len(raw); at += 3 {
		raw[at] ^= 1 << (at % 8)
		report := proof.Inspect(raw, &trust, b.Block.Header.Seconds())
		if report.Err == nil {
			t.Errorf("byte %d of %d may be changed", at, len(raw))
		} else {
			found[report.Steps[len(report.Steps)-1].Step]++
		}
		raw[at] ^= 1 << (at % 8)
	}
	t.Logf("%d bytes, by way of %d blocks; changes were found at %v", len(raw), len(b.Path), found)
	believed, refused := compareAll(t, headers, last)
	if believed == 0 || refused == 0 {
		t.Errorf("%d pairs of blocks were believed and %d refused", believed, refused)
	}
}

// compareAll compares, for any two blocks, what CometBFT's light client believes
// with what package proof does.
func compareAll(t *testing.T, h *Headers, last int64) (believed, refused int) {
	t.Helper()
	for from := int64(1); from < last; from++ {
		for to := from + 1; to <= last; to++ {
			trusted, theirs := lightBlock(t, h, from), lightBlock(t, h, to)
			now := theirs.Time.Add(time.Second)
			no := light.Verify(trusted.SignedHeader, trusted.ValidatorSet, theirs.SignedHeader, theirs.ValidatorSet,
				time.Duration(proof.PeriodDefault)*time.Second, now, 10*time.Second, light.DefaultTrustLevel)
			trust, err := h.Trust(from)
			if err != nil {
				t.Fatal(err)
			}
			block, err := h.At(to)
			if err != nil {
				t.Fatal(err)
			}
			b := proof.Bundle{Format: proof.Format, Chain: h.Chain(), Block: block}
			b.Seal()
			report := proof.Inspect(b.Encode(), &trust, interval.Time(now.Unix()))
			reached := report.Steps[len(report.Steps)-1].Step // The roots are left out: past the trust, it fails there.
			if ours := reached == proof.StepAppHash; ours != (no == nil) {
				t.Errorf("from %d to %d: CometBFT says %v, we stop at %q: %v", from, to, no, reached, report.Err)
			}
			if no == nil {
				believed++
			} else {
				refused++
			}
		}
	}
	return believed, refused
}

// lightBlock is a block as CometBFT's light client has it.
func lightBlock(t *testing.T, h *Headers, height int64) types.LightBlock {
	t.Helper()
	commit := h.blocks.LoadBlockCommit(height)
	if commit == nil {
		commit = h.blocks.LoadSeenCommit(height)
	}
	validators, err := h.states.LoadValidators(height)
	if err != nil {
		t.Fatal(err)
	}
	return types.LightBlock{
		SignedHeader: &types.SignedHeader{Header: &h.blocks.LoadBlockMeta(height).Header, Commit: commit}, ValidatorSet: validators,
	}
}
