package chain

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

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
// it signs again: the signatures under the first are those of the block before.
const freshBlocks = 2

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
// them. It follows the chain meanwhile.
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
	over  bool
	fresh int
}

// newWaiting returns nil for a folder that Restored said nothing of.
func newWaiting(dir string) (*waiting, error) {
	_, err := os.Stat(filepath.Join(dir, restoredFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // There is nothing to wait for.
	}
	return &waiting{dir: dir, began: time.Now()}, err
}

// holds reports whether the validator must not sign.
func (w *waiting) holds() bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.over
}

// decided takes in a block that was decided, of a time that the validators agreed on,
// and whether it was one that others had and handed over. Blocks of before the start
// say nothing: what was signed for the one after them is not known. It reports whether
// the wait ended.
func (w *waiting) decided(height int64, at time.Time, handed bool, key *privval.FilePV) (ended bool, err error) {
	if !w.holds() {
		return false, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if handed || !at.After(w.began) {
		w.fresh = 0
		return false, nil
	}
	if w.fresh++; w.fresh < freshBlocks {
		return false, nil
	}
	mark, err := writeMark(w.dir, key.Key.PrivKey, height)
	if err != nil {
		return false, err
	}
	last := &key.LastSignState
	last.Height, last.Round, last.Step, last.Signature, last.SignBytes = mark.Height, mark.Round, mark.Step, mark.Signature, mark.SignBytes
	if err := unrestored(w.dir); err != nil {
		return false, err
	}
	w.over = true
	return true, nil
}
