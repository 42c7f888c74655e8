// Package bridge reads meters that people own and that do not sign, in the home where
// they are, and signs for them with the home's own gateway key: P1 ports, Shelly,
// Tasmota and evcc over the home's MQTT broker, and whatever else publishes a register.
//
// Its promise: only registers are taken, cumulative and as the meter counts them, so a
// message that is missing loses detail and never energy. A message says what the meter
// showed within a stated time of the end of its interval, or it is not made. It is on
// disk before it leaves and until its receipt has come, and no two are ever signed under
// one sequence, whenever the process is killed.
package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
)

// Times of a bridge.
const (
	// again is after how long a message is sent once more that was refused for a reason
	// that may go away, or that nothing was heard of.
	again = 5 * time.Minute
	// silent is after how long a register that nothing came of is complained about.
	silent = 10 * time.Minute
	// underway is how many messages of a meter may wait for their receipts at once.
	underway = 64
)

// Bridge runs in a home.
type Bridge struct {
	Config
	Now func() time.Time // The clock.
	Log *slog.Logger

	meters []*meter
	relay  *relay      // nil: the home is told nothing.
	events chan func() // What the goroutine of Run, which alone changes anything, does next.

	also func(topic string)                 // Try: what else is published.
	bad  func(meter, register int, _ error) // Try: why a register cannot be read.
}

// meter is a meter while a bridge runs.
type meter struct {
	Meter
	keep   *keep
	near   near
	link   *link
	gauges []gauge // Of each of its registers.
	heard  time.Time
	silent bool // It was said that nothing comes.
}

// New makes a bridge, with the messages that an earlier process left. Nobody else may
// use its folder.
//
// Errors: those of the disk.
func New(cfg Config, now func() time.Time, log *slog.Logger) (*Bridge, error) {
	b := &Bridge{Config: cfg, Now: now, Log: log, events: make(chan func(), 1024)}
	for _, m := range cfg.Meters {
		folder := filepath.Join(cfg.Folder, fmt.Sprintf("%d-%d", cfg.Microgrid, m.Device))
		k, err := openKeep(folder, m.Epoch, cfg.Length)
		if err != nil {
			return nil, fmt.Errorf("bridge: meter %q: %w", m.Name, err)
		}
		from := now()
		if k.last > 0 { // Else an earlier folder may have been lost, with messages up to now.
			from = from.Add(-m.Within)
			if signed := time.Unix(int64(k.last)*int64(cfg.Length), 0); signed.After(from) { //nolint:gosec // see sequence
				from = signed
			}
		}
		b.meters = append(b.meters, &meter{
			Meter: m, keep: k, near: newNear(cfg.Length, m.Within, from), gauges: make([]gauge, len(m.Registers)), heard: now(),
		})
	}
	return b, nil
}

// Run reads, signs and sends until the context ends.
//
// Errors: those of the disk.
func (b *Bridge) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	home := b.listen(ctx, b.take)
	if home != nil {
		defer home.Disconnect(0)
	}
	for _, m := range b.meters {
		m.link = b.connect(ctx, m)
		defer m.link.close()
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	resend := time.NewTicker(again)
	defer resend.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-b.events:
			f()
		case <-ticker.C:
		case <-resend.C:
			for _, m := range b.meters {
				m.link.resend()
			}
			if b.relay != nil && b.meters[0].link.up { // A node behind a gateway may have come back unnoticed.
				b.relay.online(b.meters[0].link.client)
			}
		}
		if err := b.step(); err != nil {
			return fmt.Errorf("bridge: %w", err)
		}
	}
}

// do lets the goroutine of Run do something.
func (b *Bridge) do(ctx context.Context, f func()) {
	select {
	case b.events <- f:
	case <-ctx.Done():
	}
}

