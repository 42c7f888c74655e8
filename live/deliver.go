package live

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
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

// Receipt is what a device is told of a message of its, in JSON. A device that goes
// by it goes by the proof (device.OpenReceipt); the rest says the same to people.
type Receipt struct {
	Message  string `json:"message"`            // SHA-256 of the message, in hexadecimal: which one it is about.
	Status   string `json:"status"`             // One of Statuses. Only what is refused has to be kept by the device.
	Epoch    uint32 `json:"epoch,omitempty"`    // As the message has it, where it could be read.
	Sequence uint64 `json:"sequence,omitempty"` // As the message has it, where it could be read.
	Height   uint64 `json:"height,omitempty"`   // Of the block that answered; none: the message did not reach the ledger.
	Code     uint32 `json:"code,omitempty"`     // Of the refusal, as docs/operations.md has it.
	Refusal  string `json:"refusal,omitempty"`  // The broker's: foreign_topic or full.
	Why      string `json:"why,omitempty"`
	Proof    string `json:"proof"` // The receipt as the node signed it, in base64url.
}

// Statuses are those of a delivery (device.Status), in words.
var Statuses = map[device.Status]string{
	device.Accepted: "accepted", device.Known: "known", device.Kept: "kept", device.Refused: "refused",
}

// tellers are what the broker refuses by, in receipts.
var tellers = map[broker.Refusal]device.Teller{broker.ForeignTopic: device.GatewayTopic, broker.Full: device.GatewayFull}

// receipt begins the receipt of a message: one that did not reach the ledger.
func receipt(of broker.Message, by device.Teller) device.Receipt {
	sum := sha256.Sum256(of.Raw)
	return device.Receipt{
		Microgrid: of.From.Microgrid, Device: of.From.Device, Message: sum[:], Status: device.Refused, Teller: by,
	}
}

// refused is the receipt of a message that the gateway refuses as the ledger would.
func refused(of broker.Message, no *op.Refusal) device.Receipt {
	r := receipt(of, device.Gateway)
	r.Code = no.Code
	return r
}

// signed signs receipts and writes them in JSON.
func (l *Live) signed(list []device.Receipt) ([][]byte, error) {
	proofs, err := device.SignReceipts(list, l.chain(), l.ReceiptKey)
	if err != nil {
		return nil, err
	}
	texts := make([][]byte, len(list))
	for i, r := range list {
		t := Receipt{
			Message: hex.EncodeToString(r.Message), Status: Statuses[r.Status], Epoch: r.Epoch, Sequence: r.Sequence, Height: r.Height,
			Code: r.Code,
		}
		if no := refusalOf(r.Code); no != nil {
			t.Why = no.Error()
		}
		for why, by := range tellers {
			if r.Teller == by {
				t.Refusal, t.Why = string(why), why.Text()
			}
		}
		text, err := json.Marshal(t)
		if err != nil {
			return nil, err
		}
		texts[i] = proven(text, proofs[i])
	}
	return texts, nil
}

// proven puts a proof into a receipt, whose last field it is: it is the largest, and has
// nothing that JSON would escape.
func proven(text, proof []byte) []byte {
	text = text[:len(text)-len(`"}`)]
	return append(base64.RawURLEncoding.AppendEncode(text, proof), `"}`...)
}

// Refuse is what a device is told of a message that does not reach the ledger.
func (l *Live) Refuse(of broker.Message, why broker.Refusal) []byte {
	texts, err := l.signed([]device.Receipt{receipt(of, tellers[why])})
	if err != nil {
		panic("live: a receipt cannot be written: " + err.Error()) // It is words and numbers, and the key is good.
	}
	return texts[0]
}

// Deliver books messages of devices, those of each microgrid in one envelope, and
// returns a receipt for each. What cannot be read, or names another device than the
// one that sent it, does not go into an envelope.
//
// Errors: those of the node and of the envelope, the end of the community's life; the
// ledger may or may not know the messages then.
func (l *Live) Deliver(ctx context.Context, messages []broker.Message) ([][]byte, error) {
	told := make([]device.Receipt, len(messages))
	var order []grid.MicrogridID
	places := map[grid.MicrogridID][]int{} // In messages.
	chain := l.chain()
	for i, m := range messages {
		s, err := device.Decode(m.Raw, chain)
		no, bad := errors.AsType[*op.Refusal](err)
		switch {
		case bad:
			told[i] = refused(m, no)
		case err != nil:
			return nil, err
		case s.Message.Microgrid != m.From.Microgrid || s.Message.Device != m.From.Device:
			told[i] = receipt(m, device.GatewayTopic)
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
	return l.signed(told)
}

// chain names the ledger.
func (l *Live) chain() (name string) {
	l.Node.Read(func(_ state.Reader, head machine.Head) { name = head.ChainID })
	return name
}

// deliver books those of the messages that are at some places, all of one microgrid,
// and writes what is told of them to the same places.
func (l *Live) deliver(ctx context.Context, id grid.MicrogridID, messages []broker.Message, places []int, told []device.Receipt) error {
	d := device.Deliver{Microgrid: id}
	for _, i := range places {
		d.Messages = append(d.Messages, messages[i].Raw)
	}
	var outcome machine.Outcome
	var height int64
	err := l.between(ctx, func(life context.Context) (err error) {
		outcome, height, err = l.Operator.Settle(life, []tx.Operation{device.DeliverKind.Encode(d)})
		return err
	})
	if no := refusalOf(outcome.Code); err == nil && (no == device.ErrMicrogrid || no == device.ErrNotGateway) {
		for _, i := range places {
			told[i] = refused(messages[i], no)
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
			told[places[a.At]] = answered(messages[places[a.At]], a, height)
		}
	}
	return nil
}

// answered is the receipt of a message that the ledger answered in a block.
func answered(of broker.Message, a device.Answer, height int64) device.Receipt {
	r := receipt(of, device.Ledger)
	r.Epoch, r.Sequence, r.Status, r.Code = a.Epoch, a.Sequence, a.Status, a.Code
	r.Height = uint64(height) //nolint:gosec // heights are above 0
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
