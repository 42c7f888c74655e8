package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
)

// BenchmarkThroughput submits transactions as fast as they are taken to an
// application that does nothing, with the blocks on disk.
func BenchmarkThroughput(b *testing.B) {
	for _, size := range []int{250, 256 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			d := newDisk(b)
			for _, name := range []string{blocksMap, stateMap, evidenceMap} {
				db, err := dbm.NewGoLevelDB(name, d.dir)
				if err != nil {
					b.Fatal(err)
				}
				d.dbs[name] = db
			}
			app := &idle{left: int64(b.N), done: make(chan struct{})}
			c := d.start(b, app)
			wait(b, c, 1)
			b.SetBytes(int64(size))
			b.ResetTimer()
			flood(b, c, size)
			<-app.done
			b.StopTimer()
			stop(b, c)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
			b.ReportMetric(float64(app.gap().Microseconds())/1000, "ms/block")
		})
	}
}

// flood submits b.N transactions from several goroutines.
func flood(b *testing.B, c *Chain, size int) {
	var next atomic.Int64
	var senders sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		senders.Go(func() {
			for name := next.Add(1); name <= int64(b.N); name = next.Add(1) {
				for errors.Is(c.Submit(tx(uint64(name), size)), ErrFull) {
					runtime.Gosched()
				}
			}
		})
	}
	senders.Wait()
}

// idle is an application that only counts.
type idle struct {
	height int64
	hash   [32]byte
	block  Block
	left   int64
	done   chan struct{}
	times  []time.Time
}

func (a *idle) Last() (int64, []byte) { return a.height, a.hash[:] }

func (a *idle) Genesis(string, []byte) ([]byte, error) { return a.hash[:], nil }

func (a *idle) Check([]byte, bool) error { return nil }

func (a *idle) Due(int64) [][]byte { return nil }

func (a *idle) Accept([][]byte) error { return nil }

func (a *idle) Finalize(b Block) (Outcome, error) {
	a.block = b
	hash := a.hash
	if len(b.Txs) > 0 {
		binary.BigEndian.PutUint64(hash[:], uint64(b.Height))
	}
	a.hash = hash
	return Outcome{Results: make([]Result, len(b.Txs)), AppHash: hash[:]}, nil
}

func (a *idle) Commit() error {
	a.height = a.block.Height
	a.times = append(a.times, time.Now())
	before := a.left
	a.left -= int64(len(a.block.Txs))
	if before > 0 && a.left <= 0 {
		close(a.done)
	}
	return nil
}

// gap returns the median time between two blocks.
func (a *idle) gap() time.Duration {
	var gaps []time.Duration
	for i := 2; i < len(a.times); i++ {
		gaps = append(gaps, a.times[i].Sub(a.times[i-1]))
	}
	slices.Sort(gaps)
	if len(gaps) == 0 {
		return 0
	}
	return gaps[len(gaps)/2]
}
