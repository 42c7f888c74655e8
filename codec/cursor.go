package codec

import "unicode/utf8"

// Major types of CBOR (RFC 8949 §3.1).
const (
	MajorUint  = 0
	MajorBytes = 2
	MajorText  = 3
	MajorArray = 4
	MajorMap   = 5
	MajorTag   = 6
)

// Cursor reads canonical CBOR from left to right. After a failure it stays where
// it is and reads zeros, so that callers ask once, at the end.
type Cursor struct {
	raw    []byte
	at     int
	failed bool
}

// NewCursor returns a cursor at the beginning of raw, which must not change.
func NewCursor(raw []byte) Cursor { return Cursor{raw: raw} }

// At is the position of the next byte.
func (c *Cursor) At() int { return c.at }

// From returns the bytes from a position on.
func (c *Cursor) From(at int) []byte { return c.raw[at:] }

// Failed reports whether something was not as it was asked for.
func (c *Cursor) Failed() bool { return c.failed }

// Fail makes the cursor fail; it returns zero, as every read after a failure.
func (c *Cursor) Fail() uint64 {
	c.failed = true
	return 0
}

// Done reports whether all was read and all was canonical.
func (c *Cursor) Done() bool { return !c.failed && c.at == len(c.raw) }

// Left is how many bytes are not read.
func (c *Cursor) Left() uint64 {
	return uint64(len(c.raw) - c.at) //nolint:gosec // at ≤ len(raw)
}

// Peek returns the next byte, or 0xff (which begins no item of ours) at the end.
func (c *Cursor) Peek() byte {
	if c.at == len(c.raw) {
		return 0xff
	}
	return c.raw[c.at]
}

// Head reads the head of an item of a major type and returns its argument. The
// argument must be in its shortest form (RFC 8949 §4.2.1) and definite.
func (c *Cursor) Head(major byte) uint64 {
	if c.failed || c.at == len(c.raw) || c.raw[c.at]>>5 != major {
		return c.Fail()
	}
	low := c.raw[c.at] & 0x1f
	if low < 24 {
		c.at++
		return uint64(low)
	}
	if low > 27 {
		return c.Fail()
	}
	width := 1 << (low - 24)
	rest := c.raw[c.at+1:]
	if len(rest) < width {
		return c.Fail()
	}
	var n uint64
	for _, b := range rest[:width] {
		n = n<<8 | uint64(b)
	}
	if n < 24 || width > 1 && n>>(4*width) == 0 {
		return c.Fail()
	}
	c.at += 1 + width
	return n
}

// Exactly reads a head whose argument must be n.
func (c *Cursor) Exactly(major byte, n uint64) {
	if c.Head(major) != n {
		c.failed = true
	}
}

// AtMost reads an unsigned integer that must not exceed most.
func (c *Cursor) AtMost(most uint64) uint64 {
	n := c.Head(MajorUint)
	if n > most {
		return c.Fail()
	}
	return n
}

// Key reads the key of a pair.
func (c *Cursor) Key(n uint64) { c.Exactly(MajorUint, n) }

// Bytes reads a byte string without copying it.
func (c *Cursor) Bytes() []byte { return c.take(c.Head(MajorBytes)) }

// Filled reads a byte string that is left out when empty.
func (c *Cursor) Filled() []byte {
	b := c.Bytes()
	if len(b) == 0 {
		c.failed = true
	}
	return b
}

// Text reads a text string.
func (c *Cursor) Text() string {
	b := c.take(c.Head(MajorText))
	if !utf8.Valid(b) {
		c.failed = true
	}
	return string(b)
}

// take returns the next n bytes, capped so that appending cannot write over
// what follows.
func (c *Cursor) take(n uint64) []byte {
	if c.failed || n > c.Left() {
		c.failed = true
		return nil
	}
	from := c.at
	c.at += int(n) //nolint:gosec // n ≤ left, checked above
	return c.raw[from:c.at:c.at]
}
