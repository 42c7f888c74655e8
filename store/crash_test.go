package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/commonwatt/commonwatt/state"
)

// A node writes each block to the chain's map, synced, and then to the ledger.
// The power fails at some write, sync or rename of a file, in the midst of a flush or
// a compaction, too, and of what was not synced any part is on disk. What comes back is
// some block as a whole, no acknowledged one is missing in the map, and there is no need
// of repair.
func TestPowerFails(t *testing.T) {
	rounds, begin := campaign(t, 100), time.Now()
	var crashes, seed atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for crashes.Load() < int64(rounds) && !t.Failed() {
				crashes.Add(failing(t, seed.Add(1)))
			}
		})
	}
	workers.Wait()
	t.Logf("%d failures of the power, seeds 1 to %d, in %.1f s: none acknowledged lost, none that needs repair", crashes.Load(), seed.Load(), time.Since(begin).Seconds())
}

// powerFailures is how often the power fails while one store is written to.
const powerFailures = 8

// failing writes to a store whose power fails a few times, as far as the disk after
// each failure can tell, and returns how often.
func failing(t *testing.T, seed int64) (crashes int64) {
	p := &power{disk: vfs.NewCrashableMem(), random: rand.New(rand.NewPCG(uint64(seed), 7))}
	p.next = p.random.Int64N(20)
	s, err := Open("", Options{FS: errorfs.Wrap(p.disk, errorfs.InjectorFunc(p.step)), memTable: 32 << 10})
	if err != nil {
		t.Error(err)
		return 0
	}
	for height := int64(1); p.taken() < powerFailures; height++ {
		p.write(t, s, height)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, a := range p.after {
		a.check(t, seed)
	}
	return int64(len(p.after))
}

// power is a disk, and what would be on it had the power failed at some operations.
type power struct {
	disk *vfs.MemFS

	mu     sync.Mutex
	random *rand.Rand
	ops    int64
	next   int64 // Operation at which the power fails.
	acked  int64 // The last block that the map was told to be synced with.
	begun  int64 // The last block that was begun.
	after  []aftermath
}

// aftermath is a disk after a failure, and what was acknowledged and begun by then.
type aftermath struct {
	disk         *vfs.MemFS
	acked, begun int64
}

// step is called before each operation on a file. What changes nothing is no step.
func (p *power) step(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ops++
	if p.ops > p.next {
		p.next = p.ops + p.random.Int64N(40)
		share := []int{0, 100, p.random.IntN(101)}[p.random.IntN(3)]
		p.after = append(p.after, aftermath{p.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: share, RNG: p.random}), p.acked, p.begun})
	}
	return nil
}

func (p *power) taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.after)
}

// write writes a block to the map, and then twenty rows that all say which block they
// are of.
func (p *power) write(t *testing.T, s *Store, height int64) {
	at := strconv.FormatInt(height, 10)
	p.mu.Lock()
	p.begun = height
	long := []int{10, 300, 3000}[p.random.IntN(3)]
	body := []byte(strings.Repeat(at+" ", p.random.IntN(long)+1))
	p.mu.Unlock()
	if err := s.KV("blocks").Write(true, [][]byte{[]byte("last")}, [][]byte{body}); err != nil {
		t.Error(err)
	}
	p.mu.Lock()
	p.acked = height
	p.mu.Unlock()
	var changes []state.Change
	for i := range 20 {
		changes = append(changes, put(fmt.Sprint(i), at))
	}
	if err := s.Commit(Block{Height: height, Changes: changes, Record: body, Head: []byte(at)}); err != nil {
		t.Error(err)
	}
}

// check opens what is on the disk.
func (a aftermath) check(t *testing.T, seed int64) {
	s, err := Open("", Options{FS: a.disk})
	if err != nil {
		t.Errorf("seed %d: after block %d: the store needs repair: %v", seed, a.acked, err)
		return
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}()
	last, err := s.KV("blocks").Get([]byte("last"))
	text, _, _ := strings.Cut(string(last), " ")
	if at, _ := strconv.ParseInt(text, 10, 64); err != nil || at < a.acked || at > a.begun {
		t.Errorf("seed %d: the map is at %q: block %d was acknowledged, %d begun: %v", seed, text, a.acked, a.begun, err)
	}
	head, ok := s.Head()
	for key, row := range s.Ascend([]byte("0"), []byte("z")) {
		if string(row) != string(head) {
			t.Errorf("seed %d: row %s is of block %q, the head is of %q", seed, key, row, head)
		}
	}
	if !ok {
		return
	}
	height, err := strconv.ParseInt(string(head), 10, 64)
	if err != nil || height > a.begun {
		t.Errorf("seed %d: the head is %q of %d", seed, head, a.begun)
	}
	if _, err := s.Record(height); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	if _, err := s.Record(height + 1); !errors.Is(err, ErrNoRecord) {
		t.Errorf("seed %d: there is a record past the head: %v", seed, err)
	}
	// The store goes on where it came back.
	if err := s.Commit(Block{Height: height + 1, Head: []byte("next")}); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
}

// The file that a marker leads to is there whenever the marker is.
func TestNamesLastBeforeTheirMarker(t *testing.T) {
	disk := vfs.NewCrashableMem()
	for _, name := range []string{"MANIFEST-1", marker + "manifest.1.MANIFEST-1"} {
		f, err := named{disk}.Create(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := disk.CrashClone(vfs.CrashCloneCfg{}).Stat("MANIFEST-1"); err != nil {
		t.Error(err)
	}
}

// A full disk is never taken for a write.
func TestFullDiskIsNotAcknowledged(t *testing.T) {
	full := errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".log") {
			return syscall.ENOSPC
		}
		return nil
	})}
	s, err := Open("", Options{FS: errorfs.Wrap(vfs.NewMem(), &full)})
	if err != nil {
		t.Fatal(err)
	}
	full.On()
	defer func() {
		var fault Fault
		if err, _ := recover().(error); !errors.As(err, &fault) {
			t.Errorf("a write to a full disk did not stop the node: %v", err)
		}
	}()
	err = s.KV("blocks").Write(true, [][]byte{[]byte("k")}, [][]byte{[]byte("v")})
	t.Errorf("a write to a full disk returned %v", err)
}
