package broker

import (
	"context"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/commonwatt/commonwatt/grid"
)

// store keeps a message that was published with QoS 0, for which nobody else does.
// What has a higher one is stored already.
func (b *Broker) store(m *nats.Msg) {
	if qos := m.Header.Get(qosHeader); qos != "" && qos[0] != '0' {
		return
	}
	from, ok := published(m.Subject)
	if !ok {
		b.cfg.Log.Warn("broker: a message is on no device's topic and is dropped", "subject", m.Subject)
		return
	}
	stored, err := b.keep(Message{from, m.Data}, "")
	if err != nil {
		b.refuse(Message{from, m.Data}, Full)
		return
	}
	select {
	case <-stored.Ok():
	case err := <-stored.Err():
		b.cfg.Log.Warn("broker: there is no room for a message", "device", User(from), "err", err)
		b.refuse(Message{from, m.Data}, Full)
	}
}

// keep stores a message, with the mark of who waits for its receipt.
func (b *Broker) keep(of Message, mark string) (jetstream.PubAckFuture, error) {
	m := nats.NewMsg(storedPrefix + subject(of.From, readingWord))
	m.Data = of.Raw
	if mark != "" {
		m.Header.Set(postHeader, mark)
	}
	return b.js.PublishMsgAsync(m)
}

// refuseForeign tells a device that it published on another one's topic.
func (b *Broker) refuseForeign(t trespass) {
	if d, ok := b.trespasser(t); ok {
		b.refuse(Message{From: d}, ForeignTopic)
	}
}

// trespasser is the device that published on another one's topic, where it is still there.
func (b *Broker) trespasser(t trespass) (d grid.Device, ok bool) {
	if b.server == nil {
		return d, false
	}
	c, err := b.server.Connz(&server.ConnzOptions{CID: t.client, Username: true, State: server.ConnAll})
	if err != nil || len(c.Conns) != 1 {
		return d, false // It went away; the log has it.
	}
	return deviceOf(c.Conns[0].AuthorizedUser, "/")
}

// trespassing is the subject on which a process that has the server tells the one that
// has the node of a device that published on another one's topic.
const trespassing = root + ".trespass"

// forward does what is left where the node is in another process.
func (b *Broker) forward(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case t := <-b.log.foreign:
			if d, ok := b.trespasser(t); ok {
				if err := b.conn.Publish(trespassing, []byte(User(d))); err != nil {
					return fmt.Errorf("broker: %w", err)
				}
			}
		}
	}
}

// refuseTold is refuseForeign by word of the process that has the server.
func (b *Broker) refuseTold(m *nats.Msg) {
	if d, ok := deviceOf(string(m.Data), "/"); ok {
		b.refuse(Message{From: d}, ForeignTopic)
	}
}
