package chain

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/p2p"
	cmtcons "github.com/cometbft/cometbft/proto/tendermint/consensus"
	"github.com/cometbft/cometbft/types"
)

// deceit is what a validator tells its peers in place of what it proposes.
type deceit struct {
	name string
	tell func(d *deceiver, to int, honest told) told
	may  bool // What it tells may be decided: it is no lie by itself.
}

// told is what a peer hears of a proposal. Nothing at all is the zero value.
type told struct {
	proposal *types.Proposal
	parts    *types.PartSet
	but      int // How many of the last parts are left out.
}

// deceits are those that are tried, in turn.
var deceits = []deceit{
	{name: "withheld", tell: func(*deceiver, int, told) told { return told{} }},
	{name: "told to one alone", may: true, tell: func(_ *deceiver, to int, honest told) told {
		if to > 0 {
			return told{}
		}
		return honest
	}},
	{name: "without its block", tell: func(_ *deceiver, _ int, honest told) told { return told{proposal: honest.proposal} }},
	{name: "without its last part", tell: func(_ *deceiver, _ int, honest told) told { honest.but = 1; return honest }},
	{name: "two blocks", may: true, tell: func(d *deceiver, to int, honest told) told {
		if to%2 == 0 {
			return honest
		}
		return d.other(honest, func(b *types.Block) { b.Txs = append(b.Txs, tx(uint64(1<<40+b.Height), 20)) })
	}},
	{name: "of another state", tell: altered(func(b *types.Block) { b.AppHash = bytes.Repeat([]byte{1}, 32) })},
	{name: "an hour ahead", tell: altered(func(b *types.Block) { b.Time = b.Time.Add(time.Hour) })},
	{name: "of other validators", tell: altered(func(b *types.Block) { b.ValidatorsHash = bytes.Repeat([]byte{1}, 32) })},
	{name: "on another block", tell: altered(func(b *types.Block) { b.LastBlockID.Hash = bytes.Repeat([]byte{1}, 32) })},
	{name: "without votes for the last block", tell: altered(func(b *types.Block) {
		none := types.Commit{Height: b.LastCommit.Height, Round: b.LastCommit.Round, BlockID: b.LastCommit.BlockID}
		for range b.LastCommit.Signatures {
			none.Signatures = append(none.Signatures, types.NewCommitSigAbsent())
		}
		b.LastCommit, b.LastCommitHash = &none, nil
	})},
	{name: "what the application refuses", tell: altered(func(b *types.Block) { b.Txs = append(b.Txs, []byte("short")) })},
	{name: "larger than a block may be", tell: altered(func(b *types.Block) { b.Txs = append(b.Txs, tx(1, blockBytesMax)) })},
	{name: "no block", tell: func(d *deceiver, _ int, honest told) told {
		parts := types.NewPartSetFromData(bytes.Repeat([]byte("noise"), 1<<15), types.BlockPartSizeBytes)
		return d.signed(honest, types.BlockID{Hash: honest.proposal.BlockID.Hash, PartSetHeader: parts.Header()}, -1, parts)
	}},
	{name: "of a vote that never was", tell: func(d *deceiver, _ int, honest told) told {
		return d.signed(honest, honest.proposal.BlockID, honest.proposal.Round, honest.parts)
	}},
	{name: "under a bad signature", tell: func(_ *deceiver, _ int, honest told) told {
		forged := *honest.proposal
		forged.Signature = bytes.Clone(forged.Signature)
		forged.Signature[3] ^= 1
		return told{proposal: &forged, parts: honest.parts}
	}},
}

// altered is a deceit that tells everybody of the same other block.
func altered(change func(*types.Block)) func(*deceiver, int, told) told {
	return func(d *deceiver, _ int, honest told) told { return d.other(honest, change) }
}

// deceiver is the reactor of votes of a validator that deceives. It votes as others do,
// passes on what they propose, and has in order what it proposes itself: only what its
// peers hear of that is something else.
type deceiver struct {
	*consensus.Reactor
	parts  *parts
	key    crypto.PrivKey
	honest int64 // Up to this height it deceives nobody: when those blocks are decided is not noted.

	mu    sync.Mutex
	turns map[int64]*turn // By height; it proposes in the first round alone.
}

