package tx

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/commonwatt/commonwatt/codec"
)

// The example keys of these tests, one of each scheme.
var (
	meter    = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	wallet   = secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{8}, 32))
	resident = newPasskey("energie.example", "a resident's passkey", RequireVerification)
)

// transfer is a body as a small payment makes it.
func transfer() *Body {
	return &Body{
		Chain: "riverside-1", Account: 42, Nonce: 1000, Expiry: 70_000,
		Operations: []Operation{{Kind: 301, Body: codec.Marshal([]uint64{1, 43, 2_500_000})}},
	}
}

// signed returns the body's envelope under each scheme.
func signed(b *Body) map[Scheme][]byte {
	return map[Scheme][]byte{
		Ed25519:  SignEd25519(b.Encode(), meter),
		WebAuthn: resident.sign(b.Encode(), assertion{}),
		EIP712:   SignEIP712(b, wallet),
	}
}

func TestEnvelopeSaysWhatWasSigned(t *testing.T) {
	for scheme, raw := range signed(transfer()) {
		e, err := Decode(raw)
		if err != nil {
			t.Fatalf("scheme %d: %v", scheme, err)
		}
		if err := e.Verify(); err != nil {
			t.Errorf("scheme %d: %v", scheme, err)
		}
		if !bytes.Equal(e.Body.Encode(), transfer().Encode()) {
			t.Errorf("scheme %d: decoded %+v", scheme, e.Body)
		}
		if e.ID != Identify(transfer().Encode()) {
			t.Errorf("scheme %d: the ID depends on more than the body", scheme)
		}
	}
}

// A proof is good for one body: whatever is changed in it, or in the proof, the
// signature no longer fits. (A passkey under another policy is another key, which
// the account does not own.)
func TestVerifyRefusesEveryFlippedByte(t *testing.T) {
	for scheme, raw := range signed(transfer()) {
		key := mustDecode(t, raw).Key
		for i := range raw {
			forged := bytes.Clone(raw)
			forged[i] ^= 1
			e, err := Decode(forged)
			if err != nil || !bytes.Equal(e.Key.Public, key.Public) {
				continue
			}
			if err := e.Verify(); err == nil {
				t.Errorf("scheme %d: accepted with byte %d flipped", scheme, i)
			}
		}
	}
}

func TestIDAndSealTellEnvelopesApart(t *testing.T) {
	seals := map[Seal]Scheme{}
	for scheme, raw := range signed(transfer()) {
		e := mustDecode(t, raw)
		if other, taken := seals[e.Seal()]; taken {
			t.Errorf("schemes %d and %d share a seal", scheme, other)
		}
		seals[e.Seal()] = scheme
	}
	later := transfer()
	later.Nonce++
	if Identify(later.Encode()) == Identify(transfer().Encode()) {
		t.Error("two nonces, one ID")
	}
	if ID(sha256.Sum256(later.Encode())) == Identify(later.Encode()) {
		t.Error("the ID is a plain hash, without a domain")
	}
}

