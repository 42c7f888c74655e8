package metering

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/state"
)

// Known returns the values that the ledger keeps of an interval, by device, as they
// were read, with the estimates that it was settled with; and whether it still takes readings of
// it, which a final interval does not, nor one before the microgrid's first.
func Known(s state.Reader, id grid.MicrogridID, m grid.Microgrid, start interval.Time) (values []Value, takes bool) {
	k := Moment{id, start}
	if start >= m.Open {
		return gathered(s, k), true
	}
	row, ok := history.Get(s, k)
	original, _ := spikes.Get(s, k)
	for _, p := range original.Values {
		if i, found := find(row.Values, p.Value.Device); found && row.Values[i].Quality == Substituted {
			row.Values[i] = p.Value
		}
	}
	return row.Values, ok
}
