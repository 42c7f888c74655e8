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
	"github.com/commonwatt/commonwatt/paper"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/settlement"
)

// claimedIn sums up what the statements in a bundle claimed, and what their homes used.
func claimedIn(t *testing.T, raw []byte) (claimed, used int64) {
	t.Helper()
	bundle, err := proof.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	found, err := bundle.Verify(bundle.Anchor(), interval.Time(time.Now().Unix()))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range found.Receipts {
		said := settlement.StatementReceipt.Read(r.Fact.Receipt())
		used += int64(said.Import + said.Produced - said.Export)
		for _, o := range said.Origins {
			if o.Claimed {
				claimed += int64(o.Energy)
			}
		}
	}
	return claimed, used
}

// The statement of a month says what the proofs of its days prove, to the Wh. Its own
// address is for who may see the account, its link for whoever was given it.
func TestStatementOfAMonth(t *testing.T) {
	w := sharedTown(t)
	s, err := w.serve(api.Config{}) // Which counts nobody else's requests.
	if err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	own, other := w.role(t, "a"), w.role(t, "b")
	path := url("/statement/%d/2026-06", w.near.Account("Abernathy"))
	var m struct {
		pages.CertifiedMonth
		Bundles []paper.DayBundle `json:"bundles"`
	}
	if err := json.Unmarshal(s.get(own, path+".json").Body.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Bundles) != len(m.Days) || len(m.Days) == 0 || m.Used == 0 {
		t.Fatalf("%+v", m.CertifiedMonth)
	}
	for i, d := range m.Days {
		raw, err := base64.StdEncoding.DecodeString(m.Bundles[i].Bundle)
		if err != nil {
			t.Fatal(err)
		}
		if claimed, used := claimedIn(t, raw); claimed != d.Claimed || used != d.Used || m.Bundles[i].Date != d.Date {
			t.Errorf("%s: the receipts claim %d of %d, the statement says %+v", d.Date, claimed, used, d)
		}
	}
	day := "/" + m.Days[0].Date + ".cwproof"
	for _, address := range []string{path, m.Proof} {
		for _, form := range []string{"", ".pdf", ".csv", ".json", day} {
			for r, want := range map[*role]int{&own: http.StatusOK, &other: http.StatusForbidden, {}: http.StatusUnauthorized} {
				if address == m.Proof {
					want = http.StatusOK
				}
				if got := s.get(*r, address+form); got.Code != want {
					t.Errorf("%s%s as %q: %d, want %d: %.200s", address, form, r.name, got.Code, want, got.Body)
				}
			}
		}
	}
	for _, bad := range []string{m.Proof[:len(m.Proof)-2] + "00", m.Proof + ".xml", m.Proof + "/2026-07-01.cwproof", m.Proof + "/2026-06-20.pdf", m.Proof + "/2026-06-01.cwproof", strings.Replace(m.Proof, "2026-06", "2026-13", 1), "/p/m-1-2026-06-0000000000000000"} {
		if no := s.get(role{}, bad); no.Code != http.StatusNotFound {
			t.Errorf("%s: %d %.200s", bad, no.Code, no.Body)
		}
	}
}
