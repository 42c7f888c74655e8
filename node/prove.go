package node

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
)

// ErrUnproven means that a stopped ledger's last block changed something, and no
// header holds its hash yet.
var ErrUnproven = errors.New("node: no header holds the hash of the last block yet: start the node, it makes one more block, and stop it")

// Prove makes a bundle of receipts, by their places, and of rows, by their keys,
// present or absent. It is of the newest state, and waits for the header that holds
// its hash, which is the next block's. The bundle's path begins at the first block.
//
// Errors: fs.ErrNotExist for a place that no receipt stands at; the context's cause;
// those of the disk.
func (n *Node) Prove(ctx context.Context, places []proof.Place, keys [][]byte) (proof.Bundle, error) {
	return n.ProveSince(ctx, 0, places, keys)
}

// ProveSince is Prove for a reader who trusts the block at a height; 0 stands for
// the first block.
func (n *Node) ProveSince(ctx context.Context, since int64, places []proof.Place, keys [][]byte) (proof.Bundle, error) {
	n.proofs.mu.Lock()
	defer n.proofs.mu.Unlock()
	if n.proofs.ended {
		return proof.Bundle{}, ErrClosed
	}
	p, err := n.prover()
	if err != nil {
		return proof.Bundle{}, err
	}
	if err := p.hashes.follow(n.known()); err != nil { // What takes long, while blocks go on.
		return proof.Bundle{}, err
	}
	var rows []state.Proof
	n.Read(func(_ state.Reader, head machine.Head) {
		p.head = head
		rows = proveRows(n.app.machine, keys)
	})
	return p.bundle(since, places, rows, func() error { return n.chain.Wait(ctx, p.head.Height+1) })
}

// known is the height and the roots of the ledger, as of now.
func (n *Node) known() (height int64, roots proof.Roots) {
	n.Read(func(_ state.Reader, head machine.Head) { height, roots = head.Height, head.Roots() })
	return height, roots
}

// prover opens what proofs are made of, once.
func (n *Node) prover() (*prover, error) {
	if n.proofs.hashes == nil {
		h, err := openHashes(n.store, n.dir, true)
		if err != nil {
			return nil, err
		}
		n.proofs.hashes = h
	}
	return &prover{store: n.store, hashes: n.proofs.hashes, headers: n.chain.Headers()}, nil
}

// Headers returns the signed headers of the running node's chain.
func (n *Node) Headers() *chain.Headers { return n.chain.Headers() }

// ProveIn is ProveSince for the folder of a stopped node, which stays as it is.
//
// Errors: as Prove; ErrUnproven.
func ProveIn(dir string, since int64, places []proof.Place, keys [][]byte) (b proof.Bundle, err error) {
	s, err := store.Open(filepath.Join(dir, storeDir), store.Options{ReadOnly: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	raw, ok := s.Head()
	if !ok {
		return b, fmt.Errorf("node: %s holds no block yet", dir)
	}
	p := prover{store: s}
	codec.Read(raw, &p.head)
	m, err := machine.New(s, p.head, machine.Environment{Both: both})
	if err != nil {
		return b, err
	}
	if p.headers, err = headersOf(dir, s); err != nil {
		return b, err
	}
	if p.hashes, err = openHashes(s, dir, false); err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, p.hashes.close()) }()
	return p.bundle(since, places, proveRows(m, keys), func() error { return ErrUnproven })
}

