package tx

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// passkey is an authenticator and the browser in front of it.
type passkey struct {
	private      *ecdsa.PrivateKey
	point        []byte
	key          Key
	relyingParty string
}

// assertion is how an assertion differs from an ordinary one.
type assertion struct {
	challenge    []byte
	relyingParty string
	flags        byte // Exclusive or with: present, verified.
	extensions   string
	client       func(string) string
}

func newPasskey(relyingParty, secret string, policy UserPolicy) *passkey {
	scalar := sha256.Sum256([]byte(secret))
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		panic(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return &passkey{private, point, WebAuthnKey(relyingParty, point, policy), relyingParty}
}

// sign is navigator.credentials.get() over a body's ID, and the envelope around
// what it returns.
func (p *passkey) sign(body []byte, a assertion) []byte {
	id := Identify(body)
	if a.challenge == nil {
		a.challenge = id[:]
	}
	if a.relyingParty == "" {
		a.relyingParty = p.relyingParty
	}
	client := `{"type":"webauthn.get","challenge":"` + base64.RawURLEncoding.EncodeToString(a.challenge) +
		`","origin":"https://app.` + p.relyingParty + `","crossOrigin":false}`
	if a.client != nil {
		client = a.client(client)
	}
	party := sha256.Sum256([]byte(a.relyingParty))
	data := append(party[:], flagUserPresent|flagUserVerified^a.flags, 0, 0, 0, 9)
	data = append(data, a.extensions...)
	return Encode(body, p.key, p.prove(data, []byte(client)))
}

// prove signs authenticator data and client data (WebAuthn §6.3.3). Without a
// source of randomness the signature is deterministic (RFC 6979).
func (p *passkey) prove(data, client []byte) Proof {
	clientHash := sha256.Sum256(client)
	signed := sha256.Sum256(append(bytes.Clone(data), clientHash[:]...))
	signature, err := p.private.Sign(nil, signed[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return Proof{signature, data, client}
}

func TestWebAuthnChecksTheAssertion(t *testing.T) {
	replace := func(old, with string) func(string) string {
		return func(s string) string { return string(bytes.Replace([]byte(s), []byte(old), []byte(with), 1)) }
	}
	cases := []struct {
		name string
		assertion
		want error
	}{
		{"ordinary", assertion{}, nil},
		{"with extensions", assertion{flags: flagExtensions, extensions: "\xa0"}, nil},
		{"backed up", assertion{flags: flagBackupEligible | flagBackupState}, nil},
		{"members of the future", assertion{client: replace(`false}`, `false,"more":["]}"]}`)}, nil},
		{"an app's origin", assertion{client: replace("https://app.energie.example", "android:apk-key-hash:x-_")}, nil},

		{"attested data and another party", assertion{flags: flagAttested, relyingParty: "x"}, ErrAuthenticatorData},
		{"backed up but not eligible", assertion{flags: flagBackupState}, ErrAuthenticatorData},
		{"extensions without the flag", assertion{extensions: "\xa0"}, ErrAuthenticatorData},
		{"the flag without extensions", assertion{flags: flagExtensions}, ErrAuthenticatorData},
		{"another challenge and party", assertion{challenge: make([]byte, 32), relyingParty: "x"}, ErrClientData},
		{"a registration", assertion{client: replace("webauthn.get", "webauthn.create")}, ErrClientData},
		{"in another site's frame", assertion{client: replace("false", "true")}, ErrClientData},
		{"no crossOrigin", assertion{client: replace(`,"crossOrigin":false`, "")}, ErrClientData},
		{"a longer word than false", assertion{client: replace("false", "falsehood")}, ErrClientData},
		{"cut off", assertion{client: replace("false}", "false")}, ErrClientData},
		{"blanks", assertion{client: replace(`,"origin"`, `, "origin"`)}, ErrClientData},
		{"no origin", assertion{client: replace("https://app.energie.example", "")}, ErrClientData},
		{"an origin with an escape", assertion{client: replace("https://app", `https:\/\/app`)}, ErrClientData},
		{"members before type", assertion{client: replace(`{"type"`, `{"a":1,"type"`)}, ErrClientData},
		{"another party and nobody there", assertion{relyingParty: "evil.example", flags: flagUserPresent}, ErrRelyingParty},
		{"nobody there, nothing unlocked", assertion{flags: flagUserPresent | flagUserVerified}, ErrUserPresence},
		{"not unlocked", assertion{flags: flagUserVerified}, ErrUserVerification},
	}
	for _, c := range cases {
		e := mustDecode(t, resident.sign(transfer().Encode(), c.assertion))
		if err := e.Verify(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestWebAuthnPresenceIsEnoughWhenTheKeySaysSo(t *testing.T) {
	button := newPasskey("energie.example", "a security key without a PIN", RequirePresence)
	if err := mustDecode(t, button.sign(transfer().Encode(), assertion{flags: flagUserVerified})).Verify(); err != nil {
		t.Error(err)
	}
}

func TestWebAuthnRefusesAPointOffTheCurve(t *testing.T) {
	stray := *resident
	point := bytes.Clone(resident.point)
	point[64] ^= 1
	stray.key = WebAuthnKey(stray.relyingParty, point, RequirePresence)
	if err := mustDecode(t, stray.sign(transfer().Encode(), assertion{})).Verify(); !errors.Is(err, ErrSignature) {
		t.Error(err)
	}
}

// A signature is DER (WebAuthn §6.5.5), and DER has one form. A library that
// became lenient would split nodes built with it from the others.
func TestWebAuthnTakesOnlyDER(t *testing.T) {
	e := mustDecode(t, resident.sign(transfer().Encode(), assertion{}))
	var point struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(e.Proof.Signature, &point); err != nil {
		t.Fatal(err)
	}
	r, s, order := point.R, point.S, elliptic.P256().Params().N
	encode := func(r, s *big.Int) []byte {
		var b cryptobyte.Builder
		b.AddASN1(0x30, func(b *cryptobyte.Builder) { b.AddASN1BigInt(r); b.AddASN1BigInt(s) })
		return b.BytesOrPanic()
	}
	integers := e.Proof.Signature[2:]
	cases := []struct {
		name string
		raw  []byte
		good bool
	}{
		{"as signed", encode(r, s), true},
		{"the other s, which authenticators also make", encode(r, new(big.Int).Sub(order, s)), true},
		{"s + n", encode(r, new(big.Int).Add(order, s)), false},
		{"r = 0", encode(new(big.Int), s), false},
		{"negative r", encode(new(big.Int).Neg(r), s), false},
		{"a long length", append([]byte{0x30, 0x81, e.Proof.Signature[1]}, integers...), false},
		{"an indefinite length", append(append([]byte{0x30, 0x80}, integers...), 0, 0), false},
		{"a byte after the end", append(encode(r, s), 0), false},
		{"plain r and s", append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), false},
		{"nothing", nil, false},
	}
	for _, c := range cases {
		e.Proof.Signature = c.raw
		if err := e.Verify(); (err == nil) != c.good || err != nil && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The assertion of W3C WebAuthn Level 3 §16.2, ES256: made by others, over a
// challenge of theirs.
func TestWebAuthnVerifiesTheVectorOfTheStandard(t *testing.T) {
	point := unhex(t, "04afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61"+
		"930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220")
	e := &Envelope{
		ID:  ID(unhex(t, "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408")),
		Key: WebAuthnKey("example.org", point, RequirePresence),
		Proof: Proof{
			AuthenticatorData: unhex(t, "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000"),
			ClientData: []byte(`{"type":"webauthn.get","challenge":"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag",` +
				`"origin":"https://example.org","crossOrigin":false}`),
			Signature: unhex(t, "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd38"+
				"0221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87"),
		},
	}
	if err := e.Verify(); err != nil {
		t.Error(err)
	}
	e.Key = WebAuthnKey("example.org", point, RequireVerification)
	if err := e.Verify(); !errors.Is(err, ErrUserVerification) {
		t.Errorf("the vector has no user verification, got %v", err)
	}
}

// FuzzWebAuthn feeds hostile authenticator data and client data, correctly
// signed, to the verification, and holds its verdict against a naive reading.
func FuzzWebAuthn(f *testing.F) {
	body := transfer().Encode()
	ordinary := mustDecode(f, resident.sign(body, assertion{})).Proof
	f.Add(ordinary.AuthenticatorData, ordinary.ClientData)
	f.Add(ordinary.AuthenticatorData[:36], ordinary.ClientData)
	f.Add(ordinary.AuthenticatorData, bytes.Replace(ordinary.ClientData, []byte("}"), []byte(`,"a":1}`), 1))
	f.Fuzz(func(t *testing.T, data, client []byte) {
		e, err := Decode(Encode(body, resident.key, resident.prove(data, client)))
		if err != nil {
			return
		}
		if e.Verify() == nil && !plausible(data, client, e.ID) {
			t.Errorf("accepted %x %q", data, client)
		}
	})
}

// plausible is necessary for an assertion: its party, presence, verification,
// and a challenge that occurs in the client data.
func plausible(data, client []byte, id ID) bool {
	challenge := base64.RawURLEncoding.EncodeToString(id[:])
	return len(data) >= 37 && bytes.Equal(data[:32], resident.key.Public[1:33]) && data[32]&0x45 == 0x05 &&
		bytes.Contains(client, []byte(`"challenge":"`+challenge+`"`)) && bytes.Contains(client, []byte(`"crossOrigin":false`))
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
