package broker

import (
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/commonwatt/commonwatt/grid"
)

// What a home's Home Assistant is told is below a device's homeWord, which is its
// discovery prefix there; it says that it is there on statusWord, by the word online
// (Home Assistant, MQTT integration, birth message).
const (
	homeWord   = "homeassistant"
	statusWord = homeWord + ".status"
	online     = "online"

	statuses = root + ".*.*." + statusWord
)

// birthsMax is how many devices may wait to be told of their homes. One that finds no
// room is told when it asks again.
const birthsMax = 1024

// HomeTopic is the prefix below which a device hears of the home that it is in.
func HomeTopic(d grid.Device) string { return root + "/" + User(d) + "/" + homeWord }

// StatusTopic is where a device asks to be told of its home: by the word online, as Home
// Assistant does when it starts.
func StatusTopic(d grid.Device) string { return HomeTopic(d) + "/status" }

// Births are the devices that ask to be told of their homes.
func (b *Broker) Births() <-chan grid.Device { return b.births }

// born takes the word of a device that is there.
func (b *Broker) born(m *nats.Msg) {
	d, ok := deviceOf(strings.TrimPrefix(strings.TrimSuffix(m.Subject, "."+statusWord), root+"."), ".")
	if !ok || string(m.Data) != online {
		return
	}
	select {
	case b.births <- d:
	default:
		b.cfg.Log.Warn("broker: too many devices ask for their homes at once", "device", User(d))
	}
}

// Home tells a device something of its home, on a topic below its prefix. Who does not
// listen misses it: it is told again when they ask, and with the next interval.
//
// Errors: a server that is not there.
func (b *Broker) Home(d grid.Device, below string, text []byte) error {
	err := b.conn.Publish(subject(d, homeWord)+"."+strings.ReplaceAll(below, "/", "."), text)
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	return nil
}
