package chain

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/libs/protoio"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

// ErrChanged means that a file of a chain's folder is not what was written. A
// validator that went on with it could sign what nobody believes, or sign twice.
var ErrChanged = errors.New("the file has changed since it was written: take it from a backup")

// soundKey checks that the halves of a secret key belong together: the second is
// the public key.
func soundKey(file string, secret crypto.PrivKey) error {
	var raw []byte
	if secret != nil {
		raw = secret.Bytes()
	}
	if len(raw) != ed25519.PrivateKeySize || !bytes.Equal(ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize]), raw) {
		return fmt.Errorf("%s: %w", file, ErrChanged)
	}
	return nil
}

// soundSigner checks that what a validator's key file says of its key is so.
func soundSigner(key privval.FilePVKey) error {
	if err := soundKey(signerFile, key.PrivKey); err != nil {
		return err
	}
	public := key.PrivKey.PubKey()
	if key.PubKey == nil || !public.Equals(key.PubKey) || !bytes.Equal(public.Address(), key.Address) {
		return fmt.Errorf("%s: %w", signerFile, ErrChanged)
	}
	return nil
}

// soundSigned checks that a validator signed what its file says it signed last: the
// bytes bear its signature, and are of that height, round and step.
func soundSigned(public crypto.PubKey, last privval.FilePVLastSignState) error {
	if last.Height == 0 && last.Round == 0 && last.Step == 0 && len(last.Signature) == 0 && len(last.SignBytes) == 0 {
		return nil // Nothing yet.
	}
	height, round, step, err := signedFor(last)
	if err != nil || height != last.Height || round != int64(last.Round) || step != last.Step || !public.VerifySignature(last.SignBytes, last.Signature) {
		return fmt.Errorf("%s: %w", signedFile, errors.Join(ErrChanged, err))
	}
	return nil
}

// signedFor is the height, round and step that signed bytes are for.
func signedFor(last privval.FilePVLastSignState) (height, round int64, step int8, err error) {
	if last.Step == 1 {
		var p cmtproto.CanonicalProposal
		err = protoio.UnmarshalDelimited(last.SignBytes, &p)
		if p.Type == cmtproto.ProposalType {
			step = 1
		}
		return p.Height, p.Round, step, err
	}
	var v cmtproto.CanonicalVote
	err = protoio.UnmarshalDelimited(last.SignBytes, &v)
	switch v.Type {
	case cmtproto.PrevoteType:
		step = 2
	case cmtproto.PrecommitType:
		step = 3
	case cmtproto.ProposalType, cmtproto.UnknownType:
	}
	return v.Height, v.Round, step, err
}

// genesisKey is where, among CometBFT's states, the digest of the genesis' file is.
var genesisKey = []byte("commonwatt/genesis")

// soundGenesis checks that the genesis is the one that the node first started with.
func soundGenesis(dir string, kv KV) error {
	raw, err := os.ReadFile(filepath.Join(dir, genesisFile))
	if err != nil {
		return err
	}
	digest := sha256.Sum256(raw)
	before, err := kv.Get(genesisKey)
	switch {
	case err != nil:
		return err
	case before == nil:
		return kv.Write(true, [][]byte{genesisKey}, [][]byte{digest[:]})
	case !bytes.Equal(before, digest[:]):
		return fmt.Errorf("%s: %w, or from a peer", genesisFile, ErrChanged)
	}
	return nil
}

// robbed says that blocks are gone without which a validator on its own must not go on: it
// signed for later ones than the next, or its log of votes has the end of the next one,
// which was decided. With peers it asks them.
func (p *parts) robbed(dir string) error {
	if !p.alone() || len(p.others) > 0 {
		return nil
	}
	last := p.state.LastBlockHeight
	if signed := p.signer.marked(); signed > last+1 {
		return fmt.Errorf("%w: the validator signed at height %d, and they end at %d: take the folder from a backup", ErrBroken, signed, last)
	}
	if ended, err := endsHeight(dir, last+1, p.log); err == nil && ended { // A log that cannot be read is CometBFT's to repair.
		return fmt.Errorf("%w: block %d was decided, and they end at %d: take the folder from a backup", ErrBroken, last+1, last)
	}
	return nil
}
