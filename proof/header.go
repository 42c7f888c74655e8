package proof

import (
	"encoding/hex"
	"errors"
	"math"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/merkle"
)

// Bytes is a byte string that text shows in hexadecimal.
type Bytes []byte

// MarshalText writes lower-case hexadecimal.
func (b Bytes) MarshalText() ([]byte, error) { return hex.AppendEncode([]byte{}, b), nil }

// UnmarshalText reads hexadecimal.
func (b *Bytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.AppendDecode([]byte{}, text)
	return err
}

// Header is a block's header as CometBFT v0.40 has it, all fourteen fields but the
// chain's id, which is the bundle's. Hashes are 32 bytes, or none where CometBFT has
// none.
type Header struct {
	_              struct{} `cbor:",toarray"`
	BlockProtocol  uint64   `json:"block_protocol"`
	AppProtocol    uint64   `json:"app_protocol"`
	Height         int64    `json:"height"`
	Time           int64    `json:"time_ns"` // Nanoseconds since 1970.
	LastBlock      BlockID  `json:"last_block"`
	LastCommit     Bytes    `json:"last_commit"`
	Data           Bytes    `json:"data"`
	Validators     Bytes    `json:"validators"`      // Of this block.
	NextValidators Bytes    `json:"next_validators"` // Of the next one.
	Consensus      Bytes    `json:"consensus"`
	App            Bytes    `json:"app"` // State and receipts after the block before this one.
	LastResults    Bytes    `json:"last_results"`
	Evidence       Bytes    `json:"evidence"`
	Proposer       Bytes    `json:"proposer"` // Address: 20 bytes.
}

// BlockID names a block: the hash of its header, and that of the parts in which
// it went from node to node.
type BlockID struct {
	_     struct{} `cbor:",toarray"`
	Hash  Bytes    `json:"hash"`
	Parts Parts    `json:"parts"`
}

// Parts names the parts of a block.
type Parts struct {
	_     struct{} `cbor:",toarray"`
	Total uint32   `json:"total"`
	Hash  Bytes    `json:"hash"`
}

// Hash is the hash of the header of a chain's block: the RFC 6962 tree over its
// fields, each in protobuf (CometBFT v0.40, types.Header.Hash).
func (h *Header) Hash(chain string) merkle.Hash {
	return treeHash([][]byte{
		message(nil).uint(1, h.BlockProtocol).uint(2, h.AppProtocol),
		message(nil).bytes(1, []byte(chain)),
		message(nil).uint(1, uint64(h.Height)), //nolint:gosec // heights are > 0
		timestamp(h.Time),
		message(nil).bytes(1, h.LastBlock.Hash).message(2, h.LastBlock.Parts.message()),
		message(nil).bytes(1, h.LastCommit),
		message(nil).bytes(1, h.Data),
		message(nil).bytes(1, h.Validators),
		message(nil).bytes(1, h.NextValidators),
		message(nil).bytes(1, h.Consensus),
		message(nil).bytes(1, h.App),
		message(nil).bytes(1, h.LastResults),
		message(nil).bytes(1, h.Evidence),
		message(nil).bytes(1, h.Proposer),
	})
}

// Seconds is the header's time, rounded down.
func (h *Header) Seconds() interval.Time { return interval.Time(h.Time / 1_000_000_000) }

func (p Parts) message() message { return message(nil).uint(1, uint64(p.Total)).bytes(2, p.Hash) }

// treeHash is the Merkle tree hash of a list (RFC 6962 §2.1).
func treeHash(list [][]byte) merkle.Hash {
	var log merkle.Log
	for _, data := range list {
		log.Append(merkle.LeafHash(data))
	}
	return log.Root()
}

// Sizes of what a header holds.
const (
	hashSize    = 32
	addressSize = 20
	chainMax    = 50 // Bytes of a chain's id: CometBFT's MaxChainIDLen.
)

var errHeader = errors.New("a field of a header does not have the size or the sign that it has in CometBFT")

// wellFormed says whether the fields are of the sizes that they may have.
func (h *Header) wellFormed() error {
	for _, hash := range []Bytes{
		h.LastBlock.Hash, h.LastBlock.Parts.Hash, h.LastCommit, h.Data, h.Consensus, h.LastResults, h.Evidence,
	} {
		if len(hash) != 0 && len(hash) != hashSize {
			return errHeader
		}
	}
	switch {
	case len(h.Validators) != hashSize, len(h.NextValidators) != hashSize, len(h.App) != hashSize,
		len(h.Proposer) != addressSize, h.Height <= 0, h.Time < 0, h.Height == math.MaxInt64:
		return errHeader
	}
	return nil
}
