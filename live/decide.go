package live

import (
	"context"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// ToDecide is what an organisation wants of the council: to admit somebody, to remove
// somebody, other changes, or to vote on a proposal. What is proposed already, it
// votes for.
type ToDecide struct {
	Admit   *node.Request       `json:"admit,omitempty"`
	Power   int64               `json:"power,omitempty"` // That who is admitted is to have.
	Changes []governance.Change `json:"changes,omitempty"`
	Vote    *governance.Vote    `json:"vote,omitempty"`  // On proposal 0: on all that are open.
	Ahead   bool                `json:"ahead,omitempty"` // Heights in changes are counted from now.
	Days    int                 `json:"days"`            // For which new proposals are open.
	DryRun  bool                `json:"dry_run"`
	Force   bool                `json:"force"` // Even if the chain may stop.
}

// Decision is what came of it.
type Decision struct {
	Booked    []string  `json:"booked"`
	Proposals []VotedOn `json:"proposals"`
}

// VotedOn is a proposal that was voted on.
type VotedOn struct {
	NetworkVote
	Outcome string `json:"outcome"` // "open", "adopted" or "rejected".
}

// voice signs for the organisation whose node this is.
func (l *Live) voice() *operator.Operator {
	if l.Operator != nil {
		return l.Operator
	}
	return l.Organisation
}

// decide proposes and votes.
//
// Errors: *api.Unfit; a refusal of the ledger.
func (l *Live) decide(ctx context.Context, ask ToDecide) (d Decision, err error) {
	known, err := node.LoadOrganisations(l.Dir)
	if err != nil {
		return d, err
	}
	if ask.Admit != nil {
		known = append(known, ask.Admit.Organisation)
	}
	l.draw(ctx)
	var b ballotPaper
	var receipts []op.Receipt
	l.Node.Read(func(rows state.Reader, head machine.Head) {
		now := max(head.Time, interval.Time(l.Now().Unix()))
		b = ballotPaper{rows: rows, head: head, until: now + interval.Time(max(ask.Days, 1))*24*3600}
		if err = b.fill(ask); err == nil {
			receipts, err = operator.Try(rows, head, now, l.voice().Account(), b.operations)
		}
	})
	if err == nil && !ask.Force {
		err = l.alive(b.changes, known)
	}
	if err != nil {
		return d, err
	}
	d.Booked = Describe(b.operations)
	if len(b.operations) == 0 && !ask.DryRun {
		return d, node.KeepOrganisations(l.Dir, ask.Admit.Organisation)
	}
	if !ask.DryRun {
		if receipts, err = l.cast(ctx, b.operations, ask); err != nil {
			return d, err
		}
	}
	d.Proposals = l.outcome(receipts, known)
	return d, nil
}

// drawMax is for how long a node waits for what its peers have, before it votes: what
// others proposed a moment ago may be on its way.
const drawMax = 5 * time.Second

// draw waits until the node has what its peers have. One that boasts costs a moment.
func (l *Live) draw(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drawMax)
	defer cancel()
	_ = l.Node.Wait(ctx, l.Node.Others()) // What it has then is what it votes on.
}

// cast signs and waits, and keeps the name of who is admitted.
func (l *Live) cast(ctx context.Context, operations []tx.Operation, ask ToDecide) (receipts []op.Receipt, err error) {
	outcome, _, err := l.voice().Settle(ctx, operations)
	if err := l.voice().Accepted(outcome, err); err != nil {
		return nil, err
	}
	for _, f := range outcome.Receipts {
		receipts = append(receipts, f.Receipt())
	}
	if ask.Admit != nil {
		err = node.KeepOrganisations(l.Dir, ask.Admit.Organisation)
	}
	return receipts, err
}

// ballotPaper is what an organisation is about to sign.
type ballotPaper struct {
	rows       state.Reader
	head       machine.Head
	until      interval.Time // To which new proposals are open.
	operations []tx.Operation
	changes    []governance.Change   // That it is for.
	last       governance.ProposalID // That got a number here.
}

// fill writes down what is asked for.
func (b *ballotPaper) fill(ask ToDecide) error {
	switch {
	case ask.Admit != nil:
		return b.admit(*ask.Admit, ask.Power)
	case ask.Vote != nil:
		return b.vote(*ask.Vote)
	}
	for _, c := range ask.Changes {
		if c.Upgrade != nil && ask.Ahead {
			c.Upgrade.Height += b.head.Height
		}
		b.agree(c)
	}
	return nil
}

// vote votes on a proposal by its number.
func (b *ballotPaper) vote(v governance.Vote) error {
	all := v.Proposal == 0
	for id, p := range governance.Open(b.rows) {
		if p.Microgrid != 0 || p.Until <= b.head.Time || !all && id != v.Proposal {
			continue
		}
		if v.Yes {
			b.changes = append(b.changes, p.Change)
		}
		b.operations = append(b.operations, governance.VoteKind.Encode(governance.Vote{Proposal: id, Yes: v.Yes}))
	}
	if len(b.operations) > 0 {
		return nil
	}
	if all {
		return &api.Unfit{Text: "no proposal is open"}
	}
	return &api.Unfit{Text: fmt.Sprintf("there is no open proposal %d: \"commonwatt network proposals\" lists those that there are", v.Proposal)}
}

