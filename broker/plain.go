package broker

import (
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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
	if b.server == nil {
		return
	}
	c, err := b.server.Connz(&server.ConnzOptions{CID: t.client, Username: true, State: server.ConnAll})
	if err != nil || len(c.Conns) != 1 {
		return // It went away; the log has it.
	}
	if d, ok := deviceOf(c.Conns[0].AuthorizedUser, "/"); ok {
		b.refuse(Message{From: d}, ForeignTopic)
	}
}
