package chain

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"

	"github.com/commonwatt/commonwatt/keyfile"
)

// restoredFile says that a folder came from a copy: its validator may have signed more
// since than the folder knows of.
const restoredFile = "validator_restored"

// RestoredFile is where Restored leaves word, in a chain's folder.
const RestoredFile = restoredFile

// freshBlocks are how many blocks a restored validator sees decided without it before
// it signs again. Two would do for what it signed itself: the signatures under the first are
// those of the block before. Those of another node with its key may each be late.
const freshBlocks = 5

// What a validator signs first in a round, a proposal, and last, a precommit.
const (
	stepFirst = 1
	stepLast  = 3
)

// Errors of what a validator may sign.
var (
	ErrNoMark = errors.New("what the validator signed last is not known, so it could sign twice")
	ErrMark   = errors.New("the validator signed for that height, or a later one, already")
)

// errRestored keeps a validator from signing that was restored.
var errRestored = errors.New("chain: the validator was restored from a copy and waits for the network")

// Restored makes the validator of a folder that came from a copy sign nothing until it
// has seen the network decide blocks without it after its start, and then only above
// them. It follows the chain meanwhile, and for good when it sees that another node
// signs with its key: the one that it was copied from.
func Restored(dir string) error {
	return keyfile.Replace(filepath.Join(dir, restoredFile), []byte("sign nothing before the network went on\n"))
}

// unrestored takes back what Restored said.
func unrestored(dir string) error {
	if err := os.Remove(filepath.Join(dir, restoredFile)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SignFrom makes a folder's validator sign for a height and those after it, and for no
// earlier one, whatever it forgot of what it signed. It is for who knows that it never
// signed there.
//
// Errors: ErrMark; ErrKeyAway; those of the disk.
func SignFrom(dir string, height int64) error {
	var last privval.FilePVLastSignState
	err := readJSON(filepath.Join(dir, signedFile), &last)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && height <= last.Height {
		return fmt.Errorf("%w: height %d", ErrMark, last.Height)
	}
	if _, err := loadPublic(dir); err == nil {
		return ErrKeyAway
	}
	var key privval.FilePVKey
	if err := readJSON(filepath.Join(dir, signerFile), &key); err != nil {
		return err
	}
	if _, err := writeMark(dir, key.PrivKey, height-1); err != nil {
		return err
	}
	return unrestored(dir)
}

// writeMark forbids every signature up to a height. It is signed, as what it stands for
// would be, so that a mark that changed is found; for no chain, so that nobody has a use
// for the signature.
func writeMark(dir string, key crypto.PrivKey, height int64) (mark privval.FilePVLastSignState, err error) {
	vote := cmtproto.Vote{Type: cmtproto.PrecommitType, Height: height, Round: math.MaxInt32}
	mark = privval.FilePVLastSignState{Height: vote.Height, Round: vote.Round, Step: stepLast, SignBytes: types.VoteSignBytes("", &vote)}
	if mark.Signature, err = key.Sign(mark.SignBytes); err != nil {
		return mark, err
	}
	return mark, writeJSON(filepath.Join(dir, signedFile), &mark)
}

// waiting is a restored validator that does not sign yet.
type waiting struct {
	dir   string
	began time.Time

	mu    sync.Mutex
	stage stage
	fresh int
}

// stage is how far a restored validator is on its way to sign again.
type stage int

const (
	waits   stage = iota // The network has to go on first.
	signs                // It signs again.
	twofold              // Another node signs with its key: it never does.
)

// newWaiting returns nil for a folder that Restored said nothing of.
func newWaiting(dir string) (*waiting, error) {
	_, err := os.Stat(filepath.Join(dir, restoredFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // There is nothing to wait for.
	}
	return &waiting{dir: dir, began: time.Now()}, err
}

// holds reports whether the validator must not sign.
func (w *waiting) holds() bool { return w.at() != signs }

// at is the stage; a validator that was not restored signs.
func (w *waiting) at() stage {
	if w == nil {
		return signs
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stage
}

// settled is a block that was decided, as a restored validator sees it.
type settled struct {
	height int64
	time   time.Time // That the validators agreed on.
	handed bool      // Others had it and handed it over.
	own    bool      // The validator's signature is under the block before.
}

// decided takes in a block that was decided, and returns the stage that begins with it;
// waits, when none does. Blocks of before the start say nothing: what was signed for the
// one after them is not known. A signature of its own under a block of after the start is
// another node's, which has the same key.
func (w *waiting) decided(b settled, key *privval.FilePV) (begins stage, err error) {
	if w == nil {
		return waits, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stage != waits {
		return waits, nil
	}
	if b.handed || !b.time.After(w.began) {
		w.fresh = 0
		return waits, nil
	}
	w.fresh++
	switch {
	case w.fresh > 1 && b.own:
		w.stage = twofold
		return twofold, nil
	case w.fresh < freshBlocks:
		return waits, nil
	}
	mark, err := writeMark(w.dir, key.Key.PrivKey, b.height)
	if err != nil {
		return waits, err
	}
	last := &key.LastSignState
	last.Height, last.Round, last.Step, last.Signature, last.SignBytes = mark.Height, mark.Round, mark.Step, mark.Signature, mark.SignBytes
	if err := unrestored(w.dir); err != nil {
		return waits, err
	}
	w.stage = signs
	return signs, nil
}

// signedBy reports whether a validator's signature is under the block before one that
// was decided, whatever it was for.
func signedBy(own []byte, before abci.CommitInfo) bool {
	return slices.ContainsFunc(before.Votes, func(v abci.VoteInfo) bool {
		return bytes.Equal(v.Validator.Address, own) && v.BlockIdFlag != cmtproto.BlockIDFlagAbsent
	})
}
