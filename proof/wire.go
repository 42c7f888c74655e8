package proof

import "encoding/binary"

// message is a protobuf message in the making: as much of the wire format as
// headers and votes need. Fields are written in the order of their numbers and
// left out when empty, as CometBFT does.
type message []byte

// Wire types (protobuf encoding, "Message Structure").
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
)

func (m message) tag(field, wire uint64) message {
	return binary.AppendUvarint(m, field<<3|wire)
}

// uint writes an unsigned integer, or one that is not negative.
func (m message) uint(field, v uint64) message {
	if v == 0 {
		return m
	}
	return binary.AppendUvarint(m.tag(field, wireVarint), v)
}

// fixed writes a number of eight bytes, the least significant first.
func (m message) fixed(field, v uint64) message {
	if v == 0 {
		return m
	}
	return binary.LittleEndian.AppendUint64(m.tag(field, wireFixed64), v)
}

// bytes writes a byte string or a text.
func (m message) bytes(field uint64, v []byte) message {
	if len(v) == 0 {
		return m
	}
	return m.message(field, v)
}

// message writes a message within the message, also an empty one.
func (m message) message(field uint64, v message) message {
	return append(binary.AppendUvarint(m.tag(field, wireBytes), uint64(len(v))), v...)
}

// delimited is the message after its length.
func (m message) delimited() []byte {
	return append(binary.AppendUvarint(nil, uint64(len(m))), m...)
}

// timestamp is a google.protobuf.Timestamp of nanoseconds since 1970.
func timestamp(nanoseconds int64) message {
	const second = 1_000_000_000
	return message(nil).uint(1, uint64(nanoseconds/second)).uint(2, uint64(nanoseconds%second)) //nolint:gosec // times are ≥ 0
}
