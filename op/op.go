// Package op says what an operation is: a kind, a schema, a check, an apply.
//
// Its promise: a Go struct is the schema. From it come the canonical bytes, the
// JSON and docs/operations.md; nothing about an operation is written twice. An
// operation succeeds or is refused, never half.
package op

import (
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Context is all that an operation may know besides its fields and the state.
type Context struct {
	ChainID string
	Height  int64
	Time    interval.Time // Of the block.
	Rules   uint32        // The version that is in force, as RulesFirst.
	Signer  tx.AccountID
	// Carried is what the operation carries that others signed, as its Carries said,
	// with a verdict on each; nil when Carries was not asked or said nothing.
	Carried []Carried
	// Both runs two functions, perhaps at once; nil runs them in turn.
	Both    func(a, b func())
	emitted []Receipt
}

// Carried is one thing that an operation carries and somebody else than the
// envelope's signer signed. It is good or bad by itself.
type Carried struct {
	Signed  tx.Signed // nil when it cannot be read.
	Refusal error     // Why it cannot be read, or why its signature is not good.
}

// VerifyInTurn finds a verdict on each of a list.
func VerifyInTurn(list []Carried) {
	for i := range list {
		if list[i].Signed != nil {
			list[i].Refusal = list[i].Signed.Verify()
		}
	}
}

// Receipt is a fact that the ledger vouches for. The read model is made of
// receipts alone.
type Receipt struct {
	Kind     uint32       // Which receipt; its domain registered the schema.
	Audience tx.AccountID // Whose it is to show, or Public.
	Body     []byte       // Canonical bytes.
	// Said is what the body says, and nobody changes it; nil when only the bytes are at hand.
	Said any
}

// Public is the audience of receipts that anyone may see.
const Public tx.AccountID = 0

// Emit adds a receipt to those of the operation at hand. What r refers to stays as it
// is from then on.
func Emit[R any](ctx *Context, def ReceiptDef[R], audience tx.AccountID, r R) {
	ctx.emitted = append(ctx.emitted, Receipt{Kind: def.Kind, Audience: audience, Said: r})
}

// Take returns what was emitted since the last Take, or Drop.
func (ctx *Context) Take() []Receipt {
	taken := ctx.emitted
	ctx.Drop()
	Spread(len(taken), ctx.Both, func(n int) { taken[n].Body = codec.Marshal(taken[n].Said) })
	return taken
}

// Drop forgets what was emitted since the last Take: it did not happen.
func (ctx *Context) Drop() { ctx.emitted = nil }

// Spec is the single definition of one operation.
type Spec[Op any] struct {
	Number uint32 // Within the domain; part of the protocol.
	Name   string // "transfer": a verb.
	Doc    string // One sentence, published in docs/operations.md.
	Check  func(*Op) *Refusal
	// Carries, if there is one, lists what the operation carries that others signed,
	// so that it can be verified at once with all of a block. It says nothing for
	// an operation that Apply would refuse for its signer.
	Carries func(*Context, state.Reader, *Op) []Carried
	Apply   func(*Context, state.Store, *Op) *Refusal
}

// Operation is a Spec with its type erased.
type Operation struct {
	Kind   uint32
	Name   string // "ledger.transfer"
	Doc    string
	Schema any // The zero value of the struct.
	// Decode reads canonical bytes and runs Check.
	Decode func([]byte) (any, error)
	// Carries lists what others signed; nil for most operations.
	Carries func(*Context, state.Reader, any) []Carried
	// Apply changes the state or refuses; it gets what Decode returned.
	Apply func(*Context, state.Store, any) *Refusal
}

// ReceiptDef is the definition of one kind of receipt.
type ReceiptDef[R any] struct{ Kind uint32 }

// Schema describes one kind of receipt.
type Schema struct {
	Kind  uint32
	Name  string // "ledger.transferred"
	Doc   string
	Value any // The zero value of the struct.
	// Decode reads a body, which we wrote.
	Decode func([]byte) any
}

// Set is the operations, receipts and refusals of one domain.
type Set struct {
	domain     string
	base       uint32
	operations []Operation
	receipts   []Schema
	refusals   []*Refusal
}

// NewSet returns the empty set of a domain whose numbers start at base.
func NewSet(domain string, base uint32) *Set { return &Set{domain: domain, base: base} }

// Refuse declares the nth refusal of the domain.
func (s *Set) Refuse(n uint32, text string) *Refusal {
	r := &Refusal{s.domain, s.base + n, text}
	s.refusals = append(s.refusals, r)
	return r
}

// Define adds an operation to a domain's set and returns it.
func Define[Op any](set *Set, spec Spec[Op]) Kind[Op] {
	var none Op
	kind := set.base + spec.Number
	var carries func(*Context, state.Reader, any) []Carried
	if spec.Carries != nil {
		carries = func(ctx *Context, s state.Reader, o any) []Carried { return spec.Carries(ctx, s, o.(*Op)) }
	}
	set.operations = append(set.operations, Operation{
		Kind:   kind,
		Name:   set.domain + "." + spec.Name,
		Doc:    spec.Doc,
		Schema: none,
		Decode: func(raw []byte) (any, error) {
			o := new(Op)
			if err := codec.Unmarshal(raw, o); err != nil {
				return nil, err
			}
			if no := spec.Check(o); no != nil {
				return nil, no
			}
			return o, nil
		},
		Carries: carries,
		Apply:   func(ctx *Context, s state.Store, o any) *Refusal { return spec.Apply(ctx, s, o.(*Op)) },
	})
	return Kind[Op]{kind}
}

// Kind is the number of an operation with its type.
type Kind[Op any] struct{ Number uint32 }

// Encode returns the operation as an envelope carries it.
func (k Kind[Op]) Encode(o Op) tx.Operation {
	return tx.Operation{Kind: k.Number, Body: codec.Marshal(o)}
}

// DefineReceipt adds a kind of receipt to a domain's set and returns it.
func DefineReceipt[R any](set *Set, number uint32, name, doc string) ReceiptDef[R] {
	var none R
	set.receipts = append(set.receipts, Schema{set.base + number, set.domain + "." + name, doc, none, func(body []byte) any {
		var v R
		codec.Read(body, &v)
		return v
	}})
	return ReceiptDef[R]{set.base + number}
}

// Read returns what a receipt says. Where only its body is at hand, which we wrote, it
// reads that.
func (d ReceiptDef[R]) Read(r Receipt) (v R) {
	if r.Kind != d.Kind {
		panic("op: a receipt of another kind")
	}
	if r.Said != nil {
		return r.Said.(R)
	}
	codec.Read(r.Body, &v)
	return v
}
