package bridge

import (
	"context"
	"strings"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/grid"
)

// relayedMax bounds the topics that are relayed.
const relayedMax = 100

// relay passes on what the node tells the home of itself, to the home's own broker and
// with it to Home Assistant: the sensors below its discovery prefix, the figures on the
// topic that they name. They are retained there, so that a Home Assistant that starts
// finds them.
type relay struct {
	b      *Bridge
	client mqtt.Client
	said   map[string][]byte // What is retained, by topic.
}

// relays reports whether anything is to be passed on.
func (c *Config) relays() bool { return c.Home != "" && c.Discovery != "" }

// ask asks the node, which is connected by the first meter, to tell of the home from now
// on. Its device hears of its own home alone.
func (r *relay) ask(ctx context.Context, node mqtt.Client) {
	d := grid.Device{Microgrid: r.b.Microgrid, Device: r.b.meters[0].Device}
	prefix := broker.HomeTopic(d) + "/"
	token := node.Subscribe(prefix+"#", 0, func(_ mqtt.Client, m mqtt.Message) {
		topic, text := m.Topic(), m.Payload()
		if below, sensors := strings.CutPrefix(topic, prefix+"device/"); sensors {
			topic = r.b.Discovery + "/device/" + below
		}
		r.b.do(ctx, func() { r.say(topic, text) })
	})
	token.Wait()
	r.online(node)
}

// online tells the node that somebody listens.
func (r *relay) online(node mqtt.Client) {
	node.Publish(broker.StatusTopic(grid.Device{Microgrid: r.b.Microgrid, Device: r.b.meters[0].Device}), 0, false, "online")
}

// say retains something at the home's broker.
func (r *relay) say(topic string, text []byte) {
	if topic == broker.StatusTopic(grid.Device{Microgrid: r.b.Microgrid, Device: r.b.meters[0].Device}) || len(r.said) >= relayedMax && r.said[topic] == nil {
		return
	}
	r.said[topic] = text
	r.client.Publish(topic, 0, true, text)
	r.b.Log.Debug("bridge: told the home", "topic", topic)
}

// again says everything once more, to a broker that came back.
func (r *relay) again() {
	for topic, text := range r.said {
		r.client.Publish(topic, 0, true, text)
	}
}
