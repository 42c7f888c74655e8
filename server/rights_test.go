package server

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/rights.txt, instead of comparing")

// query is a request that is tried as every role.
type query struct {
	method, url, body string
}

// queries are the requests of every operation of the API, by the operation's id,
// and those of what is served beside them. An operation that is not here fails the
// test, so whoever adds one says who sees it.
func (w *town) queries(t *testing.T) map[string][]query {
	t.Helper()
	get := func(urls ...string) (list []query) {
		for _, u := range urls {
			list = append(list, query{http.MethodGet, u, ""})
		}
		return list
	}
	post := func(url, body string) []query { return []query{{http.MethodPost, url, body}} }
	posts := func(urls ...string) (list []query) {
		for _, u := range urls {
			list = append(list, query{http.MethodPost, u, ""})
		}
		return list
	}
	var days, months, sheets, bills, meters, codes, revokes, tables, feeds, traces []string
	var disputes []query
	for _, a := range w.asked() {
		days = append(days, url("/api/v1/accounts/%d/days/2026-06-20", a))
		sheets = append(sheets, url("/api/v1/accounts/%d/days/2026-06-20/intervals.csv", a))
		traces = append(traces, url("/api/v1/accounts/%d/intervals/%s/trace", a, ten.Format(time.RFC3339)))
		meters = append(meters, url("/api/v1/accounts/%d/meters", a))
		tables = append(tables, url("/api/v1/accounts/%d/readings.csv", a))
		feeds = append(feeds, url("/api/v1/accounts/%d/readings.xml", a))
		codes = append(codes, url("/api/v1/accounts/%d/meters/%d/code", a, w.near.DeviceID("Abernathy")))
		disputes = append(disputes, query{http.MethodPost, url("/api/v1/accounts/%d/meters/%d/dispute", a, w.near.DeviceID("Abernathy")), `{"from":"2026-06-20","to":"2026-06-20"}`})
		revokes = append(revokes, url("/api/v1/accounts/%d/meters/999/revoke", a))
		months = append(months, url("/api/v1/accounts/%d/months/2026-06", a))
		bills = append(bills, url("/bill/%d/2026-06", a), url("/bill/%d/2026-06.csv", a), url("/bill/%d/2026-06.pdf", a))
	}
	near, far, at := w.near.Microgrid(), w.far.Microgrid(), ten.Format(time.RFC3339)
	replays := []string{url("/api/v1/microgrids/%d/intervals/%s/replay", near, at), url("/api/v1/microgrids/%d/intervals/%s/replay", far, at)}
	for _, member := range []string{"Abernathy", "Bartholomew"} {
		replays = append(replays, replays[0]+url("?account=%d", w.near.Account(member)))
	}
	own, others, elsewhere := w.statement(t, w.near, "Abernathy"), w.statement(t, w.near, "Bartholomew"), w.statement(t, w.far, "Rasmussen")
	var receipts, envelopes, blocks []string
	for _, p := range []place{own, others, elsewhere, w.receipt(t, aggregates), w.receipt(t, disclosed)} {
		receipts = append(receipts, url("/api/v1/receipts/%d/%d/%d", p.height, p.position, p.n))
		envelopes = append(envelopes, url("/api/v1/envelopes/%d.%d", p.height, p.position))
		blocks = append(blocks, url("/api/v1/blocks/%d", p.height))
	}
	envelopes = append(envelopes, url("/api/v1/envelopes/%s", w.envelope(t)))
	var searches []string
	for _, q := range []string{"Abernathy", "Bart", "Rasmussen", "2026-06-20", "1", fmt.Sprint(uint64(w.near.Account("Bartholomew")))} {
		searches = append(searches, "/api/v1/search?q="+q)
	}
	const passkey = "/api/v1/session/passkey/"
	return w.withCertificates(map[string][]query{
		"me": get("/api/v1/me"), "head": get("/api/v1/head"),
		"today": get(days...), "today-csv": get(sheets...), "month": get(months...), "trace": get(traces...), "(bills)": get(bills...), "(proofs)": get(w.guessed(t, own, others)...),
		"community":  get(url("/api/v1/microgrids/%d/days/2026-06-20", near), url("/api/v1/microgrids/%d/days/2026-06-20", far)),
		"year":       get(url("/api/v1/microgrids/%d/years/2026", near), url("/api/v1/microgrids/%d/years/2026", far)),
		"exceptions": get(url("/api/v1/microgrids/%d/months/2026-06/exceptions", near), url("/api/v1/microgrids/%d/months/2026-06/exceptions", far)),
		"operation":  get(url("/api/v1/microgrids/%d/months/2026-06/operation", near), url("/api/v1/microgrids/%d/months/2026-06/operation", far)),
		"replay":     get(replays...), "blocks": get("/api/v1/blocks?limit=100"), "block": get(blocks...),
		"envelope": get(envelopes...), "receipt": get(receipts...), "search": get(searches...), "events": get("/api/v1/events"),
		"deliver": post(url("/api/v1/microgrids/%d/devices/1/readings", near), `{"messages":["oA=="]}`),
		"meters":  get(meters...), "meter-code": posts(codes...), "meter-revoke": posts(revokes...), "meter-dispute": disputes,
		"readings-csv": get(tables...), "readings-greenbutton": get(feeds...),
		"import":      append(post(url("/api/v1/microgrids/%d/files?dry_run=true", near), "x"), post(url("/api/v1/microgrids/%d/files?dry_run=true", far), "x")...),
		"device-node": get("/api/v1/devices"), "enrol": post("/api/v1/devices/enrol", `{"code":"guessed","key":"oA==","signature":"oA=="}`),
		"submit":          post("/api/v1/envelopes?dry_run=true", `{"envelope":"oA=="}`),
		"sign-in-by-link": post("/api/v1/session/link", `{"token":"guessed"}`), "sign-out": {{http.MethodDelete, "/api/v1/session", ""}},
		"add-passkey-begin": post(passkey+"register/begin", ""), "add-passkey-finish": post(passkey+"register/finish", `{"ceremony":"x","response":{}}`),
		"sign-in-by-passkey-begin": post(passkey+"login/begin", ""), "sign-in-by-passkey-finish": post(passkey+"login/finish", `{"ceremony":"x","response":{}}`),
		"(app)": get("/", "/today", "/paper.css", "/docs/", "/openapi.json", "/openapi.yaml", "/healthz", "/readyz", "/api/v1/demo/role"),
	})
}