// admit opens the account of an organisation, and is for its validator and its seat,
// in this order: with the seat, more are needed for the rest. Who is admitted already
// needs nothing.
func (b *ballotPaper) admit(r node.Request, power int64) error {
	if r.Chain != b.head.ChainID {
		return &api.Unfit{Text: fmt.Sprintf("%s asks to be admitted to %s, this is %s", r.Name, r.Chain, b.head.ChainID)}
	}
	key := tx.Key{Scheme: tx.Ed25519, Public: r.Key}
	account, opened := party.At(b.rows, r.Account)
	if _, its := account.RoleOf(key); opened && !its {
		return &api.Unfit{Text: fmt.Sprintf("account %d is somebody else's: %s has to join again, with another key", r.Account, r.Name)}
	}
	if !opened {
		b.operations = append(b.operations, party.OpenKind.Encode(party.Open{Account: r.Account, Keys: []party.Credential{{Key: key, Role: party.Owner}}}))
	}
	if governance.PowerOf(b.rows, governance.ValidatorKey(r.Validator)) != power {
		b.agree(governance.Change{Validator: &governance.Validator{PublicKey: r.Validator, Power: power}})
	}
	if !slices.Contains(governance.Council(b.rows), r.Account) {
		b.agree(governance.Change{Seating: &governance.Seating{Account: r.Account, Seated: true}})
	}
	return nil
}

// agree votes for a change, and proposes it unless somebody did.
func (b *ballotPaper) agree(c governance.Change) {
	b.changes = append(b.changes, c)
	id := governance.ProposalID(0)
	for open, p := range governance.Open(b.rows) {
		if p.Microgrid == 0 && p.Until > b.head.Time && reflect.DeepEqual(p.Change, c) {
			id = open
		}
	}
	if id == 0 {
		id = b.number()
		b.operations = append(b.operations, governance.ProposeKind.Encode(governance.Propose{Proposal: id, Change: c, Until: b.until}))
	}
	b.operations = append(b.operations, governance.VoteKind.Encode(governance.Vote{Proposal: id, Yes: true}))
}

// perHeight is how many proposals have numbers of one height. Numbers that grow with
// the chain name nothing twice: nobody votes by mistake for what came later.
const perHeight = 10

// number is that of a new proposal.
func (b *ballotPaper) number() governance.ProposalID {
	id := max(b.last+1, governance.ProposalID((b.head.Height+1)*perHeight)) //nolint:gosec // heights are ≥ 0
	for governance.Taken(b.rows, id) {
		id++
	}
	b.last = id
	return id
}

// alive refuses changes after which no more than two thirds of the voting power would
// be seen: the chain would stand still.
func (l *Live) alive(changes []governance.Change, known []node.Organisation) error {
	n, err := l.network(known)
	if err != nil {
		return err
	}
	changed := false
	for _, c := range changes {
		if c.Validator == nil {
			continue
		}
		changed = true
		key := hex.EncodeToString(c.Validator.PublicKey)
		i := slices.IndexFunc(n.Validators, func(m NetworkMember) bool { return m.Validator == key })
		if i < 0 {
			i = len(n.Validators)
			n.Validators = append(n.Validators, NetworkMember{Validator: key})
			if err := l.sights(n.Validators[i:], known); err != nil {
				return err
			}
		}
		n.Validators[i].Power = c.Validator.Power
	}
	var all, seen int64
	var unseen strings.Builder
	for _, m := range n.Validators {
		all += m.Power
		switch {
		case m.Seen():
			seen += m.Power
		case m.Power > 0:
			fmt.Fprintf(&unseen, "; %s is not seen", m.Title())
		}
	}
	if !changed || 3*seen > 2*all {
		return nil
	}
	return &api.Unfit{Text: fmt.Sprintf("with this, %d of %d of the voting power would be connected, and the chain needs more than two thirds to go on%s: start what is missing first, or, if you know better, add --force; nothing was booked", seen, all, unseen.String())}
}

// Title is what a validator is called: by its organisation, or by its key.
func (m NetworkMember) Title() string {
	if m.Name != "" {
		return m.Name
	}
	return "validator " + ShortKey(m.Validator)
}

// outcome tells of receipts what became of proposals.
func (l *Live) outcome(receipts []op.Receipt, known []node.Organisation) (list []VotedOn) {
	decided := map[governance.ProposalID]string{}
	changes := map[governance.ProposalID]governance.Change{}
	var order []governance.ProposalID
	for _, r := range receipts {
		switch r.Kind {
		case governance.Proposed.Kind:
			p := governance.Proposed.Read(r)
			changes[p.Proposal] = p.Change
		case governance.VotedReceipt.Kind:
			order = append(order, governance.VotedReceipt.Read(r).Proposal)
		case governance.DecidedReceipt.Kind:
			d := governance.DecidedReceipt.Read(r)
			changes[d.Proposal], decided[d.Proposal] = d.Change, "rejected"
			if d.Adopted {
				decided[d.Proposal] = "adopted"
			}
		}
	}
	l.Node.Read(func(rows state.Reader, head machine.Head) {
		open := map[governance.ProposalID]NetworkVote{}
		for _, v := range NetworkOf(rows, head, known).Proposals {
			open[v.Proposal] = v
		}
		for _, id := range order {
			v := VotedOn{open[id], decided[id]}
			if v.Outcome == "" {
				v.Outcome = "open"
			}
			if c, ok := changes[id]; ok {
				v.Change = c
			}
			v.Proposal, v.Says = id, saysChange(v.Change, known)
			list = append(list, v)
		}
	})
	return list
}
