package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
)

// silent drops CometBFT's account of the failures that tests bring about.
var silent = slog.New(slog.DiscardHandler)

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
	c, err := Start(Config{Dir: d.dir, Log: silent}, app, d.kv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, c) })
	return c
}

func stop(t testing.TB, c *Chain) {
	t.Helper()
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}

// wait waits for a height.
func wait(t testing.TB, c *Chain, height int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Wait(ctx, height); err != nil {
		t.Fatalf("height %d at %d: %v", height, c.Height(), err)
	}
}

// submit offers a transaction and waits until the application has carried it out.
func submit(t testing.TB, c *Chain, app *counter, name uint64) {
	t.Helper()
	done := make(chan struct{})
	app.await(func(names []uint64) {
		if slices.Contains(names, name) {
			close(done)
		}
	})
	if err := c.Submit(tx(name, 20)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-c.Done():
		t.Fatal(c.Err())
	case <-time.After(time.Minute):
		t.Fatalf("transaction %d is in no block; the chain is at height %d", name, c.Height())
	}
}

// shape renders blocks as the names of their transactions, a block a bracket.
func shape(blocks []Block) string {
	var b strings.Builder
	for _, block := range blocks {
		b.WriteByte('[')
		for i, tx := range block.Txs {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprint(&b, tx[7])
		}
		b.WriteByte(']')
	}
	return b.String()
}

func TestSubmitSaysWhyNot(t *testing.T) {
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	c := d.start(t, app)
	submit(t, c, app, 7)
	for _, try := range []struct {
		name string
		tx   []byte
		want error
	}{
		{"again", tx(7, 20), ErrKnown},
		{"refused", []byte("short"), errShort},
		{"empty", nil, ErrTooLarge},
		{"too large", tx(8, txBytesMax+1), ErrTooLarge},
	} {
		if err := c.Submit(try.tx); !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", try.name, err, try.want)
		}
	}
	stop(t, c)
	if err := c.Submit(tx(9, 20)); !errors.Is(err, ErrStopped) {
		t.Errorf("after the end: %v", err)
	}
}

// Work is followed at once by a block that proves its outcome, with what is due
// in it, and the chain rests when that is done: no block is made for nothing.
func TestDueFollowsWork(t *testing.T) {
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	app.owe(1, tx(101, 20), tx(102, 20))
	c := d.start(t, app)
	wait(t, c, 1)
	submit(t, c, app, 1)
	wait(t, c, 4)
	submit(t, c, app, 2)
	wait(t, c, 6)
	stop(t, c)
	if got, want := shape(app.blocks), "[][1][101 102][][2][]"; got != want {
		t.Errorf("blocks %s, want %s", got, want)
	}
}

// A chain at rest says so, also after a restart, and then stays where it is.
func TestRest(t *testing.T) {
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	c := d.start(t, app)
	submit(t, c, app, 1)
	if err := c.Rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	rested := c.Height()
	stop(t, c)
	if last := app.block(rested); len(last.Txs) > 0 {
		t.Errorf("block %d is the last and has work in it", rested)
	}
	c = d.start(t, newCounter(t, d.db("app")))
	if err := c.Rest(t.Context()); err != nil || c.Height() != rested {
		t.Errorf("started again, it rests at %d, was %d: %v", c.Height(), rested, err)
	}
}

// Who learns from the application that it has committed finds no chain at rest:
// nothing proves that block yet.
func TestNoRestWithinCommit(t *testing.T) {
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	telling := &telling{counter: app, told: make(chan error, 1)}
	c := d.start(t, telling)
	if err := c.Rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	now, cancel := context.WithCancel(t.Context())
	cancel()
	telling.ask = func() error { return c.Rest(now) }
	submit(t, c, app, 1)
	if err := <-telling.told; !errors.Is(err, context.Canceled) {
		t.Errorf("a chain at rest, by %v", err)
	}
}

// telling asks once it has committed work, before the chain knows that it has.
type telling struct {
	*counter
	ask  func() error
	told chan error
}

func (a *telling) Commit() error {
	work := len(a.next.names) > 0
	if err := a.counter.Commit(); err != nil {
		return err
	}
	if work {
		a.told <- a.ask()
	}
	return nil
}

func TestChainGoesOnAfterRestart(t *testing.T) {
	d := newDisk(t)
	for run := range 3 {
		app := newCounter(t, d.db("app"))
		c := d.start(t, app)
		submit(t, c, app, uint64(run))
		stop(t, c)
		if at, hash := newCounter(t, d.db("app")).Last(); at != c.Height() || !bytes.Equal(hash, app.hash) {
			t.Errorf("run %d ended at %d, the application at %d", run, c.Height(), at)
		}
	}
	if err := Init(d.dir, Genesis{ChainID: "test"}); !errors.Is(err, ErrInitialized) {
		t.Errorf("a second genesis: %v", err)
	}
}

// An application whose disk lost the last blocks gets them again, and those only.
func TestLostBlocksAreReplayed(t *testing.T) {
	for _, lost := range []int64{0, 1, 2, 5} {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			d := newDisk(t)
			app := newCounter(t, d.db("app"))
			kept := []map[string][]byte{contents(t, d.db("app"))}
			app.await(func([]uint64) { kept = append(kept, contents(t, d.db("app"))) })
			c := d.start(t, app)
			for name := range uint64(5) {
				submit(t, c, app, name)
			}
			stop(t, c)
			from := app.height - lost
			d.dbs["app"] = fromContents(t, kept[from])
			again := newCounter(t, d.db("app"))
			stop(t, d.start(t, again))
			if at, hash := again.Last(); at < app.height || !bytes.Equal(hash, app.hash) {
				t.Errorf("at %d with %x, was at %d with %x", at, hash, app.height, app.hash)
			}
			if lost > 0 && again.blocks[0].Height != from+1 {
				t.Errorf("replayed from %d, lost from %d", again.blocks[0].Height, from+1)
			}
		})
	}
}

