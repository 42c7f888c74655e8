package chain

import (
	"slices"
	"strings"

	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/types"
)

// Peer is another node that is connected.
type Peer struct {
	Node    string `json:"node"`
	Address string `json:"address"` // Where it says that it is reached, as host:port; empty: nowhere.
	Dialed  bool   `json:"dialed"`  // By this node; else it dialed this one.
	Height  int64  `json:"height"`  // Of the last block that it says it has.
}

// CatchingUp reports whether the node still fetches blocks that others have, and so
// does not vote.
func (c *Chain) CatchingUp() bool { return c.parts.votes.WaitSync() }

// Others is how far the blocks of peers go, as they say.
func (c *Chain) Others() (height int64) {
	for _, peer := range c.parts.peers.Peers().Copy() {
		if state, ok := peer.Get(types.PeerStateKey).(*consensus.PeerState); ok {
			height = max(height, state.GetHeight()-1) // It works on the one after.
		}
	}
	return height
}

// Peers lists the nodes that are connected, by name.
func (c *Chain) Peers() []Peer {
	list := []Peer{}
	for _, peer := range c.parts.peers.Peers().Copy() {
		p := Peer{Node: string(peer.ID()), Dialed: peer.IsOutbound(), Height: heightOf(peer)}
		if info, ok := peer.NodeInfo().(p2p.DefaultNodeInfo); ok {
			p.Address = strings.TrimPrefix(info.ListenAddr, "tcp://")
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Peer) int { return strings.Compare(a.Node, b.Node) })
	return list
}

// noBook is an address book without pages: peers are named in the settings, and
// others are neither sought nor remembered.
type noBook struct{}

// AddAddress forgets an address.
func (noBook) AddAddress(_, _ *p2p.NetAddress) error { return nil }

// AddPrivateIDs forgets names.
func (noBook) AddPrivateIDs([]string) {}

// AddOurAddress forgets an address.
func (noBook) AddOurAddress(*p2p.NetAddress) {}

// OurAddress knows no address.
func (noBook) OurAddress(*p2p.NetAddress) bool { return false }

// MarkGood forgets that a peer is good.
func (noBook) MarkGood(p2p.ID) {}

// RemoveAddress has nothing to remove.
func (noBook) RemoveAddress(*p2p.NetAddress) {}

// HasAddress knows no address.
func (noBook) HasAddress(*p2p.NetAddress) bool { return false }

// Save has nothing to save.
func (noBook) Save() {}
