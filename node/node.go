// Package node wires the rooms to one running node: admission, chain, store,
// machine and view. Commands and tests start the same node.
//
// Its promise: an envelope is acknowledged only when the block that holds it is
// on disk, and then it was applied once; what a caller is told is what the
// ledger says; and a folder that was closed cleanly can prove that it did not
// change since.
package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
	"github.com/commonwatt/commonwatt/view"
)

// Folders and files of a node's data folder.
const (
	chainDir = "chain"
	storeDir = "store"
	viewFile = "view.sqlite"

	genesisFile = "genesis.json" // In chainDir; the last that Init writes.
)

// Bounds of what a node remembers and lets wait.
const (
	keysMax     = 1 << 14 // Expanded public keys; about 1 KiB each.
	verdictsMax = 1 << 18 // Signatures known to be good.
)

var queueLimits = admission.Limits{Envelopes: 1 << 16, Bytes: 16 << 20}

// ErrExists means that a folder is a node's already.
var ErrExists = errors.New("node: the folder already holds a ledger")

// Node is a running node.
type Node struct {
	dir    string
	store  *store.Store
	app    *Application
	chain  *chain.Chain
	view   *view.View
	intake *intake
	feed   *feed
	closed func() error
	halted halted
	proofs proofs

	settings  Settings
	snapshots *snapshots
	rules     rulesTeller
}

// Config is how a node runs. Without settings it opens no port and reaches nobody:
// commands that settle in a folder, and a ledger that has one validator.
type Config struct {
	Dir string
	Log *slog.Logger // Warnings of what the node runs on; the default is slog's.
	Settings
	// RulesNewest is the newest rules that the node is to know, as an older program
	// does; 0 stands for all that this one knows.
	RulesNewest uint32
	// Silent keeps a node that has a signer from asking it: it signs nothing.
	Silent bool
	// Cancel, once closed, ends an Open that waits for the state of other nodes.
	Cancel <-chan struct{}

	// Registry is where the node's metrics and those of its chain are registered;
	// without it nobody sees the former, and the latter are not kept.
	Registry prometheus.Registerer
}

// Init makes a folder the start of a ledger, with the folder's own key as its
// validator unless the genesis names others, and by the newest rules unless it names
// older ones.
//
// Errors: ErrExists; those of the disk.
func Init(dir, chainID string, g machine.Genesis) error {
	self, err := chain.Keys(filepath.Join(dir, chainDir))
	if err != nil {
		return err
	}
	if len(g.Validators) == 0 {
		g.Validators = []governance.Validator{{PublicKey: self.Validator, Power: 1}}
	}
	g.Rules = cmp.Or(g.Rules, rulesNewest)
	err = chain.Init(filepath.Join(dir, chainDir), chain.Genesis{
		ChainID: chainID, Time: time.Now().Unix(), AppState: g.Encode(), Validators: validators(g),
	})
	if errors.Is(err, chain.ErrInitialized) {
		return fmt.Errorf("%w: %s", ErrExists, dir)
	}
	return err
}

// validators are those of a genesis, in the chain's words.
func validators(g machine.Genesis) []chain.Validator {
	var list []chain.Validator
	for _, v := range g.Validators {
		list = append(list, chain.Validator{PublicKey: v.PublicKey, Power: v.Power})
	}
	return list
}

// Exists reports whether a folder is a node's. An Init that was cut short does
// not make it one.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, chainDir, genesisFile))
	return err == nil
}

// Open starts the node of a folder and brings its view up to the last block.
func Open(cfg Config) (*Node, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if err := intact(cfg.Dir, cfg.Log); err != nil {
		return nil, err
	}
	if err := store.Unseal(cfg.Dir); err != nil {
		return nil, err
	}
	n := &Node{dir: cfg.Dir, settings: cfg.Settings, halted: halted{done: make(chan struct{})}}
	n.closed = sync.OnceValue(n.close)
	if err := n.attempt(cfg); err != nil {
		return nil, errors.Join(explained(cfg.Dir, err), n.release())
	}
	return n, nil
}

func (n *Node) open(cfg Config) (err error) {
	if n.store, err = store.Open(filepath.Join(cfg.Dir, storeDir), store.Options{Log: cfg.Log}); err != nil {
		return err
	}
	if _, ok := n.store.Head(); !ok { // Rows without a head are of a state that was not taken in to its end.
		if err := n.store.Clear(); err != nil {
			return err
		}
	}
	verifier := admission.NewVerifier(keysMax, verdictsMax)
	if n.app, err = newApplication(n.store, verifier, cmp.Or(cfg.RulesNewest, rulesNewest)); err != nil {
		return err
	}
	if n.view, err = view.Open(viewOf(cfg.Dir, cfg.Settings)); err != nil {
		return err
	}
	n.feed = newFeed(n.store, n.view, cfg.Log)
	if err := n.feed.ready(); err != nil && !passing(err) {
		return err
	}
	m := newMetrics(cfg.Registry)
	n.intake = newIntake(n.app, m)
	n.app.Committed = func(r machine.Record, txs [][]byte) {
		m.block(r, txs) // Whoever is told may ask for what was counted.
		n.intake.answer(r, txs)
		n.feed.committed(r)
		tellBlamed(r, cfg.Log)
		n.rules.tell(n.app.machine, cfg.Log)
	}
	n.rules.tell(n.app.machine, cfg.Log)
	config, app, err := n.sharing(cfg)
	if err != nil {
		return err
	}
	n.chain, err = chain.Start(config, app, func(name string) chain.KV { return n.store.KV(name) })
	if err != nil {
		return err
	}
	if cfg.Registry != nil {
		cfg.Registry.MustRegister(collector{n})
	}
	n.feed.start()
	n.intake.start(n.chain)
	go n.watch()
	return nil
}

