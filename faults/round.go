package faults

import "slices"

// round is what a validator has heard of one round.
type round struct {
	proposals []*proposal // Of the round's proposer; more than one when it equivocates.
	votes     [2][]*vote  // By kind; of one voter more than one when it equivocates.

	locked      bool // Line 36 was done.
	prevoted    bool // Line 34 was done.
	precommited bool // Line 47 was done.
}

// equivocationsMax bounds what is kept of one who equivocates.
const equivocationsMax = 3

// add keeps a vote, and reports whether it is new and whether its voter had voted
// for something else.
func (r *round) add(v *vote) (fresh, twice bool) {
	n := 0
	for _, o := range r.votes[v.Kind] {
		if o.Voter != v.Voter {
			continue
		}
		if o.Block == v.Block {
			return false, false
		}
		n++
	}
	if n >= equivocationsMax {
		return false, true
	}
	r.votes[v.Kind] = append(r.votes[v.Kind], v)
	return true, n > 0
}

// power is that of all who voted for a block.
func (r *round) power(e electors, k kind, id blockID) (sum int64) {
	for _, v := range r.votes[k] {
		if v.Block == id {
			sum += e.list[e.index(v.Voter)].Power
		}
	}
	return sum
}

// voices is the power of all who voted for anything, by the kinds given.
func (r *round) voices(e electors, kinds ...kind) (sum int64) {
	var seen []key
	for _, k := range kinds {
		for _, v := range r.votes[k] {
			if !slices.Contains(seen, v.Voter) {
				seen = append(seen, v.Voter)
				sum += e.list[e.index(v.Voter)].Power
			}
		}
	}
	return sum
}

// of returns what a validator voted.
func (r *round) of(k kind, voter key) *vote {
	for _, v := range r.votes[k] {
		if v.Voter == voter {
			return v
		}
	}
	return nil
}

// commit returns the precommits for a block.
func (r *round) commit(id blockID) (list []*vote) {
	for _, v := range r.votes[precommit] {
		if v.Block == id {
			list = append(list, v)
		}
	}
	return list
}
