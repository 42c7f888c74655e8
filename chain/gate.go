package chain

import "sync"

// gate lets the chain into the maps that it was lent until it stopped. CometBFT does
// not wait for what it runs for each peer: that may look for a block a moment after,
// when the maps are closed. It is told then that there is none, as of one it lacks.
type gate struct {
	mu     sync.RWMutex
	closed bool
}

// close waits for whoever is inside, and lets nobody in any more.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// through makes the maps that kv returns reachable through the gate alone.
func (g *gate) through(kv func(name string) KV) func(name string) KV {
	return func(name string) KV { return gated{g, kv(name)} }
}

// gated is a map behind a gate. It is written, and scanned, only by what the chain
// waits for.
type gated struct {
	gate *gate
	KV
}

// Get returns the value at key, or nil, also behind a closed gate.
func (g gated) Get(key []byte) ([]byte, error) {
	g.gate.mu.RLock()
	defer g.gate.mu.RUnlock()
	if g.gate.closed {
		return nil, nil
	}
	return g.KV.Get(key)
}
