// Package chain puts transactions in an order that no single party controls:
// it runs CometBFT in this process and drives an application with its blocks.
//
// Its promise: every validator's application gets the same blocks in the same
// order, each once, also across a crash; a transaction is never dropped without
// word to the one who submitted it; a single validator opens no port, unless it has a
// signer, which dials it; for a height, round and step a signer signs once; and when
// the chain can not go on it says so instead of going on wrongly.
package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/mempool"
)

// Application is what a chain drives. Check may run on many goroutines at once,
// but never during Commit; everything else is called one at a time.
type Application interface {
	// Last returns the height and the state's hash as of the last Commit that is
	// on disk, or 0 before the first.
	Last() (height int64, appHash []byte)
	// Genesis sets the state before the first block. It is called again on the
	// next start when no block was committed since.
	Genesis(chainID string, appState []byte) (appHash []byte, err error)
	// Next says why the block after the last Commit cannot be finalized here, or nil.
	// The chain halts before that block with such a reason, and signs nothing for it;
	// an application that can goes on with it after the next start.
	Next() error
	// Check says whether a transaction may wait for a block, and why not. It is
	// called again, as a recheck, for those that wait when a block was committed.
	Check(tx []byte, recheck bool) error
	// Due returns the transactions that any validator puts before all others, of
	// maxBytes in total, from the committed state alone. It may be called several
	// times before they are in a block.
	Due(maxBytes int64) [][]byte
	// Accept says whether a proposed block's transactions may be in a block.
	Accept(txs [][]byte) error
	// Finalize computes a decided block without making it last. An error or a
	// panic halts the chain. A block without transactions must leave the hash as it was.
	Finalize(b Block) (Outcome, error)
	// Commit makes the finalized block last. An error or a panic halts the chain.
	Commit() error
}

// Keeper is what an application has, besides the rest, when it does not need all blocks
// for ever.
type Keeper interface {
	// Keeps returns the first block that is needed after a Commit; 0: all are. All that
	// those before it made is on the application's disk.
	Keeps() int64
}

// Block is a decided block.
type Block struct {
	Height int64
	// Time is in seconds since 1970 and never falls.
	Time int64
	Hash []byte
	Txs  [][]byte
	// Evidence is against validators; the consensus has checked it.
	Evidence []Evidence
}

// Evidence says that a validator signed two different things where it may sign one.
type Evidence struct {
	Validator []byte // Its address: the first 20 bytes of the SHA-256 of its key.
	Height    int64
}

// Outcome is what a block did: one result for each transaction, the hash of the
// state, and the validators whose power changes two blocks on.
type Outcome struct {
	Results    []Result
	AppHash    []byte
	Validators []Validator
}

// Result is what a transaction did; code 0 means that it was carried out.
type Result struct {
	Code uint32
	Data []byte
}

// Validator is an Ed25519 public key and its voting power; no power removes it.
type Validator struct {
	PublicKey []byte
	Power     int64
}

// Reasons why Submit does not take a transaction, apart from Check's.
var (
	ErrFull     = errors.New("chain: too many transactions are waiting for a block")
	ErrKnown    = errors.New("chain: this transaction is waiting or was in a block of late")
	ErrTooLarge = errors.New("chain: the transaction is too large for a block")
	ErrStopped  = errors.New("chain: stopped")
)

// ErrNext means that the application cannot execute the next block.
var ErrNext = errors.New("chain: stopped before block")

// ErrStuck means that the chain did not stop in time. What it writes to must
// not be closed under it; end the process.
var ErrStuck = errors.New("chain: did not stop in time")

// How long Stop waits: for the block at hand to be decided, which takes others in
// a network, and for everything to end.
const (
	decideMax = 5 * time.Second
	stopMax   = 30 * time.Second
)

// Chain is a running node.
type Chain struct {
	driver *driver
	parts  *parts
	room   *room
	log    *slog.Logger

	// submitting is held shared by Submit and exclusively by Stop.
	submitting sync.RWMutex
	stopped    bool
}

