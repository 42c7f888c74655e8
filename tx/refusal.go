package tx

// Refusal says why an envelope or a bundle is not taken. It is deterministic:
// every node refuses the same bytes for the same reason. The constants stand in
// order of precedence: of several reasons the first is given.
type Refusal uint32

// Refusals of Decode. Codes are part of the protocol: appended, never reused.
const (
	ErrTooLarge   Refusal = 1 // More than MaxEnvelope bytes.
	ErrEncoding   Refusal = 2 // Not the canonical encoding of an envelope.
	ErrChain      Refusal = 3 // The chain id is empty or too long.
	ErrOperations Refusal = 4 // No operation, or more than MaxOperations.
	ErrScheme     Refusal = 5 // A scheme we do not know.
	ErrKey        Refusal = 6 // Not a key of its scheme.
	ErrAssertion  Refusal = 7 // The WebAuthn fields are missing, or there without reason.
)

// Refusals of Envelope.Verify.
const (
	ErrAuthenticatorData Refusal = 8  // Not authenticator data of an assertion.
	ErrClientData        Refusal = 9  // Not the client data of this body.
	ErrRelyingParty      Refusal = 10 // Made for another relying party.
	ErrUserPresence      Refusal = 11 // Nobody was there.
	ErrUserVerification  Refusal = 12 // The key asks for more than presence.
	ErrSignature         Refusal = 13 // The signature does not fit body and key.
)

// Refusals of DecodeBundle and EncodeBundle.
const (
	ErrBundleTooLarge Refusal = 101 // More than MaxBundle bytes or MaxBundleEnvelopes envelopes.
	ErrBundleEncoding Refusal = 102 // Not the canonical encoding of a bundle.
	ErrBundleEmpty    Refusal = 103 // No envelope at all.
	ErrBundleMember   Refusal = 104 // An envelope that is empty or too large to be one.
)

// Error says what is refused, why, and what to do.
func (r Refusal) Error() string {
	switch r {
	case ErrTooLarge:
		return "tx: the envelope is larger than 512 KiB: spread its operations over several envelopes"
	case ErrEncoding:
		return "tx: the envelope is not the canonical CBOR (RFC 8949 §4.2.1) of an envelope and its body: encode it anew"
	case ErrChain:
		return "tx: the chain id is empty or longer than 50 bytes: use the id that the node reports"
	case ErrOperations:
		return "tx: the envelope carries no operation or more than 1024: send between one and 1024"
	case ErrScheme:
		return "tx: the signature scheme is unknown: use 1 (Ed25519), 2 (WebAuthn P-256) or 3 (EIP-712 secp256k1)"
	case ErrKey:
		return "tx: the public key is malformed for its scheme: check its length and encoding"
	case ErrAssertion:
		return "tx: the fields authenticatorData and clientDataJSON belong to WebAuthn keys: send both with those, neither with others"
	case ErrAuthenticatorData:
		return "tx: the authenticator data is not that of an assertion (WebAuthn §6.1): send it as the authenticator returned it"
	case ErrClientData:
		return "tx: the client data was not collected for this body (WebAuthn §5.8.1.2): use its id as the challenge, from a page of your own"
	case ErrRelyingParty:
		return "tx: the assertion was made for another relying party (WebAuthn §7.2): sign on the site where the passkey was registered"
	case ErrUserPresence:
		return "tx: the assertion lacks user presence (WebAuthn §7.2): touch the authenticator"
	case ErrUserVerification:
		return "tx: the key asks for user verification and the assertion has none (WebAuthn §7.2): unlock the authenticator with PIN or biometry"
	case ErrSignature:
		return "tx: the signature does not fit the body and the key: sign the body's bytes as they are sent"
	case ErrBundleTooLarge:
		return "tx: the bundle is larger than 4 MiB or holds more than 32768 envelopes: make two of it"
	case ErrBundleEncoding:
		return "tx: the bundle is not a canonical CBOR array of byte strings (RFC 8949 §4.2.1): encode it anew"
	case ErrBundleEmpty:
		return "tx: the bundle is empty: send at least one envelope"
	case ErrBundleMember:
		return "tx: the bundle holds an envelope that is empty or larger than 512 KiB: leave it out"
	}
	return "tx: unknown refusal"
}
