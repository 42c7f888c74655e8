package faults

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
)

// validator is one machine: what is on its disk, and the process on it while it is
// up. A machine whose key has no power follows the chain without a vote.
type validator struct {
	run    *run
	index  int
	key    key
	secret []byte
	disk   *disk
	wrong  span  // What its clock is ahead by.
	drift  int64 // What its clock gains, in millionths.

	up   bool
	life int    // How often it was started; what an earlier life planned does not happen.
	busy moment // The disk keeps it until then.

	*process
	bad *mischief // nil: it is honest.
}

// process is what a machine loses when it goes down.
type process struct {
	app    *node.Application
	ledger *ledgerFile
	core   core
	blocks []*decided // All of them; the first has height 1.
	stored *journal   // Of blocks.
	states *journal   // What the application said of each block.
	signed *journal   // What was signed and heard at this height.
	intake *intake
}

// verdict is what the application said of a block, as the chain keeps it.
type verdict struct {
	_       struct{} `cbor:",toarray"`
	Height  int64
	AppHash []byte
	Changes []elector
}

// Room for what the verifiers of a small town remember.
const (
	keysMax     = 256
	verdictsMax = 4096
)

// event adds an event of this validator to the trace.
func (v *validator) event(what string, numbers ...int64) { v.run.trace.add(what, v.index, numbers...) }

// clock is what the validator takes for the time, in µs since 1970.
func (v *validator) clock() int64 {
	now := int64(v.run.now)
	return v.run.town.epoch() + now + now/1_000_000*v.drift + int64(v.wrong)
}

// after plans something in this life.
func (v *validator) after(s span, do func()) {
	life := v.life
	v.run.after(s, func() { v.do(life, do) })
}

// do runs something in this process unless it ended since; while the disk is busy it
// waits. A failure of the power in the middle of a write ends it there.
func (v *validator) do(life int, what func()) {
	switch {
	case !v.up || life != v.life:
		return
	case v.busy > v.run.now:
		v.run.at(v.busy, func() { v.do(life, what) })
		return
	}
	defer v.ends()
	v.disk.spent = 0
	what()
	v.busy = v.run.now + moment(v.disk.spent)
}

// ends looks at how what was done ended.
func (v *validator) ends() {
	switch reason := recover().(type) {
	case nil:
	case powerFailure:
		v.crash()
	case halted:
		v.stop(reason.why)
	default:
		v.run.check.fail("validator %d panicked: %v\n%s", v.index, reason, debug.Stack())
	}
}

// crash is a failure of the power, or a kill: what is not on disk is gone.
func (v *validator) crash() {
	v.event("crash", int64(v.life))
	v.run.counts.Crashes++
	v.up, v.process = false, nil
	v.disk.crash()
}

// halted is the panic of a process that cannot go on.
type halted struct{ why error }

// stop is a process that ends because it cannot go on, as the node does; it is started
// again a little later.
func (v *validator) stop(reason error) {
	v.event("stop", int64(v.life))
	v.run.trace.note("node %d stops: %v", v.index, reason)
	v.up, v.process = false, nil
	v.disk.crash()
	v.run.after(2*second, v.start)
}

// start starts the process on what its disk holds.
func (v *validator) start() {
	if v.up {
		return
	}
	v.up, v.life, v.busy = true, v.life+1, v.run.now
	v.process = &process{}
	v.do(v.life, func() {
		err := v.recover()
		if errors.Is(err, errFull) {
			panic(halted{err})
		}
		if err != nil {
			v.run.check.fail("validator %d does not start: %v", v.index, err)
			return
		}
		v.event("start", v.core.height, int64(v.core.round), int64(v.core.step))
		v.core.settle()
		v.core.turn()
		v.ask()
	})
}

// recover brings the application up to the last block on disk, as CometBFT's
// handshake does, and consensus to what was signed last.
func (v *validator) recover() error {
	var records, states, signed [][]byte
	v.stored, records = openJournal(v.disk, "blocks")
	v.states, states = openJournal(v.disk, "states")
	v.signed, signed = openJournal(v.disk, "votes")
	v.ledger = openLedger(v.disk)
	app, err := node.NewApplication(v.ledger, admission.NewVerifier(keysMax, verdictsMax))
	if err != nil {
		return err
	}
	v.app = app
	v.intake = newIntake(v)
	app.Committed = func(r machine.Record, txs [][]byte) {
		v.intake.answer(r, txs)
		v.run.check.committed(v, r)
	}
	if height, _ := app.Last(); height == 0 {
		if _, err := app.Genesis(chainID, v.run.town.genesis()); err != nil {
			return err
		}
	}
	if err := v.replay(records, states); err != nil {
		return err
	}
	v.core.v = v
	v.core.enter(int64(len(v.blocks)) + 1)
	v.remember(signed)
	return nil
}

// replay hands the application the blocks that its ledger lost.
func (v *validator) replay(records, states [][]byte) error {
	v.core.set, v.core.next = v.run.town.electors, v.run.town.electors
	v.blocks = make([]*decided, 0, len(records)+64)
	for n, raw := range records {
		d, err := readDecided(raw)
		if err != nil {
			return err
		}
		var said *verdict
		if n < len(states) {
			said = readVerdict(states[n])
		}
		if d.Block.Height != int64(n)+1 || said != nil && said.Height != d.Block.Height {
			return fmt.Errorf("block %d stands where %d should", d.Block.Height, n+1)
		}
		height, _ := v.app.Last()
		if height < d.Block.Height {
			v.event("replay", d.Block.Height)
			v.run.counts.Replays++
		}
		if err := v.execute(d, said, height < d.Block.Height); err != nil {
			return err
		}
	}
	if height, _ := v.app.Last(); height > int64(len(v.blocks)) {
		return fmt.Errorf("the ledger is at height %d, the chain at %d", height, len(v.blocks))
	}
	return nil
}

