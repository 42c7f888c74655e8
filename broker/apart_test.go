package broker_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/broker"
)

// freeAddress is one that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// rests waits until nothing waits.
func rests(t *testing.T, b *broker.Broker) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		s, err := b.State(t.Context())
		switch {
		case err != nil || time.Now().After(deadline):
			t.Fatalf("messages wait: %+v, %v", s, err)
		case s.Waiting == 0:
			return
		}
	}
}

// A gateway and a node are two processes, of which each may end and come back: what was
// acknowledged reaches the ledger, and devices are told by whichever comes next.
func TestApart(t *testing.T) {
	dir := t.TempDir()
	at := broker.Node{Address: freeAddress(t), Secret: broker.NewSecret()}
	gateway := func() (*broker.Broker, func()) {
		b := open(t, broker.Config{Dir: dir, Node: at})
		return b, run(t, b)
	}
	here, stopGateway := gateway()
	c := connect(t, here.Address(), anna, 0)
	c.publish(t, 1, "before the node")
	ledger := newBooks()
	node := open(t, broker.Config{NATS: at.URL(), Ledger: ledger})
	stopNode := run(t, node)
	c.hears(t, "booked before the node")
	done(t, c.Publish(broker.ReadingTopic(bela), 1, false, "not mine"))
	c.hears(t, "refused : foreign_topic")
	rests(t, node) // Else the first one would come again, and to a ledger it would be known.
	stopNode()
	c.publish(t, 1, "without the node")
	node = open(t, broker.Config{NATS: at.URL(), Ledger: ledger})
	run(t, node)
	c.hears(t, "booked without the node")
	rests(t, node)
	stopGateway()
	here, _ = gateway()
	c = connect(t, here.Address(), anna, 0)
	c.publish(t, 1, "to the next gateway")
	c.hears(t, "booked to the next gateway")
	for raw, n := range ledger.all() {
		if n != 1 {
			t.Errorf("%q was booked %d times", raw, n)
		}
	}
	stranger := broker.Config{NATS: broker.Node{Address: at.Address}.URL(), Ledger: ledger, Log: quiet}
	if b, err := broker.Open(t.Context(), stranger); err == nil {
		_ = b.Close()
		t.Error("without the secret it gets in")
	}
}

// Who may listen with QoS 1 has a bound: beyond it, a device is told, and listens with
// QoS 0.
func TestListeners(t *testing.T) {
	limits := broker.LimitsDefault
	limits.Listeners = 1
	b := open(t, broker.Config{Ledger: newBooks(), Limits: limits})
	run(t, b)
	connect(t, b.Address(), anna, 1)
	c := connect(t, b.Address(), bela, 0)
	token := c.Subscribe(broker.ReceiptTopic(bela), 1, nil)
	if !token.WaitTimeout(patience) {
		t.Fatal("the server does not answer")
	}
	if got := token.(*mqtt.SubscribeToken).Result()[broker.ReceiptTopic(bela)]; got != 0x80 { // MQTT 3.1.1 §3.9.3: failure.
		t.Errorf("one too many is granted with %d", got)
	}
	done(t, c.Subscribe(broker.ReceiptTopic(bela), 0, nil))
	for i := range 3 {
		c.publish(t, 1, fmt.Sprint(i))
		c.hears(t, fmt.Sprint("booked ", i))
	}
}
