package server

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/settlement"
)

// link is the address of the proof of a member's statement, as its trace names it.
func (w *town) link(t *testing.T, r role, member string) string {
	t.Helper()
	path := url("/api/v1/accounts/%d/intervals/%s/trace", w.near.Account(member), ten.Format(time.RFC3339))
	trace := into[pages.Trace](t, w.server.get(r, path))
	if len(trace.Paid.Receipts) != 1 || trace.Paid.Receipts[0].Proof == "" {
		t.Fatalf("%+v", trace.Paid)
	}
	return trace.Paid.Receipts[0].Proof
}

// Whoever has the link of a proof sees that receipt, in every form, and what is given
// is good for whoever trusts the chain; without its key there is nothing.
func TestProofPages(t *testing.T) {
	w := sharedTown(t)
	link := w.link(t, w.role(t, "a"), "Abernathy")
	if other := w.link(t, w.role(t, "operator"), "Abernathy"); other != link {
		t.Errorf("the operator's link is %s, the member's %s", other, link)
	}
	s, err := w.serve(api.Config{}) // Which counts nobody else's requests.
	if err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	page := s.get(role{}, link)
	for _, want := range []string{`<html lang="en">`, "What one connection took", "commonwatt verify " + strings.TrimPrefix(link, "/p/") + ".cwproof", `name="robots" content="noindex"`} {
		if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), want) {
			t.Errorf("%s: %d, without %q", link, page.Code, want)
		}
	}
	german := role{}.request(http.MethodGet, link, nil)
	german.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.5")
	if text := s.ask(german).Body.String(); !strings.Contains(text, "Was ein Anschluss in einem Intervall bezog") {
		t.Errorf("in German: %.300s", text)
	}
	raw := s.get(role{}, link+".cwproof").Body.Bytes()
	bundle, err := proof.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	found, err := bundle.Verify(bundle.Anchor(), interval.Time(time.Now().Unix()))
	if err != nil || len(found.Receipts) != 1 || len(raw) > 20_000 {
		t.Fatalf("%d bytes: %+v, %v", len(raw), found, err)
	}
	said := settlement.StatementReceipt.Read(found.Receipts[0].Fact.Receipt())
	if said.Account != w.near.Account("Abernathy") || int64(said.Start) != ten.Unix() {
		t.Errorf("the proof is of %+v", said)
	}
	checkProvenJSON(t, s.get(role{}, link+".json").Body.Bytes(), raw, said)
	if pdf := s.get(role{}, link+".pdf"); !strings.HasPrefix(pdf.Body.String(), "%PDF-") {
		t.Errorf("the PDF: %.100s", pdf.Body)
	}
	if svg := s.get(role{}, link+"/qr.svg"); !strings.HasPrefix(svg.Body.String(), "<svg") || svg.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("the code: %.100s", svg.Body)
	}
	for _, path := range []string{link[:len(link)-1] + "x", link[:len(link)-2] + "00", link + ".xml", link + ".csv", link + ".statement.json", "/p/", "/p/1", "/p/0-0-0-0000000000000000", "/p/999999-0-0-0000000000000000", "/p/1/qr.svg"} {
		if no := s.get(role{}, path); no.Code != http.StatusNotFound || !strings.Contains(no.Body.String(), ": ") {
			t.Errorf("%s: %d %s", path, no.Code, no.Body)
		}
	}
}

// checkProvenJSON checks that the JSON of a proof is canonical, holds the bundle and
// says what the bundle does.
func checkProvenJSON(t *testing.T, text, bundle []byte, said settlement.Statement) {
	t.Helper()
	var got struct {
		pages.Proven
		Bundle string `json:"bundle"`
	}
	var tree any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(tree)
	if err != nil || string(again) != strings.TrimSpace(string(text)) {
		t.Errorf("not canonical: %s", text)
	}
	if raw, err := base64.StdEncoding.DecodeString(got.Bundle); err != nil || string(raw) != string(bundle) {
		t.Errorf("another bundle, or %v", err)
	}
	for _, f := range got.Facts {
		if f.Name == "balance" && f.Money.Units != -int64(said.Owed()) || f.Name == "taken" && f.Energy.Wh != int64(said.Import) {
			t.Errorf("%+v of %+v", f, said)
		}
	}
}

// Whoever tries one link after the other is soon told to wait.
func TestProofsAreBounded(t *testing.T) {
	w := sharedTown(t)
	link := w.link(t, w.role(t, "a"), "Abernathy")
	s, err := w.serve(api.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	tried := map[int]int{}
	for range 500 { // More come free each second, on a slow machine many of them.
		if tried[s.get(role{}, link).Code]++; tried[http.StatusTooManyRequests] > 0 {
			break
		}
	}
	if tried[http.StatusOK] < 60 || tried[http.StatusTooManyRequests] == 0 {
		t.Errorf("%v", tried)
	}
}
