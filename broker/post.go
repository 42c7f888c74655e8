package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/commonwatt/commonwatt/grid"
)

// ErrFull means that too many messages wait for the ledger. Those that were refused
// are to be sent again; those that were not are known already then.
var ErrFull = errors.New("broker: too many messages wait for the ledger: send these again later")

// postHeader marks a message whose receipt somebody waits for in this process.
const postHeader = "Commonwatt-Post"

// posts are those who wait for receipts.
type posts struct {
	process string // Tells the marks of one process from those of another.

	mu      sync.Mutex
	last    uint64
	waiting map[string]chan<- []byte
}

func newPosts() posts { return posts{process: rand.Text(), waiting: map[string]chan<- []byte{}} }

// expect returns the mark of a message and where its receipt will come.
func (p *posts) expect() (mark string, receipt <-chan []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	mark = p.process + "." + strconv.FormatUint(p.last, 10)
	ch := make(chan []byte, 1)
	p.waiting[mark] = ch
	return mark, ch
}

// forget drops a mark that nobody waits for any more.
func (p *posts) forget(mark string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, mark)
}

// answer gives a receipt to whoever waits for it.
func (p *posts) answer(mark string, receipt []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ch, ok := p.waiting[mark]; ok {
		ch <- receipt
		delete(p.waiting, mark)
	}
}

// Knows reports whether a password is a device's.
func (b *Broker) Knows(user, password string) bool { return b.cfg.Devices.Good(user, password) }

// Post takes messages of a device that come by another way than MQTT, and returns
// their receipts in the same order. They wait with the others and are as safe.
//
// Errors: ErrFull; the context's cause, after which they are booked all the same; a
// server that is not there.
func (b *Broker) Post(ctx context.Context, from grid.Device, raws [][]byte) ([][]byte, error) {
	stored := make([]jetstream.PubAckFuture, len(raws))
	answers := make([]<-chan []byte, len(raws))
	for i, raw := range raws {
		mark, answer := b.posts.expect()
		defer b.posts.forget(mark)
		var err error
		if stored[i], err = b.keep(Message{from, raw}, mark); err != nil {
			return nil, refusedStore(err)
		}
		answers[i] = answer
	}
	for _, s := range stored {
		select {
		case <-s.Ok():
		case err := <-s.Err():
			return nil, refusedStore(err)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	receipts := make([][]byte, len(raws))
	for i, answer := range answers {
		select {
		case receipts[i] = <-answer:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return receipts, nil
}

// refusedStore is why a message was not stored.
func refusedStore(err error) error {
	if _, full := errors.AsType[*jetstream.APIError](err); full || errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
		return errors.Join(ErrFull, err)
	}
	return err
}