// TrustIn is the trust in the block at a height of a stopped node's folder; 0 stands
// for the last one.
//
// Errors: fs.ErrNotExist; those of the disk.
func TrustIn(dir string, height int64) (t proof.Trust, err error) {
	s, err := store.Open(filepath.Join(dir, storeDir), store.Options{ReadOnly: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	headers, err := headersOf(dir, s)
	if err != nil {
		return t, err
	}
	return headers.Trust(height)
}

func headersOf(dir string, s *store.Store) (*chain.Headers, error) {
	return chain.OpenHeaders(filepath.Join(dir, chainDir), func(name string) chain.KV { return s.KV(name) })
}

// proveRows proves rows in the order of their keys, each once.
func proveRows(m *machine.Machine, keys [][]byte) []state.Proof {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, bytes.Compare)
	keys = slices.CompactFunc(keys, bytes.Equal)
	rows := make([]state.Proof, len(keys))
	for i, key := range keys {
		rows[i] = m.Prove(key)
	}
	return rows
}

// prover is what a bundle is made of.
type prover struct {
	store   *store.Store
	hashes  *hashes
	headers *chain.Headers
	head    machine.Head
}

// bundle makes a bundle, a second time when the hashes that were kept made a bad one.
func (p *prover) bundle(since int64, places []proof.Place, rows []state.Proof, next func() error) (proof.Bundle, error) {
	b, err := p.once(since, places, rows, next)
	if _, bad := errors.AsType[*proof.Failed](err); !bad {
		return b, err
	}
	if err := p.hashes.clear(); err != nil {
		return b, err
	}
	return p.once(since, places, rows, next)
}

// once makes a bundle. next waits for the block after the head, when only that
// one's header holds the head's hash.
func (p *prover) once(since int64, places []proof.Place, rows []state.Proof, next func() error) (b proof.Bundle, err error) {
	if err := p.hashes.follow(p.head.Height, p.head.Roots()); err != nil {
		return b, err
	}
	b = proof.Bundle{Format: proof.Format, Chain: p.headers.Chain(), Roots: p.head.Roots(), Rows: rows}
	if b.Receipts, err = p.receipts(places); err != nil {
		return b, err
	}
	height, err := p.signer(next)
	if err != nil {
		return b, err
	}
	if since == 0 {
		since = p.headers.First()
	}
	path, err := proof.Connect(p.headers.At, b.Chain, since, height)
	if err != nil {
		return b, err
	}
	b.Path, b.Block = path[:len(path)-1], path[len(path)-1]
	b.Seal()
	return b, p.check(&b)
}

// signer is the height of the header that holds the head's hash: the head's own
// block when that changed nothing, else the next one.
func (p *prover) signer(next func() error) (int64, error) {
	height := p.head.Height
	if height > 0 {
		own, err := p.headers.At(height)
		if err != nil {
			return 0, err
		}
		if bytes.Equal(own.Header.App, p.head.AppHash()) {
			return height, nil
		}
	}
	if p.headers.Last() <= height {
		if err := next(); err != nil {
			return 0, err
		}
	}
	return height + 1, nil
}

// receipts discloses receipts in the order of the log, each once.
func (p *prover) receipts(places []proof.Place) ([]proof.Disclosed, error) {
	list := make([]proof.Disclosed, 0, len(places))
	for _, at := range places {
		d, err := p.receipt(at)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b proof.Disclosed) int { return cmp.Compare(a.Index, b.Index) })
	return slices.CompactFunc(list, func(a, b proof.Disclosed) bool { return a.Index == b.Index }), nil
}

// receipt discloses the receipt at a place.
func (p *prover) receipt(at proof.Place) (d proof.Disclosed, err error) {
	none := fmt.Errorf("node: there is no receipt %d of outcome %d of block %d: %w", at.N, at.Position, at.Height, fs.ErrNotExist)
	if at.Height > p.head.Height {
		return d, none
	}
	raw, err := p.store.Record(at.Height)
	if errors.Is(err, store.ErrNoRecord) {
		if first := firstRecord(p.store); at.Height < first {
			return d, fmt.Errorf("%w: receipts of blocks before %d are no longer here, or never were: ask a node that has them", none, first)
		}
		return d, none
	}
	if err != nil {
		return d, err
	}
	var r machine.Record
	codec.Read(raw, &r)
	if int64(at.Position) >= int64(len(r.Outcomes)) || int64(at.N) >= int64(len(r.Outcomes[at.Position].Receipts)) {
		return d, none
	}
	d = proof.Disclosed{Height: at.Height, Fact: r.Outcomes[at.Position].Receipts[at.N], Index: p.hashes.first(at.Height) + uint64(at.N)}
	for _, o := range r.Outcomes[:at.Position] {
		d.Index += uint64(len(o.Receipts))
	}
	d.Path, err = p.hashes.prove(d.Index)
	return d, err
}

// check verifies a bundle that was just made: what leaves here is good, or the
// folder is not.
func (p *prover) check(b *proof.Bundle) error {
	anchor := b.Anchor()
	anchor.Period = 1 << 40
	if _, err := b.Verify(anchor, b.Block.Header.Seconds()); err != nil {
		return fmt.Errorf("node: the bundle that was made does not verify: run \"commonwatt verify\" on the folder: %w", err)
	}
	return nil
}

// proofs is a node's part in making bundles, one at a time.
type proofs struct {
	mu     sync.Mutex
	hashes *hashes // nil until the first.
	ended  bool
}

// stop waits for the bundle at hand; there is no other.
func (p *proofs) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}
