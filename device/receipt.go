package device

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/merkle"
)

// Bounds of a proof.
const (
	MaxProof = 1024    // Bytes, all included.
	MaxBatch = 1 << 16 // Receipts under one signature.

	stepSize = 1 + sha256.Size
	stepsMax = 16 // MaxBatch receipts.
)

// Teller says who decided what a receipt tells.
type Teller uint8

// Tellers. Numbers are part of the protocol. All but Ledger say that the message did
// not reach the ledger.
const (
	Ledger       Teller = 1 // In the block at the receipt's height.
	Gateway      Teller = 2 // It could not read the message, or not deliver to the microgrid; the code says why.
	GatewayTopic Teller = 3 // The topic, or the device that the message names, is another one's.
	GatewayFull  Teller = 4 // Too many messages wait: this one is to be sent again later.
)

// Receipt is what a node tells a device of one message, over its own signature.
type Receipt struct {
	Version   uint64           `cbor:"1,keyasint" json:"version"` // 1.
	Microgrid grid.MicrogridID `cbor:"2,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"3,keyasint" json:"device"`   // That sent the message.
	Epoch     uint32           `cbor:"4,keyasint" json:"epoch"`    // As the message has it; 0 where it could not be read.
	Sequence  uint64           `cbor:"5,keyasint" json:"sequence"` // As the message has it; 0 where it could not be read.
	Message   []byte           `cbor:"6,keyasint" json:"message"`  // SHA-256 of the message, 32 bytes.
	Status    Status           `cbor:"7,keyasint" json:"status"`
	Code      uint32           `cbor:"8,keyasint" json:"code"`   // Of the refusal, or 0.
	Height    uint64           `cbor:"9,keyasint" json:"height"` // Of the block that answered; 0: none did.
	Teller    Teller           `cbor:"10,keyasint" json:"teller"`
}

// Errors of OpenReceipt, in order of precedence.
var (
	ErrProof          = errors.New("device: the bytes are not the canonical encoding of a receipt with its path and signature")
	ErrProofKey       = errors.New("device: the receipt is signed by another key than the node's")
	ErrProofRoot      = errors.New("device: the receipt's path does not lead to what is signed")
	ErrProofSignature = errors.New("device: the signature does not fit the receipt and this ledger")
)

// receiptDomain begins the external_aad of receipts; the chain id follows.
const receiptDomain = "commonwatt/receipt/1\n"

// valid reports whether the fields agree with one another.
func (r *Receipt) valid() bool {
	told := r.Status == Refused && r.Height == 0
	switch r.Teller {
	case Ledger:
		told = r.Status >= Accepted && r.Status <= Refused && r.Height > 0
	case Gateway:
		told = told && r.Code != 0
	case GatewayTopic, GatewayFull:
		told = told && r.Code == 0
	default:
		told = false
	}
	return told && r.Version == Version && len(r.Message) == sha256.Size
}

// Of reports whether the receipt is of a message.
func (r *Receipt) Of(raw []byte) bool {
	sum := sha256.Sum256(raw)
	return string(r.Message) == string(sum[:])
}

// SignReceipts signs receipts, all with one signature, and returns the proof of each:
//
//	[ << receipt >>, path, << 18([ << {1: -8} >>, {4: public key}, root, signature ]) >> ]
//
// The root is that of the Merkle tree over the receipts (RFC 6962 §2.1): SHA-256 of
// 0x00 and the receipt is a leaf, SHA-256 of 0x01, the left and the right child a
// node. The path has 33 bytes for each step from the receipt to the root: 1 where the
// other child is the left one, else 0, and that child. What is signed is a COSE_Sign1
// as that of a message, with another external_aad. A single receipt has no path.
//
// Like Sign, it needs no randomness. It panics when a receipt contradicts itself, or
// there are more than MaxBatch: we made them.
func SignReceipts(receipts []Receipt, chainID string, private ed25519.PrivateKey) ([][]byte, error) {
	if len(receipts) == 0 {
		return nil, nil
	}
	if len(receipts) > MaxBatch {
		panic("device: more receipts than one signature covers")
	}
	bodies, level := make([][]byte, len(receipts)), make([]merkle.Hash, len(receipts))
	for i, r := range receipts {
		if r.Version = Version; !r.valid() {
			panic("device: a receipt contradicts itself")
		}
		bodies[i] = codec.Marshal(r)
		level[i] = merkle.LeafHash(bodies[i])
	}
	levels := [][]merkle.Hash{level}
	for len(level) > 1 {
		level = parents(level)
		levels = append(levels, level)
	}
	signed, err := sign(level[0][:], receiptDomain+chainID, private)
	if err != nil {
		return nil, err
	}
	proofs := make([][]byte, len(receipts))
	for i, body := range bodies {
		proofs[i] = codec.Marshal([][]byte{body, pathOf(levels, i), signed})
	}
	return proofs, nil
}

