package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Streams and the consumer. The names of the second and third are the server's own: it looks
// for it when the first device connects, and makes one for all topics where there is
// none (nats-server, mqtt.go, mqttCreateAccountSessionManager). Ours leaves readings
// to the first stream. So the server's PUBACK waits for that one, and its refusal is
// what ends the connection of a device that sends more than there is room for. And each
// CONNECT is written to the third: where ten thousand devices come back at once, none
// waits for the disk.
const (
	readingsStream = "COMMONWATT_readings"
	receiptsStream = "$MQTT_msgs"
	sessionsStream = "$MQTT_sess"
	consumerName   = "ledger"
)

// Times of what is kept.
const (
	receiptsKept = 7 * 24 * time.Hour // For a device that is not connected.
	ackWait      = 10 * time.Minute   // After which a message is delivered again, although nothing ended.
)

// underwayMost is how many full batches may be on their way from disk to the ledger,
// so that one is there whenever the ledger has time for it.
const underwayMost = 8

// declare makes the streams, or brings those that there are to what they should be,
// and takes up where an earlier process ended.
func (b *Broker) declare(ctx context.Context) (err error) {
	// Receipts first: where the server made the stream, it has the other's subjects. A
	// receipt that is lost is asked for again, by the same message: no disk is waited for.
	_, err = b.keeper(ctx, jetstream.StreamConfig{
		Name: receiptsStream, Subjects: []string{storedPrefix + receipts, storedPrefix + statuses},
		Description: "Receipts for devices that are to have them at least once; what else they publish is kept for nobody.",
		Retention:   jetstream.InterestPolicy, PersistMode: jetstream.AsyncPersistMode,
		Discard: jetstream.DiscardOld, MaxAge: receiptsKept,
		MaxBytes: b.cfg.Limits.WaitingBytes, MaxMsgsPerSubject: b.cfg.Limits.ReceiptsOfEach,
	})
	if err != nil {
		return fmt.Errorf("%w: the NATS account of a node serves no MQTT topics of others", err)
	}
	// A session that is lost with the machine's power is made anew by the next SUBSCRIBE.
	_, err = b.keeper(ctx, jetstream.StreamConfig{
		Name: sessionsStream, Subjects: []string{sessions},
		Description: "Sessions of devices, as the MQTT server has them.",
		PersistMode: jetstream.AsyncPersistMode, MaxMsgsPerSubject: 1,
	})
	if err != nil {
		return err
	}
	b.stream, err = b.keeper(ctx, jetstream.StreamConfig{
		Name: readingsStream, Subjects: []string{storedPrefix + readings},
		Description: "Messages of devices that the ledger does not have yet.",
		Retention:   jetstream.WorkQueuePolicy,
		Discard:     jetstream.DiscardNew, DiscardNewPerSubject: true,
		MaxBytes: b.cfg.Limits.WaitingBytes, MaxMsgsPerSubject: b.cfg.Limits.WaitingOfEach,
	})
	if err != nil {
		return err
	}
	_, err = b.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1,
		MaxAckPending: underwayMost * b.cfg.Limits.BatchMessages,
	})
	if err != nil {
		return fmt.Errorf("consumer %s: %w", consumerName, err)
	}
	// What an earlier process was given and did not acknowledge is due at once.
	if _, err = b.js.ResetConsumer(ctx, readingsStream, consumerName); err != nil && !errors.Is(err, jetstream.ErrConsumerInvalidReset) {
		return fmt.Errorf("consumer %s: %w", consumerName, err)
	}
	return nil
}

// replicas is how many servers of a cluster keep a stream, so that it outlives the
// loss of one (Raft).
const replicas = 3

// keeper makes a stream on disk. One that is there stays as safe as it is.
func (b *Broker) keeper(ctx context.Context, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	cfg.Storage, cfg.Replicas = jetstream.FileStorage, 1
	if b.conn.ConnectedClusterName() != "" {
		cfg.Replicas, cfg.PersistMode = replicas, jetstream.DefaultPersistMode
	}
	switch is, err := b.js.Stream(ctx, cfg.Name); {
	case err == nil:
		cfg.Replicas, cfg.PersistMode = is.CachedInfo().Config.Replicas, is.CachedInfo().Config.PersistMode
	case !errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, fmt.Errorf("stream %s: %w", cfg.Name, err)
	}
	stream, err := b.js.CreateOrUpdateStream(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", cfg.Name, err)
	}
	return stream, nil
}
