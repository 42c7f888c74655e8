package chain

import (
	"context"
	"errors"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
)

// disk is a node's folder and databases, which outlive its chain.
type disk struct {
	dir string
	dbs map[string]dbm.DB
}

// newDisk makes the folder of a chain with one validator.
func newDisk(t testing.TB) *disk {
	t.Helper()
	d := &disk{dir: t.TempDir(), dbs: map[string]dbm.DB{}}
	if err := Init(d.dir, Genesis{ChainID: "test", AppState: []byte("nothing")}); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *disk) db(name string) dbm.DB {
	if d.dbs[name] == nil {
		d.dbs[name] = dbm.NewMemDB()
	}
	return d.dbs[name]
}

func (d *disk) kv(name string) KV { return mapKV{d.db(name)} }

// start runs the chain of a disk until the test ends.
func (d *disk) start(t testing.TB, app Application) *Chain {
	t.Helper()
	c, err := Start(Config{Dir: d.dir}, app, d.kv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// wait waits for a height.
func wait(t testing.TB, c *Chain, height int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Wait(ctx, height); err != nil {
		t.Fatalf("height %d at %d: %v", height, c.Height(), err)
	}
}

func TestTransactionReachesABlock(t *testing.T) {
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	c := d.start(t, app)
	wait(t, c, 1)
	if err := c.Submit(tx(7, 20)); err != nil {
		t.Fatal(err)
	}
	wait(t, c, 2)
	if err := c.Submit(tx(7, 20)); !errors.Is(err, ErrKnown) {
		t.Errorf("submitted again: %v", err)
	}
	if err := c.Submit([]byte("short")); !errors.Is(err, errShort) {
		t.Errorf("submitted without a name: %v", err)
	}
}
