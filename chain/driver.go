package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/types"
)

// Codes of CheckTx, which only tell the mempool whether to keep a transaction.
const (
	codeKept    = abci.CodeTypeOK
	codeRefused = 1
)

// driver turns CometBFT's calls (ABCI 2.0) into the application's.
type driver struct {
	abci.BaseApplication
	app       Application
	committed height
	// finalized is the height that the next Commit is of, and hash that of the state
	// after it; proving says that it left the hash as it was.
	finalized int64
	time      time.Time       // Of that block.
	before    abci.CommitInfo // Who signed the block before it.
	hash      []byte
	proving   bool
	// proven says that the header of the last block holds the hash of the state.
	proven atomic.Bool
	// expected holds, by the address of a transaction, where its submitter awaits
	// the verdict: CometBFT hands on a code and a text, the submitter wants the error.
	expected sync.Map
	taking   taking
	log      *slog.Logger

	// company and room are nil while blocks are replayed before the start.
	company *company
	room    *room
	// syncing reports whether block sync is what finalizes blocks; nil: not yet.
	syncing func() bool
	// restored is told of every block that became last; nil: not yet.
	restored func(height int64, at time.Time, before abci.CommitInfo) error

	halted chan struct{}
	once   sync.Once
	reason error
}

func newDriver(app Application, log *slog.Logger) *driver {
	d := &driver{app: app, log: log, halted: make(chan struct{})}
	d.resume()
	return d
}

// resume goes on from what the application has.
func (d *driver) resume() {
	at, hash := d.app.Last()
	d.committed.set(at)
	d.hash = hash
}

// next says why the application cannot go on.
func (d *driver) next() error {
	if err := d.app.Next(); err != nil {
		return fmt.Errorf("%w %d: %w", ErrNext, d.committed.at()+1, err)
	}
	return nil
}

// halt records the first reason why the chain does not go on.
func (d *driver) halt(reason error) {
	d.once.Do(func() {
		d.reason = reason
		close(d.halted)
	})
}

func (d *driver) err() error {
	select {
	case <-d.halted:
		return d.reason
	default:
		return nil
	}
}

// expect asks for Check's verdict on a transaction. What it returns gives the
// verdict, or nil when Check was not asked, and must be called once.
func (d *driver) expect(tx []byte) func() error {
	var verdict error
	d.expected.Store(&tx[0], &verdict)
	return func() error {
		d.expected.Delete(&tx[0])
		return verdict
	}
}

// Info tells CometBFT where to go on from.
func (d *driver) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	height, hash := d.app.Last()
	return &abci.ResponseInfo{LastBlockHeight: height, LastBlockAppHash: hash}, nil
}

// InitChain sets the state before the first block.
func (d *driver) InitChain(_ context.Context, r *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	appState, err := decodeAppState(r.AppStateBytes)
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	hash, err := d.app.Genesis(r.ChainId, appState)
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	d.hash = hash
	return &abci.ResponseInitChain{AppHash: hash}, nil
}

// CheckTx answers the mempool. Text and codes stay here: a transaction that
// peers pass on is refused without telling them why.
func (d *driver) CheckTx(_ context.Context, r *abci.RequestCheckTx) (*abci.ResponseCheckTx, error) {
	code := codeKept
	if d.check(r.Tx, r.Type == abci.CheckTxType_Recheck) != nil {
		code = codeRefused
	}
	return &abci.ResponseCheckTx{Code: code}, nil
}

// check has the application check a transaction, unless a peer passes it on for which
// there is no room, and leaves the verdict to who submitted it.
func (d *driver) check(tx []byte, recheck bool) error {
	var verdict any
	submitted := false
	if len(tx) > 0 {
		verdict, submitted = d.expected.Load(&tx[0])
	}
	if d.room != nil && !submitted && !recheck && !d.room.has(len(tx)) {
		return ErrFull
	}
	err := d.app.Check(tx, recheck)
	if err != nil && submitted {
		*verdict.(*error) = err
	}
	return err
}

// PrepareProposal puts what is due before what waits, up to the block's size.
func (d *driver) PrepareProposal(_ context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	var txs [][]byte
	left := r.MaxTxBytes
	for _, tx := range append(d.app.Due(left), r.Txs...) {
		if left -= types.ComputeProtoSizeForTxs([]types.Tx{tx}); left < 0 {
			break
		}
		txs = append(txs, tx)
	}
	return &abci.ResponsePrepareProposal{Txs: txs}, nil
}

