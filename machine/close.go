package machine

import (
	"bytes"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/state"
)

// Close is an interval that is due: to be settled for the first time, or again
// because later readings came.
type Close struct {
	_         struct{} `cbor:",toarray"`
	Microgrid grid.MicrogridID
	Start     interval.Time
	Again     bool
}

// ErrNotDue refuses a close that a proposer did not see due.
var ErrNotDue = Ops.Refuse(20, "the interval is not due to be closed")

// closeInterval is what the system does at the end of every interval, step by
// step.
func closeInterval(ctx *op.Context, s state.Store, c Close, m grid.Microgrid) *op.Refusal {
	i := interval.Interval{Start: c.Start, Length: m.Length}
	cleared := certificate.Clear(s, c.Microgrid, i, metering.Close(ctx, s, c.Microgrid, m))
	origins := certificate.Issue(ctx, s, c.Microgrid, i, cleared)
	if no := settlement.Close(ctx, s, c.Microgrid, m, i, settlement.Cleared{Cleared: cleared, Origins: origins}); no != nil {
		return no
	}
	certificate.Finalise(ctx, s, c.Microgrid, m)
	certificate.Expire(ctx, s, c.Microgrid, m)
	grid.Advance(s, c.Microgrid)
	return nil
}

// correctInterval settles an interval again when late readings changed it: both
// times with what held then, so that the difference is theirs alone.
func correctInterval(ctx *op.Context, s state.Store, c Close, m grid.Microgrid) *op.Refusal {
	i := interval.Interval{Start: c.Start, Length: m.Length}
	before, after, revision := metering.Revised(ctx, s, c.Microgrid, m, c.Start)
	was := settlement.Cleared{Cleared: certificate.Clear(s, c.Microgrid, i, before)}
	is := settlement.Cleared{Cleared: certificate.Clear(s, c.Microgrid, i, after)}
	was.Origins, is.Origins = certificate.Reissue(ctx, s, c.Microgrid, i, was.Cleared, is.Cleared, revision)
	if no := settlement.Correct(ctx, s, c.Microgrid, m, i, was, is, revision); no != nil {
		return no
	}
	certificate.FinaliseCorrected(ctx, s, c.Microgrid, m, c.Start)
	return nil
}

// EncodeCloses makes the transaction that holds closes.
func EncodeCloses(list []Close) []byte { return append([]byte{KindCloses}, codec.Marshal(list)...) }

// closes applies the closes at the head of a block, as far as they are due. A
// microgrid whose amounts outgrew the ledger is suspended, alone and for good:
// a bill is never cut, and no microgrid may stop the others.
func (m *Machine) closes(s *state.Overlay, b Block, raw []byte) []Outcome {
	var list []Close
	if err := codec.Unmarshal(raw, &list); err != nil || len(list) > maxCloses {
		return []Outcome{{Code: ErrTx.Code, Receipts: []Fact{}}}
	}
	outcomes := make([]Outcome, len(list))
	for n, c := range list {
		row, ok := grid.At(s, c.Microgrid)
		if !ok || !m.isDue(s, c, row) {
			outcomes[n] = Outcome{Code: ErrNotDue.Code, Receipts: []Fact{}}
			continue
		}
		ctx := op.Context{ChainID: m.head.ChainID, Height: b.Height, Time: b.Time, Rules: b.rules, Both: m.env.Both}
		step := closeInterval
		if c.Again {
			step = correctInterval
		}
		if no := step(&ctx, s, c, row); no != nil {
			outcomes[n].Code = no.Code
			s.Undo()
			ctx.Drop()
			grid.Suspend(s, c.Microgrid)
			op.Emit(&ctx, RefusedReceipt, row.Operator, Refused{Code: no.Code})
		}
		s.Keep()
		secret := state.AppendTime(c.Microgrid.AppendKey(bytes.Clone(m.head.Secret)), c.Start)
		outcomes[n].Receipts = m.facts(&ctx, secret)
	}
	return outcomes
}

// isDue reports whether a close is due as the rows stand now.
func (m *Machine) isDue(s state.Reader, c Close, row grid.Microgrid) bool {
	if row.Suspended {
		return false
	}
	if c.Again {
		return metering.IsRevised(s, c.Microgrid, c.Start)
	}
	return c.Start == row.Open && ready(s, c.Microgrid, row, c.Start)
}

// CheckCloses says whether a proposed transaction holds closes that this
// machine sees due, too.
func (m *Machine) CheckCloses(raw []byte) error {
	var list []Close
	if len(raw) == 0 || raw[0] != KindCloses || codec.Unmarshal(raw[1:], &list) != nil {
		return ErrTx
	}
	mine := m.Due()
	if len(list) == 0 || len(list) > len(mine) {
		return ErrNotDue
	}
	for n := range list {
		if list[n] != mine[n] {
			return ErrNotDue
		}
	}
	return nil
}
