package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// elm founds the community that most tests here are about and returns its folder.
func elm(t *testing.T, flags ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "elm")
	must(t, append([]string{
		"init", dir, "--name", "Elm Street", "--time-zone", "UTC", "--interval", "60", "--retail", "0.32", "--feed-in", "0.08",
	}, flags...)...)
	return dir
}

// running is a node in a process of its own.
type running struct {
	cmd    *exec.Cmd
	errs   *bytes.Buffer
	origin string
	client *live.Client
}

// start runs "up" until it says where it serves.
func start(t *testing.T, dir string, flags ...string) *running {
	t.Helper()
	r := &running{cmd: program(t, append([]string{"up", dir, "--port", "0"}, flags...)...), errs: &bytes.Buffer{}}
	r.cmd.Stderr = r.errs
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() }) // Where the test did not end it.
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		_ = r.cmd.Wait()
		t.Fatalf("it does not come up: %s", r.errs)
	}
	r.origin = lines.Text()
	if r.client, err = live.Find(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return r
}

// stop ends a node as a service manager does, and it says nothing against that.
func (r *running) stop(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("it ends with %v: %s", err, r.errs)
	}
}

// settled waits until everything before a moment is settled.
func (r *running) settled(t *testing.T, until interval.Time) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		s, err := r.client.Status(t.Context())
		switch {
		case err != nil:
			t.Fatal(err)
		case len(s.Microgrids) == 1 && s.Microgrids[0].Open >= until:
			return
		case time.Now().After(deadline):
			t.Fatalf("it is not settled until %d: %+v\n%s", until, s, r.errs)
		}
	}
}

// send signs an operation with the operator's key of a folder, as a gateway would,
// and sends it.
func (r *running) send(t *testing.T, dir string, nonce uint64, o tx.Operation) {
	t.Helper()
	block, _ := pem.Decode(read(t, dir, operator.KeyFile))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	r.settled(t, 0) // The microgrid is there.
	s, err := r.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body := tx.Body{Chain: s.Chain, Account: operator.Account, Nonce: nonce, Expiry: uint64(s.Height) + 1000, Operations: []tx.Operation{o}}
	envelope := tx.SignEd25519(body.Encode(), key.(ed25519.PrivateKey))
	answer, err := http.Post(r.origin+"/api/v1/envelopes", "application/cbor", bytes.NewReader(envelope))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var taken struct{ Code, Receipts int }
	if text, _ := io.ReadAll(answer.Body); json.Unmarshal(text, &taken) != nil || taken.Code != 0 || taken.Receipts != 1 {
		t.Fatalf("%s: %s", answer.Status, text)
	}
}

