package live

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Receipt is what a device is told of a message of its, in JSON.
type Receipt struct {
	Message  string `json:"message"`            // SHA-256 of the message, in hexadecimal: which one it is about.
	Status   string `json:"status"`             // One of Statuses. Only what is refused has to be kept by the device.
	Epoch    uint32 `json:"epoch,omitempty"`    // As the message has it, where it could be read.
	Sequence uint64 `json:"sequence,omitempty"` // As the message has it, where it could be read.
	Code     uint32 `json:"code,omitempty"`     // Of the ledger's refusal, as docs/operations.md has it.
	Refusal  string `json:"refusal,omitempty"`  // The broker's: foreign_topic or full.
	Why      string `json:"why,omitempty"`
}

// Statuses are those of a delivery (device.Status), in words.
var Statuses = map[device.Status]string{
	device.Accepted: "accepted", device.Known: "known", device.Kept: "kept", device.Refused: "refused",
}

// receipt begins the receipt of a message.
func receipt(raw []byte, status device.Status) Receipt {
	sum := sha256.Sum256(raw)
	return Receipt{Message: hex.EncodeToString(sum[:]), Status: Statuses[status]}
}

// refused is the receipt of a message that the ledger refuses, or would.
func refused(raw []byte, no *op.Refusal) Receipt {
	r := receipt(raw, device.Refused)
	r.Code, r.Why = no.Code, no.Error()
	return r
}

// encode writes a receipt.
func (r Receipt) encode() []byte {
	text, err := json.Marshal(r)
	if err != nil {
		panic("live: a receipt cannot be written: " + err.Error()) // It is words and numbers.
	}
	return text
}

// Refuse is what a device is told of a message that does not reach the ledger.
func (l *Live) Refuse(of broker.Message, why broker.Refusal) []byte {
	r := receipt(of.Raw, device.Refused)
	r.Refusal, r.Why = string(why), why.Text()
	return r.encode()
}

// Deliver books messages of devices, those of each microgrid in one envelope, and
// returns a receipt for each. What cannot be read, or names another device than the
// one that sent it, does not go into an envelope.
//
// Errors: those of the node and of the envelope, the end of the community's life; the
// ledger may or may not know the messages then.
func (l *Live) Deliver(ctx context.Context, messages []broker.Message) ([][]byte, error) {
	told := make([][]byte, len(messages))
	var order []grid.MicrogridID
	places := map[grid.MicrogridID][]int{} // In messages.
	chain := l.chain()
	for i, m := range messages {
		s, err := device.Decode(m.Raw, chain)
		no, bad := errors.AsType[*op.Refusal](err)
		switch {
		case bad:
			told[i] = refused(m.Raw, no).encode()
		case err != nil:
			return nil, err
		case s.Message.Microgrid != m.From.Microgrid || s.Message.Device != m.From.Device:
			told[i] = l.Refuse(m, broker.ForeignTopic)
		default:
			if places[m.From.Microgrid] == nil {
				order = append(order, m.From.Microgrid)
			}
			places[m.From.Microgrid] = append(places[m.From.Microgrid], i)
		}
	}
	for _, id := range order {
		if err := l.deliver(ctx, id, messages, places[id], told); err != nil {
			return nil, err
		}
	}
	return told, nil
}

// chain names the ledger.
func (l *Live) chain() (name string) {
	l.Node.Read(func(_ state.Reader, head machine.Head) { name = head.ChainID })
	return name
}

// deliver books those of the messages that are at some places, all of one microgrid,
// and writes what is told of them to the same places.
func (l *Live) deliver(ctx context.Context, id grid.MicrogridID, messages []broker.Message, places []int, told [][]byte) error {
	d := device.Deliver{Microgrid: id}
	for _, i := range places {
		d.Messages = append(d.Messages, messages[i].Raw)
	}
	var outcome machine.Outcome
	err := l.between(ctx, func(life context.Context) (err error) {
		outcome, err = l.Operator.Settle(life, []tx.Operation{device.DeliverKind.Encode(d)})
		return err
	})
	if no := refusalOf(outcome.Code); err == nil && (no == device.ErrMicrogrid || no == device.ErrNotGateway) {
		for n, i := range places {
			told[i] = refused(d.Messages[n], no).encode()
		}
		return nil
	}
	if err := l.Operator.Accepted(outcome, err); err != nil {
		return err
	}
	for _, f := range outcome.Receipts {
		if f.Kind != device.DeliveredReceipt.Kind {
			continue
		}
		for _, a := range device.DeliveredReceipt.Read(f.Receipt()).Answers {
			told[places[a.At]] = answered(d.Messages[a.At], a).encode()
		}
	}
	return nil
}

// answered is the receipt of a message that the ledger answered.
func answered(raw []byte, a device.Answer) Receipt {
	r := receipt(raw, a.Status)
	r.Epoch, r.Sequence, r.Code = a.Epoch, a.Sequence, a.Code
	if no := refusalOf(a.Code); no != nil {
		r.Why = no.Error()
	}
	return r
}

// refusals are those of the ledger, by code.
var refusals = sync.OnceValue(func() map[uint32]*op.Refusal {
	list := map[uint32]*op.Refusal{}
	for _, no := range machine.Registry().Refusals {
		list[no.Code] = no
	}
	return list
})

// refusalOf is the ledger's refusal with a code, or nil.
func refusalOf(code uint32) *op.Refusal { return refusals()[code] }
