package device

import (
	"crypto/sha256"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// Sizes of Ed25519 (RFC 8032 §5.1.5, §5.1.6).
const (
	keySize       = 32
	signatureSize = 64
)

// Signed is a message as it was received, with key and signature. Whether that
// key is the device's is for the ledger to say.
type Signed struct {
	Message Message
	cover
}

// Decode reads a message that was signed for a chain. It accepts exactly one
// encoding of each message, signature and key. What it returns lies within raw,
// which must not change any more.
//
// It is written by hand because every node decodes every message at least twice;
// FuzzDecode holds it against go-cose and codec.
//
// Refusals: ErrSize to ErrClock. The signature is for Verify to judge.
func Decode(raw []byte, chainID string) (*Signed, error) {
	c, err := open(raw, aadDomain+chainID)
	if err != nil {
		return nil, err
	}
	s := &Signed{cover: c}
	p := codec.NewCursor(c.payload)
	s.Message.read(&p)
	if !p.Done() {
		return nil, ErrEncoding
	}
	if err := s.Message.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// read reads the payload: a map of eleven pairs in the order of their keys.
func (m *Message) read(c *codec.Cursor) {
	c.Exactly(codec.MajorMap, 11)
	c.Key(1)
	m.Version = c.Head(codec.MajorUint)
	c.Key(2)
	m.Microgrid = grid.MicrogridID(c.Head(codec.MajorUint))
	c.Key(3)
	m.Device = grid.DeviceID(c.Head(codec.MajorUint))
	c.Key(4)
	m.Epoch = uint32(c.AtMost(1<<32 - 1)) //nolint:gosec // within 32 bits
	c.Key(5)
	m.Sequence = c.Head(codec.MajorUint)
	c.Key(6)
	m.Start = interval.Time(c.AtMost(1<<63 - 1)) //nolint:gosec // within 63 bits
	c.Key(7)
	m.Duration = uint32(c.AtMost(1<<32 - 1)) //nolint:gosec // within 32 bits
	c.Key(8)
	m.Import = quantity.Energy(c.AtMost(1<<63 - 1)) //nolint:gosec // within 63 bits
	c.Key(9)
	m.Export = quantity.Energy(c.AtMost(1<<63 - 1)) //nolint:gosec // within 63 bits
	c.Key(10)
	m.Quality = metering.Quality(c.AtMost(1<<8 - 1)) //nolint:gosec // within 8 bits
	c.Key(11)
	m.Clock = Clock(c.AtMost(1<<8 - 1)) //nolint:gosec // within 8 bits
}

// cover is the COSE_Sign1 around a payload.
type cover struct {
	Key       []byte // The public key, 32 bytes, as the message names it.
	payload   []byte
	signature []byte
	aad       string
}

// open reads the COSE_Sign1 that sign wrote. The payload is not looked into.
//
// Refusals: ErrSize, ErrEncoding.
func open(raw []byte, aad string) (cover, error) {
	if len(raw) > MaxMessage {
		return cover{}, ErrSize
	}
	c := codec.NewCursor(raw)
	c.Exactly(codec.MajorTag, 18) // RFC 9052 §2, table 1.
	c.Exactly(codec.MajorArray, 4)
	if protected := c.Bytes(); string(protected) != edDSA {
		c.Fail()
	}
	c.Exactly(codec.MajorMap, 1)
	c.Key(4) // RFC 9052 §3.1: kid.
	key := c.Bytes()
	payload := c.Bytes()
	signature := c.Bytes()
	if !c.Done() || len(key) != keySize || len(signature) != signatureSize {
		return cover{}, ErrEncoding
	}
	return cover{key, payload, signature, aad}, nil
}

// edDSA is the protected header {1: -8} (RFC 9052 §3.1, RFC 9053 §2.2).
const edDSA = "\xa1\x01\x27"

// sealDomain keeps the seals of messages from being those of envelopes.
const sealDomain = "commonwatt/device/seal/1\n"

// Seal identifies payload, key, signature and ledger. Since a message has one
// encoding, so has what is hashed here.
func (c cover) Seal() tx.Seal {
	sum := sha256.New()
	sum.Write([]byte(sealDomain))
	sum.Write(c.Key)
	sum.Write(c.signature)
	sum.Write(c.structure())
	return tx.Seal(sum.Sum(nil))
}

// Signature returns what a verifier needs.
func (c cover) Signature() (tx.Signature, bool) {
	return tx.Signature{Public: c.Key, Message: c.structure(), Bytes: c.signature, Refusal: ErrSignature}, true
}

// Verify reports whether the signature is good for the key that the message
// names (RFC 9052 §4.4), by the rule that envelopes are verified by.
//
// Refusal: ErrSignature.
func (c cover) Verify() error {
	s, _ := c.Signature()
	return s.Verify()
}

// structure returns the Sig_structure, which is what is signed (RFC 9052 §4.4):
//
//	["Signature1", protected header, external_aad, payload]
func (c cover) structure() []byte {
	b := make([]byte, 0, 32+len(c.aad)+len(c.payload))
	b = append(b, 0x84, 0x6a)
	b = append(b, "Signature1"...)
	b = append(b, 0x43)
	b = append(b, edDSA...)
	b = appendBytes(b, c.aad)
	return appendBytes(b, c.payload)
}

// appendBytes appends a byte string of at most 255 bytes (RFC 8949 §3.1).
func appendBytes[T string | []byte](b []byte, s T) []byte {
	if len(s) < 24 {
		b = append(b, 0x40|byte(len(s))) //nolint:gosec // below 24
	} else {
		b = append(b, 0x58, byte(len(s))) //nolint:gosec // the aad is short, and a message at most 256 bytes
	}
	return append(b, s...)
}
