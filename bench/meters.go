package bench

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// sizes are the numbers of meters; a quick run leaves out the large ones.
var sizes = []int{1000, 10_000, 100_000, 1_000_000}

// community is how many homes a microgrid has: more meters are more microgrids.
const community = 1000

// measured is what a process with so many meters found out.
type measured struct {
	Meters    int    `json:"meters"`
	Keys      int    `json:"keys"`     // In the tree.
	Taking    span   `json:"taking"`   // The readings of an interval that does not close yet.
	Closing   span   `json:"closing"`  // Of that interval, when all readings are there, to its end in the read model.
	Interval  span   `json:"interval"` // Both together: each microgrid closes once its readings are there.
	HeapIdle  uint64 `json:"heap_idle"`
	Heap      uint64 `json:"heap"`
	AnonIdle  int64  `json:"anon_idle"`
	Anon      int64  `json:"anon"`
	PeakBytes int64  `json:"peak_bytes"`
}

// byMeters measures intervals of more and more meters, each in a process of its own.
func byMeters(ctx context.Context, r *run) error {
	if r.Program == "" {
		return nil
	}
	const base = 10_000 // What more meters are held against.
	var perMeter float64
	var before measured // With fewer meters.
	for _, n := range sizes[:r.of(2, len(sizes))] {
		m, err := r.inChild(ctx, n)
		if err != nil {
			return err
		}
		of := fmt.Sprintf(", %d meters", n)
		each := Figure{Name: "time per meter" + of, Value: m.Interval.Wall.Seconds() * 1e6 / float64(n), Unit: "µs"}
		if n == base {
			perMeter = each.Value
		}
		taking, closing, whole := seconds("readings taken in"+of, n, m.Taking), seconds("close of an interval that is complete"+of, n, m.Closing), seconds("interval"+of, n, m.Interval)
		heap := Figure{
			Name: "heap per meter" + of, Value: (float64(m.Heap) - float64(m.HeapIdle)) / float64(n), Unit: "B",
			Note: fmt.Sprintf("%d rows, %.2f for each meter", m.Keys, float64(m.Keys)/float64(n)),
		}
		memory := Figure{Name: "memory per meter" + of, Value: float64(m.Anon-m.AnonIdle) / float64(n), Unit: "B"}
		if n == sizes[len(sizes)-1] {
			whole, closing, memory = whole.most(20), closing.most(20), memory.most(400)
			each = each.against(fmt.Sprintf("that of %d", base), perMeter).mostRatio(1.5)
		}
		r.add(taking, closing, whole, each, heap, memory)
		if before.Meters > 0 {
			more := float64(m.Anon-m.AnonIdle-before.Anon+before.AnonIdle) / float64(n-before.Meters)
			r.add(Figure{Name: fmt.Sprintf("memory of each meter from %d to %d", before.Meters, n), Value: more, Unit: "B"})
		}
		r.add(Figure{Name: "peak memory" + of, Value: float64(m.PeakBytes) / 1e6, Unit: "MB"})
		before = m
	}
	return nil
}

// inChild measures so many meters in a process of its own, and passes on what it says.
func (r *run) inChild(ctx context.Context, meters int) (m measured, err error) {
	dir, remove, err := r.folder()
	if err != nil {
		return m, err
	}
	defer remove()
	child := exec.CommandContext(ctx, r.Program, "bench", "--child", strconv.Itoa(meters))
	child.Env = append(os.Environ(), "TMPDIR="+dir)
	child.Cancel = func() error { return child.Process.Signal(os.Interrupt) }
	child.WaitDelay = time.Minute
	var out bytes.Buffer
	child.Stdout = &out
	says, err := child.StderrPipe()
	if err != nil {
		return m, err
	}
	if err := child.Start(); err != nil {
		return m, err
	}
	var last string
	for lines := bufio.NewScanner(says); lines.Scan(); {
		last = lines.Text()
		r.say("%s", last)
	}
	if err := child.Wait(); err != nil {
		return m, fmt.Errorf("%d meters: %w: %s", meters, err, last)
	}
	return m, json.Unmarshal(out.Bytes(), &m)
}

