package bridge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/live"
)

// link is the connection of a meter's device with the community's node. The goroutine
// of Run has it to itself.
type link struct {
	b      *Bridge
	m      *meter
	client mqtt.Client
	up     bool
	held   bool              // What is sent is refused for a reason that may go away.
	sent   map[string]uint64 // Sequences that wait for their receipts, by the SHA-256 of the message.
}

// connectPatience is for how long one try to connect may take, and reconnectMost how far
// apart tries are.
const (
	connectPatience = 20 * time.Second
	reconnectMost   = time.Minute
)

// connect begins to connect a meter's device with the node, for as long as it takes.
func (b *Bridge) connect(ctx context.Context, m *meter) *link {
	l := &link{b: b, m: m, sent: map[string]uint64{}}
	d := grid.Device{Microgrid: b.Microgrid, Device: m.Device}
	o := b.options(b.Node, "commonwatt-bridge-"+strings.ReplaceAll(broker.User(d), "/", "-")).SetUsername(m.User).SetPassword(m.Password)
	o.SetOnConnectHandler(func(c mqtt.Client) {
		c.Subscribe(broker.ReceiptTopic(d), 0, func(_ mqtt.Client, told mqtt.Message) {
			text := told.Payload()
			b.do(ctx, func() { l.told(text) })
		}).Wait()
		if b.relay != nil && m == b.meters[0] {
			b.relay.ask(ctx, c)
		}
		b.do(ctx, func() {
			b.Log.Info("bridge: connected with the node", "meter", m.Name)
			l.up, l.held = true, false
			clear(l.sent)
		})
	})
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		b.do(ctx, func() {
			b.Log.Warn("bridge: the node is away; messages wait on disk", "meter", m.Name, "err", err)
			l.up = false
		})
	})
	l.client = mqtt.NewClient(o)
	l.client.Connect() // It goes on trying.
	return l
}

// options are those of a connection that goes on trying.
func (b *Bridge) options(address, id string) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker(strings.NewReplacer("mqtts://", "ssl://", "mqtt://", "tcp://").Replace(address)).SetClientID(id)
	o.SetConnectTimeout(connectPatience).SetConnectRetry(true).SetConnectRetryInterval(time.Second).SetMaxReconnectInterval(reconnectMost)
	o.SetConnectionNotificationHandler(func(_ mqtt.Client, n mqtt.ConnectionNotification) {
		if failed, ok := n.(mqtt.ConnectionNotificationBrokerFailed); ok {
			b.Log.Debug("bridge: cannot connect yet", "to", address, "err", failed.Reason)
		}
	})
	return o.SetTLSConfig(b.TLS)
}

func (l *link) close() { l.client.Disconnect(0) }

// pump sends what waits, in order, as much as may be under way.
func (l *link) pump() {
	if !l.up || l.held || len(l.sent) >= underway {
		return
	}
	under := map[uint64]bool{}
	for _, sequence := range l.sent {
		under[sequence] = true
	}
	for _, sequence := range l.m.keep.with(waiting) {
		if under[sequence] {
			continue
		}
		if len(l.sent) >= underway {
			return
		}
		raw, err := l.m.keep.read(sequence)
		if err != nil {
			l.b.Log.Error("bridge: a message cannot be read", "meter", l.m.Name, "sequence", sequence, "err", err)
			return
		}
		l.sent[sumOf(raw)] = sequence
		l.client.Publish(broker.ReadingTopic(grid.Device{Microgrid: l.b.Microgrid, Device: l.m.Device}), 1, false, raw)
	}
}

// resend sends anew what nothing was heard of, and what was refused for a reason that
// may have gone away.
func (l *link) resend() {
	l.held = false
	clear(l.sent)
}

func sumOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// forGood are the refusals after which a message is of no use: nothing makes them go
// away. All others may, once a key is enrolled, a clock set or the configuration right.
var forGood = map[uint32]bool{
	device.ErrConflict.Code: true, device.ErrForgotten.Code: true, device.ErrStale.Code: true,
	device.ErrOverlap.Code: true, device.ErrBetween.Code: true, device.ErrLength.Code: true, device.ErrAligned.Code: true,
}

// told takes a receipt.
func (l *link) told(text []byte) {
	r, err := l.read(text)
	if err != nil {
		l.b.Log.Warn("bridge: what came as a receipt is none, and is left aside", "meter", l.m.Name, "err", err)
		return
	}
	sequence, ours := l.sent[r.Message]
	if !ours && r.Refusal == "" {
		return // Of a message that was sent twice.
	}
	switch {
	case r.Status != live.Statuses[device.Refused]:
		l.done(sequence, told, r)
	case forGood[r.Code]:
		l.b.Log.Warn("bridge: a message is refused for good; the next one counts its energy", "meter", l.m.Name, "sequence", sequence, "code", r.Code, "why", r.Why)
		l.done(sequence, refused, r)
	case !l.held:
		l.held = true
		l.b.Log.Warn("bridge: messages are refused and wait", "meter", l.m.Name, "code", r.Code, "why", r.Why, "next_try", again.String(), "what_to_do", l.advice(r))
	}
}

// read reads a receipt. Where the node's key is known, what counts is what it signed.
func (l *link) read(text []byte) (r live.Receipt, err error) {
	if err := json.Unmarshal(text, &r); err != nil || l.m.Receipts == nil {
		return r, err
	}
	proof, err := base64.RawURLEncoding.DecodeString(r.Proof)
	if err != nil {
		return r, err
	}
	signed, err := device.OpenReceipt(proof, l.b.Chain, l.m.Receipts)
	if err != nil {
		return r, err
	}
	if signed.Microgrid != l.b.Microgrid || signed.Device != l.m.Device {
		return r, errors.New("it is of another device")
	}
	r.Message, r.Status, r.Code = hex.EncodeToString(signed.Message), live.Statuses[signed.Status], signed.Code
	if signed.Status == device.Refused && signed.Teller != device.Ledger {
		r.Refusal = cmp.Or(r.Refusal, "gateway")
	}
	return r, nil
}

// done drops a message whose receipt came.
func (l *link) done(sequence uint64, ending string, r live.Receipt) {
	delete(l.sent, r.Message)
	if err := l.m.keep.done(sequence, ending); err != nil {
		l.b.Log.Error("bridge: a receipt cannot be noted; the message is sent again", "meter", l.m.Name, "err", err)
	}
	l.b.Log.Info("bridge: receipt", "meter", l.m.Name, "sequence", sequence, "status", r.Status)
}

// advice says what to do about a refusal that may go away.
func (l *link) advice(r live.Receipt) string {
	switch r.Code {
	case device.ErrNotEnrolled.Code, device.ErrNotKey.Code:
		return fmt.Sprintf("have the key enrolled: commonwatt meter key DIR %s %s --bridged", l.m.Name, hex.EncodeToString(l.m.Public()))
	case device.ErrEpoch.Code:
		return fmt.Sprintf("set epoch of meter %q to that of the key that was enrolled last", l.m.Name)
	case device.ErrSignature.Code:
		return "compare chain in the configuration with what commonwatt status says"
	case device.ErrFuture.Code:
		return "set this machine's clock"
	}
	return "ask the community's operator"
}
