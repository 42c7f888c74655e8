package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// said is what a receipt says, for people and programs.
type said struct {
	Height   int64        `json:"height"`
	Kind     uint32       `json:"kind"`
	Name     string       `json:"name"`
	Doc      string       `json:"doc"`
	Audience tx.AccountID `json:"audience"`
	Leaf     string       `json:"leaf"`
	Fields   any          `json:"fields"` // Units are in their names; of a receipt that is unknown, the bytes.
}

// say puts a receipt into words. One that a later version wrote is not known here.
func say(r *proof.Shown) said {
	s := said{
		Height: r.Height, Kind: r.Fact.Kind, Name: fmt.Sprintf("receipt %d", r.Fact.Kind), Doc: "This version does not know what it says.",
		Audience: r.Fact.Audience, Leaf: r.Fact.Leaf(r.Height).String(), Fields: hex.EncodeToString(r.Fact.Body),
	}
	receipts := machine.Registry().Receipts
	i := slices.IndexFunc(receipts, func(schema op.Schema) bool { return schema.Kind == r.Fact.Kind })
	if i < 0 {
		return s
	}
	value := reflect.New(reflect.TypeOf(receipts[i].Value))
	if err := codec.Unmarshal(r.Fact.Body, value.Interface()); err != nil {
		return s
	}
	s.Name, s.Doc, s.Fields = receipts[i].Name, receipts[i].Doc, value.Interface()
	return s
}

// audience says who may read a receipt beside whom it is given to.
func audience(account tx.AccountID) string {
	if account == op.Public {
		return "which anybody may read"
	}
	return fmt.Sprintf("which is account %d's", account)
}

// rowSaid is what the ledger holds at a key.
type rowSaid struct {
	Key     string `json:"key"`
	Present bool   `json:"present"`
	Hex     string `json:"row,omitempty"`
	Fields  any    `json:"fields,omitempty"` // Of tables that are known here.
}

// sayRow puts a row into words.
func sayRow(r *proof.Row) rowSaid {
	table, key, _ := bytes.Cut(r.Key, []byte("/"))
	s := rowSaid{Key: fmt.Sprintf("%s/%x", table, key), Present: r.Present, Hex: hex.EncodeToString(r.Row)}
	if !r.Present {
		return s
	}
	if id, lot, ok := certificate.ReadLot(r.Key, r.Row); ok {
		s.Fields = struct {
			certificate.LotID
			certificate.Lot
		}{id, lot}
	}
	if k, energy, ok := certificate.ReadHolding(r.Key, r.Row); ok {
		s.Fields = struct {
			certificate.Holding
			Has quantity.Energy
		}{k, energy}
	}
	return s
}