// guessed are links to proofs that one could make of the leaves of receipts, which
// everybody is told.
func (w *town) guessed(t *testing.T, places ...place) (links []string) {
	t.Helper()
	for _, p := range places {
		row := into[pages.ReceiptRow](t, w.server.get(role{}, url("/api/v1/receipts/%d/%d/%d", p.height, p.position, p.n)))
		link := url("/p/%d-%d-%d-%s", p.height, p.position, p.n, row.Leaf[:16])
		links = append(links, link, link+".cwproof", link+".json")
	}
	return links
}

// place is where a receipt stands.
type place struct {
	height      int64
	position, n int
}

// statement finds a member's statement of the interval that queries ask for.
func (w *town) statement(t *testing.T, c *community.Community, member string) place {
	t.Helper()
	return w.receipt(t, func(f machine.Fact) bool {
		return f.Kind == settlement.StatementReceipt.Kind && f.Audience == c.Account(member) &&
			int64(settlement.StatementReceipt.Read(f.Receipt()).Start) == ten.Unix()
	})
}

// aggregates are those of an interval in which a home is alone in its zone, and
// disclosed is what anyone may see of them.
func aggregates(f machine.Fact) bool {
	return f.Kind == settlement.SettledReceipt.Kind && f.Audience != op.Public && int64(settlement.SettledReceipt.Read(f.Receipt()).Start) == ten.Unix()
}

func disclosed(f machine.Fact) bool {
	return f.Kind == settlement.DisclosedReceipt.Kind && int64(settlement.DisclosedReceipt.Read(f.Receipt()).Start) == ten.Unix()
}

// receipt finds the latest receipt that is one.
func (w *town) receipt(t *testing.T, is func(machine.Fact) bool) place {
	t.Helper()
	for height := w.node.Height(); height > 0; height-- {
		r, err := w.node.Record(height)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range r.Outcomes {
			for n, f := range o.Receipts {
				if is(f) {
					return place{height, i, n}
				}
			}
		}
	}
	t.Fatal("there is no such receipt")
	return place{}
}

