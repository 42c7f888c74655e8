package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/interval"
)

// browser is somebody who signed in to a running node.
type browser struct {
	t      *testing.T
	origin string
	csrf   string
	http   *http.Client
}

// signIn signs somebody in by a link.
func (r *running) signIn(t *testing.T, dir, who string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, origin: r.origin, http: &http.Client{Jar: jar}}
	_, token, _ := strings.Cut(strings.TrimSpace(must(t, "link", dir, who)), "#")
	if status, text := b.ask(http.MethodPost, "/session/link", "application/json", fmt.Appendf(nil, `{"token":%q}`, token)); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	var me struct{ CSRF string }
	if _, text := b.ask(http.MethodGet, "/me", "", nil); json.Unmarshal(text, &me) != nil || me.CSRF == "" {
		t.Fatalf("%s", text)
	}
	b.csrf = me.CSRF
	return b
}

func (b *browser) ask(method, path, kind string, body []byte) (status int, text []byte) {
	b.t.Helper()
	r, err := http.NewRequest(method, b.origin+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("X-CSRF", b.csrf)
	r.Header.Set("Content-Type", kind)
	answer, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	if text, err = io.ReadAll(answer.Body); err != nil {
		b.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode, text
}

// A file that the operator sends to the page is told of as the command line does, and
// booked as it does; its member reads the same back.
func TestUpload(t *testing.T) {
	dir := elm(t)
	must(t, "member", "add", dir, "anna")
	first := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	up := start(t, dir, "--from", first.Format(time.DateOnly), "--mqtt", "off")
	c, err := community.Load(filepath.Join(dir, community.File))
	if err != nil {
		t.Fatal(err)
	}
	up.settled(t, interval.Time(first.Unix())) // The ledger knows the community.
	t.Chdir(t.TempDir())
	file := "meter,start,minutes,import_wh,export_wh,quality\n99,2026-06-01T00:00:00Z,30,120,0,A\n99,2026-06-01T00:30:00Z,30,130,0,A\n99,2026-06-01T01:00:00Z,30,7,0,A\n"
	write(t, "june.csv", file)
	operator := up.signIn(t, dir, "operator")
	path := fmt.Sprintf("/microgrids/%d/files?name=june.csv&meter=%s", c.Microgrid(), url.QueryEscape("99=anna"))
	status, page := operator.ask(http.MethodPost, path+"&dry_run=true", "application/octet-stream", []byte(file))
	command := must(t, "import", "--dry-run", "--into", dir, "--meter", "99=anna", "june.csv", "-o", "json")
	if !sameJSON(t, page, []byte(command)) || status != http.StatusOK {
		t.Errorf("the page says %d %s\nthe command says %s", status, page, command)
	}
	_, errs, _ := commonwatt("import", "--dry-run", "--into", dir, "june.csv")
	var no struct{ Detail string }
	status, page = operator.ask(http.MethodPost, fmt.Sprintf("/microgrids/%d/files?name=june.csv", c.Microgrid()), "application/octet-stream", []byte(file))
	if err := json.Unmarshal(page, &no); err != nil || status != http.StatusUnprocessableEntity || no.Detail != errs || errs == "" {
		t.Errorf("the page says %d %s\nthe command says %s", status, page, errs)
	}
	if status, page = operator.ask(http.MethodPost, path, "application/octet-stream", []byte(file)); status != http.StatusOK || !strings.Contains(string(page), "1 readings are on the ledger") {
		t.Errorf("%d %s", status, page)
	}
	up.settled(t, interval.Time(first.Add(time.Hour).Unix()))
	anna := up.signIn(t, dir, "anna")
	var me struct{ Account string }
	_, text := anna.ask(http.MethodGet, "/me", "", nil)
	if err := json.Unmarshal(text, &me); err != nil {
		t.Fatal(err)
	}
	if status, text = anna.ask(http.MethodGet, "/accounts/"+me.Account+"/readings.csv", "", nil); status != http.StatusOK || string(text) != must(t, "export", dir, "anna") || !strings.Contains(string(text), "anna,2026-06-01T00:00:00Z,60,250,0,A") {
		t.Errorf("%d %s", status, text)
	}
	if status, text = anna.ask(http.MethodPost, path, "application/octet-stream", []byte(file)); status != http.StatusForbidden {
		t.Errorf("a member books a file: %d %s", status, text)
	}
}

// sameJSON reports whether two texts are the same value, but for what names a schema.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var one, two map[string]any
	if err := json.Unmarshal(a, &one); err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	if err := json.Unmarshal(b, &two); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	delete(one, "$schema")
	return fmt.Sprint(one) == fmt.Sprint(two)
}
