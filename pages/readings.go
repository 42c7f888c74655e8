package pages

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// readingsMax bounds what Readings returns: eleven years of quarters of an hour.
const readingsMax = 400_000

// Readings are what a household's meters said, by start, then meter, in the
// intervals that are settled of the days from one to another, both with it, as in
// 2026-06-20; "" is the first or the last one. They are as they stand after
// corrections: of quality A where it was measured, and E where it was not.
//
// Errors: *NotFound; those of the view.
func (s *Source) Readings(ctx context.Context, account tx.AccountID, from, to string) (list []gateway.Reading, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.household(r, account)
		if err != nil {
			return err
		}
		in, err := h.between(from, to)
		if err != nil {
			return err
		}
		list, err = h.readings(in)
		return err
	})
	return list, err
}

// Export writes a household's readings as a meter file, as CSV or as Green Button.
//
// Errors: those of Readings; *NotFound when there is nothing to write; those of w.
func (s *Source) Export(ctx context.Context, w io.Writer, format gateway.Format, account tx.AccountID, from, to string) error {
	list, err := s.Readings(ctx, account, from, to)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return &NotFound{"settled interval on these days", "ask for other days"}
	}
	names, err := s.namesOf(ctx, account)
	switch {
	case err != nil:
		return err
	case format == gateway.GreenButton:
		return gateway.WriteGreenButton(w, names.Community+": "+names.Accounts[account], list)
	}
	return gateway.Write(w, list, names.TimeZone)
}

// namesOf are the names of the microgrid that an account is in.
func (s *Source) namesOf(ctx context.Context, account tx.AccountID) (n report.Names, err error) {
	m, _, err := s.MicrogridOf(ctx, account)
	return s.names(m), err
}

// between is the period of the days from one to another.
func (h *household) between(from, to string) (view.Period, error) {
	in, _, err := h.reader.Settled(h.microgrid)
	if err != nil {
		return in, err
	}
	if from != "" {
		_, day, err := h.source.day(h.microgrid, from, 0)
		if err != nil {
			return in, err
		}
		in.From = day.From
	}
	if to != "" {
		_, day, err := h.source.day(h.microgrid, to, 0)
		if err != nil {
			return in, err
		}
		in.Until = day.Until
	}
	if from != "" && to != "" && from > to { // Both are dates as in 2026-06-20.
		return in, &NotFound{fmt.Sprintf("day from %s to %s", from, to), "the first day comes first"}
	}
	return in, nil
}

// readings are those of all points in a period: of the meters of the points, as
// their statements have it, and of the devices behind them.
func (h *household) readings(in view.Period) ([]gateway.Reading, error) {
	list := []gateway.Reading{}
	add := func(meter string, start interval.Time, imported, exported quantity.Energy, estimated bool) error {
		if len(list) == readingsMax {
			return &NotFound{fmt.Sprintf("answer of more than %d readings", readingsMax), "ask for fewer days at a time"}
		}
		r := gateway.Reading{Meter: meter, Start: start, Length: h.microgrid.Length, Import: imported, Export: exported, Quality: gateway.Actual}
		if estimated {
			r.Quality = gateway.Estimated
		}
		list = append(list, r)
		return nil
	}
	for _, p := range h.points {
		meter := h.pointMeter(p.Point)
		err := h.reader.Statements(h.microgrid.ID, p.Point, in, func(s view.Statement) error {
			return add(meter, s.Start, s.Import, s.Export, s.Estimated)
		})
		if err != nil {
			return nil, err
		}
		err = h.reader.DeviceEnergies(h.microgrid.ID, p.Point, in, func(d view.DeviceEnergy) error {
			return add(h.meterName(d.Device), d.Start, d.Import, d.Export, d.Estimated)
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(a, b gateway.Reading) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Meter, b.Meter))
	})
	return list, nil
}

// pointMeter is the name of the meter of a connection point, or the point's number.
func (h *household) pointMeter(p grid.PointID) string {
	for _, id := range h.order {
		if d := h.devices[id]; d.Point == p && d.Kind == grid.Meter {
			return h.meterName(id)
		}
	}
	return strconv.FormatUint(uint64(p), 10)
}

// meterName is the name of a meter in the community's file, or its number.
func (h *household) meterName(d grid.DeviceID) string {
	if name, ok := h.names.Meters[d]; ok {
		return name
	}
	return strconv.FormatUint(uint64(d), 10)
}
