package faults

import (
	"math/rand/v2"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/tx"
)

// mischief is what a Byzantine validator does instead of what it should. It has the
// secrets of nobody else.
type mischief struct {
	v      *validator
	often  int  // Thousandths of what it says.
	splits bool // It works on one thing: that some decide a block and the others another one.
	random *rand.Rand
}

func newMischief(v *validator, plan *rand.Rand) *mischief {
	return &mischief{v: v, often: between(plan, 100, 900), splits: chance(plan, 400), random: v.run.mischief}
}

// acts counts and reports an act.
func (m *mischief) acts(what string) {
	m.v.run.counts.Forged++
	m.v.event(what, m.v.core.height, int64(m.v.core.round))
}

// proposes does something else with a proposal of its own, and reports whether it did.
func (m *mischief) proposes(p *proposal) bool {
	if m.splits && p.Round > 0 {
		return m.tempt(p)
	}
	if m.splits || !chance(m.random, m.often) {
		return false
	}
	switch m.random.IntN(7) {
	case 0:
		m.acts("withhold")
		return true
	case 1: // One block to some, another one to the others.
		m.acts("equivocate")
		other := m.other(p, p.Block.Txs[:len(p.Block.Txs)/2])
		m.split(func(o *validator) { o.hearProposal(p) }, func(o *validator) { o.hearProposal(other) })
		return true
	case 2:
		m.acts("malformed")
		return m.offer(m.other(p, append([][]byte{m.malformed()}, p.Block.Txs...)))
	case 3:
		m.acts("not-due")
		return m.offer(m.other(p, append([][]byte{m.notDue()}, p.Block.Txs...)))
	case 4:
		m.acts("wrong-block")
		b := *p.Block
		switch m.random.IntN(3) {
		case 0:
			b.Time += int64(hour)
		case 1:
			b.AppHash = append([]byte{1}, b.AppHash...)
		default:
			b.Last = nil
		}
		return m.offer(m.signed(&proposal{Round: p.Round, Valid: -1, Block: b.sealed()}))
	case 5:
		return m.tempt(p)
	default: // To some only.
		m.acts("some-only")
		m.split(func(o *validator) { o.hearProposal(p) }, func(*validator) {})
		return true
	}
}

// tempt proposes a new block, whatever it should hold on to, and votes for it at once:
// those who forgot what they are locked on would decide it, beside those who decided
// already.
func (m *mischief) tempt(p *proposal) bool {
	m.acts("tempt")
	b := m.v.block()
	b.Txs = b.Txs[:len(b.Txs)/2]
	b.Proposer = key{byte(m.random.IntN(256))} //nolint:gosec // Nobody asks who it was.
	other := m.signed(&proposal{Round: p.Round, Valid: -1, Block: b.sealed()})
	m.offer(other)
	for k := range 2 {
		ballot := &vote{Kind: kind(k), Height: b.Height, Round: p.Round, Block: b.id, Time: m.v.core.voteTime(), Voter: m.v.key}
		ballot.Sign = ballot.signed(m.v.secret)
		m.v.toAll(func(o *validator) { o.hearVote(ballot) })
	}
	return true
}

func (m *mischief) signed(p *proposal) *proposal {
	p.Sign = p.signed(m.v.secret)
	return p
}

// other is a proposal for the same round with other transactions.
func (m *mischief) other(p *proposal, txs [][]byte) *proposal {
	b := *p.Block
	b.Txs = txs
	return m.signed(&proposal{Round: p.Round, Valid: -1, Block: b.sealed()})
}

func (m *mischief) offer(p *proposal) bool {
	m.v.toAll(func(o *validator) { o.hearProposal(p) })
	return true
}

// split says one thing to some and another to the others.
func (m *mischief) split(one, other func(*validator)) {
	side := m.random.Uint64()
	for _, o := range m.v.run.nodes {
		if o == m.v {
			continue
		}
		if side>>o.index&1 == 0 {
			m.v.run.net.send(m.v, o, one)
		} else {
			m.v.run.net.send(m.v, o, other)
		}
	}
}

