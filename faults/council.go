package faults

import (
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/tx"
)

// council adds the machine that has no power as a validator, or removes it again: no
// other, so that Byzantine ones stay fewer than a third. Or it agrees on newer rules.
func (w *works) council() {
	r := w.c.run
	rows, ok := w.c.rows()
	if r.kinds&Votes == 0 || !ok {
		return
	}
	spare := r.nodes[len(r.nodes)-1]
	power := governance.PowerOf(rows, governance.ValidatorKey(spare.key))
	w.proposal++
	change := governance.Change{Validator: &governance.Validator{PublicKey: spare.key[:], Power: 1 - power}}
	if chance(r.work, 300) {
		height := int64(len(r.check.blocks)) + int64(between(r.work, 2, 12))
		change = governance.Change{Upgrade: &governance.Upgrade{Rules: machine.RulesNewest, Height: height}}
	}
	w.c.submit("propose a change", operator, governance.ProposeKind.Encode(governance.Propose{
		Proposal: w.proposal, Change: change, Until: r.town.clock() + 10*24*3600,
	}))
	for n := range 2 {
		w.c.submit("vote", member(n), governance.VoteKind.Encode(governance.Vote{Proposal: w.proposal, Yes: true}))
	}
}

// tricks are what nobody may get away with: envelopes that are sent again, forged,
// expired or for another ledger, and readings of what is to come.
func (w *works) tricks(from tx.AccountID) {
	r, c := w.c.run, w.c
	switch r.work.IntN(6) {
	case 0: // Again, byte by byte.
		old := c.all[r.work.IntN(len(c.all))]
		c.copyOf("sent again", old.raw)
	case 1: // A good one and, at the same time, the same under a bad signature.
		raw := c.sign(from, w.transfer(operator, 3))
		forged := append([]byte(nil), raw...)
		forged[len(forged)-1] ^= 1
		c.send("transfer beside a forged copy", raw, false)
		for range 3 {
			c.copyOf("forged copy", forged)
		}
	case 2:
		body := tx.Body{Chain: "another-1", Account: from, Nonce: c.nonces[from] + 1, Expiry: 1 << 40, Operations: []tx.Operation{w.transfer(operator, 5)}}
		c.send("for another ledger", tx.SignEd25519(body.Encode(), secretKey(uint64(from))), true)
	case 3:
		body := tx.Body{Chain: chainID, Account: from, Nonce: c.nonces[from] + 1, Expiry: 0, Operations: []tx.Operation{w.transfer(operator, 6)}}
		c.send("expired", tx.SignEd25519(body.Encode(), secretKey(uint64(from))), true)
	case 4: // Nonces leap, so that the window moves on.
		c.nonces[from] += uint64(between(r.work, 1, 1100)) //nolint:gosec // small
		c.submit("transfer after a leap", from, w.transfer(operator, 1))
	case 5:
		if !w.clocksHold() {
			return
		}
		start := w.read + interval.Time(between(r.work, 1, 12))*interval.Time(length)
		c.send("readings of the future", c.sign(operator, metering.RecordKind.Encode(metering.Record{
			Microgrid: microgrid, Intervals: []metering.Readings{{Start: start, Values: []metering.Value{value(1, start)}}},
		})), false)
	}
}

// clocksHold reports whether more than two thirds of the clocks are right by a second
// and were so from the begin on: then the time of blocks is right, whatever the
// others say, and whoever lies about the time is refused.
func (w *works) clocksHold() bool { return w.c.run.kinds&Clocks == 0 }

// copyOf sends an envelope that was there before or looks like it.
func (c *clients) copyOf(what string, raw []byte) {
	q := c.send(what, raw, true)
	q.copied = true
}
