package pages

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/tx"
)

// DayHeader is the header of DayCSV: energies in Wh, the price in the currency's
// smallest units per Wh, amounts in those units, above zero earned.
var DayHeader = []string{
	"start", "state", "revision", "estimated", "roof_wh", "battery_wh", "neighbours_wh", "grid_wh",
	"to_battery_wh", "to_neighbours_wh", "to_grid_wh", "price", "amount", "alone", "block",
}

// DayCSV writes the intervals of a household's day (RFC 4180). What is expected
// has no rows: nobody measured it.
//
// Errors: those of Today and of the writer.
func (s *Source) DayCSV(ctx context.Context, w io.Writer, account tx.AccountID, date string) error {
	day, err := s.Today(ctx, account, date)
	if err != nil {
		return err
	}
	zone, err := community.TimeZone(day.TimeZone)
	if err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write(DayHeader) // Flush tells.
	for _, i := range day.Intervals {
		if i.State != Settled && i.State != Provisional {
			continue
		}
		price := ""
		if i.Price != nil {
			price = strconv.FormatInt(i.Price.PerWh, 10)
		}
		row := []string{
			time.Unix(int64(i.Start), 0).In(zone).Format(time.RFC3339), string(i.State),
			strconv.FormatUint(uint64(i.Revision), 10), strconv.FormatBool(i.Estimated),
		}
		for _, n := range []int64{i.Roof, i.Battery, i.Neighbours, i.Grid, i.ToBattery, i.ToNeighbours, i.ToGrid} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		row = append(row, price, strconv.FormatInt(i.Amount, 10), strconv.FormatInt(i.Alone, 10), strconv.FormatInt(i.Block, 10))
		_ = out.Write(row) // As above.
	}
	out.Flush()
	return out.Error()
}
