package tx

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// UserPolicy is what a passkey asks of the person who uses it.
type UserPolicy byte

// Policies of a passkey.
const (
	RequirePresence     UserPolicy = 0 // Somebody touched the authenticator.
	RequireVerification UserPolicy = 1 // And unlocked it: PIN, fingerprint, face.
)

// A WebAuthn key is: policy, SHA-256 of the relying party's id, and the point as
// SEC 1 §2.3.3 writes it uncompressed, which is what browsers hand out.
const (
	webAuthnHash    = 1
	webAuthnPoint   = webAuthnHash + sha256.Size
	webAuthnKeySize = webAuthnPoint + 65
	uncompressed    = 0x04
)

// Flags of authenticator data (WebAuthn §6.1).
const (
	flagUserPresent    = 1 << 0
	flagUserVerified   = 1 << 2
	flagBackupEligible = 1 << 3
	flagBackupState    = 1 << 4
	flagAttested       = 1 << 6
	flagExtensions     = 1 << 7
)

// Sizes of authenticator data: RP id hash, flags, signature counter; then
// extensions, if any.
const (
	authenticatorFlags   = 32
	authenticatorMinimum = 37
)

// WebAuthnKey returns the Key of a passkey that was registered for a relying
// party. The point is in uncompressed form, 65 bytes.
func WebAuthnKey(relyingParty string, point []byte, policy UserPolicy) Key {
	hash := sha256.Sum256([]byte(relyingParty))
	public := make([]byte, 0, webAuthnKeySize)
	public = append(public, byte(policy))
	public = append(public, hash[:]...)
	return Key{Scheme: WebAuthn, Public: append(public, point...)}
}

// verifyWebAuthn verifies an assertion (W3C WebAuthn Level 3 §7.2) as far as a
// ledger can. The challenge is the body's ID. Two steps have no counterpart here:
// the origin, which the client checked against the relying party's id before it
// hashed that into the authenticator data, and which no node could know better;
// and the signature counter, whose work the nonce does.
func verifyWebAuthn(e *Envelope) error {
	data, client := e.Proof.AuthenticatorData, e.Proof.ClientData
	if err := checkAuthenticatorData(data); err != nil {
		return err
	}
	if !collectedFor(client, e.ID) {
		return ErrClientData
	}
	policy, relyingParty := UserPolicy(e.Key.Public[0]), e.Key.Public[webAuthnHash:webAuthnPoint]
	flags := data[authenticatorFlags]
	switch {
	case !bytes.Equal(data[:authenticatorFlags], relyingParty):
		return ErrRelyingParty
	case flags&flagUserPresent == 0:
		return ErrUserPresence
	case policy == RequireVerification && flags&flagUserVerified == 0:
		return ErrUserVerification
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), e.Key.Public[webAuthnPoint:])
	if err != nil {
		return fmt.Errorf("%w (not a point of P-256)", ErrSignature)
	}
	clientHash := sha256.Sum256(client)
	signed := digest("", data, clientHash[:])
	if !ecdsa.VerifyASN1(public, signed[:], e.Proof.Signature) {
		return ErrSignature
	}
	return nil
}

// checkAuthenticatorData checks the form of authenticator data (WebAuthn §6.1):
// an assertion has no attested credential data (§6.3.3), what is backed up must
// be able to be (§7.2), and bytes after the counter are extensions.
func checkAuthenticatorData(data []byte) error {
	if len(data) < authenticatorMinimum {
		return fmt.Errorf("%w (got %d bytes, at least 37)", ErrAuthenticatorData, len(data))
	}
	flags := data[authenticatorFlags]
	switch {
	case flags&flagAttested != 0:
		return fmt.Errorf("%w (it holds attested credential data)", ErrAuthenticatorData)
	case flags&flagBackupState != 0 && flags&flagBackupEligible == 0:
		return fmt.Errorf("%w (backed up but not eligible for it)", ErrAuthenticatorData)
	case (flags&flagExtensions != 0) != (len(data) > authenticatorMinimum):
		return fmt.Errorf("%w (the extensions flag and the length disagree)", ErrAuthenticatorData)
	}
	return nil
}

// collectedFor reports whether clientDataJSON was collected for an assertion
// over the ID, by the limited verification algorithm (WebAuthn §5.8.1.2): it must
// begin with type, challenge, origin and crossOrigin as §5.8.1.1 writes them, and
// whatever follows is not looked at. An assertion made inside a frame of another
// site (crossOrigin true) is refused: its user did not see whose page asks.
func collectedFor(client []byte, id ID) bool {
	challenge := base64.RawURLEncoding.EncodeToString(id[:])
	rest, ok := bytes.CutPrefix(client, []byte(`{"type":"webauthn.get","challenge":"`+challenge+`","origin":"`))
	if !ok {
		return false
	}
	origin := bytes.IndexByte(rest, '"')
	if origin <= 0 || !serialOrigin(rest[:origin]) {
		return false
	}
	rest, ok = bytes.CutPrefix(rest[origin:], []byte(`","crossOrigin":false`))
	return ok && len(rest) > 0 && (rest[0] == '}' || rest[0] == ',')
}

// serialOrigin reports whether a string can be an origin as §5.8.1.1 writes it:
// printable ASCII in which nothing had to be escaped.
func serialOrigin(s []byte) bool {
	for _, b := range s {
		if b <= ' ' || b > '~' || b == '\\' {
			return false
		}
	}
	return true
}
