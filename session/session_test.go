package session_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/session"
)

var ann = session.Person{ID: "ann", Name: "Ann", Account: 7, Role: "household", Microgrid: 3}

// clock is a clock that goes when it is told to.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func open(t *testing.T, dir string, c *clock) *session.Store {
	t.Helper()
	s, err := session.Open(dir, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func start() *clock { return &clock{time.Date(2026, 6, 20, 12, 0, 0, 0, time.UTC)} }

// linked makes a link of ann's.
func linked(t *testing.T, s *session.Store) string {
	t.Helper()
	link, err := s.Link(ann)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// A link signs in once, within its time; what it gives is good until its end.
func TestLink(t *testing.T) {
	c := start()
	s := open(t, "", c)
	link := linked(t, s)
	token, p, err := s.Redeem(link)
	if err != nil || p != ann {
		t.Fatalf("%+v, %v", p, err)
	}
	if p, ok := s.Lookup(token); !ok || p != ann {
		t.Errorf("the session is of %+v, %v", p, ok)
	}
	for what, used := range map[string]string{"used": link, "misspelt": link[1:] + "x", "empty": "", "a session's": token} {
		if _, _, err := s.Redeem(used); !errors.Is(err, session.ErrLink) {
			t.Errorf("the link is %s: %v", what, err)
		}
	}
	late := linked(t, s)
	c.at = c.at.Add(session.LinkLife + time.Second)
	if _, _, err := s.Redeem(late); !errors.Is(err, session.ErrLink) {
		t.Errorf("late: %v", err)
	}
	if err := s.End(token); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Lookup(token); ok {
		t.Error("the session is over and good")
	}
}

// A session that nobody uses for thirty days is over; one that is used goes on.
func TestIdle(t *testing.T) {
	c := start()
	s := open(t, "", c)
	used, _, _ := s.Redeem(linked(t, s))
	idle, _, _ := s.Redeem(linked(t, s))
	for range 3 {
		c.at = c.at.Add(session.SessionIdle - time.Hour)
		if _, ok := s.Lookup(used); !ok {
			t.Fatal("it is used and over")
		}
	}
	if _, ok := s.Lookup(idle); ok {
		t.Error("it was idle and is good")
	}
}

// Links are bounded; used and old ones make place.
func TestLinksAreBounded(t *testing.T) {
	c := start()
	s := open(t, "", c)
	for n := 0; ; n++ {
		if _, err := s.Link(ann); errors.Is(err, session.ErrFull) && n == 1000 {
			break
		} else if err != nil || n > 1000 {
			t.Fatalf("link %d: %v", n, err)
		}
	}
	c.at = c.at.Add(session.LinkLife + time.Second)
	linked(t, s)
}

// A restart forgets nobody, another process' link is good here, and what is on disk
// is for its owner and signs nobody in.
func TestFile(t *testing.T) {
	dir, c := t.TempDir(), start()
	s := open(t, dir, c)
	token, _, err := s.Redeem(linked(t, s))
	if err != nil {
		t.Fatal(err)
	}
	other := open(t, dir, c)
	if p, ok := other.Lookup(token); !ok || p != ann {
		t.Errorf("after a restart: %+v, %v", p, ok)
	}
	link := linked(t, other)
	if _, _, err := s.Redeem(link); err != nil {
		t.Errorf("another process' link: %v", err)
	}
	path := filepath.Join(dir, session.FileName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{token, link, session.CSRF(token)} {
		if strings.Contains(string(text), secret) {
			t.Error("the file holds a secret that signs in")
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".people-*")); err != nil || len(left) > 0 {
		t.Errorf("drafts are left: %v, %v", left, err)
	}
}

// A file that is not ours is said so, with what to do, and signs nobody in.
func TestBadFile(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON": "{", "parts are missing": "{}",
		"another person": `{"people":{"ann":{"id":"bob"}},"links":{},"sessions":{}}`,
		"nobody's link":  `{"people":{},"links":{"00":{"person":"ann"}},"sessions":{}}`,
		"nobody at all":  `{"people":{"ann":null},"links":{},"sessions":{}}`,
		"nobody's seat":  `{"people":{},"links":{},"sessions":{"00":{"person":"ann"}}}`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, session.FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := session.Open(dir, time.Now)
		if err == nil || !strings.Contains(err.Error(), session.FileName) || !strings.Contains(err.Error(), "backup") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The proof of a page belongs to one session.
func TestCSRF(t *testing.T) {
	if !session.SameCSRF("one", session.CSRF("one")) || session.SameCSRF("one", session.CSRF("two")) || session.SameCSRF("one", "") {
		t.Error("a proof of another session is good, or ours is not")
	}
}
