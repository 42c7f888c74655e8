package device

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/veraison/go-cose"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/optest/memory"
)

const chain = "riverside-1"

var rewrite = flag.Bool("rewrite", false, "rewrite testdata/messages.txt")

// keyOf is a key that is made of a text, for tests.
func keyOf(secret string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(secret))
	return ed25519.NewKeyFromSeed(seed[:])
}

func example() Message {
	return Message{
		Version: 1, Microgrid: 10, Device: 41, Epoch: 1, Sequence: 7, Start: 1_700_000_100, Duration: 900,
		Import: 12_345_678, Export: 250, Quality: metering.Actual, Clock: Synchronised,
	}
}

func mustSign(t testing.TB, m Message, private ed25519.PrivateKey) []byte {
	t.Helper()
	raw, err := Sign(m, chain, private)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDecodeReadsWhatSignWrote(t *testing.T) {
	small := Message{Version: 1, Epoch: 1, Sequence: 1, Duration: 1, Quality: metering.Estimated, Clock: Unsynchronised}
	large := Message{
		1, 1<<64 - 1, 1<<64 - 1, 1<<32 - 1, MaxSequence, MaxStart - 1, MaxDuration,
		MaxRegister, MaxRegister, metering.Substituted, Synchronised,
	}
	for _, m := range []Message{small, example(), large} {
		private := keyOf("meter")
		s, err := Decode(mustSign(t, m, private), chain)
		if err != nil {
			t.Fatal(err)
		}
		if s.Message != m || !bytes.Equal(s.Key, private.Public().(ed25519.PublicKey)) {
			t.Errorf("read %+v of %x, signed %+v", s.Message, s.Key, m)
		}
		if err := s.Verify(); err != nil {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// A signature is for its ledger, its key and its payload.
func TestVerifyRefuses(t *testing.T) {
	raw := mustSign(t, example(), keyOf("meter"))
	flip := func(at int) []byte {
		other := bytes.Clone(raw)
		other[at] ^= 1
		return other
	}
	for what, c := range map[string]struct {
		raw   []byte
		chain string
	}{
		"another ledger":    {raw, "riverside-2"},
		"no ledger":         {raw, ""},
		"another key":       {flip(15), chain},
		"another payload":   {flip(len(raw) - 72), chain},
		"another signature": {flip(len(raw) - 1), chain},
	} {
		s, err := Decode(c.raw, c.chain)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := s.Verify(); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", what, err)
		}
		if good, _ := Decode(raw, chain); good.Seal() == s.Seal() {
			t.Errorf("%s has the seal of the good one", what)
		}
	}
}

func TestRefusesInOrderOfPrecedence(t *testing.T) {
	m := example()
	for _, rule := range []struct {
		want  error
		wreck func()
	}{
		{nil, func() {}},
		{ErrClock, func() { m.Clock = 3 }},
		{ErrQuality, func() { m.Quality = 'X' }},
		{ErrRegister, func() { m.Export = MaxRegister + 1 }},
		{ErrTime, func() { m.Duration = MaxDuration + 1 }},
		{ErrSequence, func() { m.Sequence = MaxSequence + 1 }},
		{ErrVersion, func() { m.Version = 2 }},
	} {
		rule.wreck()
		if _, err := Sign(m, chain, keyOf("meter")); !errors.Is(err, rule.want) {
			t.Errorf("signed: %v, want %v", err, rule.want)
		}
		raw, err := sign(codec.Marshal(m), aadDomain+chain, keyOf("meter"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(raw, chain); !errors.Is(err, rule.want) {
			t.Errorf("decoded: %v, want %v", err, rule.want)
		}
		if _, err := Decode(append(raw, 0), chain); !errors.Is(err, ErrEncoding) {
			t.Errorf("a byte more: %v", err)
		}
		if _, err := Decode(append(raw, make([]byte, MaxMessage)...), chain); !errors.Is(err, ErrSize) {
			t.Errorf("many bytes more: %v", err)
		}
	}
	for what, wreck := range map[string]func(*Message){
		"no epoch": func(m *Message) { m.Epoch = 0 }, "no sequence": func(m *Message) { m.Sequence = 0 },
		"no duration": func(m *Message) { m.Duration = 0 }, "late start": func(m *Message) { m.Start = MaxStart },
		"large import": func(m *Message) { m.Import = MaxRegister + 1 }, "no clock": func(m *Message) { m.Clock = 0 },
	} {
		m := example()
		wreck(&m)
		if _, err := Sign(m, chain, keyOf("meter")); err == nil {
			t.Errorf("%s is signed", what)
		}
	}
}

// Every prefix, and every byte replaced by those that begin another item, is
// read as go-cose and codec read it.
func TestDecodeAgreesOnMutations(t *testing.T) {
	raw := mustSign(t, example(), keyOf("meter"))
	for i := range raw {
		agree(t, raw[:i])
		for _, b := range []byte{0x00, 0x17, 0x18, 0x19, 0x1b, 0x1f, 0x20, 0x40, 0x58, 0x5f, 0x60, 0x80, 0x84, 0x9f, 0xa0, 0xa2, 0xbf, 0xc0, 0xd2, 0xf6, 0xff} {
			mutant := bytes.Clone(raw)
			mutant[i] = b
			agree(t, mutant)
		}
	}
}

// FuzzDecode holds Decode against go-cose and codec.
func FuzzDecode(f *testing.F) {
	f.Add(mustSign(f, example(), keyOf("meter")))
	f.Add(mustSign(f, Message{Version: 1, Epoch: 1, Sequence: 1, Duration: 1, Quality: 'S', Clock: 2}, keyOf("")))
	memory.Large(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		defer memory.Bound(t)()
		agree(t, raw)
	})
}

// agree decodes raw in both ways. What is accepted is the one way to write it,
// and go-cose comes to the same verdict on its signature.
func agree(t *testing.T, raw []byte) {
	t.Helper()
	got, err := Decode(raw, chain)
	want, message, accept := decodeByLibraries(raw)
	if accept != (err == nil) {
		t.Fatalf("%x: the libraries accept: %v; Decode: %v", raw, accept, err)
	}
	if err != nil {
		return
	}
	if got.Message != want {
		t.Fatalf("%x: read %+v, codec reads %+v", raw, got.Message, want)
	}
	verifier, err := cose.NewVerifier(cose.AlgorithmEdDSA, ed25519.PublicKey(got.Key))
	if err != nil {
		t.Fatal(err)
	}
	// ZIP-215 accepts what go-cose does, and a little more for crafted keys.
	if message.Verify([]byte(aadDomain+chain), verifier) == nil && got.Verify() != nil {
		t.Fatalf("%x: go-cose verifies it, we do not", raw)
	}
}

// decodeByLibraries is Decode the slow way.
func decodeByLibraries(raw []byte) (m Message, message cose.Sign1Message, accept bool) {
	if len(raw) > MaxMessage || message.UnmarshalCBOR(raw) != nil || codec.Unmarshal(message.Payload, &m) != nil || m.check() != nil {
		return m, message, false
	}
	alg, err := message.Headers.Protected.Algorithm()
	key, _ := message.Headers.Unprotected[cose.HeaderLabelKeyID].([]byte)
	if err != nil || alg != cose.AlgorithmEdDSA || len(key) != keySize || len(message.Signature) != signatureSize {
		return m, message, false
	}
	plain := cose.NewSign1Message()
	plain.Headers.Protected.SetAlgorithm(cose.AlgorithmEdDSA)
	plain.Headers.Unprotected[cose.HeaderLabelKeyID] = key
	plain.Payload, plain.Signature = message.Payload, message.Signature
	again, err := plain.MarshalCBOR()
	return m, message, err == nil && bytes.Equal(again, raw)
}

// The bytes of a message are a promise to every device that was ever built: some
// are kept, for us and for other implementers.
func TestMessagesAreStable(t *testing.T) {
	const file = "testdata/messages.txt"
	var text strings.Builder
	text.WriteString("# Messages of a device, signed. The seed is the private key of RFC 8032 §5.1.5; Ed25519 is deterministic.\n")
	text.WriteString("# signed is the Sig_structure of RFC 9052 §4.4, its third item \"commonwatt/device/1\\n\" and the chain id.\n")
	text.WriteString("# Written by go test ./device -run Stable -rewrite. A difference breaks every device.\n")
	private := keyOf("a device of the test vectors")
	fmt.Fprintf(&text, "\nseed %x\nkey %x\nchain %s\n", private.Seed(), private.Public(), chain)
	lost := example()
	lost.Sequence, lost.Start, lost.Clock, lost.Quality, lost.Import = 8, lost.Start+900, Unsynchronised, metering.Estimated, lost.Import+120
	first := Message{Version: 1, Microgrid: 1, Device: 1, Epoch: 1, Sequence: 1, Duration: 300, Quality: metering.Actual, Clock: Synchronised}
	for _, m := range []Message{first, example(), lost} {
		raw := mustSign(t, m, private)
		s, err := Decode(raw, chain)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "\nmicrogrid %d device %d epoch %d sequence %d start %d duration %d import %d export %d quality %c clock %d\n",
			m.Microgrid, m.Device, m.Epoch, m.Sequence, m.Start, m.Duration, m.Import, m.Export, m.Quality, m.Clock)
		fmt.Fprintf(&text, "payload %x\nsigned %x\nmessage %x\n", s.payload, s.structure(), raw)
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != text.String() {
		t.Errorf("%s differs; now it would be:\n%s", file, &text)
	}
}

// The kept messages verify with the standard library and nothing of ours but the
// text of the file.
func TestMessagesVerifyByThemselves(t *testing.T) {
	kept, err := os.ReadFile("testdata/messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	unhex := func(s string) []byte {
		raw, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	var key, signed []byte
	verified := 0
	for line := range strings.Lines(string(kept)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "key":
			key = unhex(value)
		case "signed":
			signed = unhex(value)
		case "message":
			raw := unhex(value)
			if !ed25519.Verify(key, signed, raw[len(raw)-64:]) {
				t.Errorf("%s does not verify", value)
			}
			verified++
		}
	}
	if verified != 3 {
		t.Errorf("%d messages", verified)
	}
}

func BenchmarkDecode(b *testing.B) {
	raw := mustSign(b, example(), keyOf("meter"))
	b.ReportAllocs()
	for b.Loop() {
		s, err := Decode(raw, chain)
		if err != nil {
			b.Fatal(err)
		}
		_ = s.Seal()
	}
}
