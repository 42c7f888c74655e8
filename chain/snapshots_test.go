package chain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/types"
)

// sharing is a counter that gives its state to others and takes theirs: all the
// transactions that it carried out, from which its hash can be computed.
type sharing struct {
	*counter
	every int64 // Heights between snapshots.
	lies  lies

	mu      sync.Mutex
	began   []byte // The hash of the genesis.
	pending [][]byte
	carried [][]byte
	offered []Snapshot
	chunks  map[int64][][]byte

	manifest manifest
	taken    [][]byte
}

// lies are what a hostile node says instead of the truth; nil is the truth.
type lies struct {
	manifest func(*manifest, [][]byte)
	chunk    func([]byte) []byte
}

type manifest struct {
	Height int64
	Hash   []byte
	Began  []byte
	Sums   [][]byte
}

func newSharing(c *counter, every int64, lies lies) *sharing {
	return &sharing{counter: c, every: every, lies: lies, chunks: map[int64][][]byte{}}
}

func (s *sharing) Genesis(id string, appState []byte) ([]byte, error) {
	hash, err := s.counter.Genesis(id, appState)
	s.began = hash
	return hash, err
}

func (s *sharing) Finalize(b Block) (Outcome, error) {
	out, err := s.counter.Finalize(b)
	s.pending = nil
	for i, r := range out.Results {
		if r.Code == 0 {
			s.pending = append(s.pending, b.Txs[i])
		}
	}
	return out, err
}

func (s *sharing) Commit() error {
	if err := s.counter.Commit(); err != nil {
		return err
	}
	s.carried = append(s.carried, s.pending...)
	if s.every > 0 && s.height%s.every == 0 && len(s.carried) > 0 && s.began != nil {
		s.share()
	}
	return nil
}

// share makes a snapshot, with a transaction in each chunk.
func (s *sharing) share() {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, chunks := manifest{Height: s.height, Hash: s.hash, Began: s.began}, slices.Clone(s.carried)
	m.sum(chunks)
	if s.lies.manifest != nil {
		s.lies.manifest(&m, chunks)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	s.offered = append(s.offered, Snapshot{Height: s.height, Format: 1, Chunks: uint32(len(m.Sums)), Manifest: raw})
	s.chunks[s.height] = chunks
}

func (m *manifest) sum(chunks [][]byte) {
	m.Sums = nil
	for _, chunk := range chunks {
		sum := sha256.Sum256(chunk)
		m.Sums = append(m.Sums, sum[:])
	}
}

func (s *sharing) Offered() []Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offered[max(0, len(s.offered)-4):]
}

func (s *sharing) Chunk(height int64, _, index uint32) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(index) >= len(s.chunks[height]) {
		return nil, nil
	}
	chunk := s.chunks[height][index]
	if s.lies.chunk != nil {
		chunk = s.lies.chunk(chunk)
	}
	return chunk, nil
}

func (s *sharing) Begin(offered Snapshot, proven Proven) error {
	s.manifest, s.taken = manifest{}, nil
	if err := json.Unmarshal(offered.Manifest, &s.manifest); err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if !bytes.Equal(s.manifest.Hash, proven.AppHash) || len(s.manifest.Sums) != int(offered.Chunks) {
		return ErrSnapshot
	}
	return nil
}

func (s *sharing) Add(chunk []byte) error {
	sum := sha256.Sum256(chunk)
	if !bytes.Equal(sum[:], s.manifest.Sums[len(s.taken)]) {
		return ErrChunk
	}
	if s.taken = append(s.taken, bytes.Clone(chunk)); len(s.taken) < len(s.manifest.Sums) {
		return nil
	}
	hash := s.manifest.Began
	for _, tx := range s.taken {
		sum := sha256.Sum256(append(bytes.Clone(hash), tx...))
		hash = sum[:]
	}
	if !bytes.Equal(hash, s.manifest.Hash) {
		return fmt.Errorf("%w: the transactions come to another hash", ErrSnapshot)
	}
	for _, tx := range s.taken {
		if err := s.db.Set(nameKey(nameOf(tx)), []byte{1}); err != nil {
			return err
		}
	}
	s.height, s.hash = s.manifest.Height, hash
	return s.db.Set([]byte("head"), append(binary.BigEndian.AppendUint64(nil, uint64(s.height)), hash...))
}

