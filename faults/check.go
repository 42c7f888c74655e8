package faults

import (
	"bytes"
	"fmt"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
)

// checker knows everything that happens, and says what must not.
type checker struct {
	run      *run
	failures []string

	blocks  []blockID        // Of each height, as the first honest machine decided.
	hashes  map[int64][]byte // The app hash after each height.
	done    map[tx.ID]int64  // Where an envelope was applied.
	nonces  map[nonce]tx.ID
	settled map[interval.Time]uint32 // The last revision of each interval.
	last    moment                   // When the last block was decided.
	due     int                      // How many blocks everybody has to have at the end.
}

type nonce struct {
	account tx.AccountID
	number  uint64
}

func newChecker(r *run) *checker {
	return &checker{
		run: r, hashes: map[int64][]byte{}, done: map[tx.ID]int64{}, nonces: map[nonce]tx.ID{},
		settled: map[interval.Time]uint32{},
	}
}

// fail ends the run with what is wrong.
func (c *checker) fail(format string, args ...any) {
	text := fmt.Sprintf("at %.3f s: ", float64(c.run.now)/float64(second)) + fmt.Sprintf(format, args...)
	c.run.trace.note("FAILED: %s", text)
	c.failures = append(c.failures, text)
}

// decided checks that nobody honest decides anything else, and looks into each block
// the first time.
func (c *checker) decided(v *validator, d *decided) {
	if v.bad != nil {
		return
	}
	b := d.Block
	n := int(b.Height) - 1
	switch {
	case n < len(c.blocks):
		if c.blocks[n] != b.id {
			c.fail("FORK: validator %d decides %x at height %d, others %x", v.index, b.id[:4], b.Height, c.blocks[n][:4])
		}
		return
	case n > len(c.blocks):
		c.fail("validator %d decides height %d, nobody the one before", v.index, b.Height)
		return
	}
	c.blocks = append(c.blocks, b.id)
	c.run.counts.Blocks++
	if c.last < c.run.healed && c.run.now >= c.run.healed {
		c.recovered(span(c.run.now - c.run.healed))
	}
	c.last = c.run.now
	c.contents(b)
}

// recoveryMost is how soon there is a block once everything healed, whoever lies.
const recoveryMost = 10 * second

// recovered takes in how long it took from healing to a block.
func (c *checker) recovered(took span) {
	c.run.counts.Recovery = took
	if took > recoveryMost {
		c.fail("SLOW: from healing to a block it took %.3f s", float64(took)/float64(second))
	}
}

// contents checks what a block carries: closes at the head, and nothing else but
// envelopes under good signatures.
func (c *checker) contents(b *block) {
	for n, raw := range b.Txs {
		if n == 0 && raw[0] == machine.KindCloses {
			continue
		}
		members, err := machine.Members(raw)
		if err != nil {
			c.fail("block %d holds what is no bundle: %v", b.Height, err)
			return
		}
		for _, member := range members {
			e, err := tx.Decode(member)
			if err == nil {
				err = e.Verify()
			}
			if err != nil {
				c.fail("block %d holds an envelope that nobody signed: %v", b.Height, err)
			}
		}
	}
}

// committed checks what a block came to at one machine: the same as everywhere else,
// and every invariant of every domain.
func (c *checker) committed(v *validator, r machine.Record) {
	if v.bad != nil {
		return
	}
	height, hash := v.app.Last()
	if height != r.Height {
		c.fail("validator %d tells of block %d, its ledger is at %d", v.index, r.Height, height)
		return
	}
	first, known := c.hashes[height]
	if known && !bytes.Equal(first, hash) {
		c.fail("FORK: validator %d has the app hash %x after block %d, others %x", v.index, hash[:4], height, first[:4])
		return
	}
	if !known { // What commits to the same rows was looked at.
		c.hashes[height] = hash
		c.audit(v)
		c.record(r)
	}
	v.event("committed", height, short(hash))
}

// audit checks every invariant of every domain over the rows of a machine.
func (c *checker) audit(v *validator) {
	if err := machine.Audit(v.ledger); err != nil {
		c.fail("the rows of validator %d at height %d: %v", v.index, v.ledger.height, err)
	}
}

// record reads what a block left behind.
func (c *checker) record(r machine.Record) {
	for _, o := range r.Outcomes {
		switch {
		case o.Account == 0 && o.Code != 0:
			c.fail("block %d closes what is not due, or holds what no block may: code %d", r.Height, o.Code)
		case o.Account != 0 && o.Code == 0:
			c.envelope(r.Height, o)
		}
		for _, f := range o.Receipts {
			switch f.Kind {
			case settlement.SettledReceipt.Kind:
				c.settle(r, settlement.SettledReceipt.Read(f.Receipt()))
			case settlement.StatementReceipt.Kind:
				c.statement(settlement.StatementReceipt.Read(f.Receipt()))
			case governance.DecidedReceipt.Kind:
				c.election(governance.DecidedReceipt.Read(f.Receipt()))
			}
		}
	}
}

