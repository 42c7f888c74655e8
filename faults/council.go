package faults

import (
	"slices"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/party"
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
	switch r.work.IntN(8) {
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
	case 4: // Nonces leap by the window, and then one is used that was skipped.
		c.nonces[from] += party.NonceWindow
		skipped := c.nonces[from]
		c.submit("transfer after a leap", from, w.transfer(operator, 1))
		r.after(2*second, func() {
			body := tx.Body{Chain: chainID, Account: from, Nonce: skipped, Expiry: 1 << 40, Operations: []tx.Operation{w.transfer(operator, 2)}}
			c.send("transfer with a skipped nonce", tx.SignEd25519(body.Encode(), secretKey(uint64(from))), false)
		})
	case 5:
		w.future(w.read + interval.Time(between(r.work, 1, 12))*interval.Time(length))
	case 6: // What a meter signed, and the same with another signature under it.
		list := w.said[max(0, len(w.said)-4):]
		if len(list) == 0 {
			return
		}
		forged := slices.Clone(list[r.work.IntN(len(list))])
		forged[len(forged)-1] ^= 1
		c.submit("messages forged and told again", operator, device.DeliverKind.Encode(device.Deliver{Microgrid: microgrid, Messages: append([][]byte{forged}, list...)}))
	case 7: // A new nonce far below the highest.
		if highest := c.nonces[from]; highest > 1 {
			body := tx.Body{Chain: chainID, Account: from, Nonce: 1 + r.work.Uint64N(highest-1), Expiry: 1 << 40, Operations: []tx.Operation{w.transfer(operator, 7)}}
			c.copyOf("an old nonce", tx.SignEd25519(body.Encode(), secretKey(uint64(from))))
		}
	}
}

// future sends readings, or the word that nothing more is to be waited for, of an
// interval that is not over: they are refused as long as the time of blocks is right.
func (w *works) future(start interval.Time) {
	r, c := w.c.run, w.c
	if r.kinds&Clocks != 0 && !w.fewWrong {
		return
	}
	if chance(r.work, 400) {
		c.submit("lapse of the future", operator, metering.LapseKind.Encode(metering.Lapse{Microgrid: microgrid, Until: start}))
		return
	}
	c.submit("readings of the future", operator, metering.RecordKind.Encode(metering.Record{
		Microgrid: microgrid, Intervals: []metering.Readings{{Start: start, Values: []metering.Value{value(meter(0), start)}}},
	}))
}

// copyOf sends an envelope that was there before or looks like it.
func (c *clients) copyOf(what string, raw []byte) {
	q := c.send(what, raw, true)
	q.copied = true
}
