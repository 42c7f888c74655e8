package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/quantity"
)

// unit is one device while it runs.
type unit struct {
	*Device
	fleet *Fleet
	index int
	wake  chan struct{} // Something is to be sent.

	mu                 sync.Mutex
	imported, exported quantity.Energy // The registers.
	waiting            []*message      // Those without a receipt, by sequence.
}

// message is one that waits for its receipt.
type message struct {
	Life
	raw  []byte
	sum  [sha256.Size]byte
	sent time.Time // In this connection; zero: not yet.
}

func newUnit(f *Fleet, index int) *unit {
	return &unit{Device: &f.Devices[index], fleet: f, index: index, wake: make(chan struct{}, 1)}
}

// count adds a reading to the registers.
func (u *unit) count(r gateway.Reading) {
	u.imported, u.exported = quantity.MustAdd(u.imported, r.Import), quantity.MustAdd(u.exported, r.Export)
}

// read counts a reading and keeps the message that says so.
func (u *unit) read(r gateway.Reading, sequence uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count(r)
	raw, err := device.Sign(u.message(r, u.imported, u.exported, sequence), u.fleet.Chain, u.Key)
	if err != nil {
		panic("fleet: a reading makes no message: " + err.Error()) // The simulation made it.
	}
	u.waiting = append(u.waiting, &message{raw: raw, sum: sha256.Sum256(raw), Life: Life{
		Device: u.index, Sequence: sequence, Start: r.Start, Import: u.imported, Export: u.exported,
		Sent: time.Now(),
	}})
	u.fleet.read()
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// run connects, again and again, until the context ends.
func (u *unit) run(ctx context.Context) {
	failures, was := 0, false
	for {
		bound := min(u.fleet.Pause<<max(0, failures-patient), pauseMost)
		if !pause(ctx, time.Duration(rand.Int64N(int64(bound)))) { //nolint:gosec // nobody gains by guessing it
			return
		}
		ended, err := u.connect(ctx, was)
		switch {
		case ctx.Err() != nil:
			return
		case ended:
			failures, was = 0, true
		default:
			failures = min(failures+1, failuresMost)
		}
		u.fleet.Log.Debug("fleet: a device is not connected", "device", u.Meter, "err", err)
	}
}

// connect is connected for as long as that lasts, and reports whether it was at all.
func (u *unit) connect(ctx context.Context, was bool) (connected bool, err error) {
	lost := make(chan error, 1)
	o, err := u.options()
	if err != nil {
		return false, err
	}
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	c := mqtt.NewClient(o)
	defer c.Disconnect(0)
	if err := answered(c.Connect()); err != nil {
		return false, err
	}
	// With QoS 0: a receipt that is lost is asked for by the same message.
	if err := answered(c.Subscribe(u.Receipt, 0, func(_ mqtt.Client, m mqtt.Message) { u.told(m.Payload()) })); err != nil {
		return false, err
	}
	u.fleet.came(was)
	defer func() { u.fleet.went(ctx.Err() != nil) }()
	u.unsend(time.Time{})
	for {
		for m := range u.unsent() {
			c.Publish(u.Reading, 1, false, m)
		}
		again := time.NewTimer(u.fleet.Repeat)
		select {
		case <-u.wake:
		case <-again.C:
			u.unsend(time.Now().Add(-u.fleet.Repeat))
		case err := <-lost:
			return true, err
		case <-ctx.Done():
			return true, ctx.Err()
		}
		again.Stop()
	}
}

// options are those of the connection: a session of its own each time, since what was
// not told the device asks for itself.
func (u *unit) options() (*mqtt.ClientOptions, error) {
	at, err := url.Parse(u.fleet.Address)
	if err != nil || at.Scheme != "mqtt" {
		return nil, fmt.Errorf("fleet: the gateway's address is %q and not as in mqtt://127.0.0.1:1883", u.fleet.Address)
	}
	return mqtt.NewClientOptions().AddBroker("tcp://" + at.Host).SetClientID(u.Meter).SetUsername(u.User).SetPassword(u.Password).
		SetAutoReconnect(false).SetProtocolVersion(mqtt311).SetCleanSession(true).SetConnectTimeout(answerMost).SetKeepAlive(5 * time.Minute), nil
}

// mqtt311 is the protocol's level (MQTT 3.1.1 §3.1.2.2). Without it, the client tries an
// older one whenever a connection fails.
const mqtt311 = 4

// answered waits for an answer.
func answered(t mqtt.Token) error {
	if !t.WaitTimeout(answerMost) {
		return fmt.Errorf("fleet: the gateway does not answer within %v", answerMost)
	}
	return t.Error()
}

// unsend makes what was sent up to a moment be sent again; the zero moment means all.
func (u *unit) unsend(until time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, m := range u.waiting {
		if until.IsZero() || m.sent.Before(until) {
			m.sent = time.Time{}
		}
	}
}

// unsent yields what is to be sent, which is then taken for sent.
func (u *unit) unsent() func(yield func([]byte) bool) {
	var list [][]byte
	u.mu.Lock()
	for _, m := range u.waiting {
		if m.sent.IsZero() {
			m.sent = time.Now()
			m.Times++
			u.fleet.sent(m.Times)
			list = append(list, m.raw)
		}
	}
	u.mu.Unlock()
	return func(yield func([]byte) bool) {
		for _, raw := range list {
			if !yield(raw) {
				return
			}
		}
	}
}

// told takes a receipt. The message that it is of needs not be kept any longer, unless
// there was no room for it.
func (u *unit) told(text []byte) {
	var r live.Receipt
	if json.Unmarshal(text, &r) != nil {
		u.fleet.forged()
		return
	}
	proof, err := base64.RawURLEncoding.DecodeString(r.Proof)
	if err != nil {
		u.fleet.forged()
		return
	}
	is, err := device.OpenReceipt(proof, u.fleet.Chain, u.fleet.Node)
	if err != nil {
		u.fleet.forged()
		return
	}
	if is.Teller == device.GatewayFull {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, m := range u.waiting {
		if string(m.sum[:]) == string(is.Message) {
			u.waiting = append(u.waiting[:i], u.waiting[i+1:]...)
			m.Told, m.Status, m.Code = time.Now(), is.Status, is.Code
			u.fleet.told(m.Life)
			return
		}
	}
}
