package api

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/grid"
)

type followInput struct {
	Last string `header:"Last-Event-ID" doc:"of the last event that came; browsers send it by themselves"`
}

func (a *API) registerEvents() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: Prefix + "/events", Tags: []string{"Ledger"},
		Summary: "What is settled, as it happens",
		Description: "Server-sent events. A client that comes again with Last-Event-ID is sent what was settled since, once, " +
			"or a reset when that is too much. Members and operators are told of their own microgrid, others of all.",
		Responses: a.eventsResponse(),
	}, func(_ context.Context, in *followInput) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			ctx.SetHeader("Content-Type", "text/event-stream")
			ctx.SetHeader("Cache-Control", private)
			f := newFollower(ctx.BodyWriter(), visitorOf(ctx.Context()).Microgrid)
			a.follow(ctx.Context(), f, in.Last)
		}}, nil
	})
}

// eventsResponse describes the events.
func (a *API) eventsResponse() map[string]*huma.Response {
	var each []*huma.Schema
	for _, e := range []struct {
		name string
		data reflect.Type
	}{{"head", reflect.TypeFor[HeadEvent]()}, {"settled", reflect.TypeFor[SettledEvent]()}, {"reset", reflect.TypeFor[ResetEvent]()}} {
		each = append(each, &huma.Schema{
			Title: "Event " + e.name, Type: huma.TypeObject, Required: []string{"id", "event", "data"},
			Properties: map[string]*huma.Schema{
				"id":    {Type: huma.TypeString, Description: "how far one was told, for Last-Event-ID"},
				"event": {Type: huma.TypeString, Enum: []any{e.name}},
				"data":  a.huma.OpenAPI().Components.Schemas.Schema(e.data, true, e.name),
			},
		})
	}
	return map[string]*huma.Response{"200": {
		Description: "Events, as they happen",
		Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{
			Title: "Events", Type: huma.TypeArray, Items: &huma.Schema{OneOf: each},
		}}},
	}}
}

// follow sends a follower what was settled since it was last here, and then what
// happens, until it leaves or is too slow.
func (a *API) follow(ctx context.Context, f *follower, last string) {
	feed, ok := a.events.join()
	if !ok {
		f.send(reset(0)) // It ends here; browsers come again by themselves.
		return
	}
	defer a.events.leave(feed)
	if a.resume(ctx, f, last) != nil {
		return
	}
	for ctx.Err() == nil {
		select {
		case m, open := <-feed:
			if !open || !f.send(m) {
				return
			}
			for n := len(feed); n > 0; n-- { // What waits already goes with it.
				if m, open = <-feed; open {
					f.write(m)
				}
			}
			if !f.flush() {
				return
			}
		case <-ctx.Done():
		}
	}
}

// resume sends what was settled since a client was last here. It has joined before,
// so nothing is missed between; what the feed tells again, the follower leaves out.
func (a *API) resume(ctx context.Context, f *follower, last string) error {
	since, again := positionOf(last)
	if !again {
		f.flush() // The headers say that it is heard.
		return nil
	}
	after := since.height
	if !since.whole {
		after-- // The rest of that block.
	}
	list, now, err := a.Source.SettledSince(ctx, after, resumeMax)
	if err != nil {
		return err
	}
	f.told = since
	if len(list) == resumeMax || since.height > now { // Too much, or it comes from another ledger.
		f.write(reset(now))
	} else {
		for _, s := range list {
			f.write(settled(s))
		}
	}
	f.told = position{height: now, whole: true}
	f.flush()
	return nil
}

// writeTimeout is how long a follower may take nothing.
const writeTimeout = 5 * time.Second

// follower is one client that follows events.
type follower struct {
	out       io.Writer
	control   *http.ResponseController
	microgrid grid.MicrogridID // Of which it is told; 0: all.
	told      position
	failed    bool
}

func newFollower(out io.Writer, microgrid grid.MicrogridID) *follower {
	f := &follower{out: out, microgrid: microgrid, told: position{height: -1, whole: true}}
	if w, ok := out.(http.ResponseWriter); ok {
		f.control = http.NewResponseController(w)
	}
	return f
}

// write writes a message that is for the follower and not told yet.
func (f *follower) write(m message) {
	if m.microgrid != 0 && f.microgrid != 0 && m.microgrid != f.microgrid || !m.at.whole && !m.at.after(f.told) || f.failed {
		return
	}
	if f.control != nil {
		_ = f.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // Who writes into memory has none.
	}
	_, err := f.out.Write(m.text)
	f.failed = err != nil
}

// flush sends what is written, and reports whether the follower is still there.
func (f *follower) flush() bool {
	if f.control != nil && !f.failed {
		_ = f.control.Flush() // The next write tells when nobody is there.
	}
	return !f.failed
}

// send writes a message and sends it.
func (f *follower) send(m message) bool {
	f.write(m)
	return f.flush()
}
