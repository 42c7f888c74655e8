package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/grid"
)

// hearing is a client that goes away as soon as it has heard enough.
type hearing struct {
	*httptest.ResponseRecorder
	more  func(heard string) bool
	leave func()
}

// Flush is when a client hears what was written.
func (h *hearing) Flush() {
	h.ResponseRecorder.Flush()
	if !h.more(h.Body.String()) {
		h.leave()
	}
}

// hear follows events as long as more says so.
func (s *Server) hear(q *http.Request, more func(heard string) bool) *httptest.ResponseRecorder {
	ctx, cancel := context.WithCancel(q.Context())
	defer cancel()
	h := &hearing{httptest.NewRecorder(), more, cancel}
	s.http.Handler.ServeHTTP(h, q.WithContext(ctx))
	return h.ResponseRecorder
}

// event is one event that was heard.
type event struct{ id, name, data string }

// settledIn is the settled events of what was heard, in order.
func settledIn(heard string) (list []event) {
	for block := range strings.SplitSeq(heard, "\n\n") {
		var e event
		for line := range strings.Lines(block) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			}
		}
		if e.name == "settled" {
			list = append(list, e)
		}
	}
	return list
}

// since is what a role is told that was here until an event.
func (w *town) since(r role, id string) []event {
	q := r.request(http.MethodGet, "/api/v1/events", nil)
	q.Header.Set("Last-Event-ID", id)
	return settledIn(w.server.hear(q, func(string) bool { return false }).Body.String())
}

// Wherever a connection breaks, between blocks or within one, the next one goes on
// with the event after the last that came.
func TestResume(t *testing.T) {
	w := sharedTown(t)
	all := w.since(role{}, "0")
	if len(all) < 96 {
		t.Fatalf("%d events", len(all))
	}
	for i, e := range all {
		if rest := w.since(role{}, e.id); !slices.Equal(rest, all[i+1:]) {
			t.Fatalf("after %q: %d events, not %d", e.id, len(rest), len(all)-i-1)
		}
	}
	for _, id := range []string{"", "x", "-1", "1.x.2", "1.2", "9999999"} {
		if rest := w.since(role{}, id); len(rest) != 0 {
			t.Errorf("after %q: %d events", id, len(rest))
		}
	}
}

// A follower that is cut off after every third event, while intervals are settled,
// hears of each exactly once, in order.
func TestReconnect(t *testing.T) {
	w := sharedTown(t)
	all := w.since(role{}, "0")
	last := all[len(all)-1].id
	settled := make(chan error, 1)
	from := noon
	go func() {
		for at := from; at.Before(from.Add(3 * time.Hour)); at = at.Add(quarter) {
			if err := w.settle(context.Background(), w.far, readings(w.far, at, at.Add(quarter))); err != nil {
				settled <- err
				return
			}
		}
		settled <- nil
	}()
	var heard []event
	for len(heard) < 12 {
		q := role{}.request(http.MethodGet, "/api/v1/events", nil)
		q.Header.Set("Last-Event-ID", last)
		news := settledIn(w.server.hear(q, func(text string) bool { return len(settledIn(text)) < 3 && len(heard)+len(settledIn(text)) < 12 }).Body.String())
		heard = append(heard, news...)
		last = heard[len(heard)-1].id
	}
	if err := <-settled; err != nil {
		t.Fatal(err)
	}
	if want := w.since(role{}, all[len(all)-1].id); !slices.Equal(heard, want) {
		t.Errorf("it heard %v, and there was %v", heard, want)
	}
}

// A member and an operator are told of their own microgrid, everybody else of all.
func TestOwnEvents(t *testing.T) {
	w := sharedTown(t)
	near, far := w.near.Microgrid(), w.far.Microgrid()
	for name, want := range map[string][]grid.MicrogridID{
		"a": {near}, "operator": {near}, "other-op": {far}, "visitor": {near, far},
	} {
		var of []grid.MicrogridID
		for _, e := range w.since(w.role(t, name), "0") {
			var told api.SettledEvent
			if err := json.Unmarshal([]byte(e.data), &told); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(of, told.Microgrid) {
				of = append(of, told.Microgrid)
			}
		}
		if len(of) != len(want) || !slices.Contains(of, want[0]) {
			t.Errorf("%s hears of %d, not %d", name, of, want)
		}
	}
}

// Who stops the server ends those who follow.
func TestStopEndsFollowers(t *testing.T) {
	w := sharedTown(t)
	s, err := w.serve(api.Config{})
	if err != nil {
		t.Fatal(err)
	}
	q := httptest.NewRequest(http.MethodGet, "/api/v1/events", nil)
	s.hear(q, func(string) bool {
		go s.api.Close()
		return true
	})
}
