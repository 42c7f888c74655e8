package certificate

// LotKey is the key of a lot's row, which a proof names.
func LotKey(id LotID) []byte { return lots.Key(id) }

// ReadLot reads a row that a proof shows, and reports whether it is a lot's.
func ReadLot(key, row []byte) (LotID, Lot, bool) { return lots.Parse(key, row) }
