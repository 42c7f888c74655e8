// Package broker is where devices connect: an MQTT 3.1.1 server (OASIS, 2014) with
// durable storage in the node's own process, NATS with JetStream. What devices
// publish waits there until the ledger has committed it, and each device is told
// what became of its message.
//
// Its promise: a message that was acknowledged (PUBACK) is on disk, and stays there
// until the ledger has it or has refused it; who published it is told which, on its
// receipt topic, before the message is forgotten. No device writes or reads another
// one's topics. When there is no room, what comes is refused and nothing that waits
// is dropped.
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/commonwatt/commonwatt/grid"
)

// Message is what was published, and the device on whose topic.
type Message struct {
	From grid.Device
	Raw  []byte
}

// Ledger books messages.
type Ledger interface {
	// Deliver books messages and returns, once that is committed, what is told of each
	// to its device, in the order of the messages. A message that is known already is
	// told what it was told before. An error says that nothing is known: the same
	// messages are delivered again.
	Deliver(ctx context.Context, messages []Message) (receipts [][]byte, err error)

	// Refuse returns what a device is told of a message that does not reach the ledger.
	Refuse(of Message, why Refusal) []byte
}

// Refusal is why a message does not reach the ledger, as a program reads it.
type Refusal string

// Refusals of the broker.
const (
	ForeignTopic Refusal = "foreign_topic"
	Full         Refusal = "full"
)

// Text says it in words, and what to do.
func (r Refusal) Text() string {
	if r == ForeignTopic {
		return "the topic, or the device that the message names, is not the one that is connected: publish to commonwatt/<microgrid>/<device>/reading of its own"
	}
	return "too many messages wait for the ledger: keep this one and send it again later"
}

// Credentials say which devices may connect.
type Credentials interface {
	// Good reports whether a password is a user's.
	Good(user, password string) bool
}

// Limits bound what waits. What comes beyond them is refused.
type Limits struct {
	BatchMessages  int   // In one envelope.
	BatchBytes     int   // In one envelope; one message may go beyond.
	WaitingBytes   int64 // On disk.
	WaitingOfEach  int64 // Messages of one device.
	ReceiptsOfEach int64 // Receipts kept for a device that is not connected; the oldest go first.
	Listeners      int   // Receipt topics that are listened to with QoS 1 or 2; with QoS 0 it may be any number.
}

// LimitsDefault hold a day of ten thousand meters, and months of one that was away. Each
// who listens with QoS 1 has a queue on disk, which each receipt is held against: with
// ten thousand, seconds pass.
var LimitsDefault = Limits{
	BatchMessages: 2048, BatchBytes: 448 << 10,
	WaitingBytes: 4 << 30, WaitingOfEach: 20_000, ReceiptsOfEach: 20_000, Listeners: 1000,
}

// Config is how a broker runs.
type Config struct {
	Dir     string      // Where messages wait; the broker's own.
	Address string      // Of MQTT, as in 127.0.0.1:1883; port 0: any that is free. With NATS, what devices are told.
	TLS     *tls.Config // nil: in the clear.
	NATS    string      // Server to use in place of the one in this process, as in nats://user:password@nats.example:4222.
	Node    Node        // Where the node is in another process.
	Devices Credentials
	Ledger  Ledger // nil: the node is in another process.
	Limits  Limits
	Log     *slog.Logger
}

// Node is how a node in another process reaches this one's server.
type Node struct {
	Address string // As in 127.0.0.1:4222; empty: it does not.
	Secret  string // By which it gets in.
}

// URL is what the node's process has to give as Config.NATS.
func (n Node) URL() string {
	return (&url.URL{Scheme: "nats", User: url.UserPassword(ourUser, n.Secret), Host: n.Address}).String()
}

// Broker is a running broker.
type Broker struct {
	cfg     Config
	server  *server.Server // nil: another process's.
	door    door
	log     *serverLog
	address string
	conn    *nats.Conn
	js      jetstream.JetStream
	stream  jetstream.Stream
	posts   posts
	births  chan grid.Device
}

