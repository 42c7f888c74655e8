package proof

import "fmt"

// Connect finds the signed headers that lead whoever trusts the block at one height
// to the block at another: both of them, and those between that changes of the
// validators make necessary, found by halving. at returns the signed header at a
// height with all its validators and signatures. Of those there are as many in what
// Connect returns as the next reader needs, those with the most power first.
//
// Errors: those of at; blocks that nobody can follow.
func Connect(at func(height int64) (Block, error), chain string, from, to int64) ([]Block, error) {
	if from > to || from <= 0 {
		return nil, fmt.Errorf("proof: a path leads from block %d to block %d", from, to)
	}
	first, err := at(from)
	if err != nil {
		return nil, err
	}
	first.trim(nil)
	path := []Block{first}
	for last := first; last.Header.Height < to; {
		next, err := farthest(at, chain, &last, to)
		if err != nil {
			return nil, err
		}
		if len(path) > PathMax {
			return nil, fmt.Errorf("proof: the validators changed so often that more than %d blocks lead from block %d to block %d: begin later", PathMax, from, to)
		}
		next.trim(last.Validators)
		path, last = append(path, next), next
	}
	omit(path)
	return path, nil
}

// farthest returns a block that can be believed after last, at a height or nearer.
func farthest(at func(int64) (Block, error), chain string, last *Block, to int64) (Block, error) {
	trusted := known{chain, &last.Header, last.Validators}
	for {
		next, err := at(to)
		if err != nil {
			return next, err
		}
		err = trusted.follow(&next.Header, next.signers())
		if err == nil {
			return next, nil
		}
		if to == last.Header.Height+1 {
			return next, fmt.Errorf("proof: nothing leads to block %d: %w", to, err)
		}
		to = last.Header.Height + (to-last.Header.Height)/2
	}
}

// signers are who signed, if all signatures are good.
func (b *Block) signers() []Validator {
	list := make([]Validator, len(b.Signatures))
	for i := range b.Signatures {
		list[i] = b.Validators[b.Signatures[i].Validator]
	}
	return list
}

// trim leaves out signatures that nobody needs: with the first of the rest, more
// than two thirds of the power signed, and more than a third of that of the
// validators before, if there are any.
func (b *Block) trim(before []Validator) {
	power := make(map[Key]int64, len(before))
	for _, v := range before {
		power[v.Key] = v.Power
	}
	own, other := powerOf(b.Validators), powerOf(before)
	var signed, trusted int64
	kept := make([]Signature, 0, len(b.Signatures))
	for _, s := range b.Signatures {
		v := b.Validators[s.Validator]
		enough, believed := signed*3 > own*2, len(before) == 0 || trusted*3 > other
		if enough && (believed || power[v.Key] == 0) {
			continue
		}
		kept = append(kept, s)
		signed, trusted = signed+v.Power, trusted+power[v.Key]
	}
	b.Signatures = kept
}

// omit leaves out validators that are those of the block before.
func omit(path []Block) {
	for i := len(path) - 1; i > 0; i-- {
		if string(path[i].Header.Validators) == string(path[i-1].Header.Validators) {
			path[i].Validators = nil
		}
	}
}
