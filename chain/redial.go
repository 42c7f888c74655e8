package chain

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

// How soon a node notices that a peer is out of reach, and how often, on average,
// it tries to reach it. CometBFT notices after a minute and three quarters, tries
// every five seconds for two minutes, then ever more seldom, and gives up after a
// day: a network that was cut in two would lose minutes after it is whole again.
const (
	pingInterval = 3 * time.Second
	pongTimeout  = 2 * time.Second
	redialEvery  = time.Second
	dialTimeout  = 2 * time.Second
	greetTimeout = 4 * time.Second
)

// redialer keeps dialling the named peers that the node has no connection with.
type redialer struct {
	peers   *p2p.Switch
	named   []string // Each as id@host:port.
	ended   chan struct{}
	running sync.WaitGroup
}

// newRedialer refuses a peer whose name is malformed. One whose host is not known
// is asked for again each time: it may be known later, or move.
func newRedialer(peers *p2p.Switch, named []string) (*redialer, error) {
	for _, name := range named {
		_, err := p2p.NewNetAddressString(name)
		if unknown := (p2p.ErrNetAddressLookup{}); err != nil && !errors.As(err, &unknown) {
			return nil, err
		}
	}
	return &redialer{peers: peers, named: named, ended: make(chan struct{})}, nil
}

func (r *redialer) start() {
	for _, name := range r.named {
		r.running.Go(func() { r.keep(name) })
	}
}

// keep dials one peer whenever there is no connection with it, which the switch
// knows best: it refuses to dial twice. Two nodes that dial each other at the same
// moment lose both connections; chance keeps them from doing that again and again.
func (r *redialer) keep(name string) {
	for {
		if address, err := p2p.NewNetAddressString(name); err == nil {
			_ = r.peers.DialPeerWithAddress(address)
		}
		select {
		case <-time.After(redialEvery/2 + rand.N(redialEvery)): //nolint:gosec // nothing secret
		case <-r.ended:
			return
		}
	}
}

// stop ends the dialling, once the switch that it dials with has stopped.
func (r *redialer) stop() {
	close(r.ended)
	r.running.Wait()
}
