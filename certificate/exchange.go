package certificate

import (
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
)

// ReadLock reads a row that a proof shows, and reports whether it is an export's.
func ReadLock(key, row []byte) (ExportID, Lock, bool) { return locks.Parse(key, row) }

// ReadArrivalKey reads a key that a proof shows a row at, or none, and reports whether it
// is an arrival's: to which microgrid, and of which export.
func ReadArrivalKey(key []byte) (to grid.MicrogridID, from ExportID, ok bool) {
	k, _, ok := arrivals.Parse(key, codec.Marshal(Arrival{}))
	return k.Microgrid, k.From, ok
}
