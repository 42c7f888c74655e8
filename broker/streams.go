package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
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

	// A server of a cluster that ends takes acknowledgements with it: what it had of them
	// is delivered again, and known.
	clusterAckWait = 30 * time.Second
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
	wait := ackWait
	if b.conn.ConnectedClusterName() != "" {
		wait = clusterAckWait
	}
	err = answered(ctx, func(ctx context.Context) error {
		_, err := b.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: wait, MaxDeliver: -1,
			MaxAckPending: underwayMost * b.cfg.Limits.BatchMessages,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("consumer %s: %w", consumerName, err)
	}
	// What an earlier process was given and did not acknowledge is due at once.
	err = answered(ctx, func(ctx context.Context) error {
		_, err := b.js.ResetConsumer(ctx, readingsStream, consumerName)
		return err
	})
	if err != nil && !errors.Is(err, jetstream.ErrConsumerInvalidReset) {
		return fmt.Errorf("consumer %s: %w", consumerName, err)
	}
	return nil
}

// replicas is how many servers of a cluster keep a stream, so that it outlives the
// loss of one (Raft).
const replicas = 3

// How long a request waits for an answer, and for how long a cluster may have too few
// servers to keep a stream as often: it is starting.
const (
	answerWithin = 2 * time.Second
	gatherWithin = 10 * time.Second
)

// Errors of JetStream by number (nats-server, errors.json): servers of a cluster that
// are too few for the replicas.
const (
	tooFewPeers     jetstream.ErrorCode = 10005
	tooFewResources jetstream.ErrorCode = 10023
	notClustered    jetstream.ErrorCode = 10074
)

// keeper makes a stream on disk, which a cluster keeps on three servers. One that is
// there stays as safe as it is, or becomes as safe where the cluster has grown.
func (b *Broker) keeper(ctx context.Context, cfg jetstream.StreamConfig) (stream jetstream.Stream, err error) {
	cfg.Storage, cfg.Replicas = jetstream.FileStorage, 1
	clustered := b.conn.ConnectedClusterName() != ""
	if clustered {
		cfg.Replicas, cfg.PersistMode = replicas, jetstream.DefaultPersistMode
	}
	var is jetstream.StreamConfig
	err = answered(ctx, func(ctx context.Context) error {
		found, err := b.js.Stream(ctx, cfg.Name)
		if err == nil {
			is = found.CachedInfo().Config
		}
		return err
	})
	switch {
	case err == nil:
		cfg.PersistMode = is.PersistMode
		if cfg.Replicas = is.Replicas; clustered && is.PersistMode == jetstream.DefaultPersistMode {
			cfg.Replicas = max(is.Replicas, replicas)
		}
	case !errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, fmt.Errorf("stream %s: %w", cfg.Name, err)
	}
	for begin := time.Now(); ; {
		err = answered(ctx, func(ctx context.Context) (err error) {
			stream, err = b.js.CreateOrUpdateStream(ctx, cfg)
			return err
		})
		if cfg.Replicas == max(1, is.Replicas) || !tooFew(err) {
			break
		}
		if time.Since(begin) < gatherWithin {
			if err := pause(ctx, reconnectAfter); err != nil {
				return nil, err
			}
			continue
		}
		cfg.Replicas = max(1, is.Replicas)
		b.cfg.Log.Warn("broker: the cluster has fewer than three servers that can keep a stream: it is kept by fewer, and the loss of one may lose messages", "stream", cfg.Name, "kept_by", cfg.Replicas)
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", cfg.Name, err)
	}
	return stream, nil
}

// tooFew reports whether a cluster has not the servers for a stream.
func tooFew(err error) bool {
	no, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (no.ErrorCode == tooFewPeers || no.ErrorCode == tooFewResources || no.ErrorCode == notClustered)
}

// answered asks until there is an answer: a cluster that is choosing a leader gives none.
func answered(ctx context.Context, ask func(context.Context) error) error {
	for {
		once, cancel := context.WithTimeout(ctx, answerWithin)
		err := ask(once)
		cancel()
		no, refused := errors.AsType[*jetstream.APIError](err)
		silent := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) ||
			refused && no.Code == unavailable && no.ErrorCode != tooFewResources
		if !silent || ctx.Err() != nil || pause(ctx, reconnectAfter) != nil {
			return err
		}
	}
}

// unavailable is how JetStream says that it cannot answer now.
const unavailable = 503

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