// sharing is how the chain runs, and its application with what it gives to nodes that
// begin.
func (n *Node) sharing(cfg Config) (c chain.Config, app *shared, err error) {
	c = chain.Config{
		Dir: filepath.Join(cfg.Dir, chainDir), Listen: cfg.Listen, Advertise: cfg.Advertise, Peers: cfg.Peers, Signer: cfg.Signer, Silent: cfg.Silent, Cancel: cfg.Cancel, Log: cfg.Log, Metrics: cfg.Registry,
	}
	app = &shared{Application: n.app, store: n.store, log: cfg.Log}
	if app.chainID, _, err = chain.Founding(c.Dir); err != nil {
		return c, app, err
	}
	if n.snapshots, err = openSnapshots(cfg.Dir, n.store, cfg.snapshotEvery(), cfg.Log); err != nil {
		return c, app, err
	}
	app.snapshots = n.snapshots
	app.pruner = pruner{keep: cfg.KeepBlocks, view: filepath.Join(cfg.Dir, viewFile), feed: n.feed}
	if cfg.StateSync {
		c.Trust, err = trustOf(cfg.Dir)
	}
	return c, app, err
}

// viewOf is where the read model of a folder is.
func viewOf(dir string, s Settings) string {
	if s.View != "" {
		return s.View
	}
	return filepath.Join(dir, viewFile)
}

// Submit sends an envelope and waits until a block that holds it is on disk. The
// outcome says whether it was applied or refused there. The node keeps raw.
//
// Errors: a refusal of admission, by which nothing was sent; the context's cause
// or the chain's end, after which the envelope may or may not be in a block.
func (n *Node) Submit(ctx context.Context, raw []byte) (machine.Outcome, error) {
	t, err := n.intake.send(ctx, raw)
	if err != nil {
		return machine.Outcome{}, err
	}
	return t.Wait(ctx)
}

// Send sends an envelope and returns at once; the ticket tells later what became
// of it. Envelopes that one goroutine sends reach the ledger in their order.
func (n *Node) Send(ctx context.Context, raw []byte) (*Ticket, error) { return n.intake.send(ctx, raw) }

// Due lists the closes that the ledger is about to make.
func (n *Node) Due() []machine.Close {
	n.app.state.RLock()
	defer n.app.state.RUnlock()
	return n.app.machine.Due()
}

// View returns the read model.
func (n *Node) View() *view.View { return n.view }

// ReadModel is where the read model is, and how.
type ReadModel struct {
	Address string `json:"address"`          // A file, or a PostgreSQL server without its password.
	Height  int64  `json:"height,omitempty"` // The last block that it shows; unknown of a node at rest.
	Behind  string `json:"behind,omitempty"` // Why it does not show what the ledger has.
	Writer  string `json:"writer,omitempty"` // Who writes it, when this node only shows it.
}

// ReadModel says how the read model is.
func (n *Node) ReadModel() ReadModel { return n.feed.model() }

// Read runs a function over the committed rows while no block changes them.
func (n *Node) Read(f func(rows state.Reader, head machine.Head)) {
	n.app.state.RLock()
	defer n.app.state.RUnlock()
	f(n.store, n.app.machine.Head())
}

// Height is that of the last committed block. It is never below what Read has shown,
// so whoever has read the rows can wait until the view shows as much.
func (n *Node) Height() int64 { return n.app.height.Load() }

// Wait returns once a height is committed.
func (n *Node) Wait(ctx context.Context, height int64) error { return n.chain.Wait(ctx, height) }

// Rest returns once the signatures under the last block prove all of the state.
func (n *Node) Rest(ctx context.Context) error { return n.chain.Rest(ctx) }

// Seen returns once the view shows everything up to a height.
//
// Errors: view.ErrAway, when the database of the view has been away for a while; the
// context's cause; ErrClosed.
func (n *Node) Seen(ctx context.Context, height int64) error { return n.feed.wait(ctx, height) }

// Close finishes the block at hand, brings the view up to it and seals the
// folder. Closing again returns what the first time did.
func (n *Node) Close() error { return n.closed() }

func (n *Node) close() error {
	n.intake.stop(ErrClosed)
	n.halted.halt(ErrClosed)
	if err := n.chain.Stop(); err != nil {
		return err
	}
	n.proofs.stop()
	n.snapshots.stop()
	if err := n.feed.stop(); err != nil {
		return errors.Join(err, n.release())
	}
	if err := n.release(); err != nil {
		return err
	}
	return store.Seal(n.dir)
}

// release closes what is open.
func (n *Node) release() error {
	var errs []error
	if n.proofs.hashes != nil {
		errs = append(errs, n.proofs.hashes.close())
	}
	if n.view != nil {
		errs = append(errs, n.view.Close())
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	return errors.Join(errs...)
}
