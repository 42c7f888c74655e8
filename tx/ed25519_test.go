package tx

import (
	"crypto/ed25519"
	"testing"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// RFC 8032 §7.1, TEST 1 and TEST 2, under our rule.
func TestEd25519Vectors(t *testing.T) {
	cases := []struct{ public, message, signature string }{
		{
			"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
		},
		{
			"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		},
	}
	for _, c := range cases {
		public, message, signature := unhex(t, c.public), unhex(t, c.message), unhex(t, c.signature)
		if !voi.VerifyWithOptions(public, message, signature, zip215) {
			t.Errorf("refused the signature of %q", c.message)
		}
		if voi.VerifyWithOptions(public, append(message, 0), signature, zip215) {
			t.Errorf("accepted the signature of %q for another message", c.message)
		}
	}
}

// smallOrder is every encoding of a point of small order, canonical (8) and not
// (6), as ZIP-215's test vectors list them.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

// Crafted signatures, a point of small order for key and R and zero for S, split
// implementations: the standard library refuses many of them, a batch cannot.
// Under the one rule all 196 are accepted, alone and in a batch.
func TestCraftedSignaturesGetOneVerdict(t *testing.T) {
	refusedByOthers := 0
	batch := voi.NewBatchVerifier()
	for _, a := range smallOrder {
		for _, r := range smallOrder {
			e := crafted(t, unhex(t, a), append(unhex(t, r), make([]byte, 32)...))
			if err := e.Verify(); err != nil {
				t.Errorf("key %s, R %s alone: %v", a, r, err)
			}
			if !inBatch(e) {
				t.Errorf("key %s, R %s: refused in a batch", a, r)
			}
			if !ed25519.Verify(e.Key.Public, ed25519Message(e.ID), e.Proof.Signature) {
				refusedByOthers++
			}
			expanded, _ := voi.NewExpandedPublicKey(e.Key.Public)
			addTo(batch, e, expanded)
		}
	}
	if good, _ := batch.Verify(nil); !good {
		t.Error("the batch of all of them is refused")
	}
	if refusedByOthers == 0 {
		t.Error("the standard library agrees on all: these examples show nothing")
	}
}

// What ZIP-215 refuses is refused by both ways, too.
func TestBadSignaturesGetOneVerdict(t *testing.T) {
	good := mustDecode(t, SignEd25519(transfer().Encode(), meter))
	order := unhex(t, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	notAPoint := unhex(t, "0200000000000000000000000000000000000000000000000000000000000000")
	public := good.Key.Public
	r, s := good.Proof.Signature[:32], good.Proof.Signature[32:]
	join := func(a, b []byte) []byte { return append(append([]byte(nil), a...), b...) }
	cases := []struct {
		name              string
		public, signature []byte
	}{
		{"s + order", public, join(r, addLittleEndian(s, order))},
		{"R is no point", public, join(notAPoint, s)},
		{"the key is no point", notAPoint, good.Proof.Signature},
		{"too short", public, good.Proof.Signature[:63]},
		{"too long", public, join(good.Proof.Signature, []byte{0})},
		{"nothing", public, nil},
		{"another's", Ed25519Key(ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)).Public, good.Proof.Signature},
	}
	for _, c := range cases {
		e := crafted(t, c.public, c.signature)
		if e.Verify() == nil || inBatch(e) {
			t.Errorf("%s: alone %v, in a batch %v", c.name, e.Verify(), inBatch(e))
		}
	}
	if good.Verify() != nil || !inBatch(good) {
		t.Error("the good one they were made of is refused")
	}
}

// crafted is an envelope with any bytes for key and signature.
func crafted(t *testing.T, public, signature []byte) *Envelope {
	t.Helper()
	return mustDecode(t, Encode(transfer().Encode(), Ed25519Key(public), Proof{Signature: signature}))
}

// inBatch is the verdict of a batch of one and of a batch of many, both with the
// key expanded, in which all others are good.
func inBatch(e *Envelope) bool {
	verdicts := [2]bool{}
	for i, others := range []uint64{0, 100} {
		batch := voi.NewBatchVerifier()
		add := func(e *Envelope) {
			key, err := voi.NewExpandedPublicKey(e.Key.Public)
			if err != nil {
				key = nil
			}
			addTo(batch, e, key)
		}
		for n := range others {
			b := transfer()
			b.Nonce = n
			other, err := Decode(SignEd25519(b.Encode(), meter))
			if err != nil {
				panic(err)
			}
			add(other)
		}
		add(e)
		_, each := batch.Verify(nil)
		verdicts[i] = each[others]
	}
	if verdicts[0] != verdicts[1] {
		panic("the size of the batch decides")
	}
	return verdicts[0]
}

func addLittleEndian(a, b []byte) []byte {
	sum, carry := make([]byte, len(a)), 0
	for i := range a {
		carry += int(a[i]) + int(b[i])
		sum[i] = byte(carry & 0xff)
		carry >>= 8
	}
	return sum
}

// addTo adds an envelope's signature to a batch.
func addTo(batch *voi.BatchVerifier, e *Envelope, key *voi.ExpandedPublicKey) {
	s, _ := e.Signature()
	s.AddTo(batch, key)
}
