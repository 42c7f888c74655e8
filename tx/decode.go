package tx

import (
	"fmt"
	"unicode/utf8"
)

// Major types of CBOR (RFC 8949 §3.1).
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
)

// Decode reads an envelope. The envelope keeps raw, which must not change.
//
// It accepts exactly what codec.Unmarshal accepts, within the bounds, and is
// written by hand because every node decodes every envelope at least twice: it
// is an order of magnitude faster than decoding and encoding again to compare.
// FuzzEnvelope holds the two against each other.
//
// Refusals: ErrTooLarge to ErrAssertion.
func Decode(raw []byte) (*Envelope, error) {
	if len(raw) > MaxEnvelope {
		return nil, fmt.Errorf("%w (got %d bytes)", ErrTooLarge, len(raw))
	}
	e := &Envelope{}
	c := cursor{raw: raw}
	body := e.readWire(&c)
	if !c.done() {
		return nil, fmt.Errorf("%w (at byte %d)", ErrEncoding, c.at)
	}
	b := cursor{raw: body}
	operations := e.Body.read(&b)
	if !b.failed && operations > MaxOperations {
		return nil, fmt.Errorf("%w (got %d)", ErrOperations, operations)
	}
	if !b.done() {
		return nil, fmt.Errorf("%w (at byte %d of the body)", ErrEncoding, b.at)
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	e.ID = Identify(body)
	return e, nil
}

// check judges what is well encoded, in order of precedence.
func (e *Envelope) check() error {
	if n := len(e.Body.Chain); n == 0 || n > MaxChainID {
		return fmt.Errorf("%w (got %d bytes)", ErrChain, n)
	}
	if len(e.Body.Operations) == 0 {
		return fmt.Errorf("%w (got none)", ErrOperations)
	}
	if err := e.Key.Check(); err != nil {
		return err
	}
	passkey := e.Key.Scheme == WebAuthn
	if (e.Proof.AuthenticatorData != nil) != passkey || (e.Proof.ClientData != nil) != passkey {
		return ErrAssertion
	}
	return nil
}

// readWire reads the outer map and returns the bytes of the body.
func (e *Envelope) readWire(c *cursor) (body []byte) {
	pairs := c.head(majorMap)
	c.key(1)
	body = c.bytes()
	afterBody := c.at
	c.key(2)
	c.exactly(majorArray, 2)
	e.Key.Scheme = Scheme(c.atMost(1<<8 - 1)) //nolint:gosec // within 8 bits
	e.Key.Public = c.bytes()
	c.key(3)
	e.Proof.Signature = c.bytes()
	read := uint64(3)
	if read < pairs && c.peek() == 4 {
		c.key(4)
		e.Proof.AuthenticatorData = c.filled()
		read++
	}
	if read < pairs {
		c.key(5)
		e.Proof.ClientData = c.filled()
		read++
	}
	if read != pairs {
		c.failed = true
	}
	if !c.failed {
		e.tail = c.raw[afterBody:]
	}
	return body
}

// read reads the body's map and returns how many operations it announces; it
// reads them only when they are not too many.
func (b *Body) read(c *cursor) (operations uint64) {
	c.exactly(majorMap, 5)
	c.key(1)
	b.Chain = c.text()
	c.key(2)
	b.Account = AccountID(c.head(majorUint))
	c.key(3)
	b.Nonce = c.head(majorUint)
	c.key(4)
	b.Expiry = c.head(majorUint)
	c.key(5)
	operations = c.head(majorArray)
	if c.failed || operations > MaxOperations {
		return operations
	}
	b.Operations = make([]Operation, operations)
	for i := range b.Operations {
		c.exactly(majorArray, 2)
		b.Operations[i].Kind = uint32(c.atMost(1<<32 - 1)) //nolint:gosec // within 32 bits
		b.Operations[i].Body = c.bytes()
	}
	return operations
}

// cursor reads canonical CBOR from left to right. After a failure it stays where
// it is and reads zeros, so that callers ask once, at the end.
type cursor struct {
	raw    []byte
	at     int
	failed bool
}

// done reports whether all was read and all was canonical.
func (c *cursor) done() bool { return !c.failed && c.at == len(c.raw) }

func (c *cursor) fail() uint64 {
	c.failed = true
	return 0
}

// left is how many bytes are not read.
func (c *cursor) left() uint64 {
	return uint64(len(c.raw) - c.at) //nolint:gosec // at ≤ len(raw)
}

// peek returns the next byte, or 0xff (which begins no item of ours) at the end.
func (c *cursor) peek() byte {
	if c.at == len(c.raw) {
		return 0xff
	}
	return c.raw[c.at]
}

// head reads the head of an item of a major type and returns its argument. The
// argument must be in its shortest form (RFC 8949 §4.2.1) and definite.
func (c *cursor) head(major byte) uint64 {
	if c.failed || c.at == len(c.raw) || c.raw[c.at]>>5 != major {
		return c.fail()
	}
	low := c.raw[c.at] & 0x1f
	if low < 24 {
		c.at++
		return uint64(low)
	}
	if low > 27 {
		return c.fail()
	}
	width := 1 << (low - 24)
	rest := c.raw[c.at+1:]
	if len(rest) < width {
		return c.fail()
	}
	var n uint64
	for _, b := range rest[:width] {
		n = n<<8 | uint64(b)
	}
	if n < 24 || width > 1 && n>>(4*width) == 0 {
		return c.fail()
	}
	c.at += 1 + width
	return n
}

// exactly reads a head whose argument must be n.
func (c *cursor) exactly(major byte, n uint64) {
	if c.head(major) != n {
		c.failed = true
	}
}

// atMost reads an unsigned integer that must not exceed most.
func (c *cursor) atMost(most uint64) uint64 {
	n := c.head(majorUint)
	if n > most {
		return c.fail()
	}
	return n
}

// key reads the key of a pair.
func (c *cursor) key(n uint64) { c.exactly(majorUint, n) }

// bytes reads a byte string without copying it.
func (c *cursor) bytes() []byte { return c.take(c.head(majorBytes)) }

// filled reads a byte string that is left out when empty.
func (c *cursor) filled() []byte {
	b := c.bytes()
	if len(b) == 0 {
		c.failed = true
	}
	return b
}

// text reads a text string.
func (c *cursor) text() string {
	b := c.take(c.head(majorText))
	if !utf8.Valid(b) {
		c.failed = true
	}
	return string(b)
}

// take returns the next n bytes, capped so that appending cannot write over
// what follows.
func (c *cursor) take(n uint64) []byte {
	if c.failed || n > c.left() {
		c.failed = true
		return nil
	}
	from := c.at
	c.at += int(n) //nolint:gosec // n ≤ left, checked above
	return c.raw[from:c.at:c.at]
}