// turn is a height at which the deceiver proposed.
type turn struct {
	deceit deceit
	tells  map[p2p.ID]told
}

// runDeceiver starts a node whose proposals nobody can rely on above a height, until the
// test ends.
func (n *node) runDeceiver(t *testing.T, honest int64) *deceiver {
	t.Helper()
	n.app = newCounter(t, n.db("app"))
	driver := newDriver(n.app, silent)
	p, err := assemble(n.cfg, driver, n.kv)
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := loadKeys(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &deceiver{Reactor: p.votes, parts: p, key: key.Key.PrivKey, honest: honest, turns: map[int64]*turn{}}
	p.peers.RemoveReactor("CONSENSUS", p.votes)
	p.peers.AddReactor("CONSENSUS", d)
	n.chain = &Chain{driver: driver, parts: p, room: newRoom(p.mempool), log: silent}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	go n.chain.watch()
	t.Cleanup(func() { stop(t, n.chain) })
	return d
}

// InitPeer makes a peer one that hears what the deceiver likes.
func (d *deceiver) InitPeer(peer p2p.Peer) p2p.Peer {
	to := slices.IndexFunc(d.parts.others, func(name string) bool { return strings.HasPrefix(name, string(peer.ID())) })
	return d.Reactor.InitPeer(&deceived{Peer: peer, by: d, to: to})
}

// deceived is a peer of the deceiver's.
type deceived struct {
	p2p.Peer
	by *deceiver
	to int
}

// Send sends what there is to send, unless it is of a proposal of the deceiver's own.
func (p *deceived) Send(e p2p.Envelope) bool {
	switch m := e.Message.(type) {
	case *cmtcons.Proposal:
		if !p.by.key.PubKey().VerifySignature(types.ProposalSignBytes("test", &m.Proposal), m.Proposal.Signature) {
			break
		}
		tells, ready := p.by.tells(m.Proposal.Height, p)
		return ready && p.hear(tells)
	case *cmtcons.BlockPart:
		if p.by.proposes(m.Height) {
			return true // It went with the proposal, or does not go at all.
		}
	}
	return p.Peer.Send(e)
}

// hear sends a peer what it is told of a proposal.
func (p *deceived) hear(tells told) bool {
	if tells.proposal == nil {
		return true
	}
	sent := p.Peer.Send(p2p.Envelope{ChannelID: consensus.DataChannel, Message: &cmtcons.Proposal{Proposal: *tells.proposal.ToProto()}})
	if tells.parts == nil {
		return sent
	}
	for i := range int(tells.parts.Total()) - tells.but {
		part, err := tells.parts.GetPart(i).ToProto()
		if err != nil {
			panic(err)
		}
		sent = sent && p.Peer.Send(p2p.Envelope{ChannelID: consensus.DataChannel, Message: &cmtcons.BlockPart{
			Height: tells.proposal.Height, Round: tells.proposal.Round, Part: *part,
		}})
	}
	return sent
}

// proposes reports whether the deceiver is the proposer of the round at hand.
func (d *deceiver) proposes(height int64) bool {
	now := d.parts.consensus.GetRoundState()
	return now.Height == height && bytes.Equal(now.Validators.GetProposer().Address, d.key.PubKey().Address())
}

// tells is what a peer is told at a height, once the block is there.
func (d *deceiver) tells(height int64, p *deceived) (tells told, ready bool) {
	now := d.parts.consensus.GetRoundState()
	if now.Height != height || now.Proposal == nil || now.ProposalBlock == nil {
		return told{}, false
	}
	honest := told{proposal: now.Proposal, parts: now.ProposalBlockParts}
	if height <= d.honest {
		return honest, true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.turns[height]
	if at == nil {
		at = &turn{deceit: deceits[len(d.turns)%len(deceits)], tells: map[p2p.ID]told{}}
		d.turns[height] = at
	}
	if _, again := at.tells[p.ID()]; !again {
		at.tells[p.ID()] = at.deceit.tell(d, p.to, honest)
	}
	return at.tells[p.ID()], true
}

// other is a block like that of a proposal, but for a change, in a proposal of its own.
func (d *deceiver) other(honest told, change func(*types.Block)) told {
	b := d.parts.consensus.GetRoundState().ProposalBlock
	made := &types.Block{Header: b.Header, Data: types.Data{Txs: slices.Clone(b.Txs)}, Evidence: types.EvidenceData{Evidence: b.Evidence.Evidence}, LastCommit: b.LastCommit}
	change(made)
	made.DataHash = made.Data.Hash()
	id := types.BlockID{Hash: made.Hash()}
	parts, err := made.MakePartSet(types.BlockPartSizeBytes)
	if err != nil {
		panic(err)
	}
	id.PartSetHeader = parts.Header()
	return d.signed(honest, id, -1, parts)
}

// signed is a proposal in the place of another one.
func (d *deceiver) signed(honest told, id types.BlockID, voted int32, parts *types.PartSet) told {
	p := types.NewProposal(honest.proposal.Height, honest.proposal.Round, voted, id)
	var err error
	if p.Signature, err = d.key.Sign(types.ProposalSignBytes("test", p.ToProto())); err != nil {
		panic(err)
	}
	return told{proposal: p, parts: parts}
}

// count is at how many heights it deceived.
func (d *deceiver) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.turns)
}

