package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/settlement"
)

// AllStatements yields the statements of every connection point in a period as
// they stand after corrections, by start.
func (r *Reader) AllStatements(m grid.MicrogridID, p Period, yield func(Statement) error) error {
	return each(r, "SELECT "+statementColumns+` FROM statement s
		WHERE s.microgrid = ? AND s.start >= ? AND s.start < ? AND s.superseded = 0 ORDER BY s.start`,
		scanStatement, yield, bits(m), int64(p.From), int64(p.Until))
}

// PointDevice is what one device measured, with the point that it is behind.
type PointDevice struct {
	Point grid.PointID
	DeviceEnergy
}

// AllDeviceEnergies yields what the devices of a microgrid measured in a period,
// as it stands after corrections, by start.
func (r *Reader) AllDeviceEnergies(m grid.MicrogridID, p Period, yield func(PointDevice) error) error {
	return each(r, `SELECT d.point, d.start, d.device, d.import_wh, d.export_wh, d.estimated
		FROM statement s CROSS JOIN device_interval d USING (microgrid, start, point, revision)
		WHERE s.microgrid = ? AND s.start >= ? AND s.start < ? AND s.superseded = 0 ORDER BY d.start`,
		func(rows *sql.Rows, d *PointDevice) error {
			return rows.Scan(id(&d.Point), &d.Start, id(&d.Device), &d.Import, &d.Export, &d.Estimated)
		}, yield, bits(m), int64(p.From), int64(p.Until))
}

// Deals returns the deals of the statements in a period as they stand after
// corrections, by start, point and order in the statement.
func (r *Reader) Deals(m grid.MicrogridID, p Period) (map[grid.PointID][]settlement.Deal, error) {
	deals := map[grid.PointID][]settlement.Deal{}
	type row struct {
		point grid.PointID
		settlement.Deal
	}
	err := each(r, `SELECT d.point, d.bought, d.partner, d.class, d.energy_wh, d.price
		FROM statement s CROSS JOIN deal d USING (microgrid, start, point, revision)
		WHERE s.microgrid = ? AND s.start >= ? AND s.start < ? AND s.superseded = 0 ORDER BY d.start, d.point, d.n`,
		func(rows *sql.Rows, d *row) error {
			var class int64
			err := rows.Scan(id(&d.point), &d.Bought, id(&d.Partner), &class, &d.Energy, &d.Price)
			d.Class = market.Class(class) //nolint:gosec // we wrote it
			return err
		}, func(d row) error {
			deals[d.point] = append(deals[d.point], d.Deal)
			return nil
		}, bits(m), int64(p.From), int64(p.Until))
	return deals, err
}