// envelope is the id of the envelope that readings came in.
func (w *town) envelope(t *testing.T) string {
	t.Helper()
	for height := w.node.Height(); height > 0; height-- {
		r, err := w.node.Record(height)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range r.Outcomes {
			if len(o.ID) > 0 && len(o.Receipts) > 0 {
				return hex.EncodeToString(o.ID)
			}
		}
	}
	t.Fatal("there is no envelope")
	return ""
}

// secrets are what identifies a household or tells what it did: words by what they
// tell, and the name and the hexadecimal of numbers, which may stand within others.
type secrets struct {
	words  map[string]string
	within map[string]string
}

// secretsOf are those of every household of a community, by its name: its numbers
// in digits and in the hexadecimal of receipts, and each of its readings.
func secretsOf(c *community.Community) map[string]secrets {
	all := map[string]secrets{}
	for _, m := range c.Members {
		s := secrets{map[string]string{}, map[string]string{strings.ToLower(m.Name): "name"}}
		s.number("account", uint64(c.Account(m.Name)))
		s.number("point", uint64(c.PointID(m.Name)))
		all[m.Name] = s
	}
	for _, r := range readings(c, dawn, noon) {
		meter, _ := c.Meters().Get(r.Meter)
		all[meter.Member].number("device", uint64(c.DeviceID(r.Meter)))
		all[meter.Member].words[strconv.FormatInt(int64(r.Import+r.Export), 10)] = "reading"
	}
	return all
}

func (s secrets) number(what string, n uint64) {
	s.words[strconv.FormatUint(n, 10)] = what
	s.within[hex.EncodeToString(binary.BigEndian.AppendUint64(nil, n))] = what
}

var word = regexp.MustCompile(`[\pL\pN_]+`)

// told says which of the secrets stand in a text.
func (s secrets) told(text string, words map[string]bool) (list []string) {
	for secret, what := range s.words {
		if words[secret] {
			list = append(list, what+" "+secret)
		}
	}
	for secret, what := range s.within {
		if strings.Contains(text, secret) {
			list = append(list, what+" "+secret)
		}
	}
	return list
}

// sees reports whether a role may be told a household's secrets.
func (r role) sees(c *community.Community, member string) bool {
	return r.viewer.Role == pages.Operator && r.viewer.Microgrid == c.Microgrid() ||
		r.viewer.Role == pages.Household && r.viewer.Account == c.Account(member)
}

// text is what can be read in an answer: of a PDF, what its streams hold.
func text(answer *httptest.ResponseRecorder) string {
	if answer.Header().Get("Content-Type") != "application/pdf" {
		return answer.Body.String()
	}
	var out strings.Builder
	for _, part := range bytes.Split(answer.Body.Bytes(), []byte("stream\n"))[1:] {
		if stream, err := zlib.NewReader(bytes.NewReader(part)); err == nil {
			_, _ = io.Copy(&out, stream) // What follows the stream is none of it.
		}
	}
	return out.String()
}

// A role sees nothing beyond its rights. Every operation of the OpenAPI document
// and every page beside it is asked for as every role; what an answer tells is
// searched for what is another household's, and how it was answered is in
// testdata/rights.txt.
func TestRights(t *testing.T) {
	w := sharedTown(t)
	queries := w.queries(t)
	for _, id := range w.operations(t) {
		if len(queries[id]) == 0 {
			t.Errorf("operation %q has no query here: add one, so that every role tries it", id)
		}
	}
	hidden := map[*community.Community]map[string]secrets{w.near: secretsOf(w.near), w.far: secretsOf(w.far)}
	partners := w.partners(t, "Abernathy", "Bartholomew")
	var table strings.Builder
	asked, own := 0, 0
	for _, id := range slices.Sorted(maps.Keys(queries)) {
		for _, q := range queries[id] {
			fmt.Fprintf(&table, "%-26s %-6s %s\n   ", id, q.method, w.masked(q.url))
			for _, r := range w.roles(t) {
				answer := w.try(r, q)
				fmt.Fprintf(&table, " %s=%d", r.name, answer.Code)
				asked++
				for c, homes := range hidden {
					own += len(leaks(role{}, q, answer, c, homes))
					for _, told := range leaks(r, q, answer, c, homes) {
						if !slices.Contains(partners[r.viewer.Account], told) {
							t.Errorf("%s %s as %s tells the %s", q.method, w.masked(q.url), r.name, told)
						}
					}
				}
			}
			table.WriteString("\n")
		}
	}
	golden(t, "testdata/rights.txt", table.String())
	if own < 500 { // The search finds what is there to be found.
		t.Errorf("those who may were told %d secrets", own)
	}
	t.Logf("%d queries were tried; those who may were told %d secrets", asked, own)
}

