package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

// Point is a connection point.
type Point struct {
	Microgrid grid.MicrogridID
	Point     grid.PointID
	Zone      grid.ZoneID
	Account   tx.AccountID
	CapacityW uint64
}

// Points returns the connection points of an account, of every microgrid.
func (r *Reader) Points(account tx.AccountID) ([]Point, error) {
	return r.points("account = ?", bits(account))
}

// PointsIn returns the connection points of a microgrid that are open.
func (r *Reader) PointsIn(m grid.MicrogridID) ([]Point, error) {
	return r.points("microgrid = ? AND until = 0", bits(m))
}

func (r *Reader) points(where string, args ...any) ([]Point, error) {
	return list(r, "SELECT microgrid, point, zone, account, capacity_w FROM point WHERE "+where+" ORDER BY microgrid, point",
		func(rows *sql.Rows, p *Point) error {
			return rows.Scan(id(&p.Microgrid), id(&p.Point), id(&p.Zone), id(&p.Account), id(&p.CapacityW))
		}, args...)
}

// Statement is one connection point's settlement of one interval.
type Statement struct {
	Start      interval.Time
	Point      grid.PointID
	Revision   uint32
	Superseded uint32 // By which revision; 0: it holds.
	Height     int64
	Account    tx.AccountID
	Zone       grid.ZoneID
	Import     quantity.Energy
	Export     quantity.Energy
	Produced   quantity.Energy
	Estimated  bool
	Alone      quantity.Money // What it would owe with the utility alone.
	Owed       quantity.Money
	Lines      Lines
}

const statementColumns = `s.start, s.point, s.revision, s.superseded, s.height, s.account, s.zone, s.import_wh, s.export_wh,
	s.produced_wh, s.estimated, s.alone, s.owed, s.lines`

// ofPoint finds rows of one point by the settled intervals of a period: as many
// look-ups as intervals, however many points a microgrid has.
const ofPoint = ` FROM interval i CROSS JOIN statement s ON s.microgrid = i.microgrid AND s.start = i.start AND s.point = ?
	WHERE i.microgrid = ? AND i.start >= ? AND i.start < ? AND i.superseded = 0 `

func scanStatement(rows *sql.Rows, s *Statement) error {
	var lines sql.RawBytes
	err := rows.Scan(&s.Start, id(&s.Point), &s.Revision, &s.Superseded, &s.Height, id(&s.Account), id(&s.Zone), &s.Import, &s.Export,
		&s.Produced, &s.Estimated, &s.Alone, &s.Owed, &lines)
	s.Lines = unpackLines(lines)
	return err
}

// Statements yields the statements of a connection point in a period as they
// stand after corrections, by start.
func (r *Reader) Statements(m grid.MicrogridID, p grid.PointID, in Period, yield func(Statement) error) error {
	return each(r, "SELECT "+statementColumns+ofPoint+"AND s.superseded = 0 ORDER BY s.start",
		scanStatement, yield, bits(p), bits(m), int64(in.From), int64(in.Until))
}

// Revisions returns every revision of those statements of a connection point in a
// period that were corrected, by start and revision.
func (r *Reader) Revisions(m grid.MicrogridID, p grid.PointID, in Period) ([]Statement, error) {
	return list(r, "SELECT "+statementColumns+ofPoint+"AND (s.superseded > 0 OR s.revision > 1) ORDER BY s.start, s.revision",
		scanStatement, bits(p), bits(m), int64(in.From), int64(in.Until))
}

// DeviceEnergy is what one device measured in one interval.
type DeviceEnergy struct {
	Start interval.Time
	settlement.DeviceEnergy
}

// DeviceEnergies yields what the devices behind a connection point measured in a
// period, as it stands after corrections, by start and device.
func (r *Reader) DeviceEnergies(m grid.MicrogridID, p grid.PointID, in Period, yield func(DeviceEnergy) error) error {
	return each(r, "SELECT s.point, s.start, s.devices"+ofPoint+"AND s.superseded = 0 ORDER BY s.start", scanDevices,
		eachDevice(func(d PointDevice) error { return yield(d.DeviceEnergy) }), bits(p), bits(m), int64(in.From), int64(in.Until))
}

// Device is a device behind a connection point.
type Device struct {
	Device    grid.DeviceID
	Point     grid.PointID
	Kind      grid.Kind
	CapacityW uint64
	Bridged   bool // It does not sign: a gateway in the home signs for it.
}

// Devices returns the devices of a microgrid that are open, by point and number.
func (r *Reader) Devices(m grid.MicrogridID) ([]Device, error) {
	return list(r, "SELECT device, point, kind, capacity_w, bridged FROM device WHERE microgrid = ? AND until = 0 ORDER BY point, device",
		func(rows *sql.Rows, d *Device) error {
			return rows.Scan(id(&d.Device), id(&d.Point), &d.Kind, id(&d.CapacityW), &d.Bridged)
		}, bits(m))
}

// ZonePrice is a price that neighbours paid in a zone.
type ZonePrice struct {
	Start interval.Time
	Price quantity.Price
}

// ZonePrices returns the prices of a zone in a period, as they stand after
// corrections, where neighbours traded.
func (r *Reader) ZonePrices(m grid.MicrogridID, zone grid.ZoneID, in Period) ([]ZonePrice, error) {
	return list(r, `SELECT z.start, z.price
		FROM interval i CROSS JOIN zone_interval z USING (microgrid, start, revision)
		WHERE i.microgrid = ? AND i.start >= ? AND i.start < ? AND i.superseded = 0 AND z.zone = ? AND z.price IS NOT NULL
		ORDER BY z.start`,
		func(rows *sql.Rows, z *ZonePrice) error { return rows.Scan(&z.Start, &z.Price) },
		bits(m), int64(in.From), int64(in.Until), bits(zone))
}

// TariffStep is the utility's tariff from a moment on.
type TariffStep struct {
	From   interval.Time
	Prices tariff.Prices
}

// Tariff returns the steps that hold in a period, the first of which may have
// begun before it.
func (r *Reader) Tariff(m grid.MicrogridID, in Period) ([]TariffStep, error) {
	return list(r, `SELECT since, retail, feed_in, levy FROM tariff WHERE microgrid = ? AND since < ?
		AND since >= coalesce((SELECT max(since) FROM tariff WHERE microgrid = ? AND since <= ?), 0) ORDER BY since`,
		func(rows *sql.Rows, t *TariffStep) error {
			return rows.Scan(&t.From, &t.Prices.Retail, &t.Prices.FeedIn, &t.Prices.Levy)
		}, bits(m), int64(in.Until), bits(m), int64(in.From))
}

// Latest returns the height that the view is of, and its block's time.
func (r *Reader) Latest() (height int64, at interval.Time, err error) {
	err = r.row("SELECT coalesce(max(height), 0), coalesce(max(time), 0) FROM block").Scan(&height, &at)
	return height, at, err
}