// sharer is a peer that lies of its snapshots. One who is silent is waited for so long
// that the campaign alone asks it.
type sharer struct {
	name          string
	lies          lies
	every         int64
	forge, silent bool
}

// hostile are ways in which a peer lies to a node that begins. Those with the newest
// snapshots are asked first.
var hostile = []sharer{
	{name: "another hash", every: 1, lies: lies{manifest: func(m *manifest, _ [][]byte) { m.Hash = append([]byte{m.Hash[0] ^ 1}, m.Hash[1:]...) }}},
	{name: "other transactions", every: 1, lies: lies{manifest: func(m *manifest, chunks [][]byte) {
		chunks[0] = tx(99, 20)
		m.sum(chunks)
	}}},
	{name: "chunks that the manifest does not name", every: 2, lies: lies{chunk: func([]byte) []byte { return tx(99, 20) }}},
	{name: "no chunks", every: 3, silent: true, lies: lies{chunk: func([]byte) []byte { return nil }}},
	{name: "blocks of made-up validators", forge: true},
}

// honestEvery is how many heights lie between the snapshots of who tells the truth.
const honestEvery = 4

// A node that begins takes the state of the one who tells the truth, whatever the
// others say, and follows the chain from there.
func TestStateSyncAmongLiars(t *testing.T) {
	if testing.Short() {
		t.Skip("liars are heard who tell of their snapshots within the five seconds of the search")
	}
	t.Parallel()
	hostile := hostile
	if os.Getenv("COMMONWATT_BYZANTINE") == "" {
		hostile = slices.DeleteFunc(slices.Clone(hostile), func(s sharer) bool { return s.silent })
	}
	n := newNetwork(t, 1+len(hostile))
	for i := range n {
		n[i].cfg.Idle = 500 * time.Millisecond
		n[i].over = func(c *counter) Application {
			if i > 0 {
				return newSharing(c, hostile[i-1].every, hostile[i-1].lies)
			}
			return newSharing(c, honestEvery, lies{})
		}
		n[i].run(t)
	}
	for name := range uint64(6) {
		submit(t, n[0].chain, n[0].app, name)
	}
	for i, h := range hostile {
		if h.forge {
			forge(t, n[i+1].chain)
		}
	}
	wait(t, n[0].chain, (n[0].chain.Height()/honestEvery+2)*honestEvery+1) // When liars have newer ones.
	fresh := n.newcomer(t)
	refused := &refusals{}
	fresh.cfg.Log = slog.New(refused)
	fresh.over = func(c *counter) Application { return newSharing(c, 0, lies{}) }
	fresh.run(t)
	first := fresh.chain.Height()
	if first < honestEvery || first%honestEvery != 0 {
		t.Errorf("began at height %d, which is not one of the honest snapshots", first)
	}
	for _, why := range []string{"snapshot is refused", "does not follow"} {
		if !refused.heard(why) {
			t.Errorf("nobody was refused because %q", why)
		}
	}
	wait(t, fresh.chain, n[0].chain.Height()+1)
	append(n, fresh).mustAgree(t)
	if own := fresh.app.blocks[0].Height; own != first+1 {
		t.Errorf("the first block that was computed is %d, the snapshot was of %d", own, first)
	}
}

