package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/monitor"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/session"
)

// town is two small communities on one running node, with half a day of readings.
type town struct {
	dir       string
	node      *node.Node
	operator  *operator.Operator
	source    *pages.Source
	near, far *community.Community
	people    *session.Store
	offers    api.Config // What its server takes.
	server    *Server
	clock     *clock // Of the sessions.
}

// clock is a clock that stands still until it is told.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// The half day that is settled, and the interval that most queries ask for.
var (
	dawn = time.Date(2026, 6, 20, 0, 0, 0, 0, time.UTC)
	noon = dawn.Add(12 * time.Hour)
	ten  = dawn.Add(10 * time.Hour)
)

const quarter = 15 * time.Minute

// lived is the town that all tests of the package share; what changes the ledger
// adds to it.
var lived = sync.OnceValues(func() (*town, error) { return live(context.Background(), node.Settings{}) })

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	code := m.Run()
	if w, err := lived(); err == nil && w.end() != nil {
		code = 1
	}
	os.Exit(code)
}

// sharedTown is the package's town, once its ledger rests: what is asked twice is
// answered twice the same, whatever another test has booked.
func sharedTown(t *testing.T) *town {
	t.Helper()
	w, err := lived()
	if err == nil {
		err = w.node.Rest(t.Context())
	}
	if err == nil {
		err = w.node.Seen(t.Context(), w.node.Height())
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// unlimited is for those who ask for everything.
var unlimited = api.Limits{PerSecond: 1e6, Burst: 1e6, Followers: 64}

// live makes a town and settles its half day.
func live(ctx context.Context, settings node.Settings) (*town, error) {
	w := &town{clock: &clock{at: noon}}
	dir, err := os.MkdirTemp("", "commonwatt-server-")
	if err != nil {
		return nil, err
	}
	w.dir = dir
	var all [6]error
	w.near, all[0] = community.Load("testdata/near.toml")
	w.far, all[1] = community.Load("testdata/far.toml")
	w.operator, all[2] = operator.Open(dir, "town")
	w.node, all[3] = node.Open(node.Config{Dir: dir, Log: slog.New(slog.DiscardHandler), Settings: settings})
	w.people, all[4] = session.Open("", w.clock.now)
	var codes *session.Codes
	codes, all[5] = session.OpenCodes("", w.clock.now)
	if err := errors.Join(all[:]...); err != nil {
		return nil, err
	}
	w.operator.Begin(w.node)
	w.source = &pages.Source{
		View: w.node.View(), Read: w.node.Read, Audit: w.node, Now: func() time.Time { return noon },
		Names: map[grid.MicrogridID]report.Names{w.near.Microgrid(): report.NamesOf(w.near), w.far.Microgrid(): report.NamesOf(w.far)},
	}
	for _, c := range []*community.Community{w.near, w.far} {
		end := interval.Time(noon.Unix())
		if err := w.operator.Found(ctx, c, interval.Time(dawn.Unix()), end+30*86400); err != nil {
			return nil, err
		}
		if err := w.settle(ctx, c, readings(c, dawn, noon)); err != nil {
			return nil, err
		}
	}
	w.offers = api.Config{Gateway: &counter{}, Certificates: clerk{}, Devices: &drawer{codes, nil}, Limits: unlimited}
	w.server, err = w.serve(w.offers)
	return w, err
}

// end closes the town and removes it.
func (w *town) end() error {
	w.server.api.Close()
	return errors.Join(w.node.Close(), os.RemoveAll(w.dir))
}

// serve makes a server over the town's node.
func (w *town) serve(cfg api.Config) (*Server, error) {
	cfg.Node, cfg.Source, cfg.Version = w.node, w.source, "test"
	if cfg.Sessions == nil {
		cfg.Sessions = w.people
	}
	if cfg.Origin == "" {
		cfg.Origin = "http://localhost:8420"
	}
	return New(cfg, monitor.NewHealth(w.node.Health))
}

// settle books readings and waits until they are settled and seen.
func (w *town) settle(ctx context.Context, c *community.Community, readings []gateway.Reading) error {
	err := w.operator.Record(ctx, c, readings, func() {})
	if err == nil {
		err = w.operator.Settled(ctx, c.Microgrid(), w.operator.FirstOpen(c.Microgrid()), func(interval.Time) {})
	}
	if err == nil {
		err = w.node.Seen(ctx, w.node.Height())
	}
	return err
}

// gives names those who give to others in every second interval; their neighbours
// do in the others. There are two of each in a zone, so that no aggregate is one
// home's.
var gives = []string{"Abernathy", "Bartholomew", "Dombrowski", "Eberhardt", "Quisenberry", "Rasmussen"}

// readings are those of every meter of a community from one moment to another. No
// two meters say the same, and what they say occurs nowhere else.
func readings(c *community.Community, from, to time.Time) (all []gateway.Reading) {
	for at := from; at.Before(to); at = at.Add(quarter) {
		n := int(at.Sub(dawn) / quarter)
		for i, m := range c.Meters().All() {
			r := gateway.Reading{Meter: m, Start: interval.Time(at.Unix()), Length: c.Length, Quality: gateway.Actual}
			switch wh := planted(c, i, n); {
			case m == "abernathy-roof":
				r.Export = wh
			case slices.Contains(gives, m) == (n%2 == 0):
				r.Export = wh
			default:
				r.Import = wh
			}
			all = append(all, r)
		}
	}
	return all
}

// planted is what the meter i of a community says of the n-th interval, in Wh: so
// much that no sum or share comes to the same by chance.
func planted(c *community.Community, i, n int) quantity.Energy {
	base := 400_003
	if c.Name == "Yonder" {
		base = 600_011
	}
	return quantity.Energy(base + 10_007*i + 101*(n%96))
}

// role is somebody who asks.
type role struct {
	name   string
	cookie string
	csrf   string
	viewer pages.Viewer
}

// Accounts of those who operate the two communities. Neither is who signed for
// both of them, who may read what it signed.
const itsOperator, otherOperator = 4_000_000_003, 4_000_000_007

// roles are those that a query is tried as.
func (w *town) roles(t *testing.T) []role {
	t.Helper()
	near, far := w.near.Microgrid(), w.far.Microgrid()
	list := []role{
		{name: "a", viewer: pages.Viewer{Account: w.near.Account("Abernathy"), Role: pages.Household, Microgrid: near}},
		{name: "b", viewer: pages.Viewer{Account: w.near.Account("Bartholomew"), Role: pages.Household, Microgrid: near}},
		{name: "operator", viewer: pages.Viewer{Account: itsOperator, Role: pages.Operator, Microgrid: near}},
		{name: "other-op", viewer: pages.Viewer{Account: otherOperator, Role: pages.Operator, Microgrid: far}},
		{name: "buyer", viewer: pages.Viewer{Account: w.near.Account("Quartermaine"), Role: pages.Buyer, Microgrid: near}},
		{name: "auditor", viewer: pages.Viewer{Role: pages.Auditor, Microgrid: near}},
	}
	for i, r := range list {
		token, err := w.people.Begin(session.Person{
			ID: r.name, Name: "the " + r.name, Account: uint64(r.viewer.Account), Role: string(r.viewer.Role), Microgrid: uint64(r.viewer.Microgrid),
		})
		if err != nil {
			t.Fatal(err)
		}
		list[i].cookie, list[i].csrf = token, session.CSRF(token)
	}
	nobody := pages.Viewer{Role: pages.Visitor}
	return append(list, role{name: "visitor", viewer: nobody}, role{name: "stranger", cookie: "c3RyYW5nZXI", viewer: nobody})
}

// role is one of roles.
func (w *town) role(t *testing.T, name string) role {
	t.Helper()
	for _, r := range w.roles(t) {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("there is no role %q", name)
	return role{}
}

// request is a request of a role.
func (r role) request(method, url string, body []byte) *http.Request {
	q := httptest.NewRequest(method, url, bytes.NewReader(body))
	if len(body) > 0 {
		q.Header.Set("Content-Type", "application/json")
	}
	if r.cookie != "" {
		q.AddCookie(&http.Cookie{Name: "commonwatt", Value: r.cookie})
	}
	if r.csrf != "" {
		q.Header.Set("X-CSRF", r.csrf)
	}
	return q
}

// ask answers a request without a network.
func (s *Server) ask(q *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, q)
	return w
}

// get answers a GET of a role.
func (s *Server) get(r role, url string) *httptest.ResponseRecorder {
	return s.ask(r.request(http.MethodGet, url, nil))
}

// into reads an answer's JSON.
func into[T any](t *testing.T, answer *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(answer.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %q: %v", answer.Code, answer.Body, err)
	}
	return v
}

// listening serves on loopback until the test ends and returns the address.
func (s *Server) listening(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

// url fills a path in.
func url(format string, args ...any) string { return fmt.Sprintf(format, args...) }
