package chain

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/cometbft/cometbft/consensus"
	cstypes "github.com/cometbft/cometbft/consensus/types"
	"github.com/cometbft/cometbft/privval"
	cmtcons "github.com/cometbft/cometbft/proto/tendermint/consensus"
)

// CometBFT's log of its votes, in a folder of its own: a head, and chunks of ten
// megabytes or more that are numbered in the order in which they were full.
const (
	walFolder = "wal"
	walHead   = "wal"
)

// walChunksKept are the full chunks that a stopped chain keeps. The log is read
// back to the end of the last height, and a height is less than half a chunk.
const walChunksKept = 2

// markWAL makes the log of votes say that the last height has ended. Its own end
// is missing when the process died between a block's way into the block store and
// that mark. CometBFT goes on regardless, but writes the votes of the next height
// behind no mark; if it dies again then, it cannot find them on the next start,
// its signer refuses to sign others, and a validator on its own stands still for
// ever. What is in such a log is of no use: the block it led to is decided.
func markWAL(dir string, last int64, log logger) (err error) {
	if last == 0 {
		return nil // A log begins with that mark.
	}
	found, err := endsHeight(dir, last, log)
	if err != nil || found {
		return nil //nolint:nilerr // A log that cannot be read is CometBFT's to repair.
	}
	old, err := filepath.Glob(filepath.Join(dir, walFolder, walHead+"*"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("the log of votes: %w", err)
		}
	}
	return appendWAL(dir, consensus.EndHeightMessage{Height: last}, log)
}

// appendWAL writes at the end of the log of votes.
func appendWAL(dir string, message consensus.WALMessage, log logger) error {
	wal, err := consensus.NewWAL(filepath.Join(dir, walFolder, walHead))
	if err != nil {
		return err
	}
	wal.SetLogger(log)
	if err := wal.Start(); err != nil {
		return err
	}
	err = wal.WriteSync(message)
	err = errors.Join(err, wal.Stop())
	wal.Wait()
	return err
}

// passRound makes a validator on its own begin with the round after that of its mark,
// where its log of votes does not lead into that round: the folder came from a copy of a
// node that ran, which has no such log, or the log lost its end. CometBFT would begin with
// round 0, in which the mark lets nothing be signed, ask for each vote once, and stand still
// for ever. What it cannot propose again in round 0, it votes against there by itself.
func passRound(dir string, last int64, mark *privval.FilePVLastSignState, log logger) error {
	first := mark.Round == 0 && mark.Step <= stepFirst
	if mark.Height != last+1 || first || mark.Round == math.MaxInt32 {
		return nil
	}
	leads, err := votedIn(dir, mark.Height, mark.Round, log)
	if err != nil || leads {
		return nil //nolint:nilerr // A log that cannot be read is CometBFT's to repair.
	}
	over := cmtcons.WALMessage{Sum: &cmtcons.WALMessage_TimeoutInfo{TimeoutInfo: &cmtcons.TimeoutInfo{
		Height: mark.Height, Round: mark.Round, Step: uint32(cstypes.RoundStepPrecommitWait),
	}}}
	message, err := consensus.WALFromProto(&over)
	if err != nil {
		return err
	}
	return appendWAL(dir, message, log)
}

// votedIn reports whether the log of votes has one of this node's own of a round.
func votedIn(dir string, height int64, round int32, log logger) (bool, error) {
	wal, err := consensus.NewWAL(filepath.Join(dir, walFolder, walHead))
	if err != nil {
		return false, err
	}
	wal.SetLogger(log)
	defer wal.Group().Close()
	reader, found, err := wal.SearchForEndHeight(height-1, &consensus.WALSearchOptions{IgnoreDataCorruptionErrors: true})
	if err != nil || !found {
		return false, err
	}
	defer reader.Close()
	for decoder := consensus.NewWALDecoder(reader); ; {
		timed, err := decoder.Decode()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		message, err := consensus.WALToProto(timed.Msg)
		if err != nil {
			return false, err
		}
		own := message.GetMsgInfo()
		if own == nil || own.PeerID != "" {
			continue
		}
		if vote := own.Msg.GetVote(); vote != nil && vote.Vote.Height == height && vote.Vote.Round == round {
			return true, nil
		}
	}
}

// endsHeight reports whether the log of votes says that a height has ended.
func endsHeight(dir string, height int64, log logger) (bool, error) {
	wal, err := consensus.NewWAL(filepath.Join(dir, walFolder, walHead))
	if err != nil {
		return false, err
	}
	wal.SetLogger(log)
	defer wal.Group().Close()
	reader, found, err := wal.SearchForEndHeight(height, &consensus.WALSearchOptions{IgnoreDataCorruptionErrors: true})
	if found {
		err = reader.Close()
	}
	return found, err
}

// trimWAL removes the chunks of a stopped chain's log that it has no use for; the
// blocks in them are in the block store. CometBFT would keep a gigabyte.
func trimWAL(dir string) (err error) {
	chunks, err := filepath.Glob(filepath.Join(dir, walFolder, walHead+".[0-9]*"))
	if err != nil {
		return err
	}
	slices.SortFunc(chunks, func(a, b string) int {
		// Numbers have three digits or more, so the longer is the later.
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return slices.Compare([]byte(a), []byte(b))
	})
	for _, chunk := range chunks[:max(0, len(chunks)-walChunksKept)] {
		err = errors.Join(err, os.Remove(chunk))
	}
	return err
}
