// Package device takes what devices say under their own signatures: the message
// as it travels, the keys that their owners enrol, and the rules by which a
// register that only counts up becomes the energy of an interval.
//
// Its promise: a message counts once, and only when the device that it names
// signed it for this ledger; a gap loses detail and never energy; and of two
// things that a device said about one moment, neither is forgotten.
package device

import (
	"crypto/ed25519"
	"fmt"

	"github.com/veraison/go-cose"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
)

// Ops is every operation and refusal of this domain.
var Ops = op.NewSet("device", 9000)

// Version is the version of the message.
const Version = 1

// Bounds of a message. Numbers stay below 2⁵³, so that any language reads them.
const (
	MaxMessage  = 256                      // Bytes, all included.
	MaxSequence = 1<<53 - 1                //
	MaxRegister = quantity.Energy(1 << 52) // Wh.
	MaxStart    = interval.Time(1 << 40)   //
	MaxDuration = 24 * 3600                // Seconds.
)

// Clock is what the device knows about its clock.
type Clock uint8

// States of a clock. Numbers are part of the protocol.
const (
	Synchronised   Clock = 1 // Set by the network (NTP, the head-end, GNSS) and not lost since.
	Unsynchronised Clock = 2 // Never set, or lost: the message counts, its time does not.
)

// Message is what a device says about one interval. The registers are the meter's
// own, cumulative, as they read at Start + Duration; so a message that is lost
// loses detail and no energy.
type Message struct {
	Version   uint64           `cbor:"1,keyasint" json:"version"` // 1.
	Microgrid grid.MicrogridID `cbor:"2,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"3,keyasint" json:"device"`
	Epoch     uint32           `cbor:"4,keyasint" json:"epoch"`     // Of the key, from 1 on: which of the device's keys this is.
	Sequence  uint64           `cbor:"5,keyasint" json:"sequence"`  // From 1 on in each epoch, one more with each message.
	Start     interval.Time    `cbor:"6,keyasint" json:"start"`     // Of the interval, in seconds since 1970 UTC.
	Duration  uint32           `cbor:"7,keyasint" json:"duration"`  // Of the interval, in seconds.
	Import    quantity.Energy  `cbor:"8,keyasint" json:"import_wh"` // Cumulative, taken from the grid (OBIS 1.8.0).
	Export    quantity.Energy  `cbor:"9,keyasint" json:"export_wh"` // Cumulative, given to the grid (OBIS 2.8.0).
	Quality   metering.Quality `cbor:"10,keyasint" json:"quality"`  // In the letters of NEM12.
	Clock     Clock            `cbor:"11,keyasint" json:"clock"`
}

// Refusals of Sign and Decode, in order of precedence; ErrSignature is that of
// Signed.Verify.
var (
	ErrSize      = Ops.Refuse(1, "the message is larger than 256 bytes")
	ErrEncoding  = Ops.Refuse(2, "the message is not the canonical encoding of a tagged COSE_Sign1 with EdDSA and the device's key (RFC 9052 §4.2)")
	ErrVersion   = Ops.Refuse(3, "the message's version is not 1")
	ErrSequence  = Ops.Refuse(4, "the message's key epoch or sequence is zero, or the sequence is 2^53 or above")
	ErrTime      = Ops.Refuse(5, "the message's start is not before 2^40, or its duration not between 1 s and a day")
	ErrRegister  = Ops.Refuse(6, "a register is above 2^52 Wh")
	ErrQuality   = Ops.Refuse(7, "the message has no such quality: A actual, E estimated, F final substitute, S substitute")
	ErrClock     = Ops.Refuse(8, "the message has no such state of a clock: 1 synchronised, 2 not")
	ErrSignature = Ops.Refuse(9, "the signature does not fit the message, the key in it and this ledger")
)

// check returns why the fields are out of their bounds, or nil.
func (m *Message) check() error {
	switch {
	case m.Version != Version:
		return ErrVersion
	case m.Epoch == 0 || m.Sequence == 0 || m.Sequence > MaxSequence:
		return ErrSequence
	case m.Start < 0 || m.Start >= MaxStart || m.Duration == 0 || m.Duration > MaxDuration:
		return ErrTime
	case m.Import < 0 || m.Import > MaxRegister || m.Export < 0 || m.Export > MaxRegister:
		return ErrRegister
	case !m.Quality.Valid():
		return ErrQuality
	case m.Clock != Synchronised && m.Clock != Unsynchronised:
		return ErrClock
	}
	return nil
}

// aadDomain begins the external_aad (RFC 9052 §4.3); the chain id follows. So a
// message is for one ledger, and a signature of the device's for another purpose
// is never one for a message.
const aadDomain = "commonwatt/device/1\n"

// Sign returns a message as a tagged COSE_Sign1 (RFC 9052 §4.2):
//
//	18([ << {1: -8} >>, {4: public key}, << message >>, signature ])
//
// -8 is EdDSA (RFC 9053 §2.2). The key identifier (RFC 9052 §3.1, kid) is the 32
// bytes of the public key, so that a signature can be verified before it is known
// whose key that is. Payload and all else are in the core deterministic encoding
// (RFC 8949 §4.2.1).
//
// Refusals: ErrVersion to ErrClock.
func Sign(m Message, chainID string, private ed25519.PrivateKey) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	return sign(codec.Marshal(m), aadDomain+chainID, private)
}

// sign makes a COSE_Sign1 of a payload.
func sign(payload []byte, aad string, private ed25519.PrivateKey) ([]byte, error) {
	signer, err := cose.NewSigner(cose.AlgorithmEdDSA, private)
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	s := cose.NewSign1Message()
	s.Headers.Protected.SetAlgorithm(cose.AlgorithmEdDSA)
	s.Headers.Unprotected[cose.HeaderLabelKeyID] = []byte(private.Public().(ed25519.PublicKey))
	s.Payload = payload
	if err := s.Sign(nil, []byte(aad), signer); err != nil { // Ed25519 needs no randomness (RFC 8032 §5.1.6).
		return nil, fmt.Errorf("device: %w", err)
	}
	raw, err := s.MarshalCBOR()
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	return raw, nil
}
