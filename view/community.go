package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
)

// IntervalTotal is what happened in one interval of a microgrid, over all zones.
type IntervalTotal struct {
	Start    interval.Time
	Revision uint32
	Height   int64
	Supply   quantity.Energy
	Demand   quantity.Energy
	Traded   quantity.Energy
	Bought   quantity.Energy
	Sold     quantity.Energy
	Paid     int64 // Σ price × traded of the zones with a price.
	Priced   quantity.Energy
	Withheld bool // It is of too few homes: the operator's alone.
}

// Intervals returns the settled intervals of a period as they stand after
// corrections, by start.
func (r *Reader) Intervals(m grid.MicrogridID, p Period) ([]IntervalTotal, error) {
	return list(r, `SELECT i.start, i.revision, i.height, sum(z.supply_wh), sum(z.demand_wh), sum(z.traded_wh), sum(z.bought_wh), sum(z.sold_wh),
		sum(coalesce(z.price, 0) * z.traded_wh), coalesce(sum(z.traded_wh) FILTER (WHERE z.price IS NOT NULL), 0),
		i.public = 0 AND NOT EXISTS (SELECT 1 FROM zone_disclosed d WHERE d.microgrid = i.microgrid AND d.start = i.start AND d.revision = i.revision)
		FROM interval i CROSS JOIN zone_interval z USING (microgrid, start, revision)
		WHERE i.microgrid = ? AND i.start >= ? AND i.start < ? AND i.superseded = 0 GROUP BY i.microgrid, i.start, i.revision ORDER BY i.start`,
		func(rows *sql.Rows, t *IntervalTotal) error {
			return rows.Scan(&t.Start, &t.Revision, &t.Height, &t.Supply, &t.Demand, &t.Traded, &t.Bought, &t.Sold, &t.Paid, &t.Priced, &t.Withheld)
		}, bits(m), int64(p.From), int64(p.Until))
}

// Gain returns what the members of a microgrid owe in a period, and what they
// would with the utility alone.
func (r *Reader) Gain(m grid.MicrogridID, p Period) (owed, alone quantity.Money, err error) {
	err = r.row(`SELECT coalesce(sum(owed), 0), coalesce(sum(alone), 0) FROM statement
		WHERE microgrid = ? AND start >= ? AND start < ? AND superseded = 0`, bits(m), int64(p.From), int64(p.Until)).Scan(&owed, &alone)
	return owed, alone, err
}

// Concern is something that somebody should look at of a device, with how it ended.
type Concern struct {
	metering.Exception
	Corrected bool // The first interval was settled again since: a reading came.
}

// Concerns returns the exceptions of a microgrid in a period, the latest first; those
// last that only tell that a reading came late or took another's place. Of a run that
// was reported as it went on, only the longest is told.
func (r *Reader) Concerns(m grid.MicrogridID, p Period, most int) ([]Concern, error) {
	return list(r, `SELECT e.device, e.reason, e.first_start, e.last_start, e.import_wh, e.export_wh, e.way, e.days,
		EXISTS (SELECT 1 FROM statement s JOIN device d ON d.microgrid = s.microgrid AND d.point = s.point
			WHERE d.microgrid = e.microgrid AND d.device = e.device AND s.microgrid = e.microgrid AND s.start = e.first_start AND s.revision > 1 AND s.height > e.height)
		FROM (SELECT *, row_number() OVER (PARTITION BY device, reason, first_start ORDER BY last_start DESC, height, position, n) AS run
			FROM exception WHERE microgrid = ? AND last_start >= ? AND first_start < ?) e
		WHERE e.run = 1 ORDER BY e.reason IN (?, ?), e.last_start DESC, e.device, e.reason, e.first_start LIMIT ?`,
		func(rows *sql.Rows, c *Concern) error {
			c.Microgrid = m
			return rows.Scan(id(&c.Device), &c.Reason, &c.From, &c.To, &c.Import, &c.Export, &c.Way, &c.Days, &c.Corrected)
		}, bits(m), int64(p.From), int64(p.Until), int64(metering.Late), int64(metering.Replaced), most)
}
