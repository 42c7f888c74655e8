package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter counts requests by client.
type limiter struct {
	limits Limits

	mu      sync.Mutex
	clients map[string]*client
}

type client struct {
	bucket *rate.Limiter
	seen   time.Time
}

// clientsMax bounds the clients that are remembered; a bucket that is full again
// needs not be.
const clientsMax = 50_000

func newLimiter(l Limits) *limiter { return &limiter{limits: l, clients: map[string]*client{}} }

// wait counts a request and returns 0, or for how long its client should wait.
func (l *limiter) wait(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.clients[key]
	if !ok {
		if len(l.clients) >= clientsMax {
			l.forget(now)
		}
		c = &client{bucket: rate.NewLimiter(rate.Limit(l.limits.PerSecond), l.limits.Burst)}
		l.clients[key] = c
	}
	c.seen = now
	r := c.bucket.ReserveN(now, 1)
	if delay := r.DelayFrom(now); delay > 0 {
		r.CancelAt(now)
		return delay
	}
	return 0
}

// forget drops the clients whose buckets are full again, or all of them when
// none is.
func (l *limiter) forget(now time.Time) {
	full := time.Duration(float64(l.limits.Burst) / l.limits.PerSecond * float64(time.Second))
	for key, c := range l.clients {
		if now.Sub(c.seen) > full {
			delete(l.clients, key)
		}
	}
	if len(l.clients) >= clientsMax {
		clear(l.clients)
	}
}
