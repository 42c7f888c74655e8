package machine

import (
	"bytes"
	"errors"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Refusals of an envelope, in order of precedence; those of package tx come
// before, those of its operations after them.
var (
	ErrChain     = Ops.Refuse(1, "the envelope is for another chain")
	ErrExpired   = Ops.Refuse(2, "the envelope expired before this height: sign it again with a later expiry")
	ErrNoAccount = Ops.Refuse(3, "there is no such account")
	ErrNotKey    = Ops.Refuse(4, "the key is not one of the account's")
	ErrOperation = Ops.Refuse(6, "there is no such operation")
	ErrRole      = Ops.Refuse(5, "the key's role does not allow this operation")
	ErrMalformed = Ops.Refuse(7, "the operation's bytes are not the canonical encoding of its schema")
	ErrTx        = Ops.Refuse(8, "the transaction is not one that a block may hold")
)

// Refused is the receipt of an envelope that changed nothing.
type Refused struct {
	Code uint32 `cbor:"1,keyasint" json:"code"`
	At   uint32 `cbor:"2,keyasint" json:"at"` // Index of the operation that was refused.
}

// RefusedReceipt is the kind of Refused.
var RefusedReceipt = op.DefineReceipt[Refused](Ops, 1, "refused", "An envelope that changed nothing, and why.")

// Execute computes what a block does. The rows stay as they are until the result
// is committed and the machine advanced to it. Ask Next first: a block by rules that
// the program does not know is not one to be handed over.
func (m *Machine) Execute(b Block) Result {
	b.rules = m.rules(b)
	s := state.NewOverlay(m.rows)
	outcomes := make([][]Outcome, len(b.Txs))
	bundles := m.open(b.Txs)
	for n := range b.Txs {
		switch {
		case bundles[n] != nil:
			outcomes[n] = m.bundle(s, b, bundles[n])
		case n == 0 && len(b.Txs[n]) > 0 && b.Txs[n][0] == KindCloses:
			outcomes[n] = m.closes(s, b, b.Txs[n][1:])
		default:
			outcomes[n] = []Outcome{{Code: ErrTx.Code, Receipts: []Fact{}}}
		}
	}
	secret := stir(m.head.Secret, bundles)
	if !bytes.Equal(secret, m.head.Secret) {
		commitSecret(s, b.rules, secret)
	}
	r := m.finish(s, b, outcomes, m.blame(s, b))
	r.Validators = m.powers(r.Record)
	r.Head.Secret = secret
	return r
}

// opened is an envelope as it came out of a bundle.
type opened struct {
	envelope *tx.Envelope
	err      error          // Why it is none, or why its signature is not good.
	carried  [][]op.Carried // For each operation; nil when none carries anything.
}

// open decodes the bundles of a block and checks all their signatures at once,
// and then all that good envelopes carry and others signed.
func (m *Machine) open(txs [][]byte) [][]opened {
	bundles := make([][]opened, len(txs))
	var all []tx.Signed
	var where []*opened
	for n, raw := range txs {
		members, err := Members(raw)
		if err != nil {
			continue
		}
		bundles[n] = make([]opened, len(members))
		for i, member := range members {
			o := &bundles[n][i]
			if o.envelope, o.err = tx.Decode(member); o.err == nil {
				all, where = append(all, o.envelope), append(where, o)
			}
		}
	}
	for i, err := range m.env.Verify(all) {
		where[i].err = err
	}
	var verdicts []*error
	all = all[:0]
	for _, o := range where {
		if o.err == nil {
			o.carried = m.carried(o.envelope)
			all, verdicts = collect(o.carried, all, verdicts)
		}
	}
	for i, err := range m.env.Verify(all) {
		*verdicts[i] = err
	}
	return bundles
}

// carried lists what each operation of an envelope carries that others signed; it
// returns nil when none does.
func (m *Machine) carried(e *tx.Envelope) (carried [][]op.Carried) {
	for i, o := range e.Body.Operations {
		kind, ok := m.registry.Operation(o.Kind)
		if !ok || kind.Carries == nil {
			continue
		}
		decoded, err := kind.Decode(o.Body)
		if err != nil {
			continue // It will be refused.
		}
		if carried == nil {
			carried = make([][]op.Carried, len(e.Body.Operations))
		}
		carried[i] = kind.Carries(&op.Context{ChainID: m.head.ChainID, Signer: e.Body.Account}, m.rows, decoded)
	}
	return carried
}

// collect adds what is carried and can be read to a list, with where the verdict
// on it goes.
func collect(carried [][]op.Carried, all []tx.Signed, verdicts []*error) ([]tx.Signed, []*error) {
	for _, list := range carried {
		for i := range list {
			if list[i].Signed != nil {
				all, verdicts = append(all, list[i].Signed), append(verdicts, &list[i].Refusal)
			}
		}
	}
	return all, verdicts
}

// Carried returns what an envelope carries that others signed. Admission verifies
// it before a block holds it, so that the block need not.
func (m *Machine) Carried(e *tx.Envelope) []tx.Signed {
	all, _ := collect(m.carried(e), nil, nil)
	return all
}

// bundle applies the envelopes of one bundle in their order.
func (m *Machine) bundle(s *state.Overlay, b Block, members []opened) []Outcome {
	outcomes := make([]Outcome, len(members))
	for i, o := range members {
		outcomes[i] = m.envelope(s, b, o)
	}
	return outcomes
}

// envelope applies one envelope: all of its operations, or none.
func (m *Machine) envelope(s *state.Overlay, b Block, o opened) Outcome {
	if o.envelope == nil {
		return Outcome{Code: codeOf(o.err), Receipts: []Fact{}}
	}
	e := o.envelope
	seal := e.Seal()
	out := Outcome{ID: e.ID[:], Account: e.Body.Account, Nonce: e.Body.Nonce}
	ctx := op.Context{ChainID: m.head.ChainID, Height: b.Height, Time: b.Time, Rules: b.rules, Both: m.env.Both, Signer: e.Body.Account}
	no := o.err
	if no == nil {
		out.At, no = m.apply(&ctx, s, o)
	}
	if no != nil {
		s.Undo()
		ctx.Drop()
		out.Code = codeOf(no)
		op.Emit(&ctx, RefusedReceipt, e.Body.Account, Refused{out.Code, out.At})
	}
	s.Keep()
	out.Receipts = m.facts(&ctx, seal[:])
	return out
}

// apply runs the checks of an envelope and its operations. It returns why it
// refuses, and at which operation.
func (m *Machine) apply(ctx *op.Context, s state.Store, opened opened) (uint32, error) {
	e := opened.envelope
	role, no := m.permit(s, e, ctx.Height)
	if no != nil {
		return 0, no
	}
	if no := party.UseNonce(s, e.Body.Account, e.Body.Nonce); no != nil {
		return 0, no
	}
	for i, o := range e.Body.Operations {
		kind, decoded, err := m.decode(role, o)
		if err == nil {
			ctx.Carried = nil
			if opened.carried != nil {
				ctx.Carried = opened.carried[i]
			}
			if no := kind.Apply(ctx, s, decoded); no != nil {
				err = no
			}
		}
		if err != nil {
			return uint32(i), err
		}
	}
	return 0, nil
}

// permit checks what an envelope claims, apart from its nonce.
func (m *Machine) permit(s state.Reader, e *tx.Envelope, height int64) (party.Role, error) {
	switch {
	case e.Body.Chain != m.head.ChainID:
		return 0, ErrChain
	case e.Body.Expiry < uint64(height): //nolint:gosec // heights are ≥ 0
		return 0, ErrExpired
	}
	a, ok := party.At(s, e.Body.Account)
	if !ok {
		return 0, ErrNoAccount
	}
	role, ok := a.RoleOf(e.Key)
	if !ok {
		return 0, ErrNotKey
	}
	return role, nil
}

// decode reads an operation that a key of a role may sign.
func (m *Machine) decode(role party.Role, o tx.Operation) (*op.Operation, any, error) {
	kind, ok := m.registry.Operation(o.Kind)
	if !ok {
		return nil, nil, ErrOperation
	}
	if !allowed(role, o.Kind) {
		return nil, nil, ErrRole
	}
	decoded, err := kind.Decode(o.Body)
	if err == nil {
		return kind, decoded, nil
	}
	if no := (*op.Refusal)(nil); errors.As(err, &no) {
		return nil, nil, no
	}
	return nil, nil, ErrMalformed
}

// allowed says which operations a role may sign.
func allowed(role party.Role, kind uint32) bool {
	switch role {
	case party.Owner:
		return true
	case party.Operate:
		return kind != party.RotateKind.Number
	case party.Meter:
		return kind == metering.RecordKind.Number || kind == device.DeliverKind.Number
	}
	return false
}

// codeOf is the code of a refusal of the ledger or of package tx.
func codeOf(err error) uint32 {
	if no, ok := errors.AsType[*op.Refusal](err); ok {
		return no.Code
	}
	if refusal, ok := errors.AsType[tx.Refusal](err); ok {
		return uint32(refusal)
	}
	panic(err) // Neither of the two: we are wrong.
}

// Admit says why an envelope would be refused if it came next, as far as that is
// known without applying it. Admission asks before a block holds it.
func (m *Machine) Admit(e *tx.Envelope) error {
	role, no := m.permit(m.rows, e, m.head.Height+1)
	if no != nil {
		return no
	}
	if no := party.FreshNonce(m.rows, e.Body.Account, e.Body.Nonce); no != nil {
		return no
	}
	for _, o := range e.Body.Operations {
		if _, _, err := m.decode(role, o); err != nil {
			return err
		}
	}
	return nil
}
