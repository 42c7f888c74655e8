package fleet_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/fleet"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
)

const chain = "street-1"

// keyOf is a key made of a number.
func keyOf(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(append(make([]byte, 31), n)) }

// books is a ledger in memory, and the node that signs its receipts.
type books struct {
	mu     sync.Mutex
	times  map[string]int // By device and sequence.
	last   map[grid.Device]device.Message
	liar   int      // So many receipts are signed by somebody else, and then
	wrong  int      // so many are of another message.
	untold []string // Of which that was so, by device and sequence.
}

// Deliver books messages.
func (l *books) Deliver(_ context.Context, messages []broker.Message) (told [][]byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range messages {
		s, err := device.Decode(m.Raw, chain)
		if err != nil {
			return nil, err
		}
		if err := s.Verify(); err != nil {
			return nil, err
		}
		l.times[fmt.Sprint(m.From.Device, " ", s.Message.Sequence)]++
		if l.last[m.From].Sequence < s.Message.Sequence {
			l.last[m.From] = s.Message
		}
		told = append(told, l.receipt(m, s.Message.Sequence))
	}
	return told, nil
}

func (l *books) receipt(m broker.Message, sequence uint64) []byte {
	signer, sum := keyOf(200), sha256.Sum256(m.Raw)
	switch {
	case l.liar > 0:
		l.liar--
		signer = keyOf(201)
		l.untold = append(l.untold, fmt.Sprint(m.From.Device, " ", sequence))
	case l.wrong > 0:
		l.wrong--
		sum[0] ^= 1
		l.untold = append(l.untold, fmt.Sprint(m.From.Device, " ", sequence))
	}
	r := device.Receipt{
		Microgrid: m.From.Microgrid, Device: m.From.Device, Message: sum[:], Status: device.Accepted, Teller: device.Ledger, Height: 1,
		Epoch: 1, Sequence: sequence,
	}
	proofs, err := device.SignReceipts([]device.Receipt{r}, chain, signer)
	if err != nil {
		panic(err)
	}
	return fmt.Appendf(nil, `{"proof":%q}`, base64.RawURLEncoding.EncodeToString(proofs[0]))
}

// Refuse is not asked for.
func (l *books) Refuse(broker.Message, broker.Refusal) []byte { panic("nothing is refused") }

// Good lets every device in.
func (l *books) Good(string, string) bool { return true }

// open starts a broker at an address; stop ends it.
func open(t *testing.T, dir, address string, l *books) (stop func()) {
	t.Helper()
	b, err := broker.Open(t.Context(), broker.Config{Dir: dir, Address: address, Devices: l, Ledger: l, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- b.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A fleet whose gateway comes and goes is told of each message, by the node and nobody
// else, and its registers are the sums of its readings.
func TestFleet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, dir := l.Addr().String(), t.TempDir()
	_ = l.Close()
	const devices, intervals, before = 20, 12, 3
	ledger := &books{times: map[string]int{}, last: map[grid.Device]device.Message{}, liar: 5, wrong: 5}
	cfg := fleet.Config{
		Address: "mqtt://" + address, Chain: chain, Node: keyOf(200).Public().(ed25519.PublicKey),
		Every: 100 * time.Millisecond, Intervals: intervals, Before: before, Pause: 50 * time.Millisecond, Repeat: time.Hour, Log: slog.New(slog.DiscardHandler),
	}
	for i := range devices {
		d := grid.Device{Microgrid: 7, Device: grid.DeviceID(i + 1)}
		cfg.Devices = append(cfg.Devices, fleet.Device{Device: d, Epoch: 1, Key: keyOf(byte(i)), Credential: live.Credential{
			Meter: fmt.Sprint("meter-", i), User: broker.User(d), Password: "x", Reading: broker.ReadingTopic(d), Receipt: broker.ReceiptTopic(d),
		}})
	}
	start := interval.Time(0)
	cfg.Next = func() (list []gateway.Reading) {
		for i := range devices {
			list = append(list, gateway.Reading{Start: start, Length: interval.Minutes5, Import: 10, Quality: gateway.Actual, Export: 0})
			list[i].Export = list[i].Import * 2
		}
		start += 300
		return list
	}
	told, lost := map[string]bool{}, make(chan bool, 1000)
	cfg.Told = func(m fleet.Life) {
		told[fmt.Sprint(m.Device+1, " ", m.Sequence)] = true
		if n := len(told); n == devices*3 || n == devices*7 {
			lost <- true
		}
	}
	stop := open(t, dir, address, ledger)
	f := fleet.New(cfg)
	ran := make(chan bool)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // For a fleet that is never told.
	defer cancel()
	go func() { f.Run(ctx); close(ran) }()
	for range 2 {
		<-lost
		stop()
		stop = open(t, dir, address, ledger)
	}
	<-ran
	stop()
	s := f.State()
	if s.Published != devices*intervals || s.Told != s.Published || s.Waiting != 0 || s.Forged != 5 || s.Repeated < 10 || s.Reconnects < devices {
		t.Errorf("%+v", s)
	}
	for _, o := range s.Outages {
		if o.To.IsZero() {
			t.Errorf("an outage goes on: %+v", s.Outages)
		}
	}
	if len(told) != devices*intervals || len(ledger.times) != devices*intervals {
		t.Errorf("%d were told and %d booked of %d", len(told), len(ledger.times), devices*intervals)
	}
	for _, what := range ledger.untold {
		if ledger.times[what] < 2 {
			t.Errorf("message %s, of which its device was not told, was not sent again", what)
		}
	}
	for d, m := range ledger.last {
		if m.Sequence != before+intervals || m.Import != 10*(before+intervals) || m.Export != 2*m.Import || m.Start != (before+intervals-1)*300 {
			t.Errorf("device %v ends with %+v", d, m)
		}
	}
}
