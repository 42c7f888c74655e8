package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/monitor"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/sim"
)

// crowd is a community that lives, with many who look at it.
type crowd struct {
	community *community.Community
	operator  *operator.Operator
	node      *node.Node
	run       *sim.Run
	now       atomic.Int64
	base      string
	client    *http.Client
	asked     []asked
	turn      int
	joined    chan struct{}

	heard, settled atomic.Int64
	mu             sync.Mutex
	took           map[string][]time.Duration
	problems       []string
}

// asked is what somebody asks for, again and again.
type asked struct{ name, path, cookie string }

// newCrowd starts the demo's community with some days of history, everybody in it
// signed in.
func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{joined: make(chan struct{}, loadFollowers), took: map[string][]time.Duration{}}
	dir := t.TempDir()
	var all [4]error
	c.community, all[0] = community.Load("../demo/lindenhof.toml")
	c.operator, all[1] = operator.Open(dir, "load")
	c.node, all[2] = node.Open(node.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	people, err := session.Open("", time.Now)
	all[3] = err
	if err := errors.Join(all[:]...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.node.Close(); err != nil {
			t.Error(err)
		}
	})
	c.operator.Begin(c.node)
	c.settleHistory(t)
	source := &pages.Source{
		View: c.node.View(), Read: c.node.Read, Audit: c.node, Now: func() time.Time { return time.Unix(c.now.Load(), 0) },
		Names: map[grid.MicrogridID]report.Names{c.community.Microgrid(): report.NamesOf(c.community)},
	}
	s, err := New(api.Config{
		Node: c.node, Source: source, Sessions: people, Version: "load", Origin: "http://localhost",
		Limits: api.Limits{PerSecond: 1000, Burst: 1000, Followers: loadFollowers},
	}, monitor.NewHealth(c.node.Health))
	if err != nil {
		t.Fatal(err)
	}
	c.base = s.listening(t)
	c.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 0}}
	t.Cleanup(c.client.CloseIdleConnections)
	c.signIn(t, people)
	return c
}

// settleHistory settles the days before.
func (c *crowd) settleHistory(t *testing.T) {
	t.Helper()
	from := interval.Time(dawn.Unix())
	c.run = sim.New(7, c.community, sim.Options{From: from, Latitude: 50, Longitude: 7})
	err := c.operator.Found(t.Context(), c.community, from, from+60*86400)
	for range loadDays * 96 {
		if err == nil {
			err = c.step(t.Context())
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// step lets a quarter of an hour pass.
func (c *crowd) step(ctx context.Context) error {
	readings := c.run.Next()
	end := readings[0].Start + interval.Time(c.community.Length)
	err := c.operator.Record(ctx, c.community, readings, func() {})
	if err == nil {
		err = c.operator.Settled(ctx, c.community.Microgrid(), end, func(interval.Time) {})
	}
	c.now.Store(int64(end))
	return err
}

// live lets quarters of an hour pass until the context ends.
func (c *crowd) live(ctx context.Context) {
	tick := time.NewTicker(loadInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := c.step(ctx); err != nil {
			if ctx.Err() == nil {
				c.note(asked{name: "live"}, 0, err)
			}
			return
		}
		c.settled.Add(1)
	}
}

// signIn signs everybody in and lists what they ask for: twelve kinds of pages.
func (c *crowd) signIn(t *testing.T, people *session.Store) {
	t.Helper()
	m := c.community.Microgrid()
	day, month := time.Unix(c.now.Load()-1, 0).In(c.community.TimeZone).Format(time.DateOnly), "2026-06"
	noon := dawn.Add(36 * time.Hour).Format(time.RFC3339)
	for i, home := range c.community.Members {
		account := c.community.Account(home.Name)
		p := session.Person{ID: home.Name, Account: uint64(account), Role: "household", Microgrid: uint64(m)}
		o := session.Person{ID: "operator", Account: uint64(operator.Account), Role: "operator", Microgrid: uint64(m)}
		token, err := people.Begin(p)
		operators, bad := people.Begin(o)
		if err = errors.Join(err, bad); err != nil {
			t.Fatal(err)
		}
		c.asked = append(c.asked,
			asked{"today", url("/api/v1/accounts/%d/days/%s", account, day), token},
			asked{"csv", url("/api/v1/accounts/%d/days/%s/intervals.csv", account, day), token},
			asked{"month", url("/api/v1/accounts/%d/months/%s", account, month), token},
			asked{"bill", url("/bill/%d/%s", account, month), token},
			asked{"me", "/api/v1/me", token}, asked{"head", "/api/v1/head", token}, asked{"app", "/", token},
			asked{"community", url("/api/v1/microgrids/%d/days/%s", m, day), token},
			asked{"replay", url("/api/v1/microgrids/%d/intervals/%s/replay?account=%d", m, noon, account), token},
			asked{"operation", url("/api/v1/microgrids/%d/months/%s/operation", m, month), operators},
			asked{"blocks", "/api/v1/blocks", token}, asked{"block", url("/api/v1/blocks/%d", 5+i), token},
		)
	}
}

// next is what is asked for next; only one goroutine asks.
func (c *crowd) next() asked {
	c.turn++
	return c.asked[c.turn*7%len(c.asked)] // Kinds and homes in turn: 7 divides neither.
}

// ask asks and reads the answer.
func (c *crowd) ask(ctx context.Context, q asked) error {
	answer, err := c.send(ctx, q)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", answer.Status)
	}
	return err
}

func (c *crowd) send(ctx context.Context, q asked) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+q.path, nil)
	if err != nil {
		return nil, err
	}
	request.AddCookie(&http.Cookie{Name: "commonwatt", Value: q.cookie})
	return c.client.Do(request)
}

// follow follows events until the context ends.
func (c *crowd) follow(ctx context.Context) {
	answer, err := c.send(ctx, asked{"events", "/api/v1/events", ""})
	c.joined <- struct{}{}
	if err != nil {
		c.note(asked{name: "events"}, 0, err)
		return
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if lines.Text() == "event: settled" {
			c.heard.Add(1)
		}
	}
	if ctx.Err() == nil {
		c.note(asked{name: "events"}, 0, fmt.Errorf("a follower was ended: %w", lines.Err()))
	}
}

// note keeps how long something took, or that it failed.
func (c *crowd) note(q asked, took time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.problems = append(c.problems, strings.TrimSpace(q.name+" "+q.path)+": "+err.Error())
		return
	}
	c.took[q.name] = append(c.took[q.name], took)
}

// names are the kinds of requests.
func (c *crowd) names() iter.Seq[string] { return maps.Keys(c.took) }