// contents copies a database.
func contents(t *testing.T, db dbm.DB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for key, value := range (mapKV{db}).Ascend(nil, nil) {
		all[string(key)] = bytes.Clone(value)
	}
	return all
}

// fromContents makes a database with contents.
func fromContents(t *testing.T, all map[string][]byte) dbm.DB {
	t.Helper()
	db := dbm.NewMemDB()
	for key, value := range all {
		if err := db.Set([]byte(key), value); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// An application that computes something else than was decided does not start.
func TestContradictionDoesNotStart(t *testing.T) {
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	c := d.start(t, app)
	submit(t, c, app, 1)
	stop(t, c)
	d.dbs["app"] = nil
	other := newCounter(t, d.db("app"))
	if err := other.db.Set(nameKey(1), []byte("done before")); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Config{Dir: d.dir, Log: silent}, other, d.kv); err == nil {
		t.Fatal("it started")
	}
}

func TestFailureHaltsTheChain(t *testing.T) {
	broken := errors.New("the money does not balance")
	for _, try := range []struct {
		name string
		app  func(*counter) Application
	}{
		{"an error in Finalize", func(c *counter) Application { return failing{c, broken} }},
		{"a panic in Commit", func(c *counter) Application { return panicking{c, broken} }},
	} {
		t.Run(try.name, func(t *testing.T) {
			d := newDisk(t)
			c := d.start(t, try.app(newCounter(t, d.db("app"))))
			if err := c.Submit(tx(1, 20)); err != nil {
				t.Fatal(err)
			}
			<-c.Done()
			if err := c.Err(); !errors.Is(err, broken) {
				t.Errorf("halted for %v", err)
			}
			if err := c.Wait(t.Context(), 99); !errors.Is(err, broken) {
				t.Errorf("waited for %v", err)
			}
			if err := c.Submit(tx(2, 20)); !errors.Is(err, ErrStopped) {
				t.Errorf("submitted after the halt: %v", err)
			}
		})
	}
}

// failing fails at the first block with a transaction.
type failing struct {
	*counter
	err error
}

func (f failing) Finalize(b Block) (Outcome, error) {
	if len(b.Txs) > 0 {
		return Outcome{}, f.err
	}
	return f.counter.Finalize(b)
}

// panicking panics when it is to make the first block with a transaction last.
type panicking struct {
	*counter
	reason error
}

func (p panicking) Commit() error {
	if len(p.next.names) > 0 {
		panic(p.reason)
	}
	return p.counter.Commit()
}

// While a block takes its time, more is submitted than may wait. Each submitter
// is told, and what was taken is carried out.
func TestFloodIsRefusedNotDropped(t *testing.T) {
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	gate := make(chan struct{})
	c := d.start(t, slow{app, gate})
	var mu sync.Mutex
	done, taken, full := map[uint64]bool{}, 0, 0
	app.await(func(names []uint64) {
		mu.Lock()
		defer mu.Unlock()
		for _, name := range names {
			done[name] = true
		}
	})
	const senders, each = 8, 2_000
	var senderGroup sync.WaitGroup
	for sender := range uint64(senders) {
		senderGroup.Go(func() {
			for i := range uint64(each) {
				err := c.Submit(tx(sender*each+i, 20))
				mu.Lock()
				switch {
				case err == nil:
					taken++
				case errors.Is(err, ErrFull):
					full++
				default:
					t.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	senderGroup.Wait()
	close(gate)
	if full == 0 || taken+full != senders*each || taken > waitingTxsMax+senders {
		t.Errorf("%d taken, %d refused", taken, full)
	}
	at := c.Height()
	for at < 1<<20 {
		mu.Lock()
		all := len(done) == taken
		mu.Unlock()
		if all {
			return
		}
		at++
		wait(t, c, at)
	}
}

// slow holds the first block with transactions back until its gate opens.
type slow struct {
	*counter
	gate chan struct{}
}

func (s slow) Finalize(b Block) (Outcome, error) {
	if len(b.Txs) > 0 {
		<-s.gate
	}
	return s.counter.Finalize(b)
}

// A validator on its own listens nowhere.
func TestNoPortIsOpen(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("open sockets are read from Linux's /proc")
	}
	d := newDisk(t)
	c := d.start(t, newCounter(t, d.db("app")))
	wait(t, c, 1)
	if open := listening(t); len(open) > 0 {
		t.Errorf("listening: %v", open)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if len(listening(t)) != 1 {
		t.Error("the test does not see an open port")
	}
}

// listening returns the lines of the kernel's tables about TCP sockets that this
// process listens on, and about its UDP sockets.
func listening(t *testing.T) (lines []string) {
	t.Helper()
	own := map[string]bool{}
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		// A descriptor may be closed since it was listed.
		if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, "socket:[") {
			own[strings.Trim(target, "socket:[]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		raw, err := os.ReadFile("/proc/self/net/" + table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			fields := strings.Fields(line)
			if len(fields) > 9 && own[fields[9]] && (fields[3] == "0A" || strings.HasPrefix(table, "udp")) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}