// One validator of four withholds what it proposes, or tells its peers of what no block
// may be. The others go on, with the same blocks, and none of them is the lie.
func TestThreeGoOnBesideADeceiver(t *testing.T) {
	t.Parallel()
	times := campaign(t, "COMMONWATT_BYZANTINE", len(deceits))
	n := newNetwork(t, 4)
	heard := &refusals{}
	for i := range n {
		n[i].cfg.Idle = 50 * time.Millisecond
	}
	n[0].cfg.Log = slog.New(heard)
	for i := range n[:3] {
		n[i].run(t)
	}
	decided := map[int64]time.Time{}
	n[0].app.await(func([]uint64) { decided[n[0].app.height] = time.Now() })
	d := n[3].runDeceiver(t, n[0].chain.Height()+1)
	begin := time.Now()
	for name := uint64(1); d.count() < times; name++ {
		if err := n[0].chain.Submit(tx(name, 40_000)); err != nil {
			t.Fatal(err)
		}
		wait(t, n[0].chain, n[0].chain.Height()+1)
	}
	took := time.Since(begin)
	wait(t, n[0].chain, n[0].chain.Height()+2) // The last lie is over.
	n.mustAgree(t)
	for _, why := range []string{"consensus deems this block invalid", "state machine rejected a proposed block"} {
		if !heard.heard(why) {
			t.Errorf("nobody refused a proposal because %q", why)
		}
	}
	t.Logf("%d heights, %d of them beside a lie, in %.1f s%s", n[0].app.height, d.count(), took.Seconds(), d.reckon(t, n[0].app, decided))
}

// reckon says how long the heights of each deceit took, and that no lie was decided.
func (d *deceiver) reckon(t *testing.T, honest *counter, decided map[int64]time.Time) (said string) {
	t.Helper()
	for _, kind := range deceits {
		var took []time.Duration
		for height, at := range d.turns {
			block, before := honest.block(height), decided[height-1]
			if at.deceit.name != kind.name || block == nil || before.IsZero() {
				continue
			}
			took = append(took, decided[height].Sub(before))
			for _, tells := range at.tells {
				if !kind.may && tells.proposal != nil && bytes.Equal(tells.proposal.BlockID.Hash, block.Hash) {
					t.Errorf("block %d is the one that was %s", height, kind.name)
				}
			}
		}
		if len(took) == 0 {
			t.Errorf("no proposal was %s", kind.name)
			continue
		}
		slices.Sort(took)
		said += fmt.Sprintf("\n%s: %d heights, half within %d ms, all within %d ms",
			kind.name, len(took), took[len(took)/2].Milliseconds(), took[len(took)-1].Milliseconds())
	}
	return said
}
