package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/store"
)

// validator is one validator of a chain with an empty application, on the disk that a
// node has.
type validator struct {
	chain *chain.Chain
	app   *empty
	store *store.Store
}

func (v *validator) close() error { return errors.Join(v.chain.Stop(), v.store.Close()) }

// validators starts a chain with an empty application on as many validators, all in
// this process, and returns what ends them.
func (r *run) validators(size int) (list []*validator, stop func() error, err error) {
	stop = func() error {
		var errs []error
		for _, v := range list {
			errs = append(errs, v.close())
		}
		return errors.Join(errs...)
	}
	genesis := chain.Genesis{ChainID: chainID, Time: time.Now().Unix()}
	configs, peers := make([]chain.Config, size), make([]string, size)
	for i := range configs {
		configs[i].Log = slog.New(slog.DiscardHandler) // They do not all come and go at once.
		if configs[i].Dir, _, err = r.folder(); err != nil {
			return nil, stop, err
		}
		self, err := chain.Keys(configs[i].Dir)
		if err != nil {
			return nil, stop, err
		}
		genesis.Validators = append(genesis.Validators, chain.Validator{PublicKey: self.Validator, Power: 1})
		if size > 1 {
			if configs[i].Listen, err = freePort(); err != nil {
				return nil, stop, err
			}
			peers[i] = fmt.Sprintf("%s@%s", self.Node, configs[i].Listen)
		}
	}
	for i, c := range configs {
		if size > 1 {
			c.Peers = slices.Delete(slices.Clone(peers), i, i+1)
		}
		v, err := startValidator(c, genesis)
		if err != nil {
			return nil, stop, errors.Join(err, stop())
		}
		list = append(list, v)
	}
	return list, stop, nil
}

func startValidator(c chain.Config, g chain.Genesis) (*validator, error) {
	if err := chain.Init(c.Dir, g); err != nil {
		return nil, err
	}
	disk, err := store.Open(filepath.Join(c.Dir, "store"), store.Options{})
	if err != nil {
		return nil, err
	}
	v := &validator{app: newEmpty(), store: disk}
	if v.chain, err = chain.Start(c, v.app, func(name string) chain.KV { return disk.KV(name) }); err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	return v, nil
}

// freePort returns an address that nothing listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// numbered makes transactions of a size, each another one, from a number on.
func numbered(from, count, size int) [][]byte {
	all := make([]byte, count*size)
	list := make([][]byte, count)
	for i := range list {
		list[i] = all[i*size : (i+1)*size]
		copy(list[i], fmt.Sprintf("%020d", from+i))
	}
	return list
}

// flood submits transactions to validators in turn, from several goroutines, one by one,
// and waits until every validator has all of them in blocks.
func flood(ctx context.Context, list []*validator, txs [][]byte) error {
	already, _ := list[0].app.committed()
	var next atomic.Int64
	var senders sync.WaitGroup
	errs := make([]error, 2*runtime.GOMAXPROCS(0))
	for s := range errs {
		senders.Go(func() {
			for errs[s] == nil && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(txs) {
					return
				}
				errs[s] = list[i%len(list)].submit(ctx, txs[i])
			}
		})
	}
	senders.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, v := range list {
		if err := v.wait(ctx, already+len(txs)); err != nil {
			return err
		}
	}
	return nil
}

// submit offers a transaction until it is taken.
func (v *validator) submit(ctx context.Context, raw []byte) error {
	for {
		_, grown := v.app.committed()
		err := v.chain.Submit(raw)
		if !errors.Is(err, chain.ErrFull) {
			return err
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// wait waits until so many transactions are in blocks.
func (v *validator) wait(ctx context.Context, count int) error {
	for {
		have, grown := v.app.committed()
		if have >= count {
			return nil
		}
		select {
		case <-grown:
		case <-v.chain.Done():
			return v.chain.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// transferSize is the size of a signed transfer, in bytes.
var transferSize = sync.OnceValue(func() int { return len(transfers(1, 1, 1)[0]) })

// consensus measures the chain with an application that does nothing: transactions of the
// size of a transfer, one by one, and how long a lone one takes.
func consensus(ctx context.Context, r *run) error {
	list, stop, err := r.validators(1)
	if err != nil {
		return err
	}
	count := r.of(50_000, 400_000)
	txs := numbered(0, count, transferSize())
	c := newClock()
	if err := flood(ctx, list, txs); err != nil {
		return errors.Join(err, stop())
	}
	r.add(perSecond("transactions, "+emptyBlocks, count, c.span()))
	var times []time.Duration
	for _, raw := range numbered(count, r.of(100, 1000), transferSize()) {
		began := time.Now()
		if err := flood(ctx, list, [][]byte{raw}); err != nil {
			return errors.Join(err, stop())
		}
		times = append(times, time.Since(began))
	}
	r.add(Figure{Name: "commit of a lone transaction, " + emptyBlocks + ", p50", Value: quantile(times, 0.5), Unit: "ms"})
	return stop()
}
