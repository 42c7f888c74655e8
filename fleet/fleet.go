// Package fleet is devices by the thousand as they are in the field: each an MQTT
// client with a key, a credential and registers of its own, which loses its connection
// and comes back.
//
// Its promise: a device keeps a message until it has a receipt that the node signed,
// and sends again what has none; so what it said is on the ledger, once, whatever is
// killed on the way. What a device signs depends on its readings and its key alone: who
// runs the fleet again makes the same bytes.
package fleet

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"sync"
	"time"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
)

// Device is what one of the fleet has of its own.
type Device struct {
	grid.Device
	live.Credential
	Key   ed25519.PrivateKey
	Epoch uint32 // Of the key.
}

// Config says what a fleet does.
type Config struct {
	Devices []Device
	Address string                   // Of the gateway, as in mqtt://127.0.0.1:1883.
	Chain   string                   // The ledger's.
	Node    ed25519.PublicKey        // By which the node signs receipts.
	Next    func() []gateway.Reading // Of the next interval, one for each device, in the order of Devices. Only Run calls it.

	// Each device publishes once in a period, at a moment of its own in it, and not
	// before the interval is over by the clock.
	Every     time.Duration
	Intervals int // How many; 0: until the context ends.
	Before    int // How many were published by earlier runs: sequences and registers go on.

	Pause time.Duration // Before a device comes back, at most; up to a minute when it failed often; 0: PauseDefault.

	Repeat time.Duration // After which a message is sent again although the connection holds; 0: RepeatDefault.

	Told func(Life) // Hears of each message once it has its receipt; one call at a time; nil: nobody does.
	Log  *slog.Logger
}

// How devices come back: after a pause that is drawn up to a bound, so that they do not
// come all at once. A gateway that is started again refuses them for a moment; who was
// refused more often than that takes doubles the bound each time.
const (
	PauseDefault  = 5 * time.Second
	RepeatDefault = 30 * time.Second
	pauseMost     = time.Minute
	patient       = 2  // Failures.
	failuresMost  = 20 // More are counted as so many.
)

// answerMost is for how long a device waits for an answer of the gateway.
const answerMost = 30 * time.Second

// Life is what became of one message.
type Life struct {
	Device   int           // Its index in the fleet.
	Sequence uint64        //
	Start    interval.Time // Of the interval.
	Import   quantity.Energy
	Export   quantity.Energy // The registers.
	Sent     time.Time       // For the first time.
	Times    int             // How often.
	Told     time.Time       // When its receipt came.
	Status   device.Status
	Code     uint32 // Of the refusal, or 0.
}

// Fleet is devices that run.
type Fleet struct {
	Config
	units []*unit

	mu    sync.Mutex
	state State
	late  ring
	full  chan struct{} // Closed once all were connected at once.
}

// New returns a fleet.
func New(cfg Config) *Fleet {
	if cfg.Pause == 0 {
		cfg.Pause = PauseDefault
	}
	if cfg.Repeat == 0 {
		cfg.Repeat = RepeatDefault
	}
	f := &Fleet{Config: cfg, full: make(chan struct{})}
	f.state.Devices, f.state.Refused, f.state.Outages = len(cfg.Devices), map[uint32]int{}, []Outage{}
	for i := range cfg.Devices {
		f.units = append(f.units, newUnit(f, i))
	}
	return f
}

// Run connects the devices, lets them publish, and waits until each message has its
// receipt, or the context ends.
func (f *Fleet) Run(ctx context.Context) {
	connected, disconnect := context.WithCancel(ctx)
	var all sync.WaitGroup
	for _, u := range f.units {
		all.Go(func() { u.run(connected) })
	}
	defer all.Wait()
	defer disconnect()
	select {
	case <-f.full:
	case <-ctx.Done():
		return
	}
	for range f.Before {
		for i, r := range f.Next() {
			f.units[i].count(r)
		}
	}
	begin := time.Now()
	for n := 0; f.Intervals == 0 || n < f.Intervals; n++ {
		if !f.publish(ctx, begin.Add(time.Duration(n)*f.Every), uint64(f.Before+n+1)) { //nolint:gosec // counts
			return
		}
	}
	for f.State().Waiting > 0 && ctx.Err() == nil {
		pause(ctx, 20*time.Millisecond)
	}
}

// publish lets each device read its registers at the end of the next interval, and
// send. It reports whether all did.
func (f *Fleet) publish(ctx context.Context, from time.Time, sequence uint64) bool {
	readings := f.Next()
	if end := time.Unix(int64(readings[0].Start)+int64(readings[0].Length), 0); end.After(from) {
		from = end
	}
	for i, r := range readings {
		at := from.Add(f.Every * time.Duration(i) / time.Duration(len(f.units)))
		if !pause(ctx, time.Until(at)) {
			return false
		}
		f.units[i].read(r, sequence)
	}
	return true
}

// pause waits, and reports whether the context goes on.
func pause(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// message is what a device says of a reading.
func (d *Device) message(r gateway.Reading, imported, exported quantity.Energy, sequence uint64) device.Message {
	return device.Message{
		Version: device.Version, Microgrid: d.Microgrid, Device: d.Device.Device, Epoch: d.Epoch, Sequence: sequence,
		Start: r.Start, Duration: uint32(r.Length), Import: imported, Export: exported,
		Quality: metering.Quality(r.Quality), Clock: device.Synchronised,
	}
}
