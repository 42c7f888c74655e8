package cluster

import (
	"bytes"
	"cmp"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/store"
	"github.com/commonwatt/commonwatt/tx"
)

// lie is transactions that a proposer puts into a block, and that no block may hold.
type lie struct {
	name string
	txs  func(l *liar) [][]byte
	may  bool // A block may hold them, and they change nothing.
}

// forgedFirst is the first nonce of envelopes that a liar makes.
const forgedFirst = 1 << 50

// lies are those that are told, in turn.
var lies = []lie{
	{name: "of no kind", txs: func(*liar) [][]byte { return [][]byte{{7, 7, 7}} }},
	{name: "empty", txs: func(*liar) [][]byte { return [][]byte{{machine.KindBundle}} }},
	{name: "no envelope", txs: func(l *liar) [][]byte { return [][]byte{l.bundle([]byte("no envelope"))} }},
	{name: "cut off", txs: func(l *liar) [][]byte {
		raw := l.bundle(l.transfer())
		return [][]byte{raw[:len(raw)-1]}
	}},
	{name: "forged", txs: func(l *liar) [][]byte { return [][]byte{l.bundle(l.forged())} }},
	{name: "forged among good ones", txs: func(l *liar) [][]byte {
		return [][]byte{l.bundle(l.transfer(), l.forged(), l.transfer())}
	}},
	{name: "too large", txs: func(l *liar) [][]byte { return [][]byte{l.large()} }},
	{name: "closes that are not due", txs: func(*liar) [][]byte {
		return [][]byte{machine.EncodeCloses([]machine.Close{{Microgrid: 1, Start: 900}})}
	}},
	{name: "no closes", txs: func(*liar) [][]byte { return [][]byte{machine.EncodeCloses(nil)} }},
	{name: "closes after a bundle", txs: func(l *liar) [][]byte {
		return [][]byte{l.bundle(l.transfer()), machine.EncodeCloses([]machine.Close{{Microgrid: 1, Start: 900}})}
	}},
	{name: "decided before", may: true, txs: func(l *liar) [][]byte { return l.before }},
}

// liar is the application of a validator that proposes lies and accepts its own. It has
// the secrets of one account, and of nobody else.
type liar struct {
	*node.Application
	say func(...any)

	mu     sync.Mutex
	nonce  uint64
	told   int
	last   lie
	lied   [][]byte  // What it proposed for the block to come; nil: nothing.
	since  time.Time // When.
	before [][]byte  // A bundle that was decided.
	block  chain.Block
	height int64 // As of the last commit.
	hash   []byte
}

// Due is a lie. The chain asks for it when it makes a proposal, and for nothing else.
func (l *liar) Due(int64) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lied == nil {
		l.last, l.since = lies[l.told%len(lies)], time.Now()
		l.lied = l.last.txs(l)
		l.told++
	}
	return l.lied
}

// Accept accepts what it proposed.
func (l *liar) Accept(txs [][]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if holds(txs, l.lied) {
		return nil
	}
	return l.Application.Accept(txs)
}

// holds reports whether all of some transactions are among others.
func holds(txs, some [][]byte) bool {
	for _, tx := range some {
		if !slices.ContainsFunc(txs, func(o []byte) bool { return bytes.Equal(o, tx) }) {
			return false
		}
	}
	return len(some) > 0
}

// Finalize takes the block in that the others decided.
func (l *liar) Finalize(b chain.Block) (chain.Outcome, error) {
	l.block = b
	return l.Application.Finalize(b)
}

// Commit tells whether the lie is in the block, and how long the block took.
func (l *liar) Commit() error {
	if err := l.Application.Commit(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.height, l.hash = l.Last()
	if l.lied != nil {
		l.say("lie", l.block.Height, time.Since(l.since).Microseconds(), holds(l.block.Txs, l.lied), l.last.name)
	}
	l.lied = nil
	if len(l.block.Txs) > 0 && len(l.before) == 0 {
		l.before = [][]byte{bytes.Clone(l.block.Txs[0])}
	}
	return nil
}

// at is how far it is.
func (l *liar) at() (height int64, hash []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.height, l.hash
}

// transfer is one that its account signed.
func (l *liar) transfer() []byte {
	l.nonce++
	return sign(1, forgedFirst+l.nonce, ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: 2, Amount: 1}))
}

// forged is a transfer that its account did not sign.
func (l *liar) forged() []byte {
	raw := l.transfer()
	raw[len(raw)-1] ^= 1
	return raw
}

func (l *liar) bundle(envelopes ...[]byte) []byte {
	raw, err := machine.EncodeBundle(l.nonce, envelopes)
	if err != nil {
		panic(err)
	}
	return raw
}

