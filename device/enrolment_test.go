package device

import (
	"bytes"
	"crypto/ed25519"
	"testing"
)

// A signature is for its code and its key, and for nothing else.
func TestPossesses(t *testing.T) {
	private, other := keyOf("meter"), keyOf("another")
	public := private.Public().(ed25519.PublicKey)
	good := SignEnrolment("K7QM-2X9P-4HTA", private)
	for _, c := range []struct {
		what      string
		code      string
		public    []byte
		signature []byte
		want      bool
	}{
		{"the device's", "K7QM-2X9P-4HTA", public, good, true},
		{"for another code", "K7QM-2X9P-4HTB", public, good, false},
		{"another's key", "K7QM-2X9P-4HTA", other.Public().(ed25519.PublicKey), good, false},
		{"another's signature", "K7QM-2X9P-4HTA", public, SignEnrolment("K7QM-2X9P-4HTA", other), false},
		{"that of a message", "K7QM-2X9P-4HTA", public, mustSign(t, example(), private)[len(mustSign(t, example(), private))-64:], false},
		{"of the code alone", "K7QM-2X9P-4HTA", public, ed25519.Sign(private, []byte("K7QM-2X9P-4HTA")), false},
		{"with a key that anyone could sign for", "", make([]byte, 32), make([]byte, 64), false},
		{"with half a key", "K7QM-2X9P-4HTA", public[:16], good, false},
		{"none", "K7QM-2X9P-4HTA", public, nil, false},
		{"too long", "K7QM-2X9P-4HTA", public, append(bytes.Clone(good), 0), false},
	} {
		if Possesses(c.code, c.public, c.signature) != c.want {
			t.Errorf("a signature %s is good: %v", c.what, !c.want)
		}
	}
}