// signIn opens a one-time link as the page does, and returns the cookie.
func signIn(t *testing.T, link string) *http.Cookie {
	t.Helper()
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || u.Path != "/signin" {
		t.Fatalf("%q: %v", link, err)
	}
	answer, err := http.Post(u.Scheme+"://"+u.Host+"/api/v1/session/link", "application/json", strings.NewReader(`{"token":"`+u.Fragment+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if len(answer.Cookies()) != 1 {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("%s: %s", answer.Status, text)
	}
	return answer.Cookies()[0]
}

// get asks for a page as whom a cookie is of.
func get(t *testing.T, address string, cookie *http.Cookie) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(cookie)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// drawn is readings of a few hours, drawn from a seed.
func drawn(c *community.Community, start interval.Time, count int) (r metering.Record) {
	draw := rand.New(rand.NewPCG(7, 7))
	var list []gateway.Reading
	for h := range count {
		for _, meter := range c.Meters().All() {
			reading := gateway.Reading{Meter: meter, Start: start + interval.Time(h)*3600, Quality: gateway.Actual}
			if strings.HasPrefix(meter, "anna") {
				reading.Export = quantity.Energy(1000 + draw.IntN(500))
			} else {
				reading.Import = quantity.Energy(200 + draw.IntN(500))
			}
			list = append(list, reading)
		}
	}
	r, _ = operator.Batch(c, list)
	return r
}

// From nothing to a bill: founded, joined, read, settled, billed, ended, verified;
// and started again, it lets the silent hours lapse.
func TestUp(t *testing.T) {
	dir := elm(t)
	must(t, "member", "add", dir, "anna")
	must(t, "meter", "add", dir, "anna", "anna-pv", "--kind", "solar")
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month(), now.Day()-2, 0, 0, 0, 0, time.UTC)
	node := start(t, dir, "--from", first.Format(time.DateOnly), "--grace", "100h")
	if said := must(t, "member", "add", dir, "bela", "--dry-run"); !strings.Contains(said, "would book: party.open 1, grid.connect 1") {
		t.Errorf("a dry run says %q", said)
	}
	if _, errs, code := commonwatt("verify", dir); code != 1 || !strings.Contains(errs, "another command is using this folder") {
		t.Errorf("verify beside a node: %d %s", code, errs)
	}
	c, err := community.Load(filepath.Join(dir, community.File))
	if err != nil {
		t.Fatal(err)
	}
	begin := interval.Time(first.Unix())
	node.send(t, dir, 1_000, metering.RecordKind.Encode(drawn(c, begin, 4)))
	node.settled(t, begin+4*3600)
	if said := must(t, "member", "add", dir, "bela"); !strings.Contains(said, "the node that runs booked it: party.open 1, grid.connect 1") {
		t.Errorf("after another signer's nonce 1000: %q", said)
	}
	readings := filepath.Join(t.TempDir(), "more.csv")
	rows := "meter,start,minutes,import_wh,export_wh,quality\n"
	for _, meter := range []string{"anna", "anna-pv"} {
		rows += meter + "," + first.Add(4*time.Hour).Format(time.RFC3339) + ",60,0,700,A\n"
	}
	if err := os.WriteFile(readings, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := must(t, "import", "--into", dir, readings); !strings.HasSuffix(said, "\n2 readings are on the ledger\n") {
		t.Error(said)
	}
	node.settled(t, begin+5*3600)
	if said := must(t, "export", dir, "anna"); !strings.Contains(said, "\nanna-pv,"+first.Add(4*time.Hour).In(c.TimeZone).Format(time.RFC3339)+",60,0,700,A\n") {
		t.Error(said)
	}
	if err := os.WriteFile(readings, []byte(strings.ReplaceAll(rows, "anna-pv", "pv")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := commonwatt("import", "--into", dir, readings); code != exitBadInput || !strings.Contains(errs, `"pv" is not a meter of this community`) {
		t.Errorf("%d %s", code, errs)
	}
	link := must(t, "link", dir, "anna")
	cookie := signIn(t, link)
	account := strconv.FormatUint(uint64(c.Account("anna")), 10)
	status, bill := get(t, node.origin+"/bill/"+account+"/"+first.Format("2006-01")+".csv", cookie)
	if status != http.StatusOK || !strings.Contains(bill, "utility_sold") {
		t.Errorf("%d %s", status, bill)
	}
	if status, _ := get(t, node.origin+"/bill/"+strconv.FormatUint(uint64(c.Account("bela")), 10)+"/2026-06.csv", cookie); status != http.StatusForbidden {
		t.Errorf("a neighbour's bill: %d", status)
	}
	if said := must(t, "bill", dir, "anna", first.Format("2006-01"), "-o", "csv"); said != bill {
		t.Errorf("the command says\n%s and the page\n%s", said, bill)
	}
	today := must(t, "today", dir, "anna", first.Format(time.DateOnly), "-o", "csv")
	node.stop(t)
	must(t, "verify", dir)
	if said := must(t, "bill", dir, "anna", first.Format("2006-01"), "-o", "csv"); said != bill {
		t.Errorf("at rest the command says\n%s and the page\n%s", said, bill)
	}
	if said := must(t, "today", dir, "anna", first.Format(time.DateOnly), "-o", "csv"); said != today || strings.Count(said, ",settled,") != 5 {
		t.Errorf("at rest the day is\n%s and was\n%s", said, today)
	}
	must(t, "verify", dir)
	if _, err := os.Stat(filepath.Join(dir, live.AddressFile)); err == nil {
		t.Error("the address of a node that ended is still there")
	}
	node = start(t, dir, "--grace", "0s")
	node.settled(t, interval.Time(now.Unix())/3600*3600)
	node.stop(t)
	if !strings.Contains(node.errs.String(), "meters stayed silent") {
		t.Errorf("nobody is told of what lapsed: %s", node.errs)
	}
	must(t, "verify", dir)
}
