package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/commonwatt/commonwatt/keyfile"
)

// signerRedial is how often a signer dials a node that it has no connection with.
const signerRedial = 500 * time.Millisecond

// SignerConfig is how a validator's signer runs: a process of its own, which has the key
// and the mark of what it signed last, and dials the nodes that may ask it.
type SignerConfig struct {
	Dir   string   // That of MoveSigner. No other process may run in it.
	Chain string   // The id of the one chain that it signs for.
	Nodes []string // Where nodes wait for it, each as ID@HOST:PORT.
	Log   *slog.Logger
}

// Sign signs for a validator until the context ends, whose cause it then returns. However
// many nodes ask, there is one signature for a height, round and step.
//
// Errors: ErrNoMark; ErrChanged; those of the disk, after which nothing is signed.
func Sign(ctx context.Context, cfg SignerConfig) error {
	pv, err := loadSigner(cfg.Dir)
	if err != nil {
		return fmt.Errorf("chain: signer: %w", err)
	}
	own, err := loadNode(cfg.Dir)
	if err != nil {
		return fmt.Errorf("chain: signer: %w", err)
	}
	ctx, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	holder := &holder{dir: cfg.Dir, pv: pv, halt: halt, log: cfg.Log}
	var serving sync.WaitGroup
	for _, node := range cfg.Nodes {
		serving.Go(func() { serve(ctx, cfg, node, own.PrivKey, holder) })
	}
	<-ctx.Done()
	serving.Wait()
	return context.Cause(ctx)
}

// serve answers one node, and dials it whenever there is no connection.
func serve(ctx context.Context, cfg SignerConfig, node string, own crypto.PrivKey, holder *holder) {
	id, address := idAt(node)
	say := cfg.Log.With("node", id, "address", address)
	var at dialing
	dial := func() (net.Conn, error) {
		at.close()
		l, err := dialUntil(ctx, address, own, id, say)
		if err != nil {
			return nil, err
		}
		say.Info("connected to the node")
		at.set(l)
		return l, nil
	}
	endpoint := privval.NewSignerDialerEndpoint(log.NewNopLogger(), dial,
		privval.SignerDialerEndpointConnRetries(1), privval.SignerDialerEndpointRetryWaitInterval(0),
		privval.SignerDialerEndpointTimeoutReadWrite(2*answerTimeout))
	server := privval.NewSignerServer(endpoint, cfg.Chain, holder)
	if err := server.Start(); err != nil {
		say.Error("the node is not answered", "reason", err)
		return
	}
	<-ctx.Done()
	at.close() // CometBFT waits for what is being read.
	if err := server.Stop(); err != nil {
		say.Error("the signer did not end well", "reason", err)
	}
}

// dialing is the connection with a node.
type dialing struct {
	mu   sync.Mutex
	line *line
}

func (d *dialing) set(l *line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.line = l
}

func (d *dialing) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line != nil {
		_ = d.line.Close()
	}
}

// dialUntil dials a node until it is reached. Why it is not is said when that changes.
func dialUntil(ctx context.Context, address string, own crypto.PrivKey, id p2p.ID, say *slog.Logger) (*line, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	for last := ""; ; {
		c, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			var l *line
			if l, err = secure(c, own, id); err == nil {
				return l, nil
			}
		}
		if err.Error() != last && ctx.Err() == nil {
			last = err.Error()
			say.Warn("the node is not reached: it is dialed until it is; see that it runs, and that signer.toml here and node.toml there name each other", "reason", err)
		}
		select {
		case <-time.After(signerRedial):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// holder holds the key and the mark. Nodes ask at the same time; it answers one by one.
type holder struct {
	dir  string
	halt func(error)
	log  *slog.Logger

	mu     sync.Mutex
	pv     *privval.FilePV
	broken error // The mark could not be written: nothing is signed any more.
}

// Errors of what a node asks for.
var (
	errAsked    = errors.New("chain: this is no vote and no proposal that a validator signs")
	errUnmarked = errors.New("chain: the mark of what was signed last cannot be written, so nothing is signed: make room or mend the disk, and start the signer again")
)

// GetPubKey is the validator's key.
func (h *holder) GetPubKey() (crypto.PubKey, error) { return h.pv.GetPubKey() }

// SignVote signs a vote, unless the mark forbids it.
func (h *holder) SignVote(chainID string, vote *cmtproto.Vote) error {
	if vote == nil || vote.Type != cmtproto.PrevoteType && vote.Type != cmtproto.PrecommitType || len(vote.Extension) > 0 {
		return errAsked
	}
	return h.sign(vote.Height, vote.Round, vote.Type, func() error { return h.pv.SignVote(chainID, vote) })
}

// SignProposal signs a proposal, unless the mark forbids it.
func (h *holder) SignProposal(chainID string, proposal *cmtproto.Proposal) error {
	if proposal == nil {
		return errAsked
	}
	return h.sign(proposal.Height, proposal.Round, cmtproto.ProposalType, func() error { return h.pv.SignProposal(chainID, proposal) })
}

// sign lets a signature leave once the mark, with its name, is on disk. CometBFT panics
// when it cannot write it.
func (h *holder) sign(height int64, round int32, step cmtproto.SignedMsgType, sign func() error) (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken != nil {
		return h.broken
	}
	defer func() {
		if reason := recover(); reason != nil {
			err = h.fail(fmt.Errorf("%w: %v", errUnmarked, reason))
		}
	}()
	if err := sign(); err != nil {
		h.log.Warn("not signed", "height", height, "round", round, "step", step, "reason", err)
		return err
	}
	if err := keyfile.SyncDir(h.dir); err != nil {
		return h.fail(fmt.Errorf("%w: %w", errUnmarked, err))
	}
	return nil
}

// fail ends the signer.
func (h *holder) fail(err error) error {
	h.broken = err
	h.halt(err)
	return err
}
