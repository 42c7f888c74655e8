package tx

import (
	"fmt"

	"github.com/commonwatt/commonwatt/codec"
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
	c := codec.NewCursor(raw)
	body := e.readWire(&c)
	if !c.Done() {
		return nil, fmt.Errorf("%w (at byte %d)", ErrEncoding, c.At())
	}
	b := codec.NewCursor(body)
	operations := e.Body.read(&b)
	if !b.Failed() && operations > MaxOperations {
		return nil, fmt.Errorf("%w (got %d)", ErrOperations, operations)
	}
	if !b.Done() {
		return nil, fmt.Errorf("%w (at byte %d of the body)", ErrEncoding, b.At())
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	e.ID = Identify(body)
	e.seal = Seal(digest(sealDomain, e.ID[:], e.tail))
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
func (e *Envelope) readWire(c *codec.Cursor) (body []byte) {
	pairs := c.Head(codec.MajorMap)
	c.Key(1)
	body = c.Bytes()
	afterBody := c.At()
	c.Key(2)
	c.Exactly(codec.MajorArray, 2)
	e.Key.Scheme = Scheme(c.AtMost(1<<8 - 1)) //nolint:gosec // within 8 bits
	e.Key.Public = c.Bytes()
	c.Key(3)
	e.Proof.Signature = c.Bytes()
	read := uint64(3)
	if read < pairs && c.Peek() == 4 {
		c.Key(4)
		e.Proof.AuthenticatorData = c.Filled()
		read++
	}
	if read < pairs {
		c.Key(5)
		e.Proof.ClientData = c.Filled()
		read++
	}
	if read != pairs {
		c.Fail()
	}
	if !c.Failed() {
		e.tail = c.From(afterBody)
	}
	return body
}

// read reads the body's map and returns how many operations it announces; it
// reads them only when they are not too many.
func (b *Body) read(c *codec.Cursor) (operations uint64) {
	c.Exactly(codec.MajorMap, 5)
	c.Key(1)
	b.Chain = c.Text()
	c.Key(2)
	b.Account = AccountID(c.Head(codec.MajorUint))
	c.Key(3)
	b.Nonce = c.Head(codec.MajorUint)
	c.Key(4)
	b.Expiry = c.Head(codec.MajorUint)
	c.Key(5)
	operations = c.Head(codec.MajorArray)
	if c.Failed() || operations > MaxOperations {
		return operations
	}
	b.Operations = make([]Operation, operations)
	for i := range b.Operations {
		c.Exactly(codec.MajorArray, 2)
		b.Operations[i].Kind = uint32(c.AtMost(1<<32 - 1)) //nolint:gosec // within 32 bits
		b.Operations[i].Body = c.Bytes()
	}
	return operations
}
