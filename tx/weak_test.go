package tx

import (
	"crypto/ed25519"
	"testing"
)

func TestWeak(t *testing.T) {
	for _, encoded := range smallOrder {
		if !Ed25519Key(unhex(t, encoded)).Weak() {
			t.Errorf("a key of small order is not weak: %s", encoded)
		}
	}
	sound := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	for what, key := range map[string]Key{
		"a key of someone": Ed25519Key(sound),
		"no point":         Ed25519Key(unhex(t, "0200000000000000000000000000000000000000000000000000000000000000")),
		"no key":           Ed25519Key(nil),
		"another scheme":   {Scheme: EIP712, Public: unhex(t, smallOrder[0])},
	} {
		if key.Weak() {
			t.Errorf("%s is weak", what)
		}
	}
}
