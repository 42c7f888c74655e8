package tx

import "encoding/binary"

// AccountID names an account: a pseudonym chosen by whoever opens it, never a
// name or an address.
type AccountID uint64

// AppendKey orders accounts by number.
func (id AccountID) AppendKey(b []byte) []byte { return binary.BigEndian.AppendUint64(b, uint64(id)) }

// ReadKey reads what AppendKey wrote.
func (AccountID) ReadKey(b []byte) AccountID { return AccountID(binary.BigEndian.Uint64(b)) }

// Operation is one operation as an envelope carries it.
type Operation struct {
	_    struct{} `cbor:",toarray"`
	Kind uint32
	Body []byte
}
