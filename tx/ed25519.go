package tx

import (
	"crypto/ed25519"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

const (
	ed25519KeySize = 32
	// ed25519Domain comes before the ID in the signed message, so a signature made
	// with the same key for another purpose is never one for an envelope.
	ed25519Domain = "commonwatt/ed25519/1\n"
)

// zip215 is the one verification rule: ZIP-215, with the options that CometBFT
// uses. RFC 8032 leaves open whether the equation is multiplied by the cofactor;
// the standard library says no, a batch can only say yes, and a crafted signature
// would split nodes that do not agree. ZIP-215 says yes everywhere.
var zip215 = &voi.Options{Verify: voi.VerifyOptionsZIP_215}

// Ed25519Key returns the Key of a public key of RFC 8032.
func Ed25519Key(public ed25519.PublicKey) Key { return Key{Scheme: Ed25519, Public: public} }

// SignEd25519 returns the envelope of a body's bytes, signed.
func SignEd25519(body []byte, private ed25519.PrivateKey) []byte {
	public := private.Public().(ed25519.PublicKey)
	proof := Proof{Signature: ed25519.Sign(private, ed25519Message(Identify(body)))}
	return Encode(body, Ed25519Key(public), proof)
}

// ed25519Message is what an Ed25519 key signs for an envelope.
func ed25519Message(id ID) []byte {
	message := make([]byte, 0, len(ed25519Domain)+len(id))
	message = append(message, ed25519Domain...)
	return append(message, id[:]...)
}
