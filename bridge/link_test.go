package bridge

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/live"
)

// Where the node's key is known, a receipt is what the node signed: a broker in between
// cannot make the bridge forget a message.
func TestReceipts(t *testing.T) {
	key := func(seed byte) ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	}
	node, other := key(1), key(2)
	b := &Bridge{Config: Config{Chain: "elm-1", Microgrid: 7}}
	l := &link{b: b, m: &meter{Meter: Meter{Device: 12, Receipts: node.Public().(ed25519.PublicKey)}}}
	sum := sha256.Sum256([]byte("message"))
	refusal := device.Receipt{
		Microgrid: 7, Device: 12, Epoch: 1, Sequence: 5, Message: sum[:], Status: device.Refused, Code: device.ErrNotEnrolled.Code, Height: 9, Teller: device.Ledger,
	}
	foreign := refusal
	foreign.Device = 13
	for _, c := range []struct {
		what   string
		signed device.Receipt
		chain  string
		by     ed25519.PrivateKey
		good   bool
	}{
		{"the node's", refusal, "elm-1", node, true},
		{"another node's", refusal, "elm-1", other, false},
		{"of another ledger", refusal, "elm-2", node, false},
		{"of another device", foreign, "elm-1", node, false},
	} {
		proofs, err := device.SignReceipts([]device.Receipt{c.signed}, c.chain, c.by)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(live.Receipt{Message: sumOf([]byte("message")), Status: "accepted", Proof: base64.RawURLEncoding.EncodeToString(proofs[0])})
		if err != nil {
			t.Fatal(err)
		}
		r, err := l.read(text)
		if (err == nil) != c.good || c.good && (r.Status != "refused" || r.Code != device.ErrNotEnrolled.Code || r.Message != sumOf([]byte("message"))) {
			t.Errorf("%s: %+v, %v", c.what, r, err)
		}
	}
	if _, err := l.read([]byte(`{"status":"accepted"}`)); err == nil {
		t.Error("a receipt without a proof is believed")
	}
}
