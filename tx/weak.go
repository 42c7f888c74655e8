package tx

import "github.com/oasisprotocol/curve25519-voi/curve"

// Weak reports whether anyone can sign for the key: an Ed25519 key of small
// order (one of the 14 encodings of 8 points) has signatures that need no
// secret, and ZIP-215, unlike RFC 8032 §8.9 by default, accepts them. No account
// may register such a key.
func (k Key) Weak() bool {
	var compressed curve.CompressedEdwardsY
	var point curve.EdwardsPoint
	if k.Scheme != Ed25519 {
		return false
	}
	if _, err := compressed.SetBytes(k.Public); err != nil {
		return false
	}
	if _, err := point.SetCompressedY(&compressed); err != nil {
		return false // No point, no signature.
	}
	return point.IsSmallOrder()
}
