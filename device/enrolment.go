package device

import (
	"crypto/ed25519"

	"github.com/commonwatt/commonwatt/tx"
)

// enrolDomain begins what a device signs to enrol: then come the code as it is sent, a
// line feed, and the 32 bytes of the public key.
const enrolDomain = "commonwatt/device/enrol/1\n"

// possession is what is signed.
func possession(code string, public ed25519.PublicKey) []byte {
	return append([]byte(enrolDomain+code+"\n"), public...)
}

// SignEnrolment is how a device shows that it has the private key for which it brings
// a code: an Ed25519 signature (RFC 8032 §5.1.6) that is one for nothing else.
func SignEnrolment(code string, private ed25519.PrivateKey) []byte {
	return ed25519.Sign(private, possession(code, private.Public().(ed25519.PublicKey)))
}

// Possesses reports whether a signature for a code is that of a public key that a
// device may have.
func Possesses(code string, public, signature []byte) bool {
	key := tx.Ed25519Key(public)
	return key.Check() == nil && !key.Weak() && ed25519.Verify(public, possession(code, public), signature)
}
