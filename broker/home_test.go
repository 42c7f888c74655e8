package broker_test

import (
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/broker"
)

// A device that asks for its home is told of it, once, below its own prefix, whatever
// quality of service it asks and listens with; another one hears nothing.
func TestHome(t *testing.T) {
	b := open(t, broker.Config{Ledger: newBooks()})
	run(t, b)
	c, other := connect(t, b.Address(), anna, 0), connect(t, b.Address(), bela, 0)
	heard, foreign := make(chan string, 100), make(chan string, 100)
	into := func(to chan string) mqtt.MessageHandler {
		return func(_ mqtt.Client, m mqtt.Message) { to <- m.Topic() + " " + string(m.Payload()) }
	}
	for _, below := range []string{"/+/+/config", "/state"} { // As Home Assistant does, one with each quality.
		token := c.Subscribe(broker.HomeTopic(anna)+below, byte(len(below)%2), into(heard))
		done(t, token)
	}
	done(t, other.Subscribe(broker.HomeTopic(bela)+"/#", 0, into(foreign)))
	next := func() string {
		t.Helper()
		select {
		case text := <-heard:
			return text
		case <-time.After(patience):
			t.Fatal("nothing is heard")
			return ""
		}
	}
	for qos := range byte(3) {
		done(t, c.Publish(broker.StatusTopic(anna), qos, false, "offline"))
		done(t, c.Publish(broker.StatusTopic(anna), qos, false, "online"))
		if d := <-b.Births(); d != anna {
			t.Fatalf("%v asks", d)
		}
		for _, m := range []struct{ below, text string }{{"device/commonwatt_7_1/config", "sensors"}, {"state", "figures"}} {
			if err := b.Home(anna, m.below, []byte(m.text)); err != nil {
				t.Fatal(err)
			}
			if got := next(); got != broker.HomeTopic(anna)+"/"+m.below+" "+m.text {
				t.Errorf("heard %q", got)
			}
		}
	}
	if err := b.Home(bela, "state", []byte("bela's")); err != nil {
		t.Fatal(err)
	}
	if got := <-foreign; got != broker.HomeTopic(bela)+"/state bela's" || len(heard) > 0 || len(foreign) > 0 || len(b.Births()) > 0 {
		t.Errorf("%q, and %d and %d more, %d ask", got, len(heard), len(foreign), len(b.Births()))
	}
}
