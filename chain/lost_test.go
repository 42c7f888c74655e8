package chain

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

// A validator on its own goes on, whatever it signed last and has no log of: it died
// between the two, or its folder is a copy of one that ran.
func TestSignedButNotLogged(t *testing.T) {
	t.Parallel()
	for what, last := range map[string]struct {
		round int32
		step  cmtproto.SignedMsgType
		block bool // The vote is for a block, which is nowhere.
		log   bool // The log of votes is there, up to the last block.
	}{
		"a proposal":                                {0, cmtproto.ProposalType, true, true},
		"a vote for nothing":                        {0, cmtproto.PrevoteType, false, true},
		"a vote for a block":                        {0, cmtproto.PrevoteType, true, true},
		"a precommit for nothing":                   {0, cmtproto.PrecommitType, false, true},
		"a precommit for a block, in a copy":        {0, cmtproto.PrecommitType, true, false},
		"a vote in a later round":                   {3, cmtproto.PrevoteType, false, true},
		"a proposal in a later round, in a copy":    {2, cmtproto.ProposalType, true, false},
		"a precommit for a block, in a later round": {1, cmtproto.PrecommitType, true, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t)
			app := newCounter(t, d.db("app"))
			c := d.start(t, app)
			submit(t, c, app, 1)
			stop(t, c)
			if !last.log {
				if err := os.RemoveAll(filepath.Join(d.dir, walFolder)); err != nil {
					t.Fatal(err)
				}
			}
			d.sign(t, c.Height()+1, last.round, last.step, last.block)
			for name := uint64(2); name < 4; name++ { // Also after another start.
				app = newCounter(t, d.db("app"))
				c = d.start(t, app)
				submit(t, c, app, name)
				stop(t, c)
			}
		})
	}
}

// A validator on its own that lost its last block, which was decided, does not make another
// one in its place.
func TestLostBlockIsMissed(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	goOn := func(name uint64) {
		app := newCounter(t, d.db("app"))
		c := d.start(t, app)
		submit(t, c, app, name)
		stop(t, c)
	}
	goOn(1)
	before := d.copies(t)
	goOn(2)
	d.dbs = before
	if _, err := Start(Config{Dir: d.dir, Log: silent}, newCounter(t, d.db("app")), d.kv); !errors.Is(err, ErrBroken) {
		t.Errorf("the last block is gone: %v", err)
	}
}

// copies are databases like those of the disk.
func (d *disk) copies(t *testing.T) map[string]dbm.DB {
	t.Helper()
	all := map[string]dbm.DB{}
	for name, db := range d.dbs {
		all[name] = dbm.NewMemDB()
		rows, err := db.Iterator(nil, nil)
		for ; err == nil && rows.Valid(); rows.Next() {
			err = all[name].Set(rows.Key(), rows.Value())
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// sign signs at a height, as a validator does before it dies.
func (d *disk) sign(t *testing.T, height int64, round int32, step cmtproto.SignedMsgType, block bool) {
	t.Helper()
	pv, err := loadSigner(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	var id cmtproto.BlockID
	if block {
		hash := bytes.Repeat([]byte{7}, 32)
		id = cmtproto.BlockID{Hash: hash, PartSetHeader: cmtproto.PartSetHeader{Total: 1, Hash: hash}}
	}
	at := time.Now().Add(-time.Minute)
	if step == cmtproto.ProposalType {
		err = pv.SignProposal("test", &cmtproto.Proposal{Type: step, Height: height, Round: round, PolRound: -1, BlockID: id, Timestamp: at})
	} else {
		err = pv.SignVote("test", &cmtproto.Vote{Type: step, Height: height, Round: round, BlockID: id, Timestamp: at})
	}
	if err != nil {
		t.Fatal(err)
	}
}