// Child measures so many meters in this process and writes what the process that started
// it reads.
func Child(ctx context.Context, meters string, out io.Writer) error {
	n, err := strconv.Atoi(meters)
	if err != nil || n < community || n%community != 0 {
		return fmt.Errorf("bench: %q is not a number of thousands of meters", meters)
	}
	dir, err := os.MkdirTemp("", "commonwatt-bench-")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	r := &run{dir: dir, Options: Options{Progress: func(line string) { fmt.Fprintln(os.Stderr, line) }}}
	m, err := r.meters(ctx, n)
	if err != nil {
		return fmt.Errorf("bench: %d meters: %w", n, err)
	}
	return json.NewEncoder(out).Encode(m)
}

// meters founds so many homes with a meter each, has an interval close whose readings
// are all there, and then sends others and waits until they are settled and shown.
func (r *run) meters(ctx context.Context, n int) (m measured, err error) {
	m.Meters = n
	f, err := r.found(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	m.HeapIdle, m.AnonIdle, _ = memory()
	t := newTown(grid.MicrogridID(n/community), community) //nolint:gosec // above zero
	if err := f.settle(ctx, r, t); err != nil {
		return m, err
	}
	if err := f.closing(ctx, &t, &m); err != nil {
		return m, err
	}
	r.say("%d meters: their readings took %.1f s, and their interval %.1f s to close; measuring whole ones", n, m.Taking.Wall.Seconds(), m.Closing.Wall.Seconds())
	if err := f.intervals(ctx, &t, cmp.Or(r.rounds, max(1, 100_000/n)), &m); err != nil {
		return m, err
	}
	f.Read(func(rows state.Reader, _ machine.Head) { m.Keys = count(rows) })
	m.Heap, m.Anon, m.PeakBytes = memory()
	return m, nil
}

// settle founds the town, a part of it at a time.
func (f *founded) settle(ctx context.Context, r *run, t town) error {
	const part = 20
	if err := f.operations(ctx, t.parties()); err != nil {
		return err
	}
	for id := grid.MicrogridID(1); id <= t.microgrids; id += part {
		var operations []tx.Operation
		for i := id; i < min(id+part, t.microgrids+1); i++ {
			operations = append(operations, t.microgrid(i)...)
		}
		if err := f.operations(ctx, operations); err != nil {
			return err
		}
		r.say("%d of %d meters are there", min(uint64(id-1+part), uint64(t.microgrids))*t.meters, uint64(t.microgrids)*t.meters)
	}
	return f.seen(ctx)
}

// closing sends the readings of an interval before there are tariffs, and measures how
// long that takes, and how long the interval takes to settle once there are.
func (f *founded) closing(ctx context.Context, t *town, m *measured) error {
	tariffs, readings := t.tariffs(), t.batches(t.readings(), &f.nonce)
	c := newClock()
	if err := errors.Join(f.all(ctx, readings), f.seen(ctx)); err != nil {
		return err
	}
	m.Taking = c.span()
	c = newClock()
	if err := f.operations(ctx, tariffs); err != nil {
		return err
	}
	err := errors.Join(f.settled(ctx, *t), f.seen(ctx))
	m.Closing = c.span()
	return err
}

// intervals sends the readings of some intervals, one after the other, and takes the mean.
func (f *founded) intervals(ctx context.Context, t *town, rounds int, m *measured) error {
	var total span
	for range rounds {
		envelopes := t.batches(t.readings(), &f.nonce)
		c := newClock()
		if err := f.all(ctx, envelopes); err != nil {
			return err
		}
		if err := errors.Join(f.settled(ctx, *t), f.seen(ctx)); err != nil {
			return err
		}
		total = total.plus(c.span())
	}
	m.Interval = span{total.Wall / time.Duration(rounds), total.CPU / time.Duration(rounds)}
	return nil
}

// count is how many rows there are.
func count(rows state.Reader) (n int) {
	for range rows.Ascend(nil, []byte{0xff}) {
		n++
	}
	return n
}

// memory is what this process keeps after everything that nobody needs was given back:
// its heap, and what the system counts, which is that and what lies outside of it. The
// last is what it had at most.
func memory() (heap uint64, anon, peak int64) {
	runtime.GC() // Twice: what has a finalizer goes with the second.
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	now := residentOf(strconv.Itoa(os.Getpid()))
	return m.HeapAlloc, now.anon, now.most
}
