package server

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/session"
)

// member is a household that signs in.
func (w *town) member(name string) session.Person {
	return session.Person{ID: name, Name: name, Account: uint64(w.near.Account(name)), Role: "household", Microgrid: uint64(w.near.Microgrid())}
}

// signIn uses a link and returns the answer.
func (s *Server) signIn(link string) *httptest.ResponseRecorder {
	return s.ask(role{}.request(http.MethodPost, "/api/v1/session/link", []byte(`{"token":"`+link+`"}`)))
}

// A link signs in once and sets a cookie that scripts and other sites do not get;
// signing out ends both. A link that is used or late says what to do.
func TestSignIn(t *testing.T) {
	w := sharedTown(t)
	link, err := w.people.Link(w.member("Abernathy"))
	if err != nil {
		t.Fatal(err)
	}
	answer := w.server.signIn(link)
	cookie := answer.Header().Get("Set-Cookie")
	for _, flag := range []string{"commonwatt=", "Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=2592000"} {
		if answer.Code != http.StatusOK || !strings.Contains(cookie, flag) {
			t.Errorf("%d: the cookie %q has no %s", answer.Code, cookie, flag)
		}
	}
	if strings.Contains(cookie, "Secure") || strings.Contains(answer.Body.String(), answer.Result().Cookies()[0].Value) {
		t.Errorf("%q, %s", cookie, answer.Body)
	}
	r := role{cookie: answer.Result().Cookies()[0].Value}
	me := into[api.Me](t, w.server.get(r, "/api/v1/me"))
	if me.Name != "Abernathy" || me.Role != pages.Household || me.Account != w.near.Account("Abernathy") || me.CSRF == "" {
		t.Errorf("%+v", me)
	}
	r.csrf = me.CSRF
	if out := w.server.ask(r.request(http.MethodDelete, "/api/v1/session", nil)); out.Code != http.StatusOK || !strings.Contains(out.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("signing out: %d %q", out.Code, out.Header())
	}
	if me := into[api.Me](t, w.server.get(r, "/api/v1/me")); me.ID != "" || me.Role != pages.Visitor {
		t.Errorf("signed out: %+v", me)
	}
	late, err := w.people.Link(w.member("Abernathy"))
	if err != nil {
		t.Fatal(err)
	}
	w.clock.pass(session.LinkLife + time.Second)
	for what, used := range map[string]string{"used": link, "late": late} {
		if no := w.server.signIn(used); no.Code != http.StatusUnauthorized || !strings.Contains(no.Body.String(), "ask for a new one") {
			t.Errorf("a link that is %s: %d %s", what, no.Code, no.Body)
		}
	}
}