// partners are, by account, the numbers of the accounts that members traded with in
// the interval that is asked for: a deal has two sides, and each is told the other's
// number, which is no name.
func (w *town) partners(t *testing.T, members ...string) map[tx.AccountID][]string {
	t.Helper()
	list := map[tx.AccountID][]string{}
	for _, member := range members {
		p := w.statement(t, w.near, member)
		r, err := w.node.Record(p.height)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range settlement.StatementReceipt.Read(r.Outcomes[p.position].Receipts[p.n].Receipt()).Deals {
			for _, m := range w.near.Members {
				if n := uint64(d.Partner); d.Partner == w.near.Account(m.Name) {
					of := w.near.Account(member)
					list[of] = append(list[of], fmt.Sprintf("account %d of %s", n, m.Name), fmt.Sprintf("account %016x of %s", n, m.Name))
				}
			}
		}
	}
	return list
}

// leaks are the secrets that an answer tells and a role may not know. What a role
// asked with is no secret to it.
func leaks(r role, q query, answer *httptest.ResponseRecorder, c *community.Community, homes map[string]secrets) (list []string) {
	path, _, _ := strings.Cut(q.url, "?")
	body := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(text(answer), q.url, ""), path, ""))
	words := map[string]bool{}
	for _, w := range word.FindAllString(body, -1) {
		words[w] = true
	}
	for home, s := range homes {
		if r.sees(c, home) {
			continue
		}
		for _, told := range s.told(body, words) {
			list = append(list, told+" of "+home)
		}
	}
	slices.Sort(list)
	return list
}

// try asks as a role. Whoever follows events hears what there is and goes away.
func (w *town) try(r role, q query) *httptest.ResponseRecorder {
	ask := r.request(q.method, q.url, []byte(q.body))
	if !strings.HasSuffix(q.url, "/events") {
		return w.server.ask(ask)
	}
	ask.Header.Set("Last-Event-ID", "0")
	return w.server.hear(ask, func(string) bool { return false })
}

// operations are the ids of the OpenAPI document.
func (w *town) operations(t *testing.T) (ids []string) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(w.server.get(role{}, "/openapi.json").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, methods := range doc.Paths {
		for _, o := range methods {
			ids = append(ids, o.OperationID)
		}
	}
	if len(ids) < 20 {
		t.Errorf("%d operations", len(ids))
	}
	return ids
}

// masked is a path with words for numbers, which differ with every run.
func (w *town) masked(path string) string {
	for _, c := range []*community.Community{w.near, w.far} {
		path = strings.ReplaceAll(path, strconv.FormatUint(uint64(c.Microgrid()), 10), "<"+c.Name+">")
		for _, m := range c.Members {
			path = strings.ReplaceAll(path, strconv.FormatUint(uint64(c.Account(m.Name)), 10), "<"+m.Name+">")
		}
		for _, b := range c.Buyers {
			path = strings.ReplaceAll(path, strconv.FormatUint(uint64(c.Account(b.Name)), 10), "<"+b.Name+">")
		}
	}
	path = regexp.MustCompile(`^/p/[0-9a-f-]+`).ReplaceAllString(path, "/p/<place>")
	return regexp.MustCompile(`/(receipts|blocks|envelopes)/[0-9a-f./]+`).ReplaceAllString(path, "/$1/<place>")
}

// golden compares a text with a file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	is, was := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range is {
		if i >= len(was) || is[i] != was[i] {
			t.Fatalf("%s differs from line %d on: %q; read it, and rewrite it with -rewrite", name, i+1, is[i])
		}
	}
	t.Fatalf("%s has more lines than there are now", name)
}
