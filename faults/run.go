package faults

import (
	"math/rand/v2"
)

// moment is a virtual time in microseconds from the begin of a run, and span a
// length of it.
type (
	moment int64
	span   int64
)

const (
	millisecond span = 1000
	second      span = 1000 * millisecond
)

// event is something that happens at a moment. Of two at the same moment, the one
// that was planned first comes first.
type event struct {
	at     moment
	number uint64
	do     func()
}

// run is one run of the simulator.
type run struct {
	options  Options
	now      moment
	numbered uint64
	events   []event // A binary heap by moment and number.
	ended    bool

	kinds    Kinds
	founders int // Validators of the genesis; those after them join later.
	nodes    []*validator
	net      *network
	town     *town
	clients  *clients
	check    *checker
	trace    *trace
	counts   Counts
	healed   moment // When the last fault is over.
	end      moment

	// Streams of randomness, one for each thing that asks, so that leaving out one
	// kind of fault changes little for the others.
	plan, wire, disks, work, mischief *rand.Rand
}

func newRun(o Options) *run {
	stream := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(o.Seed, n)) } //nolint:gosec // Not a secret: it has to come again.
	r := &run{options: o, plan: stream(1), wire: stream(2), disks: stream(3), work: stream(4), mischief: stream(5)}
	r.trace = newTrace(r, o.Trace)
	r.check = newChecker(r)
	r.net = newNetwork(r)
	r.town = newTown(r)
	r.clients = newClients(r)
	return r
}

// play makes the plan, lets it happen, and looks at what it came to.
func (r *run) play() {
	r.makePlan()
	for _, v := range r.nodes {
		v.start()
	}
	r.clients.start()
	for len(r.events) > 0 && !r.ended && len(r.check.failures) == 0 {
		e := r.pop()
		r.now = e.at
		r.counts.Events++
		e.do()
	}
	if len(r.check.failures) == 0 {
		r.check.end()
	}
}

// at plans something.
func (r *run) at(at moment, do func()) {
	r.numbered++
	r.events = append(r.events, event{max(at, r.now), r.numbered, do})
	for n := len(r.events) - 1; n > 0; {
		parent := (n - 1) / 2
		if !r.events[n].before(r.events[parent]) {
			return
		}
		r.events[n], r.events[parent] = r.events[parent], r.events[n]
		n = parent
	}
}

// after plans something a while from now.
func (r *run) after(s span, do func()) { r.at(r.now+moment(s), do) }

func (e event) before(o event) bool { return e.at < o.at || e.at == o.at && e.number < o.number }

// pop takes the next event.
func (r *run) pop() event {
	first, last := r.events[0], len(r.events)-1
	r.events[0], r.events[last] = r.events[last], event{}
	r.events = r.events[:last]
	for n := 0; ; {
		least := n
		for child := 2*n + 1; child <= 2*n+2 && child < last; child++ {
			if r.events[child].before(r.events[least]) {
				least = child
			}
		}
		if least == n {
			return first
		}
		r.events[n], r.events[least] = r.events[least], r.events[n]
		n = least
	}
}

// between draws from [low, high].
func between[T ~int | ~int64](random *rand.Rand, low, high T) T {
	return low + T(random.Int64N(int64(high-low)+1))
}

// chance is true in so many of a thousand.
func chance(random *rand.Rand, thousandths int) bool { return random.IntN(1000) < thousandths }
