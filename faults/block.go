package faults

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/commonwatt/commonwatt/codec"
)

// key names a validator: the Ed25519 key by which the ledger knows it.
type key [32]byte

// blockID is the hash of a block; zero stands for none (nil in the paper).
type blockID [32]byte

// block is a block of the simulator's chain.
type block struct {
	_        struct{} `cbor:",toarray"`
	Height   int64
	Time     int64 // µs since 1970: the median of Last's.
	Proposer key
	Last     []*vote // Precommits for the block before.
	AppHash  []byte  // After the block before.
	Txs      [][]byte

	id blockID
}

// sealed sets the block's hash; a block no longer changes after it.
func (b *block) sealed() *block {
	b.id = sha256.Sum256(codec.Marshal(b))
	return b
}

// kind is what a vote is for.
type kind uint8

const (
	prevote   kind = 0
	precommit kind = 1
)

// vote is a prevote or a precommit. The signature is a code that a validator's
// secret makes; nobody else in the simulator has it.
type vote struct {
	_      struct{} `cbor:",toarray"`
	Kind   kind
	Height int64
	Round  int32
	Block  blockID
	Time   int64 // µs since 1970 by the voter's clock.
	Voter  key
	Sign   [32]byte
}

// proposal is a block that the proposer of a round offers.
type proposal struct {
	_     struct{} `cbor:",toarray"`
	Round int32
	Valid int32 // The round in which it had a proof of lock, or -1 (validRound).
	Block *block
	Sign  [32]byte
}

func (v *vote) signed(secret []byte) [32]byte {
	raw := make([]byte, 0, 160)
	raw = append(raw, secret...)
	raw = append(raw, 'v', byte(v.Kind))
	raw = appendInts(raw, v.Height, int64(v.Round), v.Time)
	raw = append(raw, v.Block[:]...)
	return sha256.Sum256(append(raw, v.Voter[:]...))
}

func (p *proposal) signed(secret []byte) [32]byte {
	raw := append(bytes.Clone(secret), 'p')
	raw = appendInts(raw, int64(p.Round), int64(p.Valid))
	return sha256.Sum256(append(raw, p.Block.id[:]...))
}

func appendInts(b []byte, list ...int64) []byte {
	for _, n := range list {
		for shift := 56; shift >= 0; shift -= 8 {
			b = append(b, byte(n>>shift)) //nolint:gosec // the bits, not the value
		}
	}
	return b
}

// decided is a block with the precommits that decided it.
type decided struct {
	_      struct{} `cbor:",toarray"`
	Block  *block
	Commit []*vote
}

// elector is a validator with its power.
type elector struct {
	_     struct{} `cbor:",toarray"`
	Key   key
	Power int64
}

// electors are the validators of a height, by key.
type electors struct {
	list  []elector
	total int64
	lax   bool // Half of them decide, by mistake.
}

// with returns the electors after powers changed; no power removes one.
func (e electors) with(changes []elector) electors {
	list := slices.Clone(e.list)
	for _, c := range changes {
		list = slices.DeleteFunc(list, func(o elector) bool { return o.Key == c.Key })
		if c.Power > 0 {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b elector) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	next := electors{list: list, lax: e.lax}
	for _, o := range list {
		next.total += o.Power
	}
	return next
}

// index returns where a validator stands in the list, or -1.
func (e electors) index(k key) int {
	return slices.IndexFunc(e.list, func(o elector) bool { return o.Key == k })
}

// proposer takes turns by power.
func (e electors) proposer(height int64, round int32) key {
	turn := (height + int64(round)) % e.total
	for _, o := range e.list {
		if turn -= o.Power; turn < 0 {
			return o.Key
		}
	}
	panic("faults: powers do not add up")
}

// most reports whether a power is more than two thirds (2f + 1), and some whether
// it is more than one (f + 1).
func (e electors) most(power int64) bool { return 3*power > 2*e.total || e.lax && 2*power >= e.total }
func (e electors) some(power int64) bool { return 3*power > e.total }

// median is the time that half of the power of a commit is at or below. So no third
// of the validators moves it out of the range of the others' clocks.
func (e electors) median(commit []*vote) int64 {
	list := slices.Clone(commit)
	slices.SortFunc(list, func(a, b *vote) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), bytes.Compare(a.Voter[:], b.Voter[:]))
	})
	var total, sum int64
	for _, v := range list {
		if i := e.index(v.Voter); i >= 0 {
			total += e.list[i].Power
		}
	}
	for _, v := range list {
		if i := e.index(v.Voter); i >= 0 {
			sum += e.list[i].Power
		}
		if 2*sum >= total {
			return v.Time
		}
	}
	return 0
}

// proves reports whether votes are precommits of more than two thirds of the power
// for one block.
func (e electors) proves(r *run, height int64, id blockID, commit []*vote) bool {
	var power int64
	var seen []key
	for _, v := range commit {
		i := e.index(v.Voter)
		if v.Kind != precommit || v.Height != height || v.Block != id || i < 0 || slices.Contains(seen, v.Voter) || !r.signedBy(v) {
			return false
		}
		if v.Round != commit[0].Round {
			return false
		}
		seen = append(seen, v.Voter)
		power += e.list[i].Power
	}
	return e.most(power)
}
