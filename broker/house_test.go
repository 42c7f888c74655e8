package broker_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/grid"
)

// childDir names the folder in which this process runs a broker in place of tests.
const childDir = "COMMONWATT_BROKER_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		serve(dir)
		return
	}
	if text := os.Getenv(childServer); text != "" {
		serveNATS(text)
		return
	}
	os.Exit(m.Run())
}

// patience is for how long a test waits for what should come at once.
const patience = 20 * time.Second

// anybody lets every device in that knows the password.
type anybody struct{}

const password = "open sesame"

func (anybody) Good(_, given string) bool { return given == password }

// books is a ledger in memory: of each message, how often it was delivered.
type books struct {
	mu    sync.Mutex
	times map[string]int
	sizes []int         // Of the batches.
	fails int           // How often it fails before it books.
	gate  chan struct{} // While it is not closed, nothing is booked; nil: it is open.
	asked chan int      // Hears the size of each batch that comes to the gate; nil: nobody does.
}

func newBooks() *books { return &books{times: map[string]int{}} }

// Deliver books messages once the gate is open.
func (l *books) Deliver(ctx context.Context, messages []broker.Message) (told [][]byte, err error) {
	if l.gate != nil {
		select {
		case l.asked <- len(messages):
		case <-ctx.Done():
		}
		select {
		case <-l.gate:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails > 0 {
		l.fails--
		return nil, fmt.Errorf("the ledger fails, %d more times", l.fails)
	}
	l.sizes = append(l.sizes, len(messages))
	for _, m := range messages {
		key := broker.User(m.From) + " " + string(m.Raw)
		l.times[key]++
		told = append(told, fmt.Appendf(nil, "booked %s", m.Raw))
	}
	return told, nil
}

// Refuse says why.
func (l *books) Refuse(of broker.Message, why broker.Refusal) []byte {
	return fmt.Appendf(nil, "refused %s: %s", of.Raw, why)
}

// booked is how often a message was delivered.
func (l *books) booked(d grid.Device, raw string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.times[broker.User(d)+" "+raw]
}

// all is how often each message was delivered.
func (l *books) all() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.times)
}

// left is how often it still fails.
func (l *books) left() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fails
}

// open starts a broker that nobody runs yet.
func open(t *testing.T, cfg broker.Config) *broker.Broker {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Devices == nil {
		cfg.Devices = anybody{}
	}
	if cfg.NATS == "" {
		cfg.Address = "127.0.0.1:0"
	}
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	b, err := broker.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// run runs a broker until the test ends or the function is called that it returns.
func run(t *testing.T, b *broker.Broker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Devices of the tests.
var (
	anna = grid.Device{Microgrid: 7, Device: 1}
	bela = grid.Device{Microgrid: 7, Device: 2}
)

// client is a device that is connected.
type client struct {
	mqtt.Client
	device   grid.Device
	receipts chan string
	lost     chan error // The connection.
}

// options are those of a device's connection.
func options(address, id string, d grid.Device) *mqtt.ClientOptions {
	at := strings.NewReplacer("mqtts:", "ssl:", "mqtt:", "tcp:").Replace(address)
	return mqtt.NewClientOptions().AddBroker(at).SetClientID(id).SetUsername(broker.User(d)).SetPassword(password).
		SetAutoReconnect(false).SetOrderMatters(true).SetConnectTimeout(patience).SetTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12})
}

// connect connects a device and lets it hear its receipts.
func connect(t *testing.T, address string, d grid.Device, qos byte, change ...func(*mqtt.ClientOptions)) *client {
	t.Helper()
	c := &client{device: d, receipts: make(chan string, 1<<16), lost: make(chan error, 1)}
	o := options(address, fmt.Sprintf("%s-%d", t.Name(), d.Device), d)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { c.receipts <- string(m.Payload()) })
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { c.lost <- err })
	for _, f := range change {
		f(o)
	}
	c.Client = mqtt.NewClient(o)
	done(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(0) })
	token := c.Subscribe(broker.ReceiptTopic(d), qos, nil)
	done(t, token)
	if got := token.(*mqtt.SubscribeToken).Result()[broker.ReceiptTopic(d)]; got != qos {
		t.Fatalf("the receipt topic is granted with %d", got)
	}
	return c
}

// done waits until the server answered.
func done(t *testing.T, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("the server does not answer: %v", token.Error())
	}
}

// publish publishes a message on the device's own topic and waits for PUBACK.
func (c *client) publish(t *testing.T, qos byte, text string) {
	t.Helper()
	done(t, c.Publish(broker.ReadingTopic(c.device), qos, false, text))
}

// hears waits for a receipt.
func (c *client) hears(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-c.receipts:
		if !strings.HasPrefix(got, want) {
			t.Fatalf("told %q, and not %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("nobody tells %q", want)
	}
}

// leave ends the connection, and waits until the server knows.
func (c *client) leave(t *testing.T, b *broker.Broker) {
	t.Helper()
	c.Disconnect(0)
	for deadline := time.Now().Add(patience); ; {
		s, err := b.State(t.Context())
		switch {
		case err != nil || time.Now().After(deadline):
			t.Fatalf("the device is still there: %+v, %v", s, err)
		case s.Connected == 0:
			return
		}
	}
}

var quiet = slog.New(slog.DiscardHandler)
