package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
	"github.com/commonwatt/commonwatt/view"
)

// Difference is where a folder's ledger stops being what its blocks make.
type Difference struct {
	Height int64 // The first at which anything differs; 0: before any block.
	What   string
	Err    error // More about it, or nil.
}

// Error names the height and what differs there.
func (d *Difference) Error() string {
	text := fmt.Sprintf("height %d: %s", d.Height, d.What)
	if d.Err != nil {
		text += ": " + d.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (d *Difference) Unwrap() error { return d.Err }

// Verified is what Verify found to be as it should.
type Verified struct {
	Height int64
	// From is the first block that was run again. Above 1, those before are not here, or
	// not all: it begins with the state after block From-1, which the node kept, and
	// whose hash is in the header of block From, which is Header's.
	From     int64
	Header   merkle.Hash
	AppHash  []byte
	Receipts uint64
	Rows     uint64
}

// Verify checks a stopped node's folder without trusting what is in it, and
// without changing it: no byte differs from when it was closed; every block
// follows on the one before and is signed; the machine, run again from the
// genesis over the blocks alone, comes to the same hashes at every height, the
// same receipts and the same rows; the invariants hold; and the read model is
// what those receipts make.
//
// Errors: store.Damaged when a file differs from its seal, with a *Difference for
// the first height that this touches, if it touches any; a *Difference alone when
// what was sealed is wrong.
func Verify(ctx context.Context, dir string, progress func(height, last int64)) (Verified, error) {
	sealed := store.CheckSeal(dir)
	if errors.Is(sealed, store.ErrNoSeal) {
		return Verified{}, sealed
	}
	v, err := replay(ctx, dir, progress)
	return v, errors.Join(sealed, err)
}

// replay runs a folder's blocks again. A damaged file may make what reads it
// panic; that is a difference like any other.
func replay(ctx context.Context, dir string, progress func(height, last int64)) (v Verified, err error) {
	r := replayer{ctx: ctx, dir: dir, progress: progress}
	defer func() {
		if cause := recover(); cause != nil {
			err = &Difference{r.verified.Height + 1, "the folder cannot be read", fmt.Errorf("%v", cause)}
		}
	}()
	quiet := slog.New(slog.DiscardHandler)
	if r.store, err = store.Open(filepath.Join(dir, storeDir), store.Options{ReadOnly: true, Log: quiet}); err != nil {
		return v, &Difference{0, "the store does not open", err}
	}
	defer func() { err = errors.Join(err, r.store.Close()) }()
	if err := r.begin(); err != nil {
		return r.verified, err
	}
	if err := r.blocks(); err != nil {
		return r.verified, err
	}
	return r.verified, r.end()
}

// replayer is a folder while its blocks are run again.
type replayer struct {
	ctx      context.Context //nolint:containedctx // the run's own
	dir      string
	progress func(height, last int64)
	store    *store.Store
	machine  *machine.Machine
	rows     *state.Memory
	last     int64
	verified Verified
}

// begin makes the state of the genesis.
func (r *replayer) begin() error {
	raw, ok := r.store.Head()
	if !ok {
		return &Difference{0, "the store holds no ledger", nil}
	}
	var head machine.Head
	codec.Read(raw, &head)
	r.last = head.Height
	chainID, appState, err := chain.Founding(filepath.Join(r.dir, chainDir))
	if err != nil {
		return &Difference{0, "the genesis cannot be read", err}
	}
	r.rows, r.verified.From = state.NewMemory(), 1
	verifier := admission.NewVerifier(keysMax, 1)
	env := machine.Environment{Both: both, Verify: verifier.Verify}
	if originOf(r.store).Height > 0 {
		return r.beginKept(env)
	}
	if r.machine, err = machine.New(r.rows, machine.Head{}, env); err != nil {
		return err
	}
	result, err := r.machine.Begin(chainID, appState)
	if err != nil {
		return &Difference{0, "the genesis is refused", err}
	}
	return r.advance(result)
}

// beginKept begins with the older snapshot that the node kept.
func (r *replayer) beginKept(env machine.Environment) error {
	quiet := slog.New(slog.DiscardHandler)
	all, err := findSnapshots(r.dir, quiet)
	if err != nil {
		return err
	}
	origin := originOf(r.store).Height
	for _, k := range all {
		head := k.manifest.Head
		if head.Height < origin {
			continue
		}
		if err := k.load(r.dir, r.rows); err != nil {
			return &Difference{head.Height, "the snapshot of the state cannot be read", err}
		}
		if r.machine, err = machine.New(r.rows, head, env); err != nil {
			return &Difference{head.Height, "the snapshot does not hold the state of its head", err}
		}
		r.verified.Height, r.verified.AppHash, r.verified.Receipts = head.Height, head.AppHash(), head.Log.Size
		r.verified.From = head.Height + 1
		return nil
	}
	return &Difference{origin, fmt.Sprintf("blocks before %d are not here, and there is no snapshot of a state that later ones follow on", origin+1), nil}
}

// blocks runs every block and compares what it does with what the folder says.
func (r *replayer) blocks() error {
	for b, err := range chain.Blocks(filepath.Join(r.dir, chainDir), func(name string) chain.KV { return r.store.KV(name) }) {
		height := r.verified.Height + 1
		if err != nil {
			return &Difference{height, "the block cannot be trusted", err}
		}
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		if b.Height < r.verified.From {
			continue // It leads to the snapshot.
		}
		if err := r.follows(b); err != nil {
			return err
		}
		if err := r.machine.Next(); err != nil {
			return err // It is this program that falls short, not the folder.
		}
		result := r.machine.Execute(decided(b.Block))
		if err := r.compare(b, result); err != nil {
			return err
		}
		if err := r.advance(result); err != nil {
			return err
		}
		r.progress(height, r.last)
	}
	return nil
}

// follows says whether the first block that is run again follows on the snapshot.
func (r *replayer) follows(b chain.Decided) error {
	if b.Height != r.verified.From || b.Height == 1 {
		return nil
	}
	if r.verified.Header = merkle.Hash(b.Hash); !bytes.Equal(b.Before, r.verified.AppHash) {
		return &Difference{b.Height, fmt.Sprintf("the snapshot has the app hash %X, the header says %X", r.verified.AppHash, b.Before), nil}
	}
	return nil
}

// compare compares a block's outcome with the next header and the stored record.
func (r *replayer) compare(b chain.Decided, result machine.Result) error {
	results := make([]chain.Result, len(result.Data))
	for n, data := range result.Data {
		results[n].Data = data
	}
	if b.Next && !bytes.Equal(b.AppHash, result.Head.AppHash()) {
		return &Difference{b.Height, fmt.Sprintf("the block makes the app hash %X, the next header says %X", result.Head.AppHash(), b.AppHash), nil}
	}
	if b.Next && !bytes.Equal(b.ResultsHash, chain.ResultsHash(results)) {
		return &Difference{b.Height, "the block makes other receipts than the next header commits to", nil}
	}
	record, err := r.store.Record(b.Height)
	if err != nil {
		return &Difference{b.Height, "the receipts cannot be read", err}
	}
	if !bytes.Equal(record, codec.Marshal(result.Record)) {
		return &Difference{b.Height, "the stored receipts are not those that the block makes", nil}
	}
	return nil
}

// advance makes a block's outcome the state that the next one runs on.
func (r *replayer) advance(result machine.Result) error {
	r.rows.Apply(result.Changes)
	r.machine.Advance(result)
	r.verified.Height = result.Head.Height
	r.verified.AppHash = result.Head.AppHash()
	r.verified.Receipts = result.Head.Log.Size
	return nil
}

// end compares what the blocks came to with what the folder holds.
func (r *replayer) end() error {
	height := r.verified.Height
	raw, _ := r.store.Head()
	if !bytes.Equal(raw, r.machine.Head().Encode()) {
		return &Difference{height, fmt.Sprintf("the store is at height %d, the blocks end at %d, or their heads differ", r.last, height), nil}
	}
	rows, err := sameRows(r.rows, r.store)
	if err != nil {
		return &Difference{height, "the stored rows are not those that the blocks make", err}
	}
	r.verified.Rows = rows
	if err := machine.Audit(r.rows); err != nil {
		return &Difference{height, "an invariant does not hold", err}
	}
	return r.sameView()
}

// sameRows compares two sets of rows and counts them.
func sameRows(a, b state.Reader) (uint64, error) {
	digest := func(s state.Reader) (n uint64, sum [sha256.Size]byte) {
		h := sha256.New()
		for key, row := range s.Ascend(nil, []byte{0xff}) {
			h.Write(codec.Marshal([2][]byte{key, row}))
			n++
		}
		return n, [sha256.Size]byte(h.Sum(nil))
	}
	n, mine := digest(a)
	m, theirs := digest(b)
	switch {
	case n != m:
		return n, fmt.Errorf("there are %d rows, there should be %d", m, n)
	case mine != theirs:
		return n, errors.New("a row differs")
	}
	return n, nil
}

// sameView rebuilds the read model from the receipts and compares it. It works on
// a copy: opening a database may write to it. One in PostgreSQL may lack blocks, which
// its node brings when it starts; where other nodes wrote more than is here, nothing is
// compared.
func (r *replayer) sameView() (err error) {
	height := r.verified.Height
	if r.verified.From > 1 {
		return nil // What it is made of is not here.
	}
	scratch, err := os.MkdirTemp("", "commonwatt-verify-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	settings, err := LoadSettings(r.dir)
	if err != nil {
		return err
	}
	stored, fix := viewOf(r.dir, settings), "delete "+viewFile+" and it is made again"
	if settings.View == "" {
		stored = filepath.Join(scratch, "stored.sqlite")
		if err := copyFile(stored, viewOf(r.dir, settings)); err != nil {
			return &Difference{height, "the read model cannot be read", err}
		}
	}
	theirs, shown, err := digestOf(r.ctx, stored, nil, 0)
	if err != nil {
		return &Difference{height, "the read model cannot be read", err}
	}
	until := height
	if settings.View != "" {
		if shown > height || shown == 0 {
			return nil
		}
		until, fix = shown, "drop its schema and it is made again"
	}
	mine, _, err := digestOf(r.ctx, filepath.Join(scratch, "rebuilt.sqlite"), r.store, until)
	if err != nil {
		return &Difference{height, "the read model cannot be rebuilt", err}
	}
	if mine != theirs {
		return &Difference{height, "the read model is not what the receipts make: " + fix, nil}
	}
	return nil
}

// digestOf is the digest of a view, and the height that it shows, after the records of
// a store up to a height, if there is one, went into it.
func digestOf(ctx context.Context, path string, records *store.Store, until int64) (digest [sha256.Size]byte, height int64, err error) {
	v, err := view.Open(path)
	if err != nil {
		return digest, 0, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	if records != nil {
		f := newFeed(records, v, slog.New(slog.DiscardHandler))
		f.until = until
		if f.catchUp(); f.err != nil {
			return digest, 0, f.err
		}
	}
	if err := v.Look(ctx); err != nil {
		return digest, 0, err
	}
	digest, err = v.Digest(ctx)
	return digest, v.Height(), err
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
