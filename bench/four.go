package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/node"
)

// four is how many validators a network on this machine has.
const four = 4

// fourValidators measures four validators on this machine: with an empty application, to
// which transactions are sent one by one, as users of CometBFT do, and as our nodes, to
// which as many transfers of the same size are sent, and which make bundles of them and
// do with each all that there is to do.
func fourValidators(ctx context.Context, r *run) error {
	count := r.of(8000, 40_000) / four * four
	bare, err := r.fourEmpty(ctx, count)
	if err != nil {
		return fmt.Errorf("with an empty application: %w", err)
	}
	whole, err := r.fourNodes(ctx, count)
	if err != nil {
		return err
	}
	f := whole.against("four validators with an empty application", bare.Value).leastRatio(0.7)
	if f.CPU > 0 {
		f.CPURatio = bare.CPU / f.CPU
	}
	r.add(bare, f)
	return nil
}

// fourEmpty measures four validators with an empty application.
func (r *run) fourEmpty(ctx context.Context, count int) (f Figure, err error) {
	list, stop, err := r.validators(four)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := flood(ctx, list, numbered(0, four, transferSize())); err != nil { // They have found each other.
		return f, err
	}
	c := newClock()
	if err := flood(ctx, list, numbered(four, count, transferSize())); err != nil {
		return f, err
	}
	return perSecond("transactions one by one, four validators with an empty application", count, c.span()), nil
}

// fourNodes measures as many transfers, sent to four validating nodes.
func (r *run) fourNodes(ctx context.Context, count int) (f Figure, err error) {
	var nodes []*founded
	defer func() {
		for _, n := range nodes {
			err = errors.Join(err, n.close())
		}
	}()
	configs, err := r.network()
	if err != nil {
		return f, err
	}
	for _, config := range configs {
		n, err := node.Open(config)
		if err != nil {
			return f, err
		}
		nodes = append(nodes, &founded{Node: n, close: n.Close})
	}
	if err := nodes[0].all(ctx, funding()); err != nil {
		return f, fmt.Errorf("funding: %w", err)
	}
	height := nodes[0].Height()
	for _, n := range nodes {
		if err := n.Wait(ctx, height); err != nil {
			return f, err
		}
	}
	sets := slices.Collect(slices.Chunk(transfers(accounts, count, 1001), count/four))
	c := newClock()
	var senders sync.WaitGroup
	errs := make([]error, four)
	for i, n := range nodes {
		senders.Go(func() { errs[i] = n.all(ctx, sets[i]) })
	}
	senders.Wait()
	if err := errors.Join(errs...); err != nil {
		return f, err
	}
	for _, n := range nodes {
		height = max(height, n.Height())
	}
	for _, n := range nodes {
		if err := errors.Join(n.Wait(ctx, height), n.seen(ctx)); err != nil {
			return f, err
		}
	}
	return perSecond("transfers, four validators", count, c.span()), nil
}

// network makes the folders of four validators of one ledger, which know each other.
func (r *run) network() ([]node.Config, error) {
	const chainDir, genesisFile = "chain", "genesis.json" // As node has them.
	g := genesis()
	configs, peers := make([]node.Config, four), make([]string, four)
	for i := range configs {
		dir, _, err := r.folder()
		if err != nil {
			return nil, err
		}
		self, err := chain.Keys(filepath.Join(dir, chainDir))
		if err != nil {
			return nil, err
		}
		g.Validators = append(g.Validators, governance.Validator{PublicKey: self.Validator, Power: 1})
		listen, err := freePort()
		if err != nil {
			return nil, err
		}
		configs[i] = node.Config{Dir: dir, Log: slog.New(slog.DiscardHandler), Settings: node.Settings{Listen: listen}}
		peers[i] = fmt.Sprintf("%s@%s", self.Node, listen)
	}
	if err := node.Init(configs[0].Dir, chainID, g); err != nil {
		return nil, err
	}
	founding, err := os.ReadFile(filepath.Join(configs[0].Dir, chainDir, genesisFile))
	if err != nil {
		return nil, err
	}
	for i := range configs {
		configs[i].Peers = slices.Delete(slices.Clone(peers), i, i+1)
		if err := os.WriteFile(filepath.Join(configs[i].Dir, chainDir, genesisFile), founding, 0o600); err != nil {
			return nil, err
		}
	}
	return configs, nil
}
