package tx

import "fmt"

// Scheme is a way to sign.
type Scheme uint8

// Schemes. Numbers are part of the protocol.
const (
	Ed25519  Scheme = 1 // Devices and services.
	WebAuthn Scheme = 2 // People: P-256 passkeys.
	EIP712   Scheme = 3 // Existing wallets: secp256k1.
)

// Key is a public key and the scheme it is used with. A key has one encoding, and
// two keys are the same when all of it is: a passkey under a laxer policy is not
// the key that an account registered.
type Key struct {
	_      struct{} `cbor:",toarray"`
	Scheme Scheme
	Public []byte // Ed25519: 32 bytes. WebAuthn: see WebAuthnKey. EIP712: an address of 20 bytes.
}

// Check reports whether the key has the form of its scheme. That it is a point
// of its curve shows when it first verifies.
//
// Refusals: ErrScheme, ErrKey.
func (k Key) Check() error {
	want := 0
	switch k.Scheme {
	case Ed25519:
		want = ed25519KeySize
	case WebAuthn:
		want = webAuthnKeySize
	case EIP712:
		want = addressSize
	default:
		return fmt.Errorf("%w (got %d)", ErrScheme, k.Scheme)
	}
	if len(k.Public) != want {
		return fmt.Errorf("%w (scheme %d has %d bytes, got %d)", ErrKey, k.Scheme, want, len(k.Public))
	}
	if k.Scheme == WebAuthn && (k.Public[0] > byte(RequireVerification) || k.Public[webAuthnPoint] != uncompressed) {
		return fmt.Errorf("%w (policy 0 or 1, then the RP id hash, then 0x04 and x and y)", ErrKey)
	}
	return nil
}
