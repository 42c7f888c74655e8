package chain

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// worked returns the disk of a stopped chain that did some work, and its
// application.
func worked(t *testing.T) (*disk, *counter) {
	t.Helper()
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	c := d.start(t, app)
	for name := range uint64(3) {
		submit(t, c, app, name)
	}
	stop(t, c)
	return d, app
}

// replay runs a new application through a chain's blocks and compares what it
// computes with what the chain says.
func replay(t *testing.T, d *disk) (*counter, error) {
	t.Helper()
	chainID, appState, err := Founding(d.dir)
	if err != nil {
		return nil, err
	}
	app := newCounter(t, fromContents(t, nil))
	if _, err := app.Genesis(chainID, appState); err != nil {
		return nil, err
	}
	for block, err := range Blocks(d.dir, d.kv) {
		if err != nil {
			return nil, err
		}
		outcome, err := app.Finalize(block.Block)
		if err := errors.Join(err, app.Commit()); err != nil {
			return nil, err
		}
		if !block.Next {
			continue
		}
		if !bytes.Equal(outcome.AppHash, block.AppHash) || !bytes.Equal(ResultsHash(outcome.Results), block.ResultsHash) {
			return nil, fmt.Errorf("the outcome of block %d is not the chain's", block.Height)
		}
	}
	return app, nil
}

func TestBlocksReplayToTheSameState(t *testing.T) {
	d, app := worked(t)
	again, err := replay(t, d)
	if err != nil {
		t.Fatal(err)
	}
	if again.height != app.height || !bytes.Equal(again.hash, app.hash) {
		t.Errorf("replayed to %d with %x, was at %d with %x", again.height, again.hash, app.height, app.hash)
	}
	if got, want := shape(again.blocks), shape(app.blocks); got != want {
		t.Errorf("blocks %s, want %s", got, want)
	}
}

// A bit flipped anywhere in a block is found.
func TestFlippedBitsInBlocksAreFound(t *testing.T) {
	d, _ := worked(t)
	blocks := d.db(blocksMap)
	var tried int
	for key, value := range contents(t, blocks) {
		if !strings.HasPrefix(key, "P:") {
			continue
		}
		for at := 0; at < len(value); at += 1 + len(value)/60 {
			flipped := bytes.Clone(value)
			flipped[at] ^= 1 << (at % 8)
			if err := blocks.Set([]byte(key), flipped); err != nil {
				t.Fatal(err)
			}
			tried++
			if _, err := replay(t, d); err == nil {
				t.Errorf("%s: bit flipped at %d of %d is not found", key, at, len(value))
			}
		}
		if err := blocks.Set([]byte(key), value); err != nil {
			t.Fatal(err)
		}
	}
	if tried == 0 {
		t.Error("no bit was flipped")
	}
}