// Start brings the application up to the last block on disk and goes on from
// there. The maps that kv returns are the chain's until Stop returns.
func Start(cfg Config, app Application, kv func(name string) KV) (*Chain, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	driver := newDriver(app, cfg.Log)
	if err := driver.next(); err != nil {
		return nil, err
	}
	parts, err := assemble(cfg, driver, kv)
	if err != nil {
		return nil, fmt.Errorf("chain: start: %w", err)
	}
	driver.proven.Store(parts.proven())
	c := &Chain{driver: driver, parts: parts, room: newRoom(parts.mempool), log: cfg.Log}
	driver.room = c.room
	if err := parts.start(); err != nil {
		return nil, fmt.Errorf("chain: start: %w", errors.Join(err, parts.stop()))
	}
	go c.watch()
	return c, nil
}

// watch notices when consensus ends by itself.
func (c *Chain) watch() {
	ended := make(chan struct{})
	go func() {
		c.parts.consensus.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-c.driver.halted:
		if errors.Is(c.driver.reason, ErrNext) {
			c.parts.log.quiet.Store(true) // That consensus fails at that block is no news.
		}
		<-ended
	}
	c.driver.halt(fmt.Errorf("chain: consensus failed: %s", c.parts.log.failure()))
}

// Submit offers a transaction to the next blocks. A nil error means that it
// waits for one; it is lasting only once a block holds it. The error is Check's
// own, or ErrFull, ErrKnown, ErrTooLarge or ErrStopped.
func (c *Chain) Submit(tx []byte) error {
	c.submitting.RLock()
	defer c.submitting.RUnlock()
	if c.stopped {
		return ErrStopped
	}
	if err := c.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrStopped, err)
	}
	if len(tx) == 0 || len(tx) > txBytesMax {
		return ErrTooLarge
	}
	if !c.room.enter(len(tx)) {
		return ErrFull
	}
	defer c.room.leave(len(tx))
	return c.submit(bytes.Clone(tx))
}

func (c *Chain) submit(tx []byte) error {
	verdict := c.driver.expect(tx)
	err := c.parts.mempool.CheckTx(tx, func(*abci.ResponseCheckTx) {}, mempool.TxInfo{})
	if checked := verdict(); checked != nil {
		return checked
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mempool.ErrTxInCache):
		return ErrKnown
	case errors.Is(err, mempool.ErrRecheckFull), errors.As(err, &mempool.ErrMempoolIsFull{}):
		return ErrFull
	case errors.As(err, &mempool.ErrTxTooLarge{}), errors.As(err, &mempool.ErrPreCheck{}):
		return ErrTooLarge
	}
	return fmt.Errorf("chain: submit: %w", err)
}

// Height returns the height of the last committed block.
func (c *Chain) Height() int64 { return c.driver.committed.at() }

// Wait returns once a height is committed. The error is the context's, or says
// why the chain no longer goes on.
func (c *Chain) Wait(ctx context.Context, height int64) error {
	for {
		at, next := c.driver.committed.watch()
		if at >= height {
			return nil
		}
		select {
		case <-next:
		case <-c.driver.halted:
			return c.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Rest returns once the header of the last block holds the hash of the state, so
// that its signatures prove all there is. With no work, that is the next block. The
// error is as Wait's.
func (c *Chain) Rest(ctx context.Context) error {
	for {
		at, _ := c.driver.committed.watch()
		if c.driver.proven.Load() {
			return nil
		}
		if err := c.Wait(ctx, at+1); err != nil {
			return err
		}
	}
}

// Done is closed once the chain no longer goes on.
func (c *Chain) Done() <-chan struct{} { return c.driver.halted }

// Err says why the chain no longer goes on: ErrStopped after Stop, and nil as
// long as it does.
func (c *Chain) Err() error { return c.driver.err() }

// Stop finishes the block at hand and ends everything the chain runs. It is
// ErrStuck when that takes too long. Further calls do nothing.
func (c *Chain) Stop() error {
	c.submitting.Lock()
	defer c.submitting.Unlock()
	if c.stopped {
		return nil
	}
	c.stopped = true
	c.parts.log.quiet.Store(true)
	c.finish()
	c.driver.halt(ErrStopped)
	done := make(chan error, 1)
	go func() { done <- c.parts.stop() }()
	select {
	case err := <-done:
		return err
	case <-time.After(stopMax):
		return ErrStuck
	}
}

// finish lets this node's last proposal become a block, and begins no other.
func (c *Chain) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), decideMax)
	defer cancel()
	if err := c.Wait(ctx, c.parts.signer.close()); err != nil {
		c.log.Warn("stopped before the last proposal was decided", "reason", err)
	}
}
