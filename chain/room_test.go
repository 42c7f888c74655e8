package chain

import (
	"testing"

	dbm "github.com/cometbft/cometbft-db"
	abci "github.com/cometbft/cometbft/abci/types"
)

// poolOf is a mempool with so many transactions.
type poolOf int

func (p poolOf) Size() int      { return int(p) }
func (poolOf) SizeBytes() int64 { return 0 }

// A peer's transaction for which there is no room is refused before it is checked: the
// mempool would drop another one without a word, whose submitter was told that it waits.
func TestRoomIsNotForPeersOnceItIsFull(t *testing.T) {
	cases := []struct {
		name    string
		waiting int
		recheck bool
		own     bool
		want    uint32
	}{
		{name: "a peer's, with room", waiting: waitingTxsMax - 1, want: codeKept},
		{name: "a peer's, without", waiting: waitingTxsMax, want: codeRefused},
		{name: "one that waits already", waiting: waitingTxsMax, recheck: true, want: codeKept},
		{name: "one that has its place", waiting: waitingTxsMax, own: true, want: codeKept},
	}
	for _, c := range cases {
		d := newDriver(newCounter(t, dbm.NewMemDB()), silent)
		d.room = newRoom(poolOf(c.waiting))
		r := &abci.RequestCheckTx{Tx: tx(1, 20)}
		if c.recheck {
			r.Type = abci.CheckTxType_Recheck
		}
		if c.own {
			defer func(verdict func() error) {
				if err := verdict(); err != nil {
					t.Error(err)
				}
			}(d.expect(r.Tx))
		}
		if got, err := d.CheckTx(t.Context(), r); err != nil || got.Code != c.want {
			t.Errorf("%s: code %d, %v, want %d", c.name, got.Code, err, c.want)
		}
	}
}

// Places are counted as taken until they are given back.
func TestRoomCountsWhatIsUnderWay(t *testing.T) {
	r := newRoom(poolOf(waitingTxsMax - 1))
	if !r.enter(8) || r.enter(8) {
		t.Error("want one place")
	}
	if r.leave(8); !r.has(8) {
		t.Error("want the place back")
	}
	if r.has(waitingBytesMax + 1) {
		t.Error("what is larger than all room has a place")
	}
}
