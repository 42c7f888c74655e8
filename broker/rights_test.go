package broker_test

import (
	"strings"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/broker"
)

// Who has no good name and password does not get in.
func TestStrangers(t *testing.T) {
	b := open(t, broker.Config{Ledger: newBooks()})
	run(t, b)
	for _, c := range []struct{ user, password string }{
		{"", ""},
		{"7/1", ""},
		{"7/1", "guess"},
		{"7", password},
		{"7/1/2", password},
		{"07/1", password},
		{"+/1", password},
		{"*/1", password},
		{"7/>", password},
		{"node", password},
		{"node", ""},
		{"", password},
		{"7/18446744073709551616", password},
	} {
		o := options(b.Address(), "stranger", anna).SetUsername(c.user).SetPassword(c.password)
		client := mqtt.NewClient(o)
		if token := client.Connect(); token.WaitTimeout(patience) && token.Error() == nil {
			t.Errorf("%q gets in with %q", c.user, c.password)
			client.Disconnect(0)
		}
	}
}

// A device writes on no topic but its own, and is told so; nothing of it is booked.
func TestForeignTopics(t *testing.T) {
	ledger := newBooks()
	b := open(t, broker.Config{Ledger: ledger})
	run(t, b)
	c, other := connect(t, b.Address(), anna, 1), connect(t, b.Address(), bela, 1)
	for _, topic := range []string{
		broker.ReadingTopic(bela), broker.ReceiptTopic(anna), broker.ReceiptTopic(bela), "commonwatt", "commonwatt/8/1/reading",
		broker.StatusTopic(bela), broker.HomeTopic(anna) + "/state", broker.HomeTopic(anna), "homeassistant/status",
		broker.ReadingTopic(anna) + "/more", "$MQTT/msgs/commonwatt/7/2/reading", "$JS/API/STREAM/DELETE/COMMONWATT_readings", "$SYS/x",
	} {
		for qos := range byte(3) {
			done(t, c.Publish(topic, qos, qos == 2, "not mine"))
			c.hears(t, "refused : foreign_topic")
		}
	}
	c.publish(t, 1, "mine")
	c.hears(t, "booked mine")
	if len(other.receipts) > 0 || len(ledger.all()) != 1 {
		t.Errorf("the other device is told of %d, and booked is %v", len(other.receipts), ledger.all())
	}
}

// A device hears of nothing but its own messages.
func TestForeignReceipts(t *testing.T) {
	b := open(t, broker.Config{Ledger: newBooks()})
	run(t, b)
	c, other := connect(t, b.Address(), anna, 1), connect(t, b.Address(), bela, 1)
	for _, topic := range []string{
		"#", "+/+/+/+", "commonwatt/#", "commonwatt/7/+/receipt", broker.ReceiptTopic(bela), broker.ReadingTopic(bela), broker.ReadingTopic(anna),
		broker.HomeTopic(bela) + "/#", broker.HomeTopic(bela) + "/state", "commonwatt/7/+/homeassistant/state", "+/+/+/homeassistant/#", "homeassistant/#",
		"$MQTT/#", "$MQTT/sub/#", "$MQTT/msgs/#", "$JS/#", "$SYS/#",
	} {
		for qos := range byte(2) {
			token := c.Subscribe(topic, qos, nil)
			if !token.WaitTimeout(patience) {
				t.Fatal("the server does not answer")
			}
			if got := token.(*mqtt.SubscribeToken).Result()[topic]; got != 0x80 { // MQTT 3.1.1 §3.9.3: failure.
				t.Errorf("%s is granted with %d", topic, got)
			}
		}
	}
	other.publish(t, 1, "private")
	other.hears(t, "booked private")
	c.publish(t, 1, "own")
	c.hears(t, "booked own")
	if len(c.receipts) > 0 {
		t.Errorf("told besides: %q", <-c.receipts)
	}
}

// A device that takes another one's session hears nothing that is the other's.
func TestForeignSession(t *testing.T) {
	ledger := newBooks()
	ledger.gate, ledger.asked = make(chan struct{}), make(chan int, 100)
	b := open(t, broker.Config{Ledger: ledger})
	run(t, b)
	session := func(o *mqtt.ClientOptions) { o.SetCleanSession(false).SetClientID("same") }
	c := connect(t, b.Address(), anna, 1, session)
	c.publish(t, 1, "private")
	<-ledger.asked
	c.leave(t, b)
	close(ledger.gate)
	heard := make(chan string, 100)
	o := options(b.Address(), "same", bela).SetCleanSession(false).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { heard <- string(m.Payload()) })
	thief := mqtt.NewClient(o)
	if token := thief.Connect(); !token.WaitTimeout(patience) {
		t.Fatal("the server does not answer")
	}
	defer thief.Disconnect(0)
	own := connect(t, b.Address(), bela, 1)
	own.publish(t, 1, "own")
	own.hears(t, "booked own")
	for len(heard) > 0 {
		if text := <-heard; strings.Contains(text, "private") {
			t.Errorf("told %q", text)
		}
	}
}
