package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/pages"
)

// HeadEvent says how far the ledger is, once a second at most.
type HeadEvent struct {
	Height int64         `json:"height"`
	Time   interval.Time `json:"time"`
	Now    interval.Time `json:"now"`
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
	clients map[chan sse.Message]bool
}

// follow begins to follow a node.
func follow(n *node.Node, s *pages.Source, most int) *events {
	ctx, cancel := context.WithCancel(context.Background())
	e := &events{node: n, source: s, most: most, cancel: cancel, clients: map[chan sse.Message]bool{}}
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

// run tells everybody what blocks settle, and how far the ledger is.
func (e *events) run(ctx context.Context) {
	height, _, err := e.source.Latest(ctx)
	for told := (time.Time{}); err == nil; {
		wait, cancel := context.WithTimeout(ctx, headLeast)
		err = e.node.Seen(wait, height+1)
		cancel()
		if ctx.Err() != nil || errors.Is(err, node.ErrClosed) {
			return
		}
		if err = e.settled(ctx, &height); err != nil {
			return
		}
		if time.Since(told) >= headEvery {
			told = time.Now()
			e.head(ctx)
		}
	}
}

// settled tells what was settled after a height, and moves it on.
func (e *events) settled(ctx context.Context, height *int64) error {
	list, now, err := e.source.SettledSince(ctx, *height, resumeMax)
	if err != nil {
		return err
	}
	for _, s := range list {
		e.tell(message(s))
	}
	*height = now
	return nil
}

// message is what is said of an interval.
func message(s pages.SettledInterval) sse.Message {
	return sse.Message{ID: int(s.Height), Data: SettledEvent{s.Microgrid, s.Start, s.Revision, s.Height}}
}

// head tells how far the ledger is.
func (e *events) head(ctx context.Context) {
	height, at, err := e.source.Latest(ctx)
	if err != nil {
		return // The next one tells.
	}
	m := sse.Message{ID: int(height), Data: HeadEvent{height, at, interval.Time(e.source.Now().Unix())}}
	e.tell(m)
}

// tell gives a message to everybody who keeps up.
func (e *events) tell(m sse.Message) {
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
func (e *events) join() (chan sse.Message, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.clients) >= e.most {
		return nil, false
	}
	c := make(chan sse.Message, followerMax)
	e.clients[c] = true
	return c, true
}

func (e *events) leave(c chan sse.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clients[c] {
		delete(e.clients, c)
		close(c)
	}
}

type followInput struct {
	Last string `header:"Last-Event-ID" doc:"the height after which to go on"`
}

func (a *API) registerEvents() {
	sse.Register(a.huma, huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: Prefix + "/events", Tags: []string{"Ledger"},
		Summary:     "What is settled, as it happens",
		Description: "Server-sent events. The id of an event is its height: a client that comes again with Last-Event-ID is sent what was settled since.",
	}, map[string]any{"head": HeadEvent{}, "settled": SettledEvent{}, "reset": ResetEvent{}},
		func(ctx context.Context, in *followInput, send sse.Sender) {
			c, ok := a.events.join()
			if !ok {
				_ = send.Data(ResetEvent{}) // It ends here; browsers come again by themselves.
				return
			}
			defer a.events.leave(c)
			if a.resume(ctx, in.Last, send) != nil {
				return
			}
			for {
				select {
				case m, open := <-c:
					if !open || send(m) != nil {
						return
					}
				case <-ctx.Done():
					return
				}
			}
		})
}

// resume sends what was settled since a client was last here. It may come twice,
// once more from the feed: an event says what is, not what changed.
func (a *API) resume(ctx context.Context, last string, send sse.Sender) error {
	after, err := strconv.ParseInt(last, 10, 64)
	if err != nil || after < 0 {
		return nil //nolint:nilerr // it comes for the first time
	}
	list, now, err := a.Source.SettledSince(ctx, after, resumeMax)
	if err != nil {
		return err
	}
	if len(list) == resumeMax {
		return send(sse.Message{ID: int(now), Data: ResetEvent{now}})
	}
	for _, s := range list {
		if err := send(message(s)); err != nil {
			return err
		}
	}
	return nil
}
