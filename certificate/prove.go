package certificate

import (
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// LotKey is the key of a lot's row, which a proof names.
func LotKey(id LotID) []byte { return lots.Key(id) }

// ReadLot reads a row that a proof shows, and reports whether it is a lot's.
func ReadLot(key, row []byte) (LotID, Lot, bool) { return lots.Parse(key, row) }

// HoldingKey is the key of what an account has of a lot.
func HoldingKey(id LotID, account tx.AccountID) []byte { return holdings.Key(Holding{id, account}) }

// ReadHolding reads a row that a proof shows, and reports whether it says what
// somebody has of a lot.
func ReadHolding(key, row []byte) (Holding, quantity.Energy, bool) {
	k, b, ok := holdings.Parse(key, row)
	return k, b.Energy, ok
}
