package device

import (
	"errors"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// MaxMessages is the most messages in one delivery.
const MaxMessages = 4096

// Deliver hands in messages of a microgrid's devices as they were received. Each
// is taken or refused by itself: a bad one changes nothing for the others, and
// nothing for the envelope.
type Deliver struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Messages  [][]byte         `cbor:"2,keyasint" json:"messages"` // Of a device, in the order of their sequences if they can be.
}

// Refusals of Deliver as a whole, in order of precedence.
var (
	ErrNoMessages   = Ops.Refuse(50, "there are no messages")
	ErrManyMessages = Ops.Refuse(51, "there are more than 4096 messages: make several deliveries")
	ErrMicrogrid    = Ops.Refuse(52, "there is no such microgrid to deliver messages to")
	ErrNotGateway   = Ops.Refuse(53, "only the microgrid's operator or gateway may deliver messages")
)

// Refusals of one message of a delivery, in order of precedence; those of Decode
// come before, and ErrSignature between ErrNotKey and ErrConflict.
var (
	ErrOtherGrid   = Ops.Refuse(60, "the message is of another microgrid's device")
	ErrNotEnrolled = Ops.Refuse(61, "no key was enrolled for the device, or it was revoked")
	ErrEpoch       = Ops.Refuse(62, "the message is of another key epoch than the device's: sign it with the key enrolled last")
	ErrNotKey      = Ops.Refuse(63, "the message's key is not the device's")
	ErrConflict    = Ops.Refuse(64, "another message of the device has this sequence: both are kept, and the device is in quarantine")
	ErrForgotten   = Ops.Refuse(65, "the sequence is too far behind the device's latest to tell whether it was there before")
	ErrLength      = Ops.Refuse(66, "the message's duration is not the microgrid's interval: send one message for each interval")
	ErrAligned     = Ops.Refuse(67, "the message does not start at a multiple of the microgrid's interval: send one message for each interval")
	ErrFuture      = Ops.Refuse(68, "the message's interval ends more than 120 s after the block's time: check the device's clock")
	ErrStale       = Ops.Refuse(69, "the message's interval is final or before the microgrid's first: nothing corrects it any more")
	ErrOverlap     = Ops.Refuse(70, "the message's interval overlaps one of another sequence: a device reads its registers once for each")
	ErrBetween     = Ops.Refuse(71, "the message's registers do not lie between those of the messages before and after it")
)

// Reasons why a message that is kept does not count for the settlement.
var (
	ErrUnsynchronised = Ops.Refuse(80, "the device's clock is not synchronised: its registers count with the next message whose clock is")
	ErrQuarantined    = Ops.Refuse(81, "the device is in quarantine: its registers count with the first message after it is lifted")
)

// Status says what became of a message. All but Refused are for good: the device
// need not keep the message any longer.
type Status uint8

// Statuses. Numbers are part of the protocol.
const (
	Accepted Status = 1 // And settled from.
	Known    Status = 2 // It was there before, byte by byte; it counts once.
	Kept     Status = 3 // As evidence, and not settled from; the code says why.
	Refused  Status = 4 // The code says why.
)

// Answer is what became of one message.
type Answer struct {
	_        struct{} `cbor:",toarray"`
	At       uint32   // Index in the delivery.
	Device   grid.DeviceID
	Epoch    uint32
	Sequence uint64
	Status   Status
	Code     uint32 // Of the refusal, or 0. What the device says of itself is not known to be so when it is that of Decode, 9060 to 9063 or the signature.
}

// Delivered is the receipt of the messages of one account's devices in a
// delivery. What cannot be told to be a device's is answered to the sender.
type Delivered struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Answers   []Answer         `cbor:"2,keyasint" json:"answers"`
}

// DeliveredReceipt is the kind of Delivered.
var DeliveredReceipt = op.DefineReceipt[Delivered](Ops, 50, "delivered", "What became of messages of devices, one by one.")

