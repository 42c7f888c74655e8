package tx

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/optest/memory"
)

// FuzzEnvelope holds the decoder written by hand against codec: what the one
// accepts the other accepts, and they read the same.
func FuzzEnvelope(f *testing.F) {
	for _, raw := range signed(transfer()) {
		f.Add(raw)
	}
	memory.Large(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		defer memory.Bound(t)()
		e, err := Decode(raw)
		want, accept := decodeByCodec(raw)
		if (err == nil) != accept {
			t.Fatalf("codec accepts: %v; Decode: %v", accept, err)
		}
		if err != nil {
			return
		}
		if !reflect.DeepEqual(e.Body, want.Body) || !reflect.DeepEqual(e.Key, want.Key) || !reflect.DeepEqual(e.Proof, want.Proof) {
			t.Fatalf("read %+v, codec reads %+v", e, want)
		}
		if again := Encode(e.Body.Encode(), e.Key, e.Proof); !bytes.Equal(again, raw) {
			t.Fatalf("encodes as %x", again)
		}
		_ = e.Verify() // It may say anything, but must not panic.
	})
}

// decodeByCodec is Decode the slow way.
func decodeByCodec(raw []byte) (*Envelope, bool) {
	var w wire
	var b Body
	if codec.Unmarshal(raw, &w) != nil || codec.Unmarshal(w.Body, &b) != nil {
		return nil, false
	}
	e := &Envelope{Body: b, Key: w.Key, Proof: Proof{w.Signature, w.AuthenticatorData, w.ClientData}}
	within := len(raw) <= MaxEnvelope && len(b.Operations) <= MaxOperations
	return e, within && e.check() == nil
}

// Mutations of a good envelope reach the decoder's branches without a fuzzer:
// every prefix, and every byte replaced by those that begin another item.
func TestDecodeAgreesWithCodecOnMutations(t *testing.T) {
	for scheme, raw := range signed(transfer()) {
		agree := func(mutant []byte) {
			_, err := Decode(mutant)
			if _, accept := decodeByCodec(mutant); accept != (err == nil) {
				t.Errorf("scheme %d: codec accepts %x: %v; Decode: %v", scheme, mutant, accept, err)
			}
		}
		for i := range raw {
			agree(raw[:i])
			for _, b := range []byte{0x00, 0x17, 0x18, 0x19, 0x1b, 0x1c, 0x1f, 0x40, 0x58, 0x5f, 0x60, 0x80, 0x9f, 0xa5, 0xbf, 0xc0, 0xf6, 0xff} {
				mutant := bytes.Clone(raw)
				mutant[i] = b
				agree(mutant)
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	raw := SignEd25519(transfer().Encode(), meter)
	b.Run("byHand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("byCodec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, good := decodeByCodec(raw); !good {
				b.Fatal("refused")
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	names := map[Scheme]string{Ed25519: "Ed25519", WebAuthn: "WebAuthn", EIP712: "EIP712"}
	for scheme, raw := range signed(transfer()) {
		e := mustDecode(b, raw)
		b.Run(names[scheme], func(b *testing.B) {
			for b.Loop() {
				if err := e.Verify(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
