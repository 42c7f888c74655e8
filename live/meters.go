package live

import (
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/state"
)

// Meter is when a meter reported last.
type Meter struct {
	ID     string        `json:"id"`
	Member string        `json:"member"`
	From   interval.Time `json:"from"` // When it joined; 0: the ledger does not know it yet.
	Last   interval.Time `json:"last"` // End of the last interval that it reported; 0: none of late.
}

// lately is how far back is looked for a meter's last report.
const lately = 7 * 24 * 3600

// Meters lists a community's meters in the order of its file. What was estimated
// because nothing came is no report.
func Meters(rows state.Reader, c *community.Community, now time.Time) []Meter {
	id := c.Microgrid()
	m, ok := grid.At(rows, id)
	last := map[grid.DeviceID]interval.Time{}
	if ok {
		length := interval.Time(m.Length)
		at := interval.Time(now.Unix())
		for start := at - at%length; start >= max(m.Start, at-lately) && len(last) < int(m.Devices); start -= length { //nolint:gosec // devices fit into memory
			values, _ := metering.Known(rows, id, m, start)
			for _, v := range values {
				if v.Quality != metering.Estimated && last[v.Device] == 0 {
					last[v.Device] = start + length
				}
			}
		}
	}
	list := []Meter{}
	for _, name := range c.Meters().All() {
		meter, _ := c.Meters().Get(name)
		device := c.DeviceID(name)
		row, _ := grid.DeviceAt(rows, grid.Device{Microgrid: id, Device: device})
		list = append(list, Meter{name, meter.Member, row.From, last[device]})
	}
	return list
}
