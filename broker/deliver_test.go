package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/broker"
)

// A message of any quality of service is delivered once, and whoever listens with any
// of them hears its receipt once.
func TestQualities(t *testing.T) {
	ledger := newBooks()
	b := open(t, broker.Config{Ledger: ledger})
	run(t, b)
	for listens := range byte(3) {
		c := connect(t, b.Address(), anna, listens)
		for says := range byte(3) {
			text := fmt.Sprintf("%d heard with %d", says, listens)
			c.publish(t, says, text)
			c.hears(t, "booked "+text)
			if n := ledger.booked(anna, text); n != 1 {
				t.Errorf("%q was delivered %d times", text, n)
			}
		}
		c.Disconnect(0)
		if len(c.receipts) > 0 {
			t.Errorf("told besides: %q", <-c.receipts)
		}
	}
}

// What comes while the ledger commits goes into the next batch, at once and no larger
// than it may be.
func TestBatches(t *testing.T) {
	ledger := newBooks()
	ledger.gate, ledger.asked = make(chan struct{}), make(chan int, 100)
	limits := broker.LimitsDefault
	limits.BatchMessages = 40
	b := open(t, broker.Config{Ledger: ledger, Limits: limits})
	run(t, b)
	c := connect(t, b.Address(), anna, 1)
	c.publish(t, 1, "first")
	if n := <-ledger.asked; n != 1 {
		t.Errorf("the first batch holds %d", n)
	}
	for i := range 100 {
		c.publish(t, 1, fmt.Sprint(i))
	}
	close(ledger.gate)
	c.hears(t, "booked first")
	for i := range 100 {
		c.hears(t, fmt.Sprintf("booked %d", i))
	}
	ledger.mu.Lock()
	defer ledger.mu.Unlock()
	if ledger.sizes[1] != 40 || slices.Max(ledger.sizes) > 40 {
		t.Errorf("the batches hold %v", ledger.sizes)
	}
}

// A ledger that fails is asked again; nothing is told before it has booked.
func TestLedgerFails(t *testing.T) {
	ledger := newBooks()
	ledger.fails = 2
	b := open(t, broker.Config{Ledger: ledger})
	run(t, b)
	c := connect(t, b.Address(), anna, 1)
	c.publish(t, 1, "patient")
	c.hears(t, "booked patient")
	if ledger.left() != 0 || ledger.booked(anna, "patient") != 1 {
		t.Errorf("booked %d times, with %d failures to come", ledger.booked(anna, "patient"), ledger.left())
	}
}

// A device that was away hears when it comes back what it would have heard.
func TestAway(t *testing.T) {
	ledger := newBooks()
	ledger.gate, ledger.asked = make(chan struct{}), make(chan int, 100)
	b := open(t, broker.Config{Ledger: ledger})
	run(t, b)
	stays := func(o *mqtt.ClientOptions) { o.SetCleanSession(false) }
	c := connect(t, b.Address(), anna, 1, stays)
	c.publish(t, 1, "and went")
	<-ledger.asked
	c.leave(t, b)
	close(ledger.gate)
	other := connect(t, b.Address(), bela, 1)
	other.publish(t, 1, "after")
	other.hears(t, "booked after") // So is what came before.
	connect(t, b.Address(), anna, 1, stays).hears(t, "booked and went")
}

// What waits when a broker ends is delivered by the next one.
func TestNextBroker(t *testing.T) {
	dir, stuck := t.TempDir(), newBooks()
	stuck.gate, stuck.asked = make(chan struct{}), make(chan int, 100)
	b := open(t, broker.Config{Dir: dir, Ledger: stuck})
	stop := run(t, b)
	c := connect(t, b.Address(), anna, 1)
	for i := range 30 {
		c.publish(t, 1, fmt.Sprint(i))
	}
	<-stuck.asked // Some are under way, and nobody acknowledges them.
	stop()
	ledger := newBooks()
	b = open(t, broker.Config{Dir: dir, Ledger: ledger})
	if s, err := b.State(t.Context()); err != nil || s.Waiting != 30 || s.Connected != 0 || !strings.HasPrefix(s.Address, "mqtt://127.0.0.1:") {
		t.Errorf("%+v, %v", s, err)
	}
	run(t, b)
	c = connect(t, b.Address(), anna, 1)
	c.publish(t, 1, "last")
	for range 30 {
		if len(c.receipts) > 0 {
			<-c.receipts
		}
	}
	told, err := b.Post(t.Context(), anna, [][]byte{[]byte("posted last")})
	if err != nil || string(told[0]) != "booked posted last" {
		t.Errorf("%q, %v", told, err)
	}
	for i := range 30 {
		if n := ledger.booked(anna, fmt.Sprint(i)); n != 1 {
			t.Errorf("%d was delivered %d times", i, n)
		}
	}
}

// What is posted goes the same way, and whoever posted it gets its receipts.
func TestPost(t *testing.T) {
	ledger := newBooks()
	b := open(t, broker.Config{Ledger: ledger})
	run(t, b)
	c := connect(t, b.Address(), anna, 1)
	told, err := b.Post(t.Context(), anna, [][]byte{[]byte("one"), []byte("two"), []byte("one")})
	if err != nil || fmt.Sprintf("%s", told) != "[booked one booked two booked one]" {
		t.Errorf("%s, %v", told, err)
	}
	for _, text := range []string{"one", "two", "one"} {
		c.hears(t, "booked "+text)
	}
	if ledger.booked(bela, "one") != 0 || ledger.booked(anna, "one") != 2 {
		t.Error("it was booked as another one's")
	}
	if !b.Knows(broker.User(anna), password) || b.Knows(broker.User(anna), "guess") {
		t.Error("it does not know whose password is good")
	}
}
