// Package codec turns Go structs into canonical bytes and back.
//
// Its promise: one value has one encoding. Bytes are deterministic CBOR
// (RFC 8949 §4.2.1, core deterministic encoding) with integer keys, and
// Unmarshal refuses every other way to write the same value, unknown fields,
// duplicate keys, indefinite lengths, floats and trailing bytes. So a hash of
// the bytes is a hash of the value.
package codec

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// ErrNotCanonical says that bytes decode to a value that is written differently.
var ErrNotCanonical = errors.New("codec: the bytes are not the canonical encoding of their value (RFC 8949 §4.2.1)")

// Limits of what Unmarshal reads; they bound memory for hostile input.
const (
	MaxNesting  = 16
	MaxElements = 1 << 17
)

var (
	encoder = mustEncoder()
	decoder = mustDecoder()
)

// Marshal returns the canonical bytes of v. It panics when v cannot be encoded:
// the types we write are ours, so that is a mistake of the program.
func Marshal(v any) []byte {
	raw, err := encoder.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("codec: %T: %v", v, err))
	}
	return raw
}

// Unmarshal reads canonical bytes into v, a pointer.
//
// Errors: ErrNotCanonical; an error of the decoder that names the type and the
// position for bytes that are not CBOR of v's shape.
func Unmarshal(raw []byte, v any) error {
	if err := decoder.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	again, err := encoder.Marshal(v)
	if err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	if !bytes.Equal(raw, again) {
		return ErrNotCanonical
	}
	return nil
}

// Read reads bytes that Marshal wrote and that we kept, without asking again
// whether they are canonical. It panics when they do not read back.
func Read(raw []byte, v any) {
	if err := decoder.Unmarshal(raw, v); err != nil {
		panic(fmt.Sprintf("codec: %T does not read back: %v", v, err))
	}
}

func mustEncoder() cbor.EncMode {
	options := cbor.CoreDetEncOptions()
	options.IndefLength = cbor.IndefLengthForbidden
	options.TagsMd = cbor.TagsForbidden
	options.NilContainers = cbor.NilContainerAsEmpty
	mode, err := options.EncMode()
	if err != nil {
		panic(err)
	}
	return mode
}

func mustDecoder() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
		MaxNestedLevels:   MaxNesting,
		MaxArrayElements:  MaxElements,
		MaxMapPairs:       MaxElements,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}