func TestDecodeRefusesInOrderOfPrecedence(t *testing.T) {
	body := transfer().Encode()
	key := Ed25519Key(meter.Public().(ed25519.PublicKey))
	proof := Proof{Signature: make([]byte, 64)}
	with := func(change func(*Body)) []byte {
		b := transfer()
		change(b)
		return Encode(b.Encode(), key, proof)
	}
	passkeyProof := Proof{Signature: []byte{1}, AuthenticatorData: []byte{1}, ClientData: []byte{1}}
	passkey := mustDecode(t, resident.sign(body, assertion{}))
	data := codec.Marshal(passkey.Proof.AuthenticatorData)
	emptied := bytes.Replace(resident.sign(body, assertion{}), data, []byte{0x40}, 1)
	cases := []struct {
		name string
		raw  []byte
		want Refusal
	}{
		{"too large, and nothing else is right", make([]byte, MaxEnvelope+1), ErrTooLarge},
		{"nothing", nil, ErrEncoding},
		{"a byte after the end", append(Encode(body, key, proof), 0), ErrEncoding},
		{"a body with a byte after its end, for no chain", Encode(append(bytes.Clone(body), 0), key, proof), ErrEncoding},
		{"a body that is none", Encode([]byte{0xa0}, key, proof), ErrEncoding},
		{"a chain id that is not UTF-8", with(func(b *Body) { b.Chain = "\xff" }), ErrEncoding},
		{"an optional field that is there but empty", emptied, ErrEncoding},
		{"no chain, no operation", with(func(b *Body) { b.Chain, b.Operations = "", nil }), ErrChain},
		{"a long chain id", with(func(b *Body) { b.Chain = strings.Repeat("x", MaxChainID+1) }), ErrChain},
		{"no operation", with(func(b *Body) { b.Operations = nil }), ErrOperations},
		{"many operations", with(func(b *Body) { b.Operations = make([]Operation, MaxOperations+1) }), ErrOperations},
		{"scheme 0 with a short key", Encode(body, Key{}, proof), ErrScheme},
		{"scheme 4", Encode(body, Key{Scheme: 4, Public: key.Public}, proof), ErrScheme},
		{"a short key with an assertion", Encode(body, Key{Scheme: Ed25519, Public: key.Public[1:]}, passkeyProof), ErrKey},
		{"a public key for an address", Encode(body, Key{Scheme: EIP712, Public: wallet.PubKey().SerializeCompressed()}, proof), ErrKey},
		{"a passkey with policy 2", Encode(body, WebAuthnKey("", resident.point, 2), passkeyProof), ErrKey},
		{"a passkey in hybrid form", Encode(body, WebAuthnKey("", append([]byte{6}, resident.point[1:]...), 0), passkeyProof), ErrKey},
		{"a device with an assertion", Encode(body, key, passkeyProof), ErrAssertion},
		{"a passkey without one", Encode(body, resident.key, proof), ErrAssertion},
		{"a passkey with half of one", Encode(body, resident.key, Proof{Signature: []byte{1}, ClientData: []byte{1}}), ErrAssertion},
	}
	for _, c := range cases {
		if _, err := Decode(c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestDecodeTakesTheLargest(t *testing.T) {
	b := transfer()
	b.Operations = make([]Operation, MaxOperations)
	if _, err := Decode(SignEd25519(b.Encode(), meter)); err != nil {
		t.Errorf("with %d operations: %v", MaxOperations, err)
	}
	const half = MaxEnvelope / 2
	b.Operations = []Operation{{Kind: 1, Body: make([]byte, half)}}
	around := len(SignEd25519(b.Encode(), meter)) - half
	b.Operations[0].Body = make([]byte, MaxEnvelope-around)
	raw := SignEd25519(b.Encode(), meter)
	if len(raw) != MaxEnvelope {
		t.Fatalf("the example has %d bytes", len(raw))
	}
	if e := mustDecode(t, raw); e.Verify() != nil {
		t.Errorf("with %d bytes: %v", len(raw), e.Verify())
	}
}

func TestVerifyRefusesAnUnknownScheme(t *testing.T) {
	if err := new(Envelope).Verify(); !errors.Is(err, ErrScheme) {
		t.Error(err)
	}
}

// Every refusal has a text of its own that names the package and what to do.
func TestRefusalsExplainThemselves(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range []Refusal{
		ErrTooLarge, ErrEncoding, ErrChain, ErrOperations, ErrScheme, ErrKey, ErrAssertion, ErrAuthenticatorData, ErrClientData,
		ErrRelyingParty, ErrUserPresence, ErrUserVerification, ErrSignature, ErrBundleTooLarge, ErrBundleEncoding, ErrBundleEmpty, ErrBundleMember,
	} {
		text := r.Error()
		if seen[text] || !strings.HasPrefix(text, "tx: the ") || !strings.Contains(text[4:], ": ") {
			t.Errorf("refusal %d: %q", r, text)
		}
		seen[text] = true
	}
}

func mustDecode(t testing.TB, raw []byte) *Envelope {
	t.Helper()
	e, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
