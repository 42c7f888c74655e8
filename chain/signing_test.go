package chain

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

// asker is CometBFT's own end of the privval protocol, in a node's place.
func asker(t *testing.T, a *aside) *privval.SignerClient {
	t.Helper()
	key := ed25519.GenPrivKey()
	l, err := net.Listen("tcp", freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	a.cfg.Nodes = append(a.cfg.Nodes, fmt.Sprintf("%s@%s", p2p.PubKeyToID(key.PubKey()), l.Addr()))
	client, err := privval.NewSignerClient(privval.NewSignerListenerEndpoint(cmtlog.NewNopLogger(), privval.NewTCPListener(l, key)), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// wanted is a vote or proposal for a block of the asker's own. Step 1 is a proposal.
func wanted(asker int, height int64, round int32, step cmtproto.SignedMsgType) (vote *cmtproto.Vote, proposal *cmtproto.Proposal) {
	hash := bytes.Repeat([]byte{byte(asker + 1)}, 32)
	block := cmtproto.BlockID{Hash: hash, PartSetHeader: cmtproto.PartSetHeader{Total: 1, Hash: hash}}
	if step == cmtproto.ProposalType {
		return nil, &cmtproto.Proposal{Type: step, Height: height, Round: round, PolRound: -1, BlockID: block, Timestamp: time.Now()}
	}
	return &cmtproto.Vote{Type: step, Height: height, Round: round, BlockID: block, Timestamp: time.Now(), ValidatorAddress: make([]byte, 20)}, nil
}

// gets one, also when the signer was started anew in between.
func TestSignerSignsOnce(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	a := (&node{disk: d}).moveSigner(t)
	a.cfg.Nodes = nil
	clients := []*privval.SignerClient{asker(t, a), asker(t, a)}
	ask := func(i int, height int64, round int32, step cmtproto.SignedMsgType) (signature []byte) {
		vote, proposal := wanted(i, height, round, step)
		err := privval.ErrNoConnection
		for refused := (*privval.RemoteSignerError)(nil); err != nil && !errors.As(err, &refused); {
			if proposal != nil {
				err = clients[i].SignProposal("test", proposal)
				signature = proposal.Signature
			} else {
				err = clients[i].SignVote("test", vote)
				signature = vote.Signature
			}
			if t.Context().Err() != nil {
				break
			}
		}
		return signature
	}
	for height := int64(1); height <= 12; height++ {
		if height%4 == 1 {
			if a.end != nil {
				a.stop(t)
			}
			a.run(t)
		}
		for _, step := range []cmtproto.SignedMsgType{cmtproto.ProposalType, cmtproto.PrevoteType, cmtproto.PrecommitType} {
			var got [2][]byte
			var asking sync.WaitGroup
			for i := range got {
				asking.Go(func() { got[i] = ask(i, height, 0, step) })
			}
			asking.Wait()
			if (got[0] == nil) == (got[1] == nil) {
				t.Fatalf("height %d, step %v: the signatures are %x and %x", height, step, got[0], got[1])
			}
			first := 0
			if got[0] == nil {
				first = 1
			}
			if height%4 == 0 && step == cmtproto.PrecommitType {
				a.stop(t)
				a.run(t)
			}
			if again := ask(first, height, 0, step); !bytes.Equal(again, got[first]) {
				t.Errorf("height %d, step %v: asked again, it gives %x after %x", height, step, again, got[first])
			}
			if other := ask(1-first, height, 0, step); other != nil {
				t.Errorf("height %d, step %v: it signs another block: %x", height, step, other)
			}
		}
		if old := ask(0, height-1, 7, cmtproto.PrevoteType); old != nil {
			t.Errorf("height %d: it signs for the one before: %x", height, old)
		}
	}
}

// What no validator signs ends nobody's process.
func TestSignerRefusesNonsense(t *testing.T) {
	t.Parallel()
	pv, err := loadSigner(newDisk(t).dir)
	if err != nil {
		t.Fatal(err)
	}
	h := &holder{dir: t.TempDir(), pv: pv, halt: func(err error) { t.Error(err) }, log: silent}
	vote, _ := wanted(0, 1, 0, cmtproto.PrevoteType)
	extended := *vote
	extended.Extension = []byte("more")
	other := *vote
	other.Type = cmtproto.ProposalType
	for _, bad := range []*cmtproto.Vote{nil, {}, &extended, &other} {
		if err := h.SignVote("test", bad); !errors.Is(err, errAsked) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if err := h.SignProposal("test", nil); !errors.Is(err, errAsked) {
		t.Error(err)
	}
}

// A signer that cannot write its mark signs nothing, ends and says so.
func TestUnwrittenMarkEndsTheSigner(t *testing.T) {
	t.Parallel()
	dir := newDisk(t).dir
	pv, err := loadSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	var why error
	h := &holder{dir: dir, pv: pv, halt: func(err error) { why = err }, log: silent}
	for range 2 { // Once it is so, also for what it has in memory.
		vote, _ := wanted(0, 1, 0, cmtproto.PrevoteType)
		if err := h.SignVote("test", vote); !errors.Is(err, errUnmarked) || !errors.Is(why, errUnmarked) {
			t.Errorf("%v, and it ends with %v", err, why)
		}
	}
}