// execute takes a decided block in: the application executes it unless it did, and
// what it says has to be what it said before the crash, if it did.
func (v *validator) execute(d *decided, said *verdict, fresh bool) error {
	was, out := v.appHash(), verdict{}
	if fresh {
		v.run.counts.Executed++
		if err := v.app.Next(); err != nil {
			return err
		}
		b := d.Block
		outcome, err := v.app.Finalize(chain.Block{Height: b.Height, Time: b.Time / int64(second), Hash: b.id[:], Txs: b.Txs})
		if err != nil {
			return err
		}
		out = verdict{Height: b.Height, AppHash: outcome.AppHash}
		for _, p := range outcome.Validators {
			out.Changes = append(out.Changes, elector{Key: key(p.PublicKey), Power: p.Power})
		}
		if said != nil && !bytes.Equal(said.AppHash, out.AppHash) {
			return fmt.Errorf("block %d came to the app hash %x before the crash, and to %x after it", b.Height, said.AppHash, out.AppHash)
		}
		if said == nil {
			if err := v.states.append(encodeVerdict(out), true); err != nil {
				return err
			}
		}
		if err := v.app.Commit(); err != nil {
			return err
		}
	} else {
		out = *said // The chain writes it before the ledger has the block.
	}
	c := &v.core
	c.lastSet, c.set, c.next = c.set, c.next, c.next.with(out.Changes)
	c.last, c.proving = d, !bytes.Equal(was, out.AppHash)
	v.blocks = append(v.blocks, d)
	if fresh && v.bad == nil {
		v.run.check.electors(v)
	}
	return nil
}

// appHash is that of the last block that the application has.
func (v *validator) appHash() []byte {
	_, hash := v.app.Last()
	return hash
}

// decided makes a decided block last: the chain's own files first, synced, then the
// application's (store.Store.Commit).
func (v *validator) decided(d *decided) {
	v.event("decided", d.Block.Height, int64(d.Commit[0].Round), short(d.Block.id[:]), int64(len(d.Block.Txs)))
	v.run.check.decided(v, d)
	err := v.stored.append(encodeDecided(d), true)
	if err == nil {
		err = v.execute(d, nil, true)
	}
	if err != nil {
		panic(halted{err})
	}
	v.signed.empty()
	v.core.enter(d.Block.Height + 1)
	v.intake.decided(d.Block)
	v.core.start(0)
	v.intake.gather()
}

// works reports whether there is something to put into a block.
func (v *validator) works() bool { return len(v.intake.pool) > 0 }

// block makes the block that this validator would propose.
func (v *validator) block() *block {
	c := &v.core
	b := &block{Height: c.height, Time: v.run.town.genesisTime(), Proposer: v.key, AppHash: v.appHash(), Txs: v.intake.pick()}
	if c.last != nil {
		b.Last = c.last.Commit
		b.Time = c.blockTime(b.Last)
	}
	return b.sealed()
}

// accepts says whether the application accepts a block.
func (v *validator) accepts(b *block) bool {
	err := v.app.Accept(b.Txs)
	if err == nil && !bytes.Equal(b.AppHash, v.appHash()) {
		err = fmt.Errorf("the app hash is %x, not %x", b.AppHash, v.appHash())
	}
	if err != nil {
		v.event("rejected", b.Height, short(b.id[:]))
		v.run.trace.note("node %d: %v", v.index, err)
		v.run.counts.Rejected++
	}
	return err == nil
}

// propose signs a proposal and sends it.
func (v *validator) propose(p *proposal) {
	p.Sign = p.signed(v.secret)
	v.keep(heard{Proposal: p}, true)
	v.event("propose", p.Block.Height, int64(p.Round), int64(p.Valid), short(p.Block.id[:]))
	v.core.heardProposal(p)
	if v.bad != nil && v.bad.proposes(p) {
		return
	}
	v.toAll(func(o *validator) { o.hearProposal(p) })
}

// cast signs a vote, keeps it and sends it.
func (v *validator) cast(vote *vote) {
	vote.Sign = vote.signed(v.secret)
	v.keep(heard{Vote: vote}, true)
	v.event("vote", vote.Height, int64(vote.Round), int64(vote.Kind), short(vote.Block[:]))
	v.core.heardVote(vote)
	if v.bad != nil && v.bad.votes(vote) {
		return
	}
	v.toAll(func(o *validator) { o.hearVote(vote) })
}

// toAll sends something to all others.
func (v *validator) toAll(deliver func(*validator)) {
	for _, o := range v.run.nodes {
		if o != v {
			v.run.net.send(v, o, deliver)
		}
	}
}

// hearProposal takes a proposal in.
func (v *validator) hearProposal(p *proposal) {
	if v.core.heardProposal(p) {
		v.keep(heard{Proposal: p}, false)
		v.event("proposal", p.Block.Height, int64(p.Round), short(p.Block.id[:]))
		v.core.turn()
		v.core.settle()
	}
}

// hearVote takes a vote in.
func (v *validator) hearVote(vote *vote) {
	if v.core.heardVote(vote) {
		v.keep(heard{Vote: vote}, false)
		v.core.settle()
	}
}
