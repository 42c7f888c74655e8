package live

import (
	"context"
	"fmt"
	"time"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/tx"
)

// Dispute says for an account that what a device of it measured on the days from one to
// another, both with it and as far as they are settled, is wrong.
func (l owners) Dispute(ctx context.Context, account tx.AccountID, d grid.DeviceID, from, to string) error {
	first, err := time.ParseInLocation(time.DateOnly, from, l.community.TimeZone)
	last, bad := time.ParseInLocation(time.DateOnly, to, l.community.TimeZone)
	if err != nil || bad != nil || last.Before(first) {
		return &pages.NotFound{What: fmt.Sprintf("period from %q to %q", from, to), Next: "write both days as in 2026-06-20, the first one first"}
	}
	return l.between(ctx, func(ctx context.Context) error {
		if _, err := l.meterOf(account, d); err != nil {
			return err
		}
		id, length := l.community.Microgrid(), interval.Time(l.community.Length)
		until := min(interval.Time(last.AddDate(0, 0, 1).Unix()), l.Operator.FirstOpen(id))
		return booked(ctx, l.Live.Node, l.Operator, metering.DisputeKind.Encode(metering.Dispute{
			Microgrid: id, Device: d, From: interval.Time(first.Unix()), To: until - length,
		}))
	})
}
