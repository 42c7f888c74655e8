package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
)

// Microgrid is a microgrid with the accounts that it settles with.
type Microgrid struct {
	ID                     grid.MicrogridID
	Operator               tx.AccountID
	Utility, Network, Levy tx.AccountID
	Currency               ledger.AssetID
	Length                 interval.Length
}

// Microgrids returns every microgrid.
func (r *Reader) Microgrids() ([]Microgrid, error) {
	return list(r, `SELECT microgrid, operator, utility, network, levy, currency, length_s
		FROM microgrid ORDER BY microgrid`, func(rows *sql.Rows, m *Microgrid) error {
		return rows.Scan(id(&m.ID), id(&m.Operator), id(&m.Utility), id(&m.Network), id(&m.Levy), id(&m.Currency), &m.Length)
	})
}

// Period is a half-open period of time.
type Period struct{ From, Until interval.Time }

// Settled returns the period of the intervals of a microgrid that are settled,
// and whether there are any.
func (r *Reader) Settled(m Microgrid) (p Period, ok bool, err error) {
	var first, last sql.Null[interval.Time]
	err = r.row("SELECT min(start), max(start) FROM interval WHERE microgrid = ?", bits(m.ID)).Scan(&first, &last)
	return Period{first.V, last.V + interval.Time(m.Length)}, first.Valid, err
}

// Receipts is what utility, network and levy get in a period, and what is lost on
// the lines, which the network pays the utility for.
type Receipts struct {
	UtilitySold, UtilityPaid, Network, Levy quantity.Money
	LostEnergy                              quantity.Energy
	LossCost                                quantity.Money
}

// Received returns what utility, network and levy get in a period, by the first
// revision of each interval and by the latest.
func (r *Reader) Received(m grid.MicrogridID, p Period) (first, latest Receipts, err error) {
	err = r.row(`SELECT
		coalesce(sum(utility_sold) FILTER (WHERE revision = 1), 0), coalesce(sum(utility_paid) FILTER (WHERE revision = 1), 0),
		coalesce(sum(network) FILTER (WHERE revision = 1), 0), coalesce(sum(levy) FILTER (WHERE revision = 1), 0),
		coalesce(sum(lost_wh) FILTER (WHERE revision = 1), 0), coalesce(sum(loss_cost) FILTER (WHERE revision = 1), 0),
		coalesce(sum(utility_sold) FILTER (WHERE superseded = 0), 0), coalesce(sum(utility_paid) FILTER (WHERE superseded = 0), 0),
		coalesce(sum(network) FILTER (WHERE superseded = 0), 0), coalesce(sum(levy) FILTER (WHERE superseded = 0), 0),
		coalesce(sum(lost_wh) FILTER (WHERE superseded = 0), 0), coalesce(sum(loss_cost) FILTER (WHERE superseded = 0), 0)
		FROM interval WHERE microgrid = ? AND start >= ? AND start < ?`, bits(m), int64(p.From), int64(p.Until)).Scan(
		&first.UtilitySold, &first.UtilityPaid, &first.Network, &first.Levy, &first.LostEnergy, &first.LossCost,
		&latest.UtilitySold, &latest.UtilityPaid, &latest.Network, &latest.Levy, &latest.LostEnergy, &latest.LossCost)
	return first, latest, err
}

// ZoneInterval is what happened in one zone in one interval.
type ZoneInterval struct {
	Start interval.Time
	settlement.ZoneTotal
}

// ZoneIntervals yields the intervals of a period as they stand after
// corrections, by start and zone.
func (r *Reader) ZoneIntervals(m grid.MicrogridID, p Period, yield func(ZoneInterval) error) error {
	return each(r, zonesOf("zone_interval", "")+" ORDER BY 1, 2", scanZone, yield, bits(m), int64(p.From), int64(p.Until))
}

// DisclosedZones yields what anyone may see of ZoneIntervals: a zone that is missing
// is told within its parent, and where there is none, nothing is told.
func (r *Reader) DisclosedZones(m grid.MicrogridID, p Period, yield func(ZoneInterval) error) error {
	in := []any{bits(m), int64(p.From), int64(p.Until)}
	return each(r, zonesOf("zone_interval", "AND i.public = 1")+" UNION ALL "+zonesOf("zone_disclosed", "")+" ORDER BY 1, 2",
		scanZone, yield, append(in, in...)...)
}

// zonesOf is the query for a period's rows of one of the two tables of zones.
func zonesOf(table, and string) string {
	return `SELECT z.start, z.zone, z.price, z.supply_wh, z.demand_wh, z.traded_wh, z.bought_wh, z.sold_wh
		FROM interval i JOIN ` + table + ` z USING (microgrid, start, revision)
		WHERE i.microgrid = ? AND i.start >= ? AND i.start < ? AND i.superseded = 0 ` + and
}