// DeliverKind hands in messages of devices.
var DeliverKind = op.Define(Ops, op.Spec[Deliver]{
	Number: 50,
	Name:   "deliver",
	Doc:    "Hand in signed messages of devices, each of which is taken or refused by itself.",
	Check: func(o *Deliver) *op.Refusal {
		switch {
		case len(o.Messages) == 0:
			return ErrNoMessages
		case len(o.Messages) > MaxMessages:
			return ErrManyMessages
		}
		return nil
	},
	Carries: func(ctx *op.Context, s state.Reader, o *Deliver) []op.Carried {
		if _, no := deliverable(ctx, s, o); no != nil {
			return nil
		}
		return messagesOf(ctx.ChainID, o)
	},
	Apply: func(ctx *op.Context, s state.Store, o *Deliver) *op.Refusal {
		m, no := deliverable(ctx, s, o)
		if no != nil {
			return no
		}
		carried := ctx.Carried
		if carried == nil { // Whoever asked before did not yet know the gateway.
			carried = messagesOf(ctx.ChainID, o)
			op.VerifyInTurn(carried)
		}
		d := delivery{ctx: ctx, s: s, id: o.Microgrid, grid: m, answers: map[tx.AccountID][]Answer{}}
		for at, c := range carried {
			d.take(uint32(at), c)
		}
		metering.Book(ctx, s, o.Microgrid, m, d.entries)
		for _, account := range d.accounts {
			op.Emit(ctx, DeliveredReceipt, account, Delivered{o.Microgrid, d.answers[account]})
		}
		return nil
	},
})

// deliverable returns the microgrid, when the signer may deliver to it.
//
// Refusals: ErrMicrogrid, ErrNotGateway.
func deliverable(ctx *op.Context, s state.Reader, o *Deliver) (grid.Microgrid, *op.Refusal) {
	m, ok := grid.At(s, o.Microgrid)
	switch {
	case !ok:
		return m, ErrMicrogrid
	case ctx.Signer != m.Gateway && !party.ActsFor(s, ctx.Signer, m.Operator):
		return m, ErrNotGateway
	}
	return m, nil
}

// messagesOf decodes the messages of a delivery.
func messagesOf(chainID string, o *Deliver) []op.Carried {
	list := make([]op.Carried, len(o.Messages))
	for n, raw := range o.Messages {
		s, err := Decode(raw, chainID)
		if err != nil {
			list[n].Refusal = err
			continue
		}
		list[n].Signed = s
	}
	return list
}

// delivery is a Deliver while it is applied.
type delivery struct {
	ctx      *op.Context
	s        state.Store
	id       grid.MicrogridID
	grid     grid.Microgrid
	entries  []metering.Entry
	accounts []tx.AccountID // In the order of their first answers.
	answers  map[tx.AccountID][]Answer
}

// take judges one message and answers it.
func (d *delivery) take(at uint32, c op.Carried) {
	a := Answer{At: at}
	s, _ := c.Signed.(*Signed)
	if s == nil {
		d.answer(d.ctx.Signer, a, Refused, c.Refusal)
		return
	}
	m := &s.Message
	a.Device, a.Epoch, a.Sequence = m.Device, m.Epoch, m.Sequence
	key := grid.Device{Microgrid: m.Microgrid, Device: m.Device}
	r, ok := devices.Get(d.s, key)
	no := error(nil)
	switch {
	case m.Microgrid != d.id:
		no = ErrOtherGrid
	case !ok || len(r.Key) == 0:
		no = ErrNotEnrolled
	case m.Epoch != r.Epoch:
		no = ErrEpoch
	case string(s.Key) != string(r.Key):
		no = ErrNotKey
	default:
		no = c.Refusal
	}
	if no != nil {
		d.answer(d.ctx.Signer, a, Refused, no)
		return
	}
	status, why := d.judge(key, &r, s)
	d.answer(r.Account, a, status, why)
}

// answer adds an answer to those of an account.
func (d *delivery) answer(to tx.AccountID, a Answer, status Status, why error) {
	a.Status = status
	if no := (*op.Refusal)(nil); errors.As(why, &no) {
		a.Code = no.Code
	}
	if d.answers[to] == nil {
		d.accounts = append(d.accounts, to)
	}
	d.answers[to] = append(d.answers[to], a)
}
