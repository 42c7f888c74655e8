package chain

import "github.com/cometbft/cometbft/p2p"

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
