package chain

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

// aside is a signer beside the test's nodes, which runs and ends as the test says.
type aside struct {
	cfg SignerConfig
	end func() error // Nil: it does not run.
}

// moveSigner moves the key of a node to a signer, which does not run yet.
func (n *node) moveSigner(t *testing.T) *aside {
	t.Helper()
	a := &aside{cfg: SignerConfig{Dir: t.TempDir(), Chain: "test", Log: silent}}
	a.admit(t, n)
	return a
}

// admit lets a node ask the signer.
func (a *aside) admit(t *testing.T, n *node) {
	t.Helper()
	self, err := Keys(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	address := freePort(t)
	err = MoveSigner(n.dir, a.cfg.Dir, func(id string) error {
		n.cfg.Signer = id + "@" + address
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a.cfg.Nodes = append(a.cfg.Nodes, self.Node+"@"+address)
}

// loneWithSigner runs a validator on its own, whose key is with a signer that does not
// run yet.
func loneWithSigner(t *testing.T, log *slog.Logger) (*node, *aside) {
	t.Helper()
	d := newDisk(t)
	n := &node{disk: d, cfg: Config{Dir: d.dir, Log: log}}
	a := n.moveSigner(t)
	n.run(t)
	return n, a
}

// run runs the signer until stop, or the end of the test.
func (a *aside) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Sign(ctx, a.cfg) }()
	a.end = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	end := a.end
	t.Cleanup(func() { _ = end() })
}

func (a *aside) stop(t *testing.T) {
	t.Helper()
	if err := a.end(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Two nodes ask one signer at the same moment for signatures under different blocks, by
// CometBFT's own client over real connections: for each height, round and step one of them
// A validator on its own waits for its signer, and goes on with it: before the first
// block, and when the signer was away in between.
func TestValidatorWaitsForItsSigner(t *testing.T) {
	t.Parallel()
	log := newHeard()
	n, a := loneWithSigner(t, slog.New(log))
	for name := range uint64(3) {
		before := n.chain.Height()
		if err := n.chain.Submit(tx(name, 20)); err != nil {
			t.Fatal(err)
		}
		log.until(t, "consensus asks for a vote", func() bool { return n.chain.parts.signer.remote.postponed() != nil })
		if s := n.chain.Signer(); s == nil || s.Away == "" {
			t.Errorf("the signer does not run, and is %+v", s)
		}
		a.run(t)
		wait(t, n.chain, before+1)
		if s := n.chain.Signer(); s.Away != "" {
			t.Errorf("the signer signed, and is %+v", s)
		}
		a.stop(t)
		log.until(t, "the signer is missed", func() bool { return n.chain.Signer().Away != "" })
	}
}

// heard keeps what a log tells, and wakes who waits for something that it tells of.
type heard struct {
	wake chan struct{}

	mu    sync.Mutex
	lines []string
}

func newHeard() *heard { return &heard{wake: make(chan struct{}, 1)} }

// Enabled is true: everything is of interest.
func (*heard) Enabled(context.Context, slog.Level) bool { return true }

// Handle wakes.
func (w *heard) Handle(_ context.Context, r slog.Record) error {
	w.mu.Lock()
	w.lines = append(w.lines, r.Message)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return nil
}

// WithAttrs is the same.
func (w *heard) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup is the same.
func (w *heard) WithGroup(string) slog.Handler { return w }

// said reports whether a line of the log has a text in it.
func (w *heard) said(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.lines, func(line string) bool { return strings.Contains(line, text) })
}

// until waits until something holds, looking whenever the log tells of something.
func (w *heard) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	for !holds() {
		select {
		case <-w.wake:
		case <-late:
			t.Fatalf("%s: it never was so", what)
		}
	}
}

// postponed is the vote that waits for the signer.
func (r *remote) postponed() *cmtproto.Vote {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.late
}

// Of four validators two have signers that go away together, so that nothing is decided.
// The two follow what can be decided while one is away, and all goes on when both are
// back: each votes for what it was to vote for meanwhile.
func TestNetworkGoesOnWithItsSigners(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 4)
	first, second := n[2].moveSigner(t), n[3].moveSigner(t)
	log := newHeard()
	for i := range n {
		n[i].cfg.Idle, n[i].cfg.Log = 50*time.Millisecond, slog.New(log)
		n[i].run(t)
	}
	first.run(t)
	second.run(t)
	submit(t, n[0].chain, n[0].app, 1)
	second.stop(t)
	submit(t, n[0].chain, n[0].app, 2)
	wait(t, n[3].chain, n[0].chain.Height()) // It follows.
	first.stop(t)
	log.until(t, "consensus asks both for votes", func() bool {
		return n[2].chain.parts.signer.remote.postponed() != nil && n[3].chain.parts.signer.remote.postponed() != nil
	})
	first.run(t)
	second.run(t)
	submit(t, n[3].chain, n[3].app, 3)
	n.mustAgree(t)
}