// Over TLS the cookie goes over TLS alone.
func TestSecureCookie(t *testing.T) {
	w := sharedTown(t)
	s, err := w.serve(api.Config{Origin: "https://town.example"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	link, err := w.people.Link(w.member("Abernathy"))
	if err != nil {
		t.Fatal(err)
	}
	if cookie := s.signIn(link).Header().Get("Set-Cookie"); !strings.Contains(cookie, "; Secure") {
		t.Errorf("the cookie is %q", cookie)
	}
}

// What changes something is taken from our own page alone: with a cookie, only with
// its proof, and never from another site.
func TestOtherSites(t *testing.T) {
	w := sharedTown(t)
	a, b := w.role(t, "a"), w.role(t, "b")
	for _, c := range []struct {
		what, csrf, site string
		code             int
	}{
		{"no proof", "", "", 403},
		{"another's proof", b.csrf, "", 403},
		{"another site", a.csrf, "cross-site", 403},
		{"a sister site", a.csrf, "same-site", 403},
		{"our page", a.csrf, "same-origin", 200},
		{"a program", a.csrf, "", 200},
	} {
		q := a.request(http.MethodPost, "/api/v1/session/passkey/register/begin", nil)
		q.Header.Set("X-CSRF", c.csrf)
		if c.site != "" {
			q.Header.Set("Sec-Fetch-Site", c.site)
		}
		answer := w.server.ask(q)
		if answer.Code != c.code || c.code == 403 && !strings.Contains(answer.Body.String(), "from the node's own page") {
			t.Errorf("%s: %d %s", c.what, answer.Code, answer.Body)
		}
	}
	q := role{}.request(http.MethodPost, "/api/v1/session/link", []byte(`{"token":"x"}`))
	q.Header.Set("Sec-Fetch-Site", "cross-site")
	if answer := w.server.ask(q); answer.Code != http.StatusForbidden {
		t.Errorf("another site signs somebody in: %d", answer.Code)
	}
	q = a.request(http.MethodGet, "/api/v1/me", nil)
	q.Header.Set("Sec-Fetch-Site", "cross-site")
	if answer := w.server.ask(q); answer.Code != http.StatusOK {
		t.Errorf("a link from another site: %d", answer.Code)
	}
}

// Who asks too often is told for how long to wait; others do not wait for it.
func TestTooMany(t *testing.T) {
	w := sharedTown(t)
	s, err := w.serve(api.Config{Limits: api.Limits{PerSecond: 0.5, Burst: 3, Followers: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	a, b := w.role(t, "a"), w.role(t, "b")
	for range 3 {
		if answer := s.get(a, "/api/v1/head"); answer.Code != http.StatusOK {
			t.Fatalf("%d", answer.Code)
		}
	}
	answer := s.get(a, "/api/v1/head")
	if wait := answer.Header().Get("Retry-After"); answer.Code != http.StatusTooManyRequests || wait != "2" && wait != "3" || !strings.Contains(answer.Body.String(), "ask again in") {
		t.Errorf("%d, wait %q, %s", answer.Code, wait, answer.Body)
	}
	for _, other := range []role{b, {}} {
		if answer := s.get(other, "/api/v1/head"); answer.Code != http.StatusOK {
			t.Errorf("another one waits, too: %d", answer.Code)
		}
	}
}

// What cannot be read is refused with where it is and what to do.
func TestBadRequests(t *testing.T) {
	w := sharedTown(t)
	long := append([]byte(`{"token":"`), bytes.Repeat([]byte("x"), 2<<20)...)
	for _, c := range []struct {
		what, method, url, kind string
		body                    []byte
		code                    int
	}{
		{"no JSON", "POST", "/api/v1/session/link", "application/json", []byte(`{"token":`), 400},
		{"no CBOR", "POST", "/api/v1/session/link", "application/cbor", []byte{0xff}, 400},
		{"a field of another kind", "POST", "/api/v1/session/link", "application/json", []byte(`{"token":7}`), 422},
		{"a field is missing", "POST", "/api/v1/session/link", "application/json", []byte(`{}`), 422},
		{"a field too many", "POST", "/api/v1/session/link", "application/json", []byte(`{"token":"x","admin":true}`), 422},
		{"nothing", "POST", "/api/v1/session/link", "application/json", nil, 400},
		{"another kind", "POST", "/api/v1/session/link", "text/plain", []byte("x"), 415},
		{"too much", "POST", "/api/v1/session/link", "application/json", long, 413},
		{"too much of an envelope", "POST", "/api/v1/envelopes", "application/cbor", long, 413},
		{"no number", "GET", "/api/v1/blocks?limit=x", "", nil, 422},
		{"too many", "GET", "/api/v1/blocks?limit=1000", "", nil, 422},
		{"a method", "PUT", "/api/v1/me", "", nil, 405},
		{"a path", "GET", "/api/v1/nothing", "", nil, 404},
		{"a day", "GET", "/api/v1/microgrids/7/days/today", "", nil, 404},
		{"a block", "GET", "/api/v1/blocks/99999999", "", nil, 404},
		{"a bill", "GET", "/bill/7/2026-06.doc", "", nil, 404},
	} {
		q := role{}.request(c.method, c.url, c.body)
		if q.Header.Set("Content-Type", c.kind); c.what == "a bill" {
			q = w.role(t, "a").request(c.method, url("/bill/%d/2026-06.doc", w.near.Account("Abernathy")), nil)
		}
		answer := w.server.ask(q)
		checkProblem(t, c.what, answer, c.code, q.URL.Path)
	}
}

// checkProblem checks that an error says what, where and what to do (RFC 9457).
func checkProblem(t *testing.T, what string, answer *httptest.ResponseRecorder, code int, path string) {
	t.Helper()
	p := into[struct {
		Status                  int
		Title, Detail, Instance string
	}](t, answer)
	kind := answer.Header().Get("Content-Type")
	if answer.Code != code || p.Status != code || kind != "application/problem+json" {
		t.Errorf("%s: %d %s, %+v", what, answer.Code, kind, p)
	}
	if p.Title != http.StatusText(code) || p.Instance != path || !strings.Contains(p.Detail, ": ") {
		t.Errorf("%s: it does not say what, where or what to do: %+v", what, p)
	}
}