// large is a bundle that is in order, but for its size.
func (l *liar) large() []byte {
	var envelopes [][]byte
	many := slices.Repeat([]tx.Operation{ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: 2, Amount: 1})}, tx.MaxOperations)
	for size := 0; size <= tx.MaxBundle; size += len(envelopes[len(envelopes)-1]) {
		l.nonce++
		envelopes = append(envelopes, sign(1, forgedFirst+l.nonce, many...))
	}
	head := l.bundle(envelopes[0])[:9] // The kind and the stamp.
	return append(bytes.Clone(head), codec.Marshal(envelopes)...)
}

// mislead runs a validator whose proposals are lies, and otherwise is told what to do as
// serve is.
func mislead(p place) int {
	say := sayer()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(filepath.Join(p.Dir, "store"), store.Options{Log: log})
	if err != nil {
		say("stop", err)
		return exitRefused
	}
	app, err := node.NewApplication(s, admission.NewVerifier(1<<10, 1<<14))
	if err != nil {
		say("stop", err)
		return exitRefused
	}
	l := &liar{Application: app, say: say}
	l.height, l.hash = app.Last()
	c, err := chain.Start(chain.Config{Dir: filepath.Join(p.Dir, "chain"), Listen: p.Listen, Peers: p.Peers, Log: log}, l,
		func(name string) chain.KV { return s.KV(name) })
	if err != nil {
		say("stop", strings.ReplaceAll(err.Error(), "\n", " "))
		return exitRefused
	}
	say("up")
	for word := range told() {
		switch word {
		case "state":
			height, hash := l.at()
			say("at", height, cmp.Or(fmt.Sprintf("%x", hash), "none-yet"))
		case "close":
			if err := c.Stop(); err != nil {
				say("stop", err)
				return exitUnclean
			}
			if err := s.Close(); err != nil {
				say("stop", err)
				return exitUnclean
			}
			return exitClosed
		}
	}
	return exitUnclean
}

// verdict is what became of a lie, in the words of who told it.
type verdict struct {
	name    string
	height  int64
	took    time.Duration // From the proposal to the block that was decided instead.
	decided bool
}

// verdicts are those on all lies that a process told.
func (p *process) verdicts() (list []verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lies {
		var v verdict
		var micros int64
		if _, err := fmt.Sscan(line, &v.height, &micros, &v.decided); err != nil {
			panic(err)
		}
		v.name, v.took = strings.Join(strings.Fields(line)[3:], " "), time.Duration(micros)*time.Microsecond
		list = append(list, v)
	}
	return list
}

// refuses reports whether a node said that it refused the proposal of a height.
func refuses(p *process, height int64) bool {
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, "state machine rejected a proposed block") && strings.Contains(line, fmt.Sprintf(" height=%d ", height)) {
			return true
		}
	}
	return false
}

// One validator of four proposes what no block may hold, whenever it is its turn. The
// others refuse it, every time, and go on without: nothing is lost, nothing applied twice,
// and all have the same hash at every height.
func TestThreeGoOnBesideALiar(t *testing.T) {
	t.Parallel()
	times := campaign(t, "COMMONWATT_BYZANTINE", len(lies), len(lies))
	begin := time.Now()
	c := newCluster(t, newLoopback(t, size))
	c.places[3].Lies = true
	c.startAll()
	cl, honest := newClient(c), others(3)
	cl.fund(0)
	liar, watching := c.running[3], []*process{c.running[0], c.running[1], c.running[2]}
	for told := 0; told < times; {
		c.until("another lie is over", func() bool {
			cl.push(8, honest...)
			return len(liar.verdicts()) > told
		})
		told = len(liar.verdicts())
	}
	height := cl.check()
	said := reckon(t, liar.verdicts(), watching)
	t.Logf("%d lies, %d envelopes acknowledged, height %d, %.0f s%s", len(liar.verdicts()), cl.count(), height, time.Since(begin).Seconds(), said)
}

// reckon says, for each kind of lie, how often it was told and refused and how long those
// heights took, and that none was decided.
func reckon(t *testing.T, told []verdict, watching []*process) (said string) {
	t.Helper()
	for _, l := range lies {
		var took []time.Duration
		noticed := 0
		for _, v := range told {
			if v.name != l.name {
				continue
			}
			if v.decided && !l.may {
				t.Errorf("block %d holds what is %s", v.height, v.name)
			}
			took = append(took, v.took)
			for _, p := range watching {
				if refuses(p, v.height) {
					noticed++
				}
			}
		}
		if len(took) == 0 || !l.may && noticed == 0 {
			t.Errorf("%s: told %d times and refused %d times", l.name, len(took), noticed)
			continue
		}
		slices.Sort(took)
		said += fmt.Sprintf("\n%s: told %d times, refused %d times by three nodes; half of the heights within %d ms, all within %d ms",
			l.name, len(took), noticed, took[len(took)/2].Milliseconds(), took[len(took)-1].Milliseconds())
	}
	return said
}
