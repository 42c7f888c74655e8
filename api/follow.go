package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/view"
)

// HeadEvent says how far the ledger is, once a second at most.
type HeadEvent struct {
	Height int64         `json:"height"`
	Time   interval.Time `json:"time"`
	Now    interval.Time `json:"now"`
	InSync bool          `json:"in_sync"` // The pages show every block that is committed.
}

// SettledEvent says that an interval was settled or corrected.
type SettledEvent struct {
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Start     interval.Time    `json:"start"`
	Revision  uint32           `json:"revision"`
	Height    int64            `json:"height"`
}

// ResetEvent says that too much happened since: load the pages anew.
type ResetEvent struct {
	Height int64 `json:"height"`
}

// Bounds of what a follower is sent.
const (
	followerMax = 64   // Messages that wait for one follower; who is slower is dropped and resumes.
	resumeMax   = 1000 // Intervals that are sent again; beyond, the page is loaded anew.
	headEvery   = time.Second
	headLeast   = 5 * time.Second // So that the connection is known to be alive.
)

// events follows the node once, for everybody who follows events.
type events struct {
	node    *node.Node
	source  *pages.Source
	most    int
	cancel  context.CancelFunc
	done    sync.WaitGroup
	mu      sync.Mutex
	clients map[chan message]bool
}

// follow begins to follow a node.
func follow(n *node.Node, s *pages.Source, most int) *events {
	ctx, cancel := context.WithCancel(context.Background())
	e := &events{node: n, source: s, most: most, cancel: cancel, clients: map[chan message]bool{}}
	e.done.Go(func() { e.run(ctx) })
	return e
}

func (e *events) close() {
	e.cancel()
	e.done.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.clients {
		delete(e.clients, c)
		close(c)
	}
}

// run tells everybody what blocks settle, and how far the ledger is. While the read
// model is away, it tells that the pages are behind.
func (e *events) run(ctx context.Context) {
	var head HeadEvent
	height, _, err := e.source.Latest(ctx)
	head.Height = height
	for told := (time.Time{}); err == nil || errors.Is(err, view.ErrAway); {
		if err != nil {
			e.pause(ctx, head)
		}
		wait, cancel := context.WithTimeout(ctx, headLeast)
		err = e.node.Seen(wait, height+1)
		cancel()
		if ctx.Err() != nil || errors.Is(err, node.ErrClosed) || errors.As(err, new(*node.NoReads)) {
			return
		}
		var now HeadEvent
		var upTo int64
		if now, upTo, err = e.settled(ctx, height); err != nil {
			continue
		}
		if head, height = now, upTo; time.Since(told) >= headEvery {
			told = time.Now()
			e.tell(encode(position{height: height, whole: true}, 0, "head", head))
		}
	}
}

// pause tells that the pages stay behind at what they showed last, and waits.
func (e *events) pause(ctx context.Context, head HeadEvent) {
	head.InSync, head.Now = false, interval.Time(e.source.Now().Unix())
	e.tell(encode(position{height: head.Height, whole: true}, 0, "head", head))
	select {
	case <-ctx.Done():
	case <-time.After(headEvery):
	}
}

// settled tells what was settled after a height. It returns the height up to which
// all is told, and a head that is not above it, so that whoever resumes from there
// misses nothing.
func (e *events) settled(ctx context.Context, height int64) (head HeadEvent, now int64, err error) {
	if head.Height, head.Time, err = e.source.Latest(ctx); err != nil {
		return head, height, err
	}
	head.Now, head.InSync = interval.Time(e.source.Now().Unix()), head.Height >= e.node.Height()
	list, now, err := e.source.SettledSince(ctx, height, resumeMax)
	if err != nil {
		return head, height, err
	}
	if len(list) == resumeMax {
		e.tell(reset(now))
		return head, now, nil
	}
	for _, s := range list {
		e.tell(settled(s))
	}
	return head, now, nil
}

// tell gives a message to everybody who keeps up.
func (e *events) tell(m message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.clients {
		select {
		case c <- m:
		default:
			delete(e.clients, c)
			close(c)
		}
	}
}

// join adds a follower, unless there are too many.
func (e *events) join() (chan message, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.clients) >= e.most {
		return nil, false
	}
	c := make(chan message, followerMax)
	e.clients[c] = true
	return c, true
}

func (e *events) leave(c chan message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clients[c] {
		delete(e.clients, c)
		close(c)
	}
}
