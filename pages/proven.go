package pages

import (
	"encoding/json"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
)

// Proven is a receipt as its public page tells it: to whoever has its link, and who
// has that may see the receipt and nothing else.
type Proven struct {
	ID        string        `json:"id" example:"812-3-0-9f86d081884c7d65"`
	Height    int64         `json:"height"`
	Position  int           `json:"position"`
	N         int           `json:"n"`
	Time      interval.Time `json:"time" doc:"of the block"`
	Chain     string        `json:"chain"`
	Community string        `json:"community" doc:"empty where the receipt is of no microgrid"`
	TimeZone  string        `json:"time_zone"`
	Currency  Currency      `json:"currency"`
	Kind      string        `json:"kind" example:"settlement.statement"`
	Says      string        `json:"says" doc:"of receipts of this kind, in one sentence"`
	Account   tx.AccountID  `json:"account,string" doc:"whose it is; 0: anyone's"`
	Leaf      string        `json:"leaf" doc:"its salted hash, hex, as it stands in the receipt log"`

	BlockHash  string `json:"block_hash"`
	Signatures int    `json:"signatures" doc:"of validators, under the block"`
	Validators int    `json:"validators"`

	Facts  []ProvenFact    `json:"facts" doc:"in the order of a page; empty for kinds of which there are only fields"`
	Tables []ProvenTable   `json:"tables"`
	Fields json.RawMessage `json:"fields" doc:"what the receipt says, field by field"`

	Statement   string `json:"statement,omitempty" doc:"of a cancellation: SHA-256 of the statement that names the beneficiary, hex"`
	Beneficiary string `json:"beneficiary,omitempty" doc:"that the statement names; absent where the node does not have it"`
	Note        string `json:"note,omitempty" doc:"that the statement has"`
}

// ProvenFact is one figure or word, under a name that pages translate.
type ProvenFact struct {
	Name   string         `json:"name" doc:"interval, energy, balance, ..."`
	Energy *Energy        `json:"energy,omitempty"`
	Money  *Money         `json:"money,omitempty"`
	Time   *interval.Time `json:"time,omitempty"`
	Number *int64         `json:"number,omitempty"`
	Word   string         `json:"word,omitempty" doc:"one that pages translate"`
	Text   string         `json:"text,omitempty" doc:"as it is"`
}

// ProvenTable is rows of facts; each row has the same.
type ProvenTable struct {
	Name string         `json:"name"`
	Rows [][]ProvenFact `json:"rows"`
	More int            `json:"more" doc:"rows beyond these"`
}