// startTimeout bounds how long storage may take to open, and reconnectAfter is how often
// a server is looked for that is not there.
const (
	startTimeout   = 30 * time.Second
	reconnectAfter = 250 * time.Millisecond
)

// Open starts a broker. It takes messages from then on; Run delivers them.
//
// Errors: an address that cannot be used; a server that is not there; those of the
// disk.
func Open(ctx context.Context, cfg Config) (*Broker, error) {
	if cfg.Limits == (Limits{}) {
		cfg.Limits = LimitsDefault
	}
	b := &Broker{cfg: cfg, log: newServerLog(cfg.Log), posts: newPosts(), births: make(chan grid.Device, birthsMax)}
	if cfg.NATS != "" {
		b.address = cfg.Address
	}
	b.door.devices, b.door.secret, b.door.opened = cfg.Devices, cfg.Node.Secret, make(chan struct{})
	if b.door.secret == "" {
		b.door.secret = NewSecret()
	}
	if err := b.open(ctx); err != nil {
		_ = b.Close() // It would say the same again.
		return nil, fmt.Errorf("broker: %w", err)
	}
	return b, nil
}

func (b *Broker) open(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if b.cfg.NATS != "" {
		err = b.reach(ctx, b.cfg.NATS)
	} else {
		err = b.embed()
	}
	if err != nil {
		return err
	}
	if err := b.declare(ctx); err != nil {
		return err
	}
	b.door.open(true)
	return nil
}

// reach connects to a server that may be about to start.
func (b *Broker) reach(ctx context.Context, address string) error {
	for tries := 1; ; tries++ {
		err := b.connect(address, nats.ReconnectWait(reconnectAfter))
		if !errors.Is(err, nats.ErrNoServers) {
			return err
		}
		if tries == 2 {
			b.cfg.Log.Warn("broker: the NATS server is not there yet: it is waited for", "for", startTimeout)
		}
		select {
		case <-time.After(reconnectAfter):
		case <-ctx.Done():
			return err
		}
	}
}

// connect connects to the server.
func (b *Broker) connect(address string, options ...nats.Option) (err error) {
	options = append(options, nats.Name("commonwatt"), nats.MaxReconnects(-1), nats.ErrorHandler(
		func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.cfg.Log.Warn("broker: the connection", "err", err)
		}))
	if b.conn, err = nats.Connect(address, options...); err != nil {
		if _, bad := errors.AsType[*url.Error](err); bad { // Its text would show the password, or what it takes for a port.
			err = errors.New("this is not the address of a server: write it as in nats://user:password@nats.example:4222, with special characters of a password as in %2F")
		}
		return fmt.Errorf("nats: %w", err)
	}
	if b.server == nil && b.address == "" {
		b.address = b.conn.ConnectedUrlRedacted()
	}
	b.js, err = jetstream.New(b.conn, jetstream.WithPublishAsyncMaxPending(2*b.cfg.Limits.BatchMessages), jetstream.WithPublishAsyncTimeout(storedWithin))
	return err
}

// Address is where devices connect, as in mqtt://127.0.0.1:1883; where another
// process serves them, its own.
func (b *Broker) Address() string { return b.address }

// State is how a broker is.
type State struct {
	Address   string `json:"address"`         // As Address returns it.
	Waiting   uint64 `json:"waiting"`         // Messages that the ledger does not have yet.
	Connected int    `json:"connected"`       // Devices; -1: another process knows.
	Fault     string `json:"fault,omitempty"` // Why nobody knows what waits.
}

// State asks how the broker is.
//
// Errors: a server that does not answer.
func (b *Broker) State(ctx context.Context) (State, error) {
	s := State{Address: b.address, Connected: -1}
	if b.server != nil {
		s.Connected = b.server.NumClients() - 1 // We are one of them.
	}
	info, err := b.stream.Info(ctx)
	if err != nil {
		return s, fmt.Errorf("broker: %w", err)
	}
	s.Waiting = info.State.Msgs
	return s, nil
}

// Close ends the broker. What waits stays on disk.
func (b *Broker) Close() error {
	b.door.open(false)
	if b.conn != nil {
		b.conn.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
	return b.log.fatal()
}