// malformed is a transaction that no block may hold.
func (m *mischief) malformed() []byte {
	switch m.random.IntN(5) {
	case 0:
		return []byte{machine.KindBundle}
	case 1:
		return []byte{7, 7, 7}
	case 2:
		return append(machine.EncodeCloses(nil), 0)
	case 3:
		return m.bundle([]byte("no envelope"))
	}
	return m.bundle(m.forged())
}

func (m *mischief) bundle(envelope []byte) []byte {
	raw, err := machine.EncodeBundle(m.random.Uint64(), [][]byte{envelope})
	if err != nil {
		panic(err)
	}
	return raw
}

// forged is a transfer that its account never signed.
func (m *mischief) forged() []byte {
	c := m.v.run.clients
	body := tx.Body{Chain: chainID, Account: firstMember, Nonce: c.nonces[firstMember] + 500, Expiry: 1 << 40, Operations: []tx.Operation{c.works.transfer(firstMember+1, 1)}}
	raw := tx.SignEd25519(body.Encode(), secretKey(uint64(firstMember)))
	raw[len(raw)-1] ^= 1
	return raw
}

// notDue is closes that nothing asks for: of the future, of the past, or twice.
func (m *mischief) notDue() []byte {
	start := m.v.run.town.first() + interval.Time(m.random.IntN(20))*interval.Time(length)
	c := machine.Close{Microgrid: microgrid, Start: start, Again: chance(m.random, 300)}
	list := []machine.Close{c}
	if chance(m.random, 300) {
		list = append(list, c)
	}
	return machine.EncodeCloses(list)
}

// votes does something else with a vote of its own, and reports whether it did.
func (m *mischief) votes(vote *vote) bool {
	other := *vote
	if m.splits && vote.Kind == precommit {
		m.acts("precommits-none")
		other.Block = blockID{}
		other.Sign = other.signed(m.v.secret)
		m.v.toAll(func(o *validator) { o.hearVote(&other) })
		return true
	}
	if m.splits || !chance(m.random, m.often) {
		return false
	}
	switch m.random.IntN(4) {
	case 0:
		m.acts("silent")
		return true
	case 1: // None to some, a block to the others; or a block that nobody proposed.
		m.acts("double-vote")
		other.Block = m.anyBlock()
		other.Sign = other.signed(m.v.secret)
		m.split(func(o *validator) { o.hearVote(vote) }, func(o *validator) { o.hearVote(&other) })
		return true
	case 2: // Under somebody else's name.
		m.acts("forged-vote")
		other.Voter = m.v.run.nodes[m.random.IntN(len(m.v.run.nodes))].key
		other.Block = m.anyBlock()
		other.Sign = other.signed(m.v.secret)
	default:
		m.acts("bad-signature")
		other.Sign[3] ^= 1
	}
	m.v.toAll(func(o *validator) { o.hearVote(&other) })
	return true
}

// anyBlock is some block of this height, or none.
func (m *mischief) anyBlock() blockID {
	list := []blockID{{}, {1}}
	for _, r := range m.v.core.rounds {
		for _, p := range r.proposals {
			list = append(list, p.Block.id)
		}
	}
	return list[m.random.IntN(len(list))]
}

// litters sends what is no bundle, for others to put into their blocks.
func (m *mischief) litters(to *validator) {
	if chance(m.random, m.often/4) {
		m.acts("litter")
		raw := m.malformed()
		m.v.run.net.send(m.v, to, func(o *validator) { o.intake.hear(raw) })
	}
}

// shows is what it shows to who asks for a decided block: now and then another one.
func (m *mischief) shows(d *decided) *decided {
	if !chance(m.random, m.often/2) {
		return d
	}
	m.acts("false-block")
	b := *d.Block
	b.Txs = append([][]byte{m.malformed()}, b.Txs...)
	commit := d.Commit[:len(d.Commit)/2]
	if chance(m.random, 500) {
		commit = d.Commit
	}
	return &decided{Block: b.sealed(), Commit: commit}
}
