package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/fleet"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/sim"
)

// simulateFile is where a simulation leaves, in the node's folder, what the next one goes
// on from.
const simulateFile = "simulate.json"

// begun is what the file holds.
type begun struct {
	Seed  uint64        `json:"seed"`
	Begin interval.Time `json:"begin"` // Of the interval that sequence 1 is about.
}

// Where the homes of a simulation are, in degrees: between Bonn and Koblenz.
const (
	simulateLatitude  = 50.6
	simulateLongitude = 7.2
)

// Devices come back within a time in which a gateway can take so many: ten thousand within
// five seconds.
const (
	pauseLeast = 100 * time.Millisecond
	pauseEach  = 500 * time.Microsecond
)

// street is a community whose devices are simulated.
type street struct {
	flags     *simulateFlags
	dir       string
	community *community.Community
	client    *live.Client
	progress  *progress
	log       *slog.Logger
	meters    []string // In the order of the devices of the fleet.
	rows      *csv.Writer
}

// enrol gives each meter a password, a key and a place to begin, and returns what the
// fleet is to do.
func (s *street) enrol(ctx context.Context) (cfg fleet.Config, err error) {
	s.meters = slices.Sorted(slices.Values(s.community.Meters().All()))
	status, err := s.booked(ctx)
	if err != nil {
		return cfg, err
	}
	if status.Gateway == nil {
		return cfg, badInput(errors.New("devices cannot connect to this node: start it without --mqtt off"))
	}
	b, err := s.begin(status)
	if err != nil {
		return cfg, err
	}
	receipts, err := operator.ReceiptKey(s.dir)
	if err != nil {
		return cfg, err
	}
	run := sim.New(b.Seed, s.community, sim.Options{From: b.Begin, Latitude: simulateLatitude, Longitude: simulateLongitude})
	cfg = fleet.Config{
		Address: status.Gateway.Address, Chain: status.Chain, Node: receipts.Public().(ed25519.PublicKey),
		Next: run.Next, Every: s.flags.every, Intervals: int(s.flags.length / s.flags.every), Log: s.log,
		Pause:  max(pauseLeast, time.Duration(len(s.meters))*pauseEach),
		Before: int(status.Microgrids[0].Open-b.Begin) / int(s.community.Length),
	}
	if cfg.Devices, err = s.devices(ctx, b.Seed, status.Chain); err != nil {
		return cfg, err
	}
	if cfg.Before == 0 {
		err = s.zero(ctx, b.Begin)
	}
	return cfg, err
}

// booked waits until the ledger knows all meters.
func (s *street) booked(ctx context.Context) (status live.Running, err error) {
	for {
		if status, err = s.client.Status(ctx); err != nil {
			return status, err
		}
		if len(status.Microgrids) == 1 && status.Microgrids[0].Devices >= uint64(len(s.meters)) {
			return status, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return status, context.Cause(ctx)
		}
	}
}

// begin is when the simulation began: now, or as the file says.
func (s *street) begin(status live.Running) (b begun, err error) {
	path := filepath.Join(s.dir, simulateFile)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		b = begun{s.flags.seed, status.Microgrids[0].Open}
		if text, err = json.Marshal(b); err != nil {
			return b, err
		}
		return b, os.WriteFile(path, append(text, '\n'), 0o600)
	case err != nil:
		return b, err
	}
	if err := json.Unmarshal(text, &b); err != nil || b.Begin > status.Microgrids[0].Open {
		return b, badInput(fmt.Errorf("%s is not of this ledger: simulate in another folder", path))
	}
	return b, nil
}

// keyOfMeter is the key of a device, which whoever knows the seed can make, too.
func keyOfMeter(seed uint64, chain, meter string) ed25519.PrivateKey {
	sum := sha256.Sum256(fmt.Appendf(nil, "commonwatt/simulate/1\n%d\n%s\n%s", seed, chain, meter))
	return ed25519.NewKeyFromSeed(sum[:])
}

