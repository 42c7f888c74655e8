// Package tx is the signed envelope: what an account sends and what a block is
// made of.
//
// Its promise: what was signed is what was received. Identifiers and signatures
// cover received bytes, never a re-encoding; one envelope has one encoding; and
// every node reaches the same verdict on a signature, alone or in a batch.
// Whether the account owns the key, the nonce window, the expiry and the chain
// are the machine's to judge: this package knows no state.
package tx

import (
	"crypto/sha256"

	"github.com/commonwatt/commonwatt/codec"
)

// Bounds of an envelope.
const (
	MaxEnvelope   = 512 << 10 // Bytes, all included.
	MaxOperations = 1024
	MaxChainID    = 50 // Bytes; CometBFT's own bound for a chain id.
)

// Body is what an account signs: its operations, applied together or not at
// all, and the conditions under which they may be.
type Body struct {
	Chain      string      `cbor:"1,keyasint"` // The chain the envelope is for, and no other.
	Account    AccountID   `cbor:"2,keyasint"` // Whose operations these are.
	Nonce      uint64      `cbor:"3,keyasint"` // Each is used once within the account's window.
	Expiry     uint64      `cbor:"4,keyasint"` // The last height at which the envelope may be applied.
	Operations []Operation `cbor:"5,keyasint"`
}

// Encode returns the bytes of the body: what is signed.
func (b *Body) Encode() []byte { return codec.Marshal(b) }

// ID identifies a body. Two envelopes with one ID ask for the same thing, even
// when another signature, or another key, stands under it.
type ID [sha256.Size]byte

// Seal identifies a body together with the key and the proof under it, so a
// verdict about a signature can be kept under it.
type Seal [sha256.Size]byte

// The domains keep hashes made for one purpose from serving another. None is a
// prefix of another.
const (
	idDomain   = "commonwatt/envelope/1\n"
	sealDomain = "commonwatt/seal/1\n"
)

// Identify returns the ID of a body's bytes. It is also the WebAuthn challenge
// and the bytes32 of EIP-712: whichever the scheme, it is what the key signs.
func Identify(body []byte) ID { return ID(digest(idDomain, body)) }

// Envelope is a decoded envelope. Its slices lie within the bytes it was decoded
// from, which must not change any more.
type Envelope struct {
	ID    ID
	Body  Body
	Key   Key
	Proof Proof
	tail  []byte // The received bytes after the body: key and proof.
	seal  Seal
}

// Proof is what shows that the owner of a key agreed to a body.
type Proof struct {
	Signature         []byte
	AuthenticatorData []byte // WebAuthn only.
	ClientData        []byte // WebAuthn only: clientDataJSON.
}

// Seal returns the envelope's seal. Since an envelope has one encoding, the ID
// and the bytes after the body stand for all of its bytes.
func (e *Envelope) Seal() Seal { return e.seal }

// Verify reports whether the proof is good for the key that the envelope names.
//
// Refusals: ErrAuthenticatorData to ErrSignature, as far as the scheme has them.
func (e *Envelope) Verify() error {
	switch e.Key.Scheme {
	case Ed25519:
		s, _ := e.Signature()
		return s.Verify()
	case WebAuthn:
		return verifyWebAuthn(e)
	case EIP712:
		return verifyEIP712(e)
	}
	return ErrScheme
}

// wire is the envelope as codec writes it; decode.go reads it faster.
type wire struct {
	Body              []byte `cbor:"1,keyasint"`
	Key               Key    `cbor:"2,keyasint"`
	Signature         []byte `cbor:"3,keyasint"`
	AuthenticatorData []byte `cbor:"4,keyasint,omitempty"`
	ClientData        []byte `cbor:"5,keyasint,omitempty"`
}

// Encode returns the bytes of an envelope around a body's bytes. It judges
// nothing: Decode does.
func Encode(body []byte, key Key, proof Proof) []byte {
	return codec.Marshal(wire{body, key, proof.Signature, proof.AuthenticatorData, proof.ClientData})
}

// digest is SHA-256 over a domain and parts that together read one way only.
func digest(domain string, parts ...[]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write([]byte(domain))
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}