func scanZone(rows *sql.Rows, z *ZoneInterval) error {
	var price sql.Null[quantity.Price]
	err := rows.Scan(&z.Start, id(&z.Zone), &price, &z.Supply, &z.Demand, &z.Traded, &z.Bought, &z.Sold)
	z.Price, z.Priced = price.V, price.Valid
	return err
}

// Suspects returns the devices of which there are exceptions.
func (r *Reader) Suspects(m grid.MicrogridID) ([]grid.DeviceID, error) {
	return list(r, "SELECT DISTINCT device FROM exception WHERE microgrid = ? ORDER BY device",
		func(rows *sql.Rows, d *grid.DeviceID) error { return rows.Scan(id(d)) }, bits(m))
}

// Exceptions yields what somebody should look at of a device, by reason and start.
func (r *Reader) Exceptions(d grid.Device, p Period, yield func(metering.Exception) error) error {
	return each(r, `SELECT reason, first_start, last_start, import_wh, export_wh, way, days
		FROM exception WHERE microgrid = ? AND device = ? AND last_start >= ? AND first_start < ?
		ORDER BY reason, first_start, height, position, n`,
		func(rows *sql.Rows, e *metering.Exception) error {
			e.Microgrid, e.Device = d.Microgrid, d.Device
			return rows.Scan(&e.Reason, &e.From, &e.To, &e.Import, &e.Export, &e.Way, &e.Days)
		}, yield, bits(d.Microgrid), bits(d.Device), int64(p.From), int64(p.Until))
}

// Overloads yields the lines over which more flowed than their limit, as it stands
// after corrections, by zone and start.
func (r *Reader) Overloads(m grid.MicrogridID, p Period, yield func(settlement.Overload) error) error {
	return each(r, `SELECT o.zone, o.start, o.revision, o.flow_wh, o.limit_wh
		FROM overload o CROSS JOIN interval i USING (microgrid, start, revision)
		WHERE o.microgrid = ? AND o.start >= ? AND o.start < ? AND i.superseded = 0 ORDER BY o.zone, o.start`,
		func(rows *sql.Rows, o *settlement.Overload) error {
			o.Microgrid = m
			return rows.Scan(id(&o.Zone), &o.Start, &o.Revision, &o.Flow, &o.Limit)
		}, yield, bits(m), int64(p.From), int64(p.Until))
}

// Counts is how much a period holds.
type Counts struct {
	Intervals  int64 // Settled.
	Corrected  int64 // Of them, settled again.
	Statements int64
	Estimated  int64 // Of them, with a value that is an estimate.
	Readings   int64 // Taken in all, whatever the period; those known already are not counted.
}

// Counts counts what a period holds.
func (r *Reader) Counts(m grid.MicrogridID, p Period) (c Counts, err error) {
	within := []any{bits(m), int64(p.From), int64(p.Until)}
	for _, q := range []struct {
		query string
		args  []any
		into  []any
	}{
		{`SELECT count(*), count(*) FILTER (WHERE revision > 1) FROM interval
			WHERE microgrid = ? AND start >= ? AND start < ? AND superseded = 0`, within, []any{&c.Intervals, &c.Corrected}},
		{`SELECT count(*), coalesce(sum(estimated), 0) FROM statement
			WHERE microgrid = ? AND start >= ? AND start < ? AND superseded = 0`, within, []any{&c.Statements, &c.Estimated}},
		{"SELECT coalesce(sum(readings - same), 0) FROM recorded WHERE microgrid = ?", within[:1], []any{&c.Readings}},
	} {
		if err := r.row(q.query, q.args...).Scan(q.into...); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Balances yields what accounts have, by account and asset, as the ledger keeps
// it: without those that have nothing.
func (r *Reader) Balances(yield func(ledger.Holding, ledger.Balance) error) error {
	type row struct {
		ledger.Holding
		ledger.Balance
	}
	return each(r, "SELECT account, asset, posted, held FROM balance WHERE posted <> 0 OR held <> 0 ORDER BY account, asset",
		func(rows *sql.Rows, b *row) error {
			return rows.Scan(id(&b.Account), id(&b.Asset), &b.Posted, &b.Held)
		}, func(b row) error { return yield(b.Holding, b.Balance) })
}

// id scans a number that the schema keeps by its bits.
func id[T ~uint64](into *T) sql.Scanner { return scanner[T]{into} }

type scanner[T ~uint64] struct{ into *T }

// Scan takes a column's integer.
func (s scanner[T]) Scan(v any) error {
	var n sql.Null[int64]
	if err := n.Scan(v); err != nil {
		return err
	}
	*s.into = number[T](n.V)
	return nil
}
