package live

import (
	"context"
	"errors"
	"time"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/homeassistant"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Bounds of what homes are told.
const (
	homesMax   = 10_000 // Devices that hear of their homes; more have to ask each time.
	settledMax = 1000   // Intervals that are looked at together.
)

// Homes tells devices of the homes that they are in: when one asks, and from then on
// whenever an interval of its microgrid is settled or corrected, until the context ends.
//
// Errors: those of the view, but that it is away: devices hear of it when it is back.
func (l *Live) Homes(ctx context.Context) error {
	height, _, err := l.Source.Latest(ctx)
	for ; errors.Is(err, view.ErrAway); height, _, err = l.Source.Latest(ctx) {
		breathe(ctx)
	}
	if err != nil {
		return ended(ctx, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	blocks := make(chan error)
	go func() {
		for at := height + 1; ; at++ {
			err := l.Node.Seen(ctx, at)
			for ; errors.Is(err, view.ErrAway); err = l.Node.Seen(ctx, at) {
				breathe(ctx)
			}
			select {
			case blocks <- err:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
			at = max(at, l.Node.Height()) // What came meanwhile is looked at together.
		}
	}()
	hear := map[grid.Device]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-l.Gateway.Births():
			l.tellHome(ctx, d, true)
			if len(hear) < homesMax {
				hear[d] = true
			}
		case err := <-blocks:
			if err == nil {
				height, err = l.tellHomes(ctx, height, hear)
			}
			if err != nil && !errors.Is(err, view.ErrAway) {
				return ended(ctx, err)
			}
		}
	}
}

// ended is nil when the end of a context, or of the node, is why something failed.
func ended(ctx context.Context, err error) error {
	if over := ctx.Err() != nil || errors.Is(err, node.ErrClosed); !over {
		return err
	}
	return nil
}

// tellHomes tells those who hear of their homes what was settled after a height, and
// returns up to which all is told.
func (l *Live) tellHomes(ctx context.Context, height int64, hear map[grid.Device]bool) (int64, error) {
	list, now, err := l.Source.SettledSince(ctx, height, settledMax)
	if err != nil {
		return height, err
	}
	changed := map[grid.MicrogridID]bool{}
	for _, s := range list {
		changed[s.Microgrid] = true
	}
	for d := range hear {
		if !changed[d.Microgrid] && len(list) < settledMax {
			continue
		}
		l.tellHome(ctx, d, false)
	}
	return now, nil
}

// breathe waits until a read model that is away may be back.
func breathe(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}

// tellHome tells a device what the home that it is in shows, and before that, when it
// asked, which sensors there are. Whose home it is, the ledger says each time. Where that
// fails, the next interval tells.
func (l *Live) tellHome(ctx context.Context, d grid.Device, asked bool) {
	account, ok := l.homeOf(d)
	if !ok {
		return
	}
	home, err := l.Source.Home(ctx, account)
	if err == nil && asked {
		id := homeassistant.ID(d.Microgrid, account)
		err = l.Gateway.Home(d, homeassistant.ConfigTopic(id), homeassistant.Config(&home, id, broker.HomeTopic(d), l.Origin))
	}
	if err == nil {
		err = l.Gateway.Home(d, homeassistant.StateTopic, homeassistant.State(&home))
	}
	if err != nil && ctx.Err() == nil {
		l.Log.Warn("a device is not told of its home; it is with the next interval", "device", broker.User(d), "err", err)
	}
}

// homeOf is the account of the connection point that a device is behind.
func (l *Live) homeOf(d grid.Device) (account tx.AccountID, ok bool) {
	l.Node.Read(func(rows state.Reader, _ machine.Head) {
		at, there := grid.DeviceAt(rows, d)
		point, connected := grid.PointAt(rows, grid.Point{Microgrid: d.Microgrid, Point: at.Point})
		account, ok = point.Account, there && connected
	})
	return account, ok
}
