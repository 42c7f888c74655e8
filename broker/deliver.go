package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Pauses before the ledger is tried again.
const (
	pauseFirst = 100 * time.Millisecond
	pauseMost  = 30 * time.Second
)

// storedWithin is how long a server may take to say that it stored a receipt. One that died
// never does: then the batch is handed over, and its receipts are told, once more.
const storedWithin = 5 * time.Second

// Run hands what waits to the ledger, batch by batch, until the context ends. What is
// under way then is delivered again by the next process. Where the node is in another
// process, that does so.
//
// Errors: a server that ended.
func (b *Broker) Run(ctx context.Context) error {
	if b.cfg.Ledger == nil {
		return b.forward(ctx)
	}
	waiting := make(chan jetstream.Msg, b.cfg.Limits.BatchMessages)
	consumer, err := b.stream.Consumer(ctx, consumerName)
	if err != nil && ctx.Err() != nil {
		return nil // It is told to end.
	}
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	taking, err := consumer.Consume(func(m jetstream.Msg) {
		select {
		case waiting <- m:
		case <-ctx.Done():
		}
	}, jetstream.PullMaxMessages(b.cfg.Limits.BatchMessages))
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	defer taking.Stop()
	plain, err := b.conn.Subscribe(readings, b.store)
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	defer func() { _ = plain.Unsubscribe() }() // The connection ends next.
	told, err := b.conn.Subscribe(trespassing, b.refuseTold)
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	defer func() { _ = told.Unsubscribe() }()
	born, err := b.conn.Subscribe(statuses, b.born)
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	defer func() { _ = born.Unsubscribe() }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case t := <-b.log.foreign:
			b.refuseForeign(t)
		case first := <-waiting:
			b.deliver(ctx, b.batch(b.gather(first, waiting)))
		}
	}
}

// gather takes what waits besides a first message, as much as goes into one envelope.
// It waits for nothing: while the ledger commits one batch, the next one grows.
func (b *Broker) gather(first jetstream.Msg, waiting <-chan jetstream.Msg) []jetstream.Msg {
	list, size := []jetstream.Msg{first}, len(first.Data())
	for len(list) < b.cfg.Limits.BatchMessages && size < b.cfg.Limits.BatchBytes {
		select {
		case m := <-waiting:
			list, size = append(list, m), size+len(m.Data())
		default:
			return list
		}
	}
	return list
}

// batch is messages on their way to the ledger.
type batch struct {
	stored   []jetstream.Msg
	messages []Message // Of each that is stored, in the same order.
}

// batch drops what is on no device's topic, which only somebody with rights of their
// own at a server of their own can have published.
func (b *Broker) batch(list []jetstream.Msg) (all batch) {
	for _, m := range list {
		from, ok := published(m.Subject())
		if !ok {
			b.cfg.Log.Warn("broker: a message is on no device's topic and is dropped", "subject", m.Subject())
			b.acknowledge(m)
			continue
		}
		all.stored, all.messages = append(all.stored, m), append(all.messages, Message{from, m.Data()})
	}
	return all
}

// deliver hands a batch to the ledger until that has it, tells the devices, and then
// forgets it.
func (b *Broker) deliver(ctx context.Context, all batch) {
	for pause := pauseFirst; len(all.messages) > 0; pause = min(2*pause, pauseMost) {
		told, err := b.cfg.Ledger.Deliver(ctx, all.messages)
		if err == nil {
			err = b.tell(ctx, all, told)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		b.cfg.Log.Warn("broker: messages of devices wait for the ledger", "messages", len(all.messages), "next_try", pause, "err", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// tell publishes the receipts of a batch and acknowledges its messages: first the
// one, then the other.
func (b *Broker) tell(ctx context.Context, all batch, told [][]byte) error {
	if len(told) != len(all.messages) {
		panic("broker: the ledger tells of other messages than it was given")
	}
	sent := make([]jetstream.PubAckFuture, len(told))
	for i, receipt := range told {
		var err error
		if sent[i], err = b.receipt(all.messages[i], receipt); err != nil {
			return err
		}
	}
	for _, f := range sent {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for i, m := range all.stored {
		b.posts.answer(m.Headers().Get(postHeader), told[i])
		b.acknowledge(m)
	}
	return nil
}

// acknowledge forgets a message that is dealt with. When that is lost, the message is
// delivered again, and known already.
func (b *Broker) acknowledge(m jetstream.Msg) {
	if err := m.Ack(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		b.cfg.Log.Warn("broker: a message is not acknowledged and will come again", "err", err)
	}
}

// qosHeader tells the MQTT server with which quality of service a message was
// published (nats-server, mqtt.go, mqttNatsHeader). By its value, a client hears of it
// by exactly one of the two subjects.
const (
	qosHeader   = "Nmqtt-Pub"
	atLeastOnce = "1"
)

// receipt publishes a receipt: for those who listen with QoS 0, and for those who
// have it at least once, for which it is stored.
func (b *Broker) receipt(of Message, text []byte) (jetstream.PubAckFuture, error) {
	m := nats.NewMsg(subject(of.From, receiptWord))
	m.Header.Set(qosHeader, atLeastOnce)
	m.Data = text
	if err := b.conn.PublishMsg(m); err != nil {
		return nil, err
	}
	stored := nats.NewMsg(storedPrefix + m.Subject)
	stored.Header, stored.Data = m.Header, text
	return b.js.PublishMsgAsync(stored)
}

// refuse tells a device that a message of its does not reach the ledger.
func (b *Broker) refuse(of Message, why Refusal) {
	if _, err := b.receipt(of, b.cfg.Ledger.Refuse(of, why)); err != nil {
		b.cfg.Log.Warn("broker: a device is not told of a refusal", "device", User(of.From), "why", string(why), "err", err)
	}
}