// ProcessProposal votes on a proposed block.
func (d *driver) ProcessProposal(_ context.Context, r *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	status := abci.ResponseProcessProposal_ACCEPT
	if err := d.app.Accept(r.Txs); err != nil {
		status = abci.ResponseProcessProposal_REJECT
	}
	return &abci.ResponseProcessProposal{Status: status}, nil
}

// FinalizeBlock computes a decided block.
func (d *driver) FinalizeBlock(_ context.Context, r *abci.RequestFinalizeBlock) (response *abci.ResponseFinalizeBlock, err error) {
	d.finalized, d.time, d.before = r.Height, r.Time, r.DecidedLastCommit
	defer d.haltOn(&err)
	if err := d.app.Next(); err != nil { // Others decided it, or the last start was cut short.
		return nil, err
	}
	outcome, err := d.app.Finalize(Block{Height: r.Height, Time: r.Time.Unix(), Hash: r.Hash, Txs: r.Txs, Evidence: evidenceOf(r.Misbehavior)})
	if err != nil {
		return nil, err
	}
	if len(outcome.Results) != len(r.Txs) {
		return nil, errors.New("results and transactions differ in number")
	}
	d.proving, d.hash = bytes.Equal(outcome.AppHash, d.hash), outcome.AppHash
	if d.company != nil {
		d.company.decided(outcome.Validators)
	}
	response = &abci.ResponseFinalizeBlock{AppHash: outcome.AppHash, TxResults: txResults(outcome.Results)}
	for _, v := range outcome.Validators {
		response.ValidatorUpdates = append(response.ValidatorUpdates, abci.Ed25519ValidatorUpdate(v.PublicKey, v.Power))
	}
	return response, nil
}

// Commit makes the finalized block last. CometBFT may drop the blocks that the
// application says it needs no more: what it has not written to disk yet is replayed
// from the others.
func (d *driver) Commit(context.Context, *abci.RequestCommit) (response *abci.ResponseCommit, err error) {
	defer d.haltOn(&err)
	d.proven.Store(false) // The application shows the block before this returns.
	if err := d.app.Commit(); err != nil {
		return nil, err
	}
	d.proven.Store(d.proving)
	if d.restored != nil {
		if err := d.restored(d.finalized, d.time, d.before); err != nil {
			return nil, err
		}
	}
	d.committed.set(d.finalized)
	if err := d.next(); err != nil {
		d.halt(err)
	}
	response = &abci.ResponseCommit{}
	if k, ok := d.app.(Keeper); ok {
		response.RetainHeight = k.Keeps()
	}
	return response, nil
}

// haltOn halts the chain when the application failed or panicked. CometBFT would
// swallow a panic, and keep a lock that submitters wait for.
func (d *driver) haltOn(err *error) {
	switch reason := recover().(type) {
	case nil:
	case error:
		*err = fmt.Errorf("%w\n%s", reason, debug.Stack())
	default:
		*err = fmt.Errorf("%v\n%s", reason, debug.Stack())
	}
	if *err != nil {
		*err = fmt.Errorf("chain: block %d: %w", d.finalized, *err)
		d.halt(*err)
	}
	if *err != nil && d.syncing != nil && d.syncing() {
		// CometBFT panics over it on a goroutine of block sync, which would end the
		// process before it said why. Consensus has somebody who recovers.
		runtime.Goexit()
	}
}

// evidenceOf is what CometBFT says of those who misbehaved, in its order.
func evidenceOf(list []abci.Misbehavior) (all []Evidence) {
	for _, m := range list {
		all = append(all, Evidence{Validator: m.Validator.Address, Height: m.Height})
	}
	return all
}

func txResults(results []Result) []*abci.ExecTxResult {
	list := make([]*abci.ExecTxResult, len(results))
	for i, r := range results {
		list[i] = &abci.ExecTxResult{Code: r.Code, Data: r.Data}
	}
	return list
}

// height is a height that grows and can be awaited.
type height struct {
	mu    sync.Mutex
	value int64
	grown chan struct{}
}

// at returns the height.
func (h *height) at() int64 {
	at, _ := h.watch()
	return at
}

// watch returns the height and a channel that is closed when it grows.
func (h *height) watch() (int64, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.grown == nil {
		h.grown = make(chan struct{})
	}
	return h.value, h.grown
}

func (h *height) set(value int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.value = value
	if h.grown != nil {
		close(h.grown)
		h.grown = nil
	}
}
