package machine

import (
	"bytes"
	"encoding/binary"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// Evidence says that a validator signed two different things where it may sign one.
// The consensus has checked it.
type Evidence struct {
	Validator []byte // Its address: the first 20 bytes of the SHA-256 of its key.
	Height    int64
}

// blame records the evidence in a block, in the block's order. It comes after the
// transactions, and changes no row.
func (m *Machine) blame(s *state.Overlay, b Block) []Outcome {
	var outcomes []Outcome
	for _, e := range b.Evidence {
		ctx := op.Context{ChainID: m.head.ChainID, Height: b.Height, Time: b.Time, Rules: b.rules, Both: m.env.Both}
		governance.Blame(&ctx, s, e.Validator, e.Height)
		secret := binary.BigEndian.AppendUint64(append(bytes.Clone(m.head.Secret), e.Validator...), uint64(e.Height)) //nolint:gosec // heights are positive
		outcomes = append(outcomes, Outcome{Receipts: m.facts(&ctx, secret)})
	}
	return outcomes
}
