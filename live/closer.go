package live

import (
	"context"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/state"
)

// GraceDefault is for how long silent meters are waited for: meters that report
// once a day have time to.
const GraceDefault = 24 * time.Hour

// backlogMost is how far behind a ledger may be for its intervals to lapse by
// themselves. What is further behind was not live: it waits for readings, or for
// somebody who says that there will be none.
const backlogMost = 7 * 24 * time.Hour

// lapse says that nothing more is waited for in intervals whose grace is over by
// the clock. An interval that has all of its values needs nobody: it closes.
func (l *Live) lapse(ctx context.Context) error {
	var open, length interval.Time
	waits := false
	l.Node.Read(func(rows state.Reader, _ machine.Head) {
		id, m, ok := l.microgrid(rows)
		open, length = m.Open, interval.Time(m.Length)
		waits = ok && m.Devices > 0 && !m.Suspended && !metering.Overdue(rows, id, m, m.Open)
	})
	if !waits {
		return nil
	}
	until := interval.Time(l.Now().Add(-l.Grace).Unix())
	until -= until % length
	if open+length > until {
		return nil
	}
	if !l.Backlog && time.Duration(until-open)*time.Second > backlogMost {
		if !l.held {
			l.held = true
			l.Log.Warn("the ledger is far behind the clock, so nothing lapses: send the readings since, or start with --backlog to settle estimates in their place",
				"settled_until", time.Unix(int64(open), 0).UTC().Format(time.RFC3339))
		}
		return nil
	}
	l.Log.Info("meters stayed silent: what is missing is estimated", "from", time.Unix(int64(open), 0).UTC().Format(time.RFC3339),
		"until", time.Unix(int64(until), 0).UTC().Format(time.RFC3339))
	return l.Operator.Lapse(ctx, l.community.Microgrid(), until)
}