// envelope checks that an envelope, and a nonce, is applied once.
func (c *checker) envelope(height int64, o machine.Outcome) {
	id, k := tx.ID(o.ID), nonce{o.Account, o.Nonce}
	if at, twice := c.done[id]; twice {
		c.fail("an envelope of account %d is applied at height %d and again at %d", o.Account, at, height)
	}
	if other, used := c.nonces[k]; used {
		c.fail("nonce %d of account %d serves envelopes %x and %x", o.Nonce, o.Account, other[:4], id[:4])
	}
	c.done[id], c.nonces[k] = height, id
}

// settle checks that an interval is settled once, and not before it is over: by the
// true clock, whatever those of the validators say.
func (c *checker) settle(r machine.Record, s settlement.Settled) {
	last, twice := c.settled[s.Start]
	if s.Revision <= last || twice != (s.Revision > 1) {
		c.fail("block %d settles revision %d of the interval at %d after revision %d", r.Height, s.Revision, s.Start, last)
	}
	c.settled[s.Start] = s.Revision
	if s.Revision > 1 {
		c.run.counts.Corrections++
		return
	}
	c.run.counts.Intervals++
	if end := s.Start + interval.Time(length); end > c.run.town.clock()+metering.MaxSkew {
		c.fail("block %d settles the interval at %d, %d s before its end", r.Height, s.Start, end-c.run.town.clock())
	}
}

// electors checks that those who decide after a block are those the ledger knows.
func (c *checker) electors(v *validator) {
	if known := governance.Validators(v.ledger); known != len(v.core.next.list) {
		c.fail("after block %d the ledger of validator %d knows %d validators, the chain %d", v.ledger.height, v.index, known, len(v.core.next.list))
	}
	for _, e := range v.core.next.list {
		if power := governance.PowerOf(v.ledger, governance.ValidatorKey(e.Key)); power != e.Power {
			c.fail("after block %d validator %x has the power %d on the ledger and %d in the chain", v.ledger.height, e.Key[:4], power, e.Power)
		}
	}
}

// election counts validators that come and go.
func (c *checker) election(d governance.Decided) {
	switch {
	case !d.Adopted || d.Change.Validator == nil:
		if d.Adopted && d.Change.Upgrade != nil {
			c.run.counts.Upgraded++
		}
	case d.Change.Validator.Power > 0:
		c.run.counts.Joined++
	default:
		c.run.counts.Removed++
	}
}

// statement checks that what a home took and gave is what it paid and was paid for.
func (c *checker) statement(s settlement.Statement) {
	bought, given := s.Import, s.Export
	for _, d := range s.Deals {
		if d.Bought {
			bought -= d.Energy
		} else {
			given -= d.Energy
		}
	}
	if bought != 0 || given != 0 {
		c.fail("point %d of the interval at %d: %d Wh taken and %d given are in no deal", s.Point, s.Start, bought, given)
	}
}

// answered checks that what a client is told is what the ledger of that machine says
// by then.
func (c *checker) answered(from *validator, q *request, height int64, o machine.Outcome) {
	if at, _ := from.app.Last(); at < height {
		c.fail("validator %d acknowledges envelope %d at height %d, its ledger is at %d", from.index, q.number, height, at)
	}
	if o.Code == 0 && party.FreshNonce(from.ledger, o.Account, o.Nonce) == nil {
		c.fail("validator %d acknowledges envelope %d, its ledger does not know the nonce", from.index, q.number)
	}
}

// used reports whether an applied envelope has a nonce.
func (c *checker) used(n nonce) bool {
	_, ok := c.nonces[n]
	return ok
}

// equivocated checks that nobody honest is caught at it.
func (c *checker) equivocated(k key) {
	for _, v := range c.run.nodes {
		if v.key == k && v.bad == nil {
			c.fail("validator %d is honest and voted twice", v.index)
		}
	}
}

// end checks, once everything healed, that nothing acknowledged is lost, that nothing
// is left waiting, and every rule over the rows of every machine.
func (c *checker) end() {
	for _, q := range c.run.clients.all {
		at, applied := c.done[q.id]
		switch {
		case q.acked && (!applied || at != q.height):
			c.fail("LOST: envelope %d (%s) was acknowledged at height %d", q.number, q.what, q.height)
		case q.bad && !q.copied && applied:
			c.fail("envelope %d (%s) was applied", q.number, q.what)
		}
	}
	for _, text := range c.stuck() {
		c.fail("STUCK: %s", text)
	}
	for _, v := range c.run.nodes {
		if v.bad == nil && v.up {
			c.audit(v)
		}
	}
}

// stuck says what is left waiting: envelopes without an answer, and machines that are
// not where all are to be.
func (c *checker) stuck() (list []string) {
	for _, q := range c.run.clients.all {
		if _, applied := c.done[q.id]; !q.bad && !q.done && !applied {
			list = append(list, fmt.Sprintf("envelope %d (%s) was not answered after %d tries", q.number, q.what, q.tries))
		}
	}
	for _, v := range c.run.nodes {
		if v.bad == nil && (!v.up || len(v.blocks) < c.due) {
			list = append(list, fmt.Sprintf("validator %d is down, or not at height %d", v.index, c.due))
		}
	}
	return list
}
