package tx

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// The example of EIP-712 itself: Cow writes to Bob.
func TestEIP712Example(t *testing.T) {
	address := func(s string) (w word) {
		copy(w[12:], unhex(t, s))
		return w
	}
	const person = "Person(string name,address wallet)"
	domain := hashStruct("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
		keccak([]byte("Ether Mail")), keccak([]byte("1")), number(1), address("cccccccccccccccccccccccccccccccccccccccc"))
	cow := hashStruct(person, keccak([]byte("Cow")), address("cd2a3d9f938e13cd947ec05abc7fe734df8dd826"))
	bob := hashStruct(person, keccak([]byte("Bob")), address("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"))
	mail := hashStruct("Mail(Person from,Person to,string contents)"+person, cow, bob, keccak([]byte("Hello, Bob!")))
	hash := keccak([]byte("\x19\x01"), domain[:], mail[:])
	if got := hex.EncodeToString(domain[:]); got != "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f" {
		t.Errorf("domain separator %s", got)
	}
	if got := hex.EncodeToString(hash[:]); got != "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2" {
		t.Errorf("hash %s", got)
	}
	signature := unhex(t, "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"+
		"07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c")
	signer, err := recoverAddress(hash, signature)
	if got := hex.EncodeToString(signer[:]); err != nil || got != "cd2a3d9f938e13cd947ec05abc7fe734df8dd826" {
		t.Errorf("signer %s, %v", got, err)
	}
	secret := keccak([]byte("cow"))
	if Address(secp256k1.PrivKeyFromBytes(secret[:]).PubKey()) != signer {
		t.Error("the address of Cow's key is not Cow's address")
	}
}

// What a wallet shows is what it signs: each member changes the hash.
func TestEIP712CoversEveryMember(t *testing.T) {
	seen := map[word]string{}
	for name, change := range map[string]func(*Body){
		"nothing": func(*Body) {}, "chain": func(b *Body) { b.Chain += "x" }, "account": func(b *Body) { b.Account++ },
		"nonce": func(b *Body) { b.Nonce++ }, "expiry": func(b *Body) { b.Expiry++ },
	} {
		b := transfer()
		change(b)
		hash := typedData(b, ID{}) // The ID would cover them all by itself.
		if other, taken := seen[hash]; taken {
			t.Errorf("changing %s and changing %s give one hash", name, other)
		}
		seen[hash] = name
	}
	if _, same := seen[typedData(transfer(), Identify(transfer().Encode()))]; same {
		t.Error("the ID is not covered")
	}
}

func TestEIP712TakesOneFormOfASignature(t *testing.T) {
	e := mustDecode(t, SignEIP712(transfer(), wallet))
	r, s, v := e.Proof.Signature[:32], e.Proof.Signature[32:64], e.Proof.Signature[64]
	var high secp256k1.ModNScalar
	high.SetByteSlice(s)
	negated := high.Negate().Bytes()
	join := func(r, s []byte, v byte) []byte { return append(append(append([]byte(nil), r...), s...), v) }
	other := secp256k1.PrivKeyFromBytes([]byte{9})
	hash := typedData(&e.Body, e.ID)
	compact := ecdsa.SignCompact(other, hash[:], false)
	cases := []struct {
		name      string
		signature []byte
		reason    string
	}{
		{"the upper s with the other v", join(r, negated[:], v^7), "upper half"}, // 27 ^ 7 = 28.
		{"s beyond the order", join(r, []byte(strings.Repeat("\xff", 32)), v), "upper half"},
		{"v as 0 or 1", join(r, s, v-27), "27 or 28"},
		{"v of a compressed key", join(r, s, v+4), "27 or 28"},
		{"the other v", join(r, s, v^7), ""},
		{"r = 0", join(make([]byte, 32), s, v), "no key"},
		{"s = 0", join(r, make([]byte, 32), v), "no key"},
		{"without v", e.Proof.Signature[:64], "65 bytes"},
		{"nothing", nil, "65 bytes"},
		{"another wallet's", append(compact[1:], compact[0]), "the signer is 0x"},
	}
	for _, c := range cases {
		e.Proof.Signature = c.signature
		if err := e.Verify(); !errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
