package faults

import (
	"crypto/sha256"
	"errors"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// request is an envelope that somebody sends until it is answered.
type request struct {
	number int
	what   string
	raw    []byte
	id     tx.ID
	nonce  nonce
	bad    bool // Nobody may take it: it is forged, expired or for another ledger.
	copied bool // Another one has the same body.

	tries  int
	done   bool
	acked  bool
	height int64
	said   error
	code   uint32
}

// clients are who sends envelopes: they sign, send to one machine or several, ask
// again when no answer comes, and remember what was acknowledged.
type clients struct {
	run    *run
	all    []*request
	nonces map[tx.AccountID]uint64
	works  *works
}

// Times of the clients.
const (
	retryTime = 2 * second
	triesMax  = 1000
)

func newClients(r *run) *clients {
	c := &clients{run: r, nonces: map[tx.AccountID]uint64{}}
	c.works = newWorks(c)
	return c
}

// sign makes an envelope with the next nonce of an account.
func (c *clients) sign(account tx.AccountID, operations ...tx.Operation) []byte {
	c.nonces[account]++
	body := tx.Body{Chain: chainID, Account: account, Nonce: c.nonces[account], Expiry: 1 << 40, Operations: operations}
	return tx.SignEd25519(body.Encode(), secretKey(uint64(account)))
}

// submit sends operations of an account.
func (c *clients) submit(what string, account tx.AccountID, operations ...tx.Operation) *request {
	return c.send(what, c.sign(account, operations...), false)
}

// send sends an envelope as it is.
func (c *clients) send(what string, raw []byte, bad bool) *request {
	q := &request{number: len(c.all), what: what, raw: raw, bad: bad}
	if e, err := tx.Decode(raw); err == nil {
		q.id, q.nonce = e.ID, nonce{e.Body.Account, e.Body.Nonce}
	}
	c.all = append(c.all, q)
	c.run.counts.Envelopes++
	sum := sha256.Sum256(raw)
	c.run.trace.add("send", -1, int64(q.number), short(sum[:]))
	c.run.trace.note("envelope %d: %s", q.number, what)
	c.try(q)
	if chance(c.run.work, 150) {
		c.try(q) // To another machine, too.
	}
	return q
}

// try sends it to some machine, and again later if no answer came.
func (c *clients) try(q *request) {
	to := c.run.nodes[c.run.work.IntN(len(c.run.nodes))]
	q.tries++
	c.run.net.carry(0, func() {
		to.do(to.life, func() { to.intake.take(q) })
	})
	if q.bad && q.tries > 3 || q.tries > triesMax {
		return
	}
	c.run.after(retryTime+between(c.run.work, 0, second), func() {
		if !q.done {
			c.try(q)
		}
	})
}

// answered hears what became of an envelope in a block. Who lies is not believed.
func (c *clients) answered(from *validator, q *request, height int64, o machine.Outcome) {
	if from.bad != nil || q.done {
		return
	}
	c.run.check.answered(from, q, height, o)
	c.run.trace.add("answer", from.index, int64(q.number), height, int64(o.Code))
	c.run.trace.note("envelope %d (%s): code %d at height %d", q.number, q.what, o.Code, height)
	q.height, q.code = height, o.Code
	if o.Code == 0 {
		q.done, q.acked = true, true
		c.run.counts.Acknowledged++
		return
	}
	q.done = o.Code != party.ErrNonceUsed.Code || c.run.check.used(q.nonce)
	c.run.counts.Refused++
}

// refused hears why admission takes no envelope. That its nonce was used says only
// that a copy of it was in a block, or another one with its nonce.
func (c *clients) refused(from *validator, q *request, why error) {
	if from.bad != nil || q.done {
		return
	}
	c.run.trace.add("refuse", from.index, int64(q.number))
	c.run.trace.note("envelope %d: %v", q.number, why)
	c.run.counts.Refused++
	q.said = why
	if !errors.Is(why, party.ErrNonceUsed) {
		q.done = true
		return
	}
	q.done = c.run.check.used(q.nonce)
}

// rows are what a reader sees: the rows of an honest machine that is up, the one
// with the most blocks.
func (c *clients) rows() (state.Reader, bool) {
	var best *validator
	for _, v := range c.run.nodes {
		if v.up && v.bad == nil && v.process != nil && v.ledger != nil && (best == nil || len(v.blocks) > len(best.blocks)) {
			best = v
		}
	}
	if best == nil {
		return nil, false
	}
	return best.ledger, true
}
