package live

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/metering"
)

// What does not reach the ledger is told under the node's signature, each message its
// own receipt, and marked as not from the ledger.
func TestRefusalsAreSigned(t *testing.T) {
	h := newHouse(t, time.Now().Truncate(time.Hour))
	own, other := grid.Device{Microgrid: 7, Device: 1}, grid.Device{Microgrid: 7, Device: 2}
	message, err := device.Sign(device.Message{
		Version: 1, Microgrid: 7, Device: 2, Epoch: 1, Sequence: 1, Duration: 900, Quality: metering.Actual, Clock: device.Synchronised,
	}, h.chain(), h.ReceiptKey)
	if err != nil {
		t.Fatal(err)
	}
	batch := []broker.Message{{From: own, Raw: []byte("hello")}, {From: own, Raw: message}, {From: other, Raw: []byte("goodbye")}}
	told, err := h.Deliver(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	full := broker.Message{From: own, Raw: message}
	batch, told = append(batch, full), append(told, h.Refuse(full, broker.Full))
	want := []string{"9002 0 2", "0 0 3 foreign_topic", "9002 0 2", "0 0 4 full"}
	for i, text := range told {
		var r Receipt
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		proof, err := base64.RawURLEncoding.DecodeString(r.Proof)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := device.OpenReceipt(proof, h.chain(), h.ReceiptKey.Public().(ed25519.PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		says := fmt.Sprintf("%d %d %d", signed.Code, signed.Height, signed.Teller)
		if r.Refusal != "" {
			says += " " + r.Refusal
		}
		if says != want[i] || !signed.Of(batch[i].Raw) || signed.Device != batch[i].From.Device || r.Why == "" || r.Message != fmt.Sprintf("%x", signed.Message) {
			t.Errorf("%d: %s, signed %+v; want %s", i, text, signed, want[i])
		}
	}
}

// BenchmarkSigned signs and writes the receipts of a full batch, as many as go into one
// envelope.
func BenchmarkSigned(b *testing.B) {
	h := newHouse(b, time.Now().Truncate(time.Hour))
	list := make([]device.Receipt, broker.LimitsDefault.BatchMessages)
	for i := range list {
		of := broker.Message{From: grid.Device{Microgrid: 7, Device: grid.DeviceID(i)}, Raw: fmt.Append(nil, i)}
		list[i] = answered(of, device.Answer{Epoch: 1, Sequence: 7, Status: device.Accepted}, 812)
	}
	for b.Loop() {
		if _, err := h.signed(list); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(list)), "ns/receipt")
}
