package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/settlement"
)

// ofPeriod finds the statements of every point in a period.
const ofPeriod = ` FROM statement s
	WHERE s.microgrid = ? AND s.start >= ? AND s.start < ? AND s.superseded = 0 ORDER BY s.start`

// AllStatements yields the statements of every connection point in a period as
// they stand after corrections, by start.
func (r *Reader) AllStatements(m grid.MicrogridID, p Period, yield func(Statement) error) error {
	return each(r, "SELECT "+statementColumns+ofPeriod, scanStatement, yield, bits(m), int64(p.From), int64(p.Until))
}

// PointDevice is what one device measured, with the point that it is behind.
type PointDevice struct {
	Point grid.PointID
	DeviceEnergy
}

// AllDeviceEnergies yields what the devices of a microgrid measured in a period,
// as it stands after corrections, by start.
func (r *Reader) AllDeviceEnergies(m grid.MicrogridID, p Period, yield func(PointDevice) error) error {
	return each(r, "SELECT s.point, s.start, s.devices"+ofPeriod, scanDevices, eachDevice(yield), bits(m), int64(p.From), int64(p.Until))
}

// pointDevices is the devices of one statement.
type pointDevices struct {
	point   grid.PointID
	start   interval.Time
	devices []settlement.DeviceEnergy
}

func scanDevices(rows *sql.Rows, d *pointDevices) error {
	var devices sql.RawBytes
	err := rows.Scan(id(&d.point), &d.start, &devices)
	d.devices = unpackDevices(devices)
	return err
}

// eachDevice yields the devices of a statement one by one.
func eachDevice(yield func(PointDevice) error) func(pointDevices) error {
	return func(p pointDevices) error {
		for _, d := range p.devices {
			if err := yield(PointDevice{p.point, DeviceEnergy{p.start, d}}); err != nil {
				return err
			}
		}
		return nil
	}
}

// Deals returns the deals of the statements in a period as they stand after
// corrections, by start, point and order in the statement.
func (r *Reader) Deals(m grid.MicrogridID, p Period) (map[grid.PointID][]settlement.Deal, error) {
	deals := map[grid.PointID][]settlement.Deal{}
	type row struct {
		point grid.PointID
		deals []settlement.Deal
	}
	err := each(r, "SELECT s.point, s.deals"+ofPeriod+", s.point",
		func(rows *sql.Rows, d *row) error {
			var packed sql.RawBytes
			err := rows.Scan(id(&d.point), &packed)
			d.deals = unpackDeals(packed)
			return err
		}, func(d row) error {
			if len(d.deals) > 0 {
				deals[d.point] = append(deals[d.point], d.deals...)
			}
			return nil
		}, bits(m), int64(p.From), int64(p.Until))
	return deals, err
}