// devices issues passwords and books keys.
func (s *street) devices(ctx context.Context, seed uint64, chain string) ([]fleet.Device, error) {
	issued, err := s.client.Credentials(ctx, s.meters)
	if err != nil {
		return nil, err
	}
	list := make([]fleet.Device, len(s.meters))
	keys := make([]device.EnrolKey, len(s.meters))
	id := s.community.Microgrid()
	for i, meter := range s.meters {
		d := grid.Device{Microgrid: id, Device: s.community.DeviceID(meter)}
		list[i] = fleet.Device{Device: d, Credential: issued[i], Key: keyOfMeter(seed, chain, meter)}
		keys[i] = device.EnrolKey{Microgrid: id, Device: d.Device, Key: list[i].Key.Public().(ed25519.PublicKey)}
	}
	const step = 500
	for at := 0; at < len(keys); at += step {
		next := min(at+step, len(keys))
		epochs, err := s.client.DeviceKeys(ctx, keys[at:next])
		if err != nil {
			return nil, err
		}
		for i, epoch := range epochs {
			list[at+i].Epoch = epoch
		}
		s.progress.draw("enrolling", int64(next), int64(len(keys)), "devices", 1)
	}
	s.progress.end()
	return list, nil
}

// zero books that nothing was used in the interval at whose end registers are read for
// the first time: that reading says where they begin, and no energy.
func (s *street) zero(ctx context.Context, begin interval.Time) error {
	ids := make([]grid.DeviceID, len(s.meters))
	for i, meter := range s.meters {
		ids[i] = s.community.DeviceID(meter)
	}
	slices.Sort(ids)
	for part := range slices.Chunk(ids, 2000) {
		r := metering.Readings{Start: begin}
		for _, d := range part {
			r.Values = append(r.Values, metering.Value{Device: d, Quality: metering.Substituted})
		}
		if err := s.client.Record(ctx, metering.Record{Microgrid: s.community.Microgrid(), Intervals: []metering.Readings{r}}); err != nil {
			return err
		}
	}
	return nil
}

// watch shows how the fleet is until it ended.
func (s *street) watch(f *fleet.Fleet, ended <-chan struct{}) {
	ticker := time.NewTicker(s.progress.pauses)
	defer ticker.Stop()
	defer s.progress.end()
	for {
		select {
		case <-ended:
			return
		case <-ticker.C:
			is := f.State()
			s.progress.say(fmt.Sprintf("%d of %d connected, %s", is.Connected, is.Devices, stateLine(is)))
		}
	}
}

// stateLine says what a fleet did.
func stateLine(f fleet.State) string {
	said := []string{
		fmt.Sprintf("%d messages, %d receipts, %d waiting", f.Published, f.Told, f.Waiting),
		fmt.Sprintf("receipt after %s, p99 %s", seconds(f.P50), seconds(f.P99)),
		fmt.Sprintf("%d reconnects", f.Reconnects),
	}
	for _, code := range slices.Sorted(maps.Keys(f.Refused)) {
		said = append(said, fmt.Sprintf("%d refused with %d", f.Refused[code], code))
	}
	if f.Forged > 0 {
		said = append(said, fmt.Sprintf("%d receipts were not the node's", f.Forged))
	}
	return strings.Join(said, "; ")
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// list makes told write each message to a file.
func (s *street) list(w io.Writer) {
	s.rows = csv.NewWriter(w)
	_ = s.rows.Write([]string{"meter", "sequence", "start", "import_wh", "export_wh", "times", "sent_ms", "receipt_ms", "status", "code"}) // Flush has the error.
}

// told writes a message that has its receipt.
func (s *street) told(l fleet.Life) {
	_ = s.rows.Write([]string{ // Flush has the error.
		s.meters[l.Device], strconv.FormatUint(l.Sequence, 10), strconv.FormatInt(int64(l.Start), 10),
		strconv.FormatInt(int64(l.Import), 10), strconv.FormatInt(int64(l.Export), 10), strconv.Itoa(l.Times),
		strconv.FormatInt(l.Sent.UnixMilli(), 10), strconv.FormatInt(l.Told.UnixMilli(), 10), live.Statuses[l.Status], strconv.FormatUint(uint64(l.Code), 10),
	})
}

// flush ends the file of told.
func (s *street) flush() error {
	if s.rows == nil {
		return nil
	}
	s.rows.Flush()
	return s.rows.Error()
}

// report says at the end what became of all messages.
func (s *street) report(w io.Writer, f fleet.State) error {
	fmt.Fprintf(w, "%d devices: %s\n", f.Devices, stateLine(f))
	if f.Waiting > 0 {
		fmt.Fprintf(w, "%d messages have no receipt yet: the same command sends them again\n", f.Waiting)
	}
	if s.flags.out == "" {
		return nil
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.flags.out, append(text, '\n'), 0o600)
}
