package node

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/commonwatt/commonwatt/chain"
)

// halted is whether a node goes on, and why not.
type halted struct {
	once   sync.Once
	done   chan struct{}
	reason error
}

// halt records the first reason.
func (h *halted) halt(reason error) {
	h.once.Do(func() {
		h.reason = reason
		close(h.done)
	})
}

// watch notices when the chain ends by itself, or the view no longer follows, whose
// pages would show what was true once. Whoever waits for an envelope is told.
func (n *Node) watch() {
	var reason error
	select {
	case <-n.halted.done:
		return // It is being closed.
	case <-n.feed.fails:
		reason = fmt.Errorf("node: stopped, the read model cannot be written: %w", n.feed.failure())
	case <-n.chain.Done():
		reason = fmt.Errorf("node: stopped: %w", n.chain.Err())
		if errors.Is(n.chain.Err(), chain.ErrStopped) {
			reason = ErrClosed
		}
	}
	n.halted.halt(reason)
	n.intake.stop(reason)
}

// Done is closed once the node no longer goes on: it was closed, or it cannot.
func (n *Node) Done() <-chan struct{} { return n.halted.done }

// Err says why the node no longer goes on: ErrClosed after Close, and nil as long as
// it does.
func (n *Node) Err() error {
	select {
	case <-n.halted.done:
		return n.halted.reason
	default:
		return nil
	}
}

// Live returns why the node no longer goes on once it does not, or the context's
// cause once that ends.
func (n *Node) Live(ctx context.Context) error {
	select {
	case <-n.halted.done:
		return n.halted.reason
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
