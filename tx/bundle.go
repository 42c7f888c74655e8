package tx

import (
	"fmt"

	"github.com/commonwatt/commonwatt/codec"
)

// Bounds of a bundle.
const (
	MaxBundle          = 1<<20 - 64 // Bytes, all included: what the chain takes as one transaction.
	MaxBundleEnvelopes = 1 << 15
	// BundleOverhead is the most bytes that a bundle adds: once for itself and once
	// for each envelope.
	BundleOverhead = 5
)

// EncodeBundle returns many envelopes as one transaction of the consensus, which
// so pays its overhead once for all of them. Each is still accepted or refused on
// its own.
//
// Refusals: those of DecodeBundle but ErrBundleEncoding.
func EncodeBundle(envelopes [][]byte) ([]byte, error) {
	if len(envelopes) > MaxBundleEnvelopes {
		return nil, fmt.Errorf("%w (got %d envelopes)", ErrBundleTooLarge, len(envelopes))
	}
	if err := checkMembers(envelopes); err != nil {
		return nil, err
	}
	raw := codec.Marshal(envelopes)
	if len(raw) > MaxBundle {
		return nil, fmt.Errorf("%w (got %d bytes)", ErrBundleTooLarge, len(raw))
	}
	return raw, nil
}

// DecodeBundle reads a bundle. The envelopes lie within raw, which must not
// change any more; they are not looked into.
//
// Refusals: ErrBundleTooLarge to ErrBundleMember.
func DecodeBundle(raw []byte) ([][]byte, error) {
	if len(raw) > MaxBundle {
		return nil, fmt.Errorf("%w (got %d bytes)", ErrBundleTooLarge, len(raw))
	}
	c := codec.NewCursor(raw)
	n := c.Head(codec.MajorArray)
	if n > MaxBundleEnvelopes {
		return nil, fmt.Errorf("%w (got %d envelopes)", ErrBundleTooLarge, n)
	}
	// An envelope takes at least a byte: what the head announces beyond that is a lie.
	if c.Failed() || n > c.Left() {
		return nil, fmt.Errorf("%w (at byte %d)", ErrBundleEncoding, c.At())
	}
	envelopes := make([][]byte, n)
	for i := range envelopes {
		envelopes[i] = c.Bytes()
	}
	if !c.Done() {
		return nil, fmt.Errorf("%w (at byte %d)", ErrBundleEncoding, c.At())
	}
	if err := checkMembers(envelopes); err != nil {
		return nil, err
	}
	return envelopes, nil
}

// checkMembers checks that there are envelopes and that each can be one.
func checkMembers(envelopes [][]byte) error {
	if len(envelopes) == 0 {
		return ErrBundleEmpty
	}
	for i, e := range envelopes {
		if len(e) == 0 || len(e) > MaxEnvelope {
			return fmt.Errorf("%w (envelope %d has %d bytes)", ErrBundleMember, i, len(e))
		}
	}
	return nil
}
