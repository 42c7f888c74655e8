package server

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/tx"
)

// clerk takes what is asked of certificates and does nothing: who may ask is the
// server's to say, and what becomes of it is tested in package live.
type clerk struct{}

func (clerk) Transfer(_ context.Context, _ tx.AccountID, t api.Transfer, dry bool) (api.Passing, error) {
	return api.Passing{DryRun: dry, To: t.To, Parts: []pages.Certificate{}}, nil
}

func (clerk) Cancel(_ context.Context, _ tx.AccountID, c api.Cancellation, dry bool) (api.Passing, error) {
	return api.Passing{DryRun: dry, Beneficiary: c.Beneficiary, Parts: []pages.Certificate{}}, nil
}

func (clerk) Rules(context.Context, tx.AccountID) (api.Rules, error) {
	return api.Rules{Rules: []api.Rule{}}, nil
}

func (clerk) SetRules(_ context.Context, _ tx.AccountID, r api.Rules, dry bool) (api.Rules, error) {
	r.DryRun = dry
	return r, nil
}

func (clerk) Statement(context.Context, tx.AccountID, string) ([]byte, error) {
	return []byte("{}"), nil
}

func (clerk) Consume(context.Context, tx.AccountID, []byte) (int, error) {
	return 0, &api.Unfit{Text: "there is no row below the header: send one"}
}

// asked are the accounts that queries ask for: two households, one of another
// microgrid, a buyer and nobody.
func (w *town) asked() []tx.AccountID {
	return []tx.AccountID{w.near.Account("Abernathy"), w.near.Account("Bartholomew"), w.far.Account("Rasmussen"), w.near.Account("Quartermaine"), 12345}
}

// withCertificates adds the queries of certificates, for every account that is asked for.
func (w *town) withCertificates(all map[string][]query) map[string][]query {
	get := func(id, path string, args ...any) {
		all[id] = append(all[id], query{http.MethodGet, url("/api/v1/"+path, args...), ""})
	}
	post := func(id, body, path string, args ...any) {
		all[id] = append(all[id], query{http.MethodPost, url("/api/v1/"+path, args...), body})
	}
	for _, a := range w.asked() {
		get("certificates", "accounts/%d/certificates", a)
		get("certificate-lots", "accounts/%d/certificates/2026-06/lots", a)
		get("matching-of", "accounts/%d/matching/2026", a)
		get("matching-of-csv", "accounts/%d/matching/2026/hours.csv", a)
		get("cancellation", "accounts/%d/cancellations/%064d", a, 0)
		get("cancellation-csv", "accounts/%d/cancellations/%064d/lots.csv", a, 0)
		post("certificates-transfer", `{"energy_wh":1,"to":"Quartermaine"}`, "accounts/%d/certificates/transfer?dry_run=true", a)
		post("certificates-cancel", `{"energy_wh":1,"beneficiary":"x","purpose":"other"}`, "accounts/%d/certificates/cancel?dry_run=true", a)
		get("certificate-rules", "accounts/%d/certificates/rules", a)
		post("certificate-set-rules", `{"rules":[{"share_ppm":500000,"to":"Quartermaine"}]}`, "accounts/%d/certificates/rules?dry_run=true", a)
		post("consume", "start,wh\n", "accounts/%d/consumption", a)
	}
	for _, m := range []uint64{uint64(w.near.Microgrid()), uint64(w.far.Microgrid())} {
		get("matching", "microgrids/%d/matching/2026", m)
		get("matching-csv", "microgrids/%d/matching/2026/hours.csv", m)
	}
	return all
}

// One home of the near community has panels: what all produced is what it produced, and
// is told to its operator only.
func TestFewPlants(t *testing.T) {
	w := sharedTown(t)
	address := url("/api/v1/microgrids/%d/matching/2026", w.near.Microgrid())
	for _, name := range []string{"a", "buyer", "other-op", "auditor", "visitor"} {
		y := into[pages.MatchYear](t, w.server.get(w.role(t, name), address))
		if !y.Withheld || len(y.Months) != 0 || y.Certified != nil || y.Total.Produced.Wh != 0 || slices.Max(y.Used) != -1 {
			t.Errorf("%s is told %+v", name, y.Total)
		}
		if rows := strings.Count(w.server.get(w.role(t, name), address+"/hours.csv").Body.String(), "\n"); rows != 1 {
			t.Errorf("%s gets %d lines", name, rows)
		}
	}
	y := into[pages.MatchYear](t, w.server.get(w.role(t, "operator"), address))
	if y.Withheld || y.Total.Produced.Wh == 0 || y.Certified == nil || y.Certified.Issued.Wh != y.Total.Produced.Wh {
		t.Errorf("the operator is told %+v %+v", y.Total, y.Certified)
	}
}
