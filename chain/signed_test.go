package chain

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/proto/tendermint/version"
	"github.com/cometbft/cometbft/types"
	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/proof"
)

// drawHash is what stands in a header's field: a hash, or now and then none.
func drawHash(rt *rapid.T, label string) []byte {
	if rapid.IntRange(0, 9).Draw(rt, label+" is empty") == 0 {
		return nil
	}
	return drawBytes(rt, 32, label)
}

func drawBytes(rt *rapid.T, size int, label string) []byte {
	return rapid.SliceOfN(rapid.Byte(), size, size).Draw(rt, label)
}

func drawTime(rt *rapid.T, label string) time.Time {
	nanoseconds := rapid.SampledFrom([]int64{0, 0, 1, 999_999_999, 120_000_000}).Draw(rt, label+" ns")
	return time.Unix(rapid.Int64Range(0, 1<<33).Draw(rt, label), nanoseconds).UTC()
}

func drawBlockID(rt *rapid.T) types.BlockID {
	return types.BlockID{Hash: drawHash(rt, "last block"), PartSetHeader: types.PartSetHeader{
		Total: rapid.Uint32().Draw(rt, "parts"), Hash: drawHash(rt, "parts' hash"),
	}}
}

func drawHeader(rt *rapid.T) types.Header {
	return types.Header{
		Version: version.Consensus{Block: rapid.Uint64().Draw(rt, "protocol"), App: rapid.Uint64Range(0, 2).Draw(rt, "app protocol")},
		ChainID: rapid.StringN(1, 50, 50).Draw(rt, "chain"),
		Height:  rapid.Int64Range(1, math.MaxInt64-1).Draw(rt, "height"), Time: drawTime(rt, "time"), LastBlockID: drawBlockID(rt),
		LastCommitHash: drawHash(rt, "last commit"), DataHash: drawHash(rt, "data"),
		ValidatorsHash: drawBytes(rt, 32, "validators"), NextValidatorsHash: drawBytes(rt, 32, "next validators"),
		ConsensusHash: drawHash(rt, "consensus"), AppHash: drawBytes(rt, 32, "app"), LastResultsHash: drawHash(rt, "results"),
		EvidenceHash: drawHash(rt, "evidence"), ProposerAddress: drawBytes(rt, 20, "proposer"),
	}
}

// Package proof hashes headers as CometBFT does, whatever is in them.
func TestHeaderHashIsCometBFTs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		header := drawHeader(rt)
		ours := headerOf(&header)
		if got, want := ours.Hash(header.ChainID), header.Hash(); !bytes.Equal(got[:], want) {
			rt.Fatalf("ours is %s, CometBFT's %s", got, want)
		}
	})
}

// cast is validators and their keys, in the set's order.
type cast struct {
	set  *types.ValidatorSet
	keys []ed25519.PrivKey
}

func drawCast(rt *rapid.T) cast {
	var c cast
	byAddress := map[string]ed25519.PrivKey{}
	var list []*types.Validator
	for i := range rapid.IntRange(1, 9).Draw(rt, "validators") {
		key := ed25519.GenPrivKeyFromSecret([]byte{byte(i), rapid.Byte().Draw(rt, "seed")})
		byAddress[string(key.PubKey().Address())] = key
		list = append(list, types.NewValidator(key.PubKey(), rapid.Int64Range(1, 1<<40).Draw(rt, "power")))
	}
	c.set = types.NewValidatorSet(list)
	for _, v := range c.set.Validators {
		c.keys = append(c.keys, byAddress[string(v.Address)])
	}
	return c
}

// commit is what those sign who do not sign nil or nothing.
func (c cast) commit(rt *rapid.T, header *types.Header) *types.Commit {
	commit := &types.Commit{
		Height: header.Height, Round: rapid.Int32Range(0, 1000).Draw(rt, "round"),
		BlockID: types.BlockID{Hash: header.Hash(), PartSetHeader: types.PartSetHeader{Total: 1, Hash: drawBytes(rt, 32, "parts")}},
	}
	for i, v := range c.set.Validators {
		s := types.CommitSig{BlockIDFlag: types.BlockIDFlagAbsent}
		if flag := rapid.SampledFrom([]types.BlockIDFlag{2, 2, 2, 2, 2, 1, 3}).Draw(rt, "flag"); flag != types.BlockIDFlagAbsent {
			s = types.CommitSig{BlockIDFlag: flag, ValidatorAddress: v.Address, Timestamp: drawTime(rt, "signed at")}
		}
		commit.Signatures = append(commit.Signatures, s)
		if s.BlockIDFlag == types.BlockIDFlagAbsent {
			continue
		}
		signature, err := c.keys[i].Sign(commit.VoteSignBytes(header.ChainID, int32(i)))
		if err != nil {
			rt.Fatal(err)
		}
		commit.Signatures[i].Signature = signature
	}
	return commit
}

// Package proof believes what CometBFT believes of a commit: the same validators'
// hash, the same bytes signed, the same power.
func TestCommitsAreVerifiedAsCometBFTDoes(t *testing.T) {
	var good, bad int
	rapid.Check(t, func(rt *rapid.T) {
		c, header := drawCast(rt), drawHeader(rt)
		roots := proof.Roots{Size: 7}
		hash := roots.AppHash()
		header.AppHash, header.ValidatorsHash = hash[:], c.set.Hash()
		commit := c.commit(rt, &header)
		if rapid.IntRange(0, 3).Draw(rt, "spoil") == 0 {
			s := &commit.Signatures[rapid.IntRange(0, len(commit.Signatures)-1).Draw(rt, "whose")]
			if s.BlockIDFlag == types.BlockIDFlagCommit {
				s.Signature[rapid.IntRange(0, 63).Draw(rt, "where")] ^= 1
			}
		}
		theirs := c.set.VerifyCommitLightAllSignatures(header.ChainID, commit.BlockID, header.Height, commit)

		b := proof.Bundle{Format: proof.Format, Chain: header.ChainID, Block: every(rt, &header, commit, c.set), Roots: roots}
		b.Seal()
		_, ours := b.Verify(b.Anchor(), interval.Time(header.Time.Unix()))
		if (ours == nil) != (theirs == nil) {
			rt.Fatalf("CometBFT says %v, we say %v", theirs, ours)
		}
		if theirs == nil {
			good++
			b.Block.Signatures = handedOut(rt, &header, commit, c.set)
			b.Seal()
			if _, err := b.Verify(b.Anchor(), interval.Time(header.Time.Unix())); err != nil {
				rt.Fatalf("what is handed out does not verify: %v", err)
			}
		} else {
			bad++
		}
	})
	if good == 0 || bad == 0 {
		t.Errorf("%d were good and %d bad", good, bad)
	}
}

// handedOut is the signatures that the chain hands out of a commit.
func handedOut(rt *rapid.T, header *types.Header, commit *types.Commit, set *types.ValidatorSet) []proof.Signature {
	b, err := signed(header, commit, set)
	if err != nil {
		rt.Fatal(err)
	}
	return b.Signatures
}

// every is a signed header with all signatures for it, good or not.
func every(rt *rapid.T, header *types.Header, commit *types.Commit, set *types.ValidatorSet) proof.Block {
	b, err := signed(header, commit, set)
	if err != nil {
		rt.Fatal(err)
	}
	b.Signatures = nil
	for i, s := range commit.Signatures {
		if s.BlockIDFlag == types.BlockIDFlagCommit {
			b.Signatures = append(b.Signatures, proof.Signature{Validator: uint32(i), Time: s.Timestamp.UnixNano(), Signature: [64]byte(s.Signature)})
		}
	}
	return b
}