// take notes what a register of a meter showed.
func (b *Bridge) take(s shown) {
	m := b.meters[s.meter]
	m.heard, m.silent = s.at, false
	value, why := m.gauges[s.register].take(s)
	if why != "" {
		b.Log.Warn("bridge: a value is not believed until another one agrees", "meter", m.Name, "register", m.Registers[s.register].String(),
			"showed", s.wh.String(), "why", why)
	}
	if value == nil {
		return
	}
	b.Log.Debug("bridge: read", "meter", m.Name, "register", s.register, "at", s.at.UTC().Format(time.RFC3339), "wh", s.wh.String())
	m.near.take(s.register, *value)
}

// step signs what is due and sends it.
func (b *Bridge) step() error {
	now := b.Now()
	for _, m := range b.meters {
		for {
			end, at, due := m.near.due(len(m.Registers), now)
			if !due {
				break
			}
			if err := b.end(m, end, at); err != nil {
				return err
			}
			m.near.next(now)
		}
		if !m.silent && now.Sub(m.heard) > silent {
			m.silent = true
			b.Log.Warn("bridge: nothing came of a meter: check the topics, and that the meter publishes",
				"meter", m.Name, "for", now.Sub(m.heard).Round(time.Second).String(), "listens_to", m.listens())
		}
		m.link.pump()
	}
	return nil
}

// end signs what the registers of a meter showed at the end of an interval, unless one
// of them was not read close enough to it.
func (b *Bridge) end(m *meter, end interval.Time, at []*reading) error {
	var sums [2]micro
	for i, r := range at {
		if r == nil {
			b.Log.Info("bridge: no message for an interval: a register was not read close enough to its end; the next message counts its energy",
				"meter", m.Name, "end", stamp(end), "register", m.Registers[i].String(), "within", m.Within.String())
			return nil
		}
		sums[m.Registers[i].Side] += r.wh
	}
	message := device.Message{
		Version: device.Version, Microgrid: b.Microgrid, Device: m.Device, Epoch: m.Epoch, Sequence: sequence(end, b.Length),
		Start: end - interval.Time(b.Length), Duration: uint32(b.Length), Import: sums[Import].whole(), Export: sums[Export].whole(),
		Quality: metering.Actual, Clock: b.clock(),
	}
	if message.Sequence <= m.keep.last {
		b.Log.Warn("bridge: no message for an interval: one of it, or a later one, was signed already; the clock went back",
			"meter", m.Name, "end", stamp(end))
		return nil
	}
	raw, err := device.Sign(message, b.Chain, m.Key)
	if err != nil {
		return fmt.Errorf("meter %q: %w", m.Name, err)
	}
	if err := m.keep.put(message.Sequence, raw); err != nil {
		return fmt.Errorf("meter %q: %w", m.Name, err)
	}
	b.Log.Info("bridge: signed", "meter", m.Name, "end", stamp(end), "import_wh", int64(message.Import), "export_wh", int64(message.Export))
	return nil
}

// sequence is that of the message of an interval: its number since 1970. So it needs
// no counter that could be lost, grows by one with each interval, and is the same for
// no two of them.
func sequence(end interval.Time, length interval.Length) uint64 {
	return uint64(end) / uint64(length) //nolint:gosec // both > 0
}

// clock is what is said of the clock.
func (b *Bridge) clock() device.Clock {
	good := b.Clock == ClockTrusted
	if b.Clock == ClockSystem {
		good = synchronised()
	}
	if good {
		return device.Synchronised
	}
	return device.Unsynchronised
}

// micro is energy in millionths of a Wh.
type micro int64

// perWh is a Wh.
const perWh = 1_000_000

// whole is a register in whole Wh. Since it is the register that is rounded, and not
// what was added to it, nothing adds up.
func (m micro) whole() quantity.Energy { return quantity.Energy(m / perWh) }

// String writes it in Wh.
func (m micro) String() string {
	return strconv.FormatInt(int64(m/perWh), 10) + fmt.Sprintf(".%03d", int64(m%perWh)/1000)
}

func stamp(t interval.Time) string { return time.Unix(int64(t), 0).UTC().Format(time.RFC3339) }

// errNothing means that a register is not in what came.
var errNothing = errors.New("is not there")
