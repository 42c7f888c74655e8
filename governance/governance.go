// Package governance changes, by vote, what no single party may change alone.
//
// Its promise: the validators, the council and the rules by which blocks are
// executed change only by a majority of the council, and how a microgrid trades, and who operates it, only by a majority
// of its members who hold keys of their own. Whoever runs the microgrid has one
// voice there, or none.
package governance

import (
	"encoding/binary"
	"iter"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Ops is every operation of this domain.
var Ops = op.NewSet("governance", 8000)

// ProposalID names a proposal; whoever makes it chooses the number.
type ProposalID uint64

// AppendKey orders proposals by number.
func (id ProposalID) AppendKey(b []byte) []byte { return binary.BigEndian.AppendUint64(b, uint64(id)) }

// ReadKey reads what AppendKey wrote.
func (ProposalID) ReadKey(b []byte) ProposalID { return ProposalID(binary.BigEndian.Uint64(b)) }

// Change is what a proposal asks for: exactly one of these.
type Change struct {
	Validator *Validator    `cbor:"1,keyasint,omitempty" json:"validator,omitempty"` // By the council.
	Seating   *Seating      `cbor:"2,keyasint,omitempty" json:"seating,omitempty"`   // By the council.
	Rules     *market.Rules `cbor:"3,keyasint,omitempty" json:"rules,omitempty"`     // By a microgrid's members.
	Operator  tx.AccountID  `cbor:"4,keyasint,omitempty" json:"operator,omitempty"`  // By a microgrid's members.
	Upgrade   *Upgrade      `cbor:"5,keyasint,omitempty" json:"upgrade,omitempty"`   // By the council.
}

// Validator is a validator's key and the voting power it is to have; 0 removes it.
type Validator struct {
	PublicKey []byte `cbor:"1,keyasint" json:"public_key"` // Ed25519.
	Power     int64  `cbor:"2,keyasint" json:"power"`
}

// Seating gives an account a seat in the council, or takes it.
type Seating struct {
	Account tx.AccountID `cbor:"1,keyasint" json:"account"`
	Seated  bool         `cbor:"2,keyasint" json:"seated"`
}

// Proposal is an open proposal.
type Proposal struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint"` // Whose members vote; 0: the council.
	Change    Change           `cbor:"2,keyasint"`
	Until     interval.Time    `cbor:"3,keyasint"` // Votes count before this moment.
}

// seat is a seat in the council.
type seat struct{}

// ballot is the key of a vote.
type ballot struct {
	Proposal ProposalID
	Account  tx.AccountID
}

// AppendKey orders votes by proposal, then account.
func (b ballot) AppendKey(key []byte) []byte { return b.Account.AppendKey(b.Proposal.AppendKey(key)) }

// ReadKey reads what AppendKey wrote.
func (ballot) ReadKey(b []byte) ballot {
	return ballot{ProposalID(0).ReadKey(b), tx.AccountID(0).ReadKey(b[8:])}
}

// vote is what one voter said.
type vote struct {
	Yes bool `cbor:"1,keyasint"`
}

var (
	council    = state.NewTable[tx.AccountID, seat]("governance.council")
	proposals  = state.NewTable[ProposalID, Proposal]("governance.proposal")
	votes      = state.NewTable[ballot, vote]("governance.vote")
	validators = state.NewTable[ValidatorKey, power]("governance.validator")
	versions   = state.NewTable[state.Whole, version]("governance.version")
)

// Seat gives an account a seat in the council before the first block.
func Seat(s state.Store, account tx.AccountID) { council.Put(s, account, seat{}) }

// mayVote reports whether an account votes on proposals of a body.
func mayVote(s state.Reader, body grid.MicrogridID, account tx.AccountID) bool {
	return slices.Contains(electorate(s, body), account)
}

// electorate lists who votes on proposals of a body, by account. Accounts
// without a key of their own do not: their guardian would vote for them.
func electorate(s state.Reader, body grid.MicrogridID) []tx.AccountID {
	var list []tx.AccountID
	if body == 0 {
		for account := range council.All(s) {
			if keyed(s, account) {
				list = append(list, account)
			}
		}
		return list
	}
	seen := map[tx.AccountID]bool{}
	for _, p := range grid.Points(s, body) {
		if p.Until != 0 || seen[p.Account] {
			continue
		}
		seen[p.Account] = true
		if keyed(s, p.Account) {
			list = append(list, p.Account)
		}
	}
	return list
}

// keyed reports whether an account has a key of its own.
func keyed(s state.Reader, account tx.AccountID) bool {
	a, _ := party.At(s, account)
	return len(a.Keys) > 0
}

// Open yields the open proposals, by number.
func Open(s state.Reader) iter.Seq2[ProposalID, Proposal] { return proposals.All(s) }

// Taken reports whether a number is an open proposal's.
func Taken(s state.Reader, id ProposalID) bool { return proposals.Has(s, id) }

// Council lists the accounts that have a seat.
func Council(s state.Reader) []tx.AccountID {
	var list []tx.AccountID
	for account := range council.All(s) {
		list = append(list, account)
	}
	return list
}

// Powers yields the voting power of each validator, by key.
func Powers(s state.Reader) iter.Seq2[ValidatorKey, int64] {
	return func(yield func(ValidatorKey, int64) bool) {
		for key, p := range validators.All(s) {
			if !yield(key, p.Power) {
				return
			}
		}
	}
}

// Tally is how a vote stands. Only the votes of those who may vote now count.
type Tally struct{ Yes, No, All uint64 }

// Count counts the votes on an open proposal.
func Count(s state.Reader, id ProposalID, p Proposal) (t Tally) {
	for _, account := range electorate(s, p.Microgrid) {
		t.All++
		if v, ok := votes.Get(s, ballot{id, account}); ok && v.Yes {
			t.Yes++
		} else if ok {
			t.No++
		}
	}
	return t
}

// Validators counts the validators that decide the next block.
func Validators(s state.Reader) (count int) {
	for range validators.All(s) {
		count++
	}
	return count
}
