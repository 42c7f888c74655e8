package tx

import voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

// Signed is what a node verifies before it is applied, once and in batches: an
// envelope, or something that an envelope carries and somebody else signed.
type Signed interface {
	// Seal identifies what was signed together with the key and the proof, so that
	// a verdict can be kept under it.
	Seal() Seal
	// Verify returns nil or the refusal; every node comes to the same.
	Verify() error
	// Signature returns the Ed25519 signature on which Verify's verdict rests alone,
	// so that it can be verified in a batch; and whether that is so.
	Signature() (Signature, bool)
}

// Signature is an Ed25519 signature with all that it is verified with.
type Signature struct {
	Public  []byte // 32 bytes.
	Message []byte // What was signed.
	Bytes   []byte // 64 bytes.
	Refusal error  // What Verify says when it is not good.
}

// Verify returns nil, or the refusal when the signature is not good by ZIP-215.
func (s Signature) Verify() error {
	if !voi.VerifyWithOptions(s.Public, s.Message, s.Bytes, zip215) {
		return s.Refusal
	}
	return nil
}

// AddTo adds the signature to a batch under the rule that Verify uses. The key is
// Public, expanded (nil when it is no point, which fails the batch).
func (s Signature) AddTo(batch *voi.BatchVerifier, key *voi.ExpandedPublicKey) {
	batch.AddExpandedWithOptions(key, s.Message, s.Bytes, zip215)
}

// Signature returns the envelope's signature when its scheme is Ed25519.
func (e *Envelope) Signature() (Signature, bool) {
	if e.Key.Scheme != Ed25519 {
		return Signature{}, false
	}
	return Signature{e.Key.Public, ed25519Message(e.ID), e.Proof.Signature, ErrSignature}, true
}