// Two nodes of one validator ask one signer, in a network of four: it goes on, and nobody
// has evidence against the validator.
func TestTwoNodesOneSigner(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 4)
	a := n[3].moveSigner(t)
	twin := &node{disk: &disk{dir: t.TempDir(), dbs: map[string]dbm.DB{}}}
	twin.cfg = Config{Dir: twin.dir, Listen: freePort(t), Log: silent, Peers: n[3].cfg.Peers}
	if _, err := signerIdentity(twin.dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{genesisFile, publicFile} {
		text, err := os.ReadFile(filepath.Join(n[3].dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(twin.dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a.admit(t, twin)
	a.run(t)
	all := append(slices.Clone(n), twin)
	for _, node := range all {
		node.cfg.Idle = 20 * time.Millisecond
		node.run(t)
	}
	for name := range uint64(10) {
		node := all[3+name%2]
		submit(t, node.chain, node.app, name)
	}
	signs := false
	for height := int64(1); height <= n[0].chain.Height(); height++ {
		block := n[0].chain.parts.blocks.LoadBlock(height)
		if len(block.Evidence.Evidence) > 0 {
			t.Errorf("block %d has evidence: %v", height, block.Evidence.Evidence)
		}
		for _, s := range block.LastCommit.Signatures {
			signs = signs || bytes.Equal(s.ValidatorAddress, n[3].chain.parts.signer.GetAddress())
		}
	}
	if !signs {
		t.Error("the validator signs nothing")
	}
	all.mustAgree(t)
}

// Each end lets in the other's key alone: whoever else dials gets nothing, and nothing
// is signed for whoever else listens.
func TestLineIsPinned(t *testing.T) {
	t.Parallel()
	n, a := loneWithSigner(t, silent)
	_, address := idAt(n.cfg.Signer)
	self, err := Keys(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := secure(c, ed25519.GenPrivKey(), p2p.ID(self.Node))
	if err == nil { // The node closes it once it knows whose it is.
		_, err = l.Read(make([]byte, 1))
	}
	if err == nil || n.chain.Signer().Away == "" {
		t.Errorf("a stranger was let in: %v, %+v", err, n.chain.Signer())
	}
	c, err = net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := secure(c, ed25519.GenPrivKey(), "ff"); !errors.As(err, new(*strangerError)) {
		t.Errorf("a node was taken for another: %v", err)
	}
	a.run(t)
	submit(t, n.chain, n.app, 1)
}

// A signer with another validator's key, or of another chain, is said to be that, and
// signs nothing; a copy of the signer is turned away.
func TestWrongSigner(t *testing.T) {
	t.Parallel()
	log := newHeard()
	n, a := loneWithSigner(t, slog.New(log))
	away := func(reason string) {
		t.Helper()
		log.until(t, reason, func() bool { return strings.Contains(n.chain.Signer().Away, reason) })
	}
	elsewhere := *a
	elsewhere.cfg.Chain = "elsewhere"
	elsewhere.run(t)
	away("it signs for another chain than test")
	elsewhere.stop(t)
	other := *a
	other.cfg.Dir = t.TempDir()
	if err := makeKeys(other.cfg.Dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(a.cfg.Dir, nodeFile))
	if err == nil {
		err = os.WriteFile(filepath.Join(other.cfg.Dir, nodeFile), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	other.run(t)
	away("it has the key of another validator")
	other.stop(t)
	a.run(t)
	submit(t, n.chain, n.app, 1)
	line := n.chain.parts.signer.remote.current()
	copied := *a
	copied.run(t)
	log.until(t, "the copy is noticed", func() bool { return log.said("a second process has the signer's key") })
	submit(t, n.chain, n.app, 2)
	if n.chain.parts.signer.remote.current() != line {
		t.Error("a second process took the signer's place")
	}
}

// liar has the right key at hand, and answers with something else.
type liar struct {
	*privval.FilePV
	other ed25519.PrivKey
	sign  func(l liar, vote *cmtproto.Vote)
}

func (l liar) SignVote(chainID string, vote *cmtproto.Vote) error {
	l.sign(l, vote)
	key := l.Key.PrivKey
	if l.other != nil {
		key = l.other
	}
	var err error
	vote.Signature, err = key.Sign(types.VoteSignBytes(chainID, vote))
	return err
}

// What a signer answers is compared with what it was asked for, and its signature
// verified.
func TestAnswersAreVerified(t *testing.T) {
	t.Parallel()
	pv, err := loadSigner(newDisk(t).dir)
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(liar, *cmtproto.Vote) {}
	for what, test := range map[string]struct {
		liar liar
		want error
	}{
		"the truth":      {liar{pv, nil, nothing}, nil},
		"another time":   {liar{pv, nil, func(_ liar, v *cmtproto.Vote) { v.Timestamp = v.Timestamp.Add(-time.Hour) }}, nil},
		"another key":    {liar{pv, ed25519.GenPrivKey(), nothing}, errOther},
		"another height": {liar{pv, nil, func(_ liar, v *cmtproto.Vote) { v.Height++ }}, errOther},
		"another block":  {liar{pv, nil, func(_ liar, v *cmtproto.Vote) { v.BlockID.Hash = bytes.Repeat([]byte{9}, 32) }}, errOther},
	} {
		near, far := net.Pipe()
		r := newRemote("", pv.Key.PubKey, nil, silent)
		r.line, r.reason, r.ended = &line{Conn: near}, "", make(chan struct{})
		server := privval.NewSignerServer(privval.NewSignerDialerEndpoint(cmtlog.NewNopLogger(), func() (net.Conn, error) { return &line{Conn: far}, nil }), "test", test.liar)
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		vote, _ := wanted(0, 3, 0, cmtproto.PrevoteType)
		if err := r.SignVote("test", vote); !errors.Is(err, test.want) || (vote.Signature == nil) != (test.want != nil) {
			t.Errorf("%s: %v, %v", what, err, vote)
		}
		r.drop("the end")
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}
}

func (r *remote) current() *line {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.line
}

// Where the key is, and who signs, agree; a signer without its mark does not run; a move