// A peer alone gives its state; a node that is stopped after that, and before it has a
// block, goes on; one that was cut off within begins again.
func TestStateSyncBeginsAgain(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 1)
	n[0].cfg.Idle = 100 * time.Millisecond
	n[0].over = func(c *counter) Application { return newSharing(c, 4, lies{}) }
	n[0].run(t)
	for name := range uint64(12) {
		submit(t, n[0].chain, n[0].app, name)
	}
	fresh := n.newcomer(t)
	cut := errors.New("the power failed")
	fails := &cutting{cut: cut}
	if _, err := Start(fresh.cfg, fails.over(t, fresh), fresh.kv); !errors.Is(err, cut) {
		t.Fatalf("a start whose disk failed: %v", err)
	}
	fresh.over = func(c *counter) Application { return newSharing(c, 0, lies{}) }
	fresh.run(t)
	submit(t, n[0].chain, n[0].app, 99)
	wait(t, fresh.chain, n[0].chain.Height())
	append(n, fresh).mustAgree(t)
	if fresh.app.block(1) != nil {
		t.Error("the first block was fetched: no snapshot was taken")
	}
}

// cutting fails within a snapshot.
type cutting struct {
	*sharing
	cut error
}

func (c *cutting) over(t *testing.T, n *node) *cutting {
	c.sharing = newSharing(newCounter(t, n.db("app")), 0, lies{})
	return c
}

func (c *cutting) Add(chunk []byte) error {
	if len(c.taken) == 1 {
		return c.cut
	}
	return c.sharing.Add(chunk)
}

// A start that waits for snapshots can be cancelled, and peers without any give blocks.
func TestStateSyncWithoutSnapshots(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 1)
	n[0].run(t)
	submit(t, n[0].chain, n[0].app, 1)
	cancelled, cancel := n.newcomer(t), make(chan struct{})
	close(cancel)
	cancelled.cfg.Cancel = cancel
	if _, err := Start(cancelled.cfg, newCounter(t, cancelled.db("app")), cancelled.kv); !errors.Is(err, ErrCancelled) {
		t.Fatalf("a start that was cancelled: %v", err)
	}
	fresh := n.newcomer(t)
	fresh.run(t)
	wait(t, fresh.chain, n[0].chain.Height())
	append(n, fresh).mustAgree(t)
}

// refusals remembers what was warned of.
type refusals struct {
	mu    sync.Mutex
	lines []string
}

func (r *refusals) Enabled(context.Context, slog.Level) bool { return true }
func (r *refusals) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *refusals) WithGroup(string) slog.Handler            { return r }

func (r *refusals) Handle(_ context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, record.Message)
	return nil
}

func (r *refusals) heard(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.lines, func(line string) bool { return strings.Contains(line, text) })
}

// newcomer makes the folder of a node that joins a network and trusts its newest block.
func (n network) newcomer(t *testing.T) *node {
	t.Helper()
	fresh := &node{disk: &disk{dir: t.TempDir(), dbs: map[string]dbm.DB{}}}
	genesis, err := os.ReadFile(filepath.Join(n[0].dir, genesisFile))
	if err == nil {
		err = os.WriteFile(filepath.Join(fresh.dir, genesisFile), genesis, 0o600)
	}
	_, failed := Keys(fresh.dir)
	trust, untrusted := n[0].chain.Headers().Trust(0)
	if err := errors.Join(err, failed, untrusted); err != nil {
		t.Fatal(err)
	}
	fresh.cfg = Config{Dir: fresh.dir, Listen: freePort(t), Log: silent, Trust: &trust}
	for _, node := range n {
		self, err := Keys(node.dir)
		if err != nil {
			t.Fatal(err)
		}
		fresh.cfg.Peers = append(fresh.cfg.Peers, fmt.Sprintf("%s@%s", self.Node, node.cfg.Listen))
	}
	return fresh
}

// forge makes a node answer with light blocks that validators signed whom it made up.
func forge(t *testing.T, c *Chain) {
	t.Helper()
	reactor, ok := c.parts.peers.Reactor("LIGHTS")
	if !ok {
		t.Fatal("nobody answers")
	}
	l := reactor.(*lights)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states = forged{l.states, types.NewMockPVWithParams(ed25519.GenPrivKey(), false, false)}
}

// forged are validators that nobody named.
type forged struct {
	state.Store
	signer types.MockPV
}

func (f forged) LoadValidators(int64) (*types.ValidatorSet, error) {
	return types.NewValidatorSet([]*types.Validator{types.NewValidator(f.signer.PrivKey.PubKey(), 10)}), nil
}