// parents is the level above one of a tree. A node without a sibling goes up as it is,
// which makes the tree that of RFC 6962 §2.1.
func parents(level []merkle.Hash) []merkle.Hash {
	above := make([]merkle.Hash, 0, (len(level)+1)/2)
	for i := 0; i < len(level); i += 2 {
		if i+1 == len(level) {
			return append(above, level[i])
		}
		above = append(above, merkle.NodeHash(level[i], level[i+1]))
	}
	return above
}

// pathOf is the path from a leaf to the root.
func pathOf(levels [][]merkle.Hash, i int) []byte {
	path := make([]byte, 0, len(levels)*stepSize)
	for _, level := range levels[:len(levels)-1] {
		if sibling := i ^ 1; sibling < len(level) {
			path = append(path, byte(i&1))
			path = append(path, level[sibling][:]...)
		}
		i /= 2
	}
	return path
}

// OpenReceipt reads a proof and returns what the node with a public key says on a
// ledger. A device asks in addition whether the receipt is Of its message.
//
// Errors: ErrProof to ErrProofSignature.
func OpenReceipt(proof []byte, chainID string, public ed25519.PublicKey) (*Receipt, error) {
	if len(proof) > MaxProof {
		return nil, ErrProof
	}
	c := codec.NewCursor(proof)
	c.Exactly(codec.MajorArray, 3)
	body, path, signed := c.Bytes(), c.Bytes(), c.Bytes()
	if !c.Done() || len(path)%stepSize != 0 || len(path) > stepsMax*stepSize {
		return nil, ErrProof
	}
	r := &Receipt{}
	inner := codec.NewCursor(body)
	if r.read(&inner); !inner.Done() || !r.valid() {
		return nil, ErrProof
	}
	root := merkle.LeafHash(body)
	for ; len(path) > 0; path = path[stepSize:] {
		other := merkle.Hash(path[1:stepSize])
		switch path[0] {
		case 0:
			root = merkle.NodeHash(root, other)
		case 1:
			root = merkle.NodeHash(other, root)
		default:
			return nil, ErrProof
		}
	}
	over, err := open(signed, receiptDomain+chainID)
	switch {
	case err != nil:
		return nil, ErrProof
	case string(over.Key) != string(public):
		return nil, ErrProofKey
	case string(over.payload) != string(root[:]):
		return nil, ErrProofRoot
	case over.Verify() != nil:
		return nil, ErrProofSignature
	}
	return r, nil
}

// read reads a receipt: a map of ten pairs in the order of their keys.
func (r *Receipt) read(c *codec.Cursor) {
	c.Exactly(codec.MajorMap, 10)
	c.Key(1)
	r.Version = c.Head(codec.MajorUint)
	c.Key(2)
	r.Microgrid = grid.MicrogridID(c.Head(codec.MajorUint))
	c.Key(3)
	r.Device = grid.DeviceID(c.Head(codec.MajorUint))
	c.Key(4)
	r.Epoch = uint32(c.AtMost(1<<32 - 1)) //nolint:gosec // within 32 bits
	c.Key(5)
	r.Sequence = c.Head(codec.MajorUint)
	c.Key(6)
	r.Message = c.Bytes()
	c.Key(7)
	r.Status = Status(c.AtMost(1<<8 - 1)) //nolint:gosec // within 8 bits
	c.Key(8)
	r.Code = uint32(c.AtMost(1<<32 - 1)) //nolint:gosec // within 32 bits
	c.Key(9)
	r.Height = c.Head(codec.MajorUint)
	c.Key(10)
	r.Teller = Teller(c.AtMost(1<<8 - 1)) //nolint:gosec // within 8 bits
}
