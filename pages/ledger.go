package pages

import (
	"encoding/json"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
)

// BlockRow is a block in a list.
type BlockRow struct {
	Height    int64         `json:"height"`
	Time      interval.Time `json:"time"`
	Envelopes int64         `json:"envelopes" doc:"and closes"`
	Refused   int64         `json:"refused"`
	Receipts  int64         `json:"receipts"`
}

// Block is what a block holds.
type Block struct {
	BlockRow
	Hash        string        `json:"hash"`
	AppHash     string        `json:"app_hash" doc:"after the block; empty for the last one, whose successor says it"`
	StateRoot   string        `json:"state_root,omitempty"`
	ReceiptRoot string        `json:"receipt_root,omitempty"`
	Proposer    string        `json:"proposer"`
	Signatures  int           `json:"signatures" doc:"of validators, under the block"`
	Validators  int           `json:"validators"`
	Entries     []EnvelopeRow `json:"entries" doc:"in the order of the block"`
}

// EnvelopeRow is an envelope or a close in a list.
type EnvelopeRow struct {
	Height   int64        `json:"height"`
	Position int          `json:"position"`
	ID       string       `json:"id" doc:"hex; empty for a close"`
	Account  tx.AccountID `json:"account,string" doc:"who signed; 0 for a close"`
	Nonce    uint64       `json:"nonce,string"`
	Code     uint32       `json:"code" doc:"0, or that of the refusal"`
	Refusal  string       `json:"refusal,omitempty" doc:"what the code means"`
	At       int          `json:"at" doc:"which operation was refused"`
	Receipts int          `json:"receipts"`
}

// Envelope is an envelope with its receipts.
type Envelope struct {
	EnvelopeRow
	Time       interval.Time `json:"time"`
	Scheme     string        `json:"scheme,omitempty" doc:"of the signature: ed25519, webauthn or eip712; for whoever may see the operations"`
	Operations []Operations  `json:"operations" doc:"what was asked for; for the signer and, of public kinds, for all"`
	Facts      []ReceiptRow  `json:"facts"`
}

// Operations is one operation of an envelope.
type Operations struct {
	Kind   uint32          `json:"kind"`
	Name   string          `json:"name" example:"ledger.transfer"`
	Fields json.RawMessage `json:"fields,omitempty" doc:"absent for whoever may not see them"`
}

// ReceiptRow is a receipt in a list. Of a receipt that is not for the viewer, only
// the leaf is told: a salted hash that gives nothing away.
type ReceiptRow struct {
	Height   int64           `json:"height"`
	Position int             `json:"position"`
	N        int             `json:"n"`
	Kind     uint32          `json:"kind,omitempty"`
	Name     string          `json:"name,omitempty" example:"settlement.statement"`
	Audience tx.AccountID    `json:"audience,string" doc:"0: anyone"`
	Sealed   bool            `json:"sealed" doc:"it is not for the viewer"`
	Leaf     string          `json:"leaf" doc:"its salted hash, hex, as it stands in the receipt log"`
	Salt     string          `json:"salt,omitempty"`
	Proof    string          `json:"proof,omitempty" doc:"address of its public page: whoever has it sees this receipt"`
	Body     string          `json:"body,omitempty" doc:"canonical CBOR, hex"`
	Fields   json.RawMessage `json:"fields,omitempty"`
}

// Found is where a search leads.
type Found struct {
	Kind  string `json:"kind" doc:"block, envelope, receipt, account, interval, member or meter"`
	Title string `json:"title"`
	Path  string `json:"path" doc:"of the page"`
}
