package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

func (w *writer) lotsStored(at place, r certificate.Stored) error {
	if err := w.gone("stored_wh", r.Account, r.Parts...); err != nil {
		return err
	}
	lost := quantity.MustSub(r.Spoilt, r.Out)
	for _, source := range r.Sources {
		lost = quantity.MustAdd(lost, source.Energy)
	}
	var in quantity.Energy
	for _, p := range r.Parts {
		in = quantity.MustAdd(in, p.Energy)
	}
	return w.add("stored", bits(r.Microgrid), int64(r.Start), bits(r.Device), bits(r.Account), at.height,
		int64(r.Charged), int64(r.Discharged), int64(in), int64(r.Out), int64(lost), int64(r.Holds))
}

// Stored is what a battery took and gave of certificates in an interval.
type Stored struct {
	Start               interval.Time
	Device              grid.DeviceID
	Account             tx.AccountID
	Charged, Discharged quantity.Energy // As was measured.
	In, Out, Lost       quantity.Energy // Of certificates.
	Holds               quantity.Energy // Afterwards.
}

// Stores yields what the batteries of a microgrid took and gave of certificates in a
// period, by start and device.
func (r *Reader) Stores(m grid.MicrogridID, p Period, yield func(Stored) error) error {
	return each(r, `SELECT start, device, account, charged_wh, discharged_wh, in_wh, out_wh, lost_wh, holds_wh FROM stored
		WHERE microgrid = ? AND start >= ? AND start < ? ORDER BY start, device`,
		func(rows *sql.Rows, x *Stored) error {
			return rows.Scan(&x.Start, id(&x.Device), id(&x.Account), &x.Charged, &x.Discharged, &x.In, &x.Out, &x.Lost, &x.Holds)
		}, yield, bits(m), int64(p.From), int64(p.Until))
}
