package live

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// certified has a roof, and a buyer who has none; an interval is final as soon as it
// is settled.
const certified = `[community]
name = "Certified"
certificates = true
correction_days = 0
[tariff]
retail = 0.30
feed_in = 0.08
[[member]]
name = "anna"
[[member.device]]
meter = "roof"
kind = "solar"
[[member]]
name = "bela"
[[buyer]]
name = "mill"
`

// newCertified settles three hours in which anna's roof makes 1000, 2000 and 3000 Wh,
// all of which she gives and nobody takes.
func newCertified(t *testing.T) (h *house, r *Registrar) {
	t.Helper()
	return newCertifiedOf(t, certified)
}

// newCertifiedOf is newCertified of a file that differs a little.
func newCertifiedOf(t *testing.T, file string) (h *house, r *Registrar) {
	t.Helper()
	from := time.Now().Add(-24 * time.Hour).Truncate(time.Hour)
	h = newHouseOf(t, file, from)
	h.Source.View, h.Source.Read, h.Source.Now = h.Node.View(), h.Node.Read, h.Now
	h.step()
	var readings []gateway.Reading
	for n := range interval.Time(4) {
		for _, m := range []string{"anna", "bela", "roof"} {
			reading := gateway.Reading{Meter: m, Start: interval.Time(from.Unix()) + n*3600, Length: interval.Minutes60, Quality: gateway.Actual}
			if m != "bela" && n < 3 {
				reading.Export = quantity.Energy(1000 * (1 + n))
			}
			readings = append(readings, reading)
		}
	}
	h.at(from.Add(5 * time.Hour))
	if err := h.Operator.Record(t.Context(), h.community, readings, func() {}); err != nil {
		t.Fatal(err)
	}
	h.step()
	r = h.Registrar()
	r.Between = func(ctx context.Context, f func(context.Context, *community.Community) error) error {
		return f(ctx, h.community)
	}
	h.Source.Consumption = r.Consumption
	return h, r
}

// What may still be corrected is not chosen, and waits.
func TestOpenCertificatesWait(t *testing.T) {
	h, r := newCertifiedOf(t, strings.Replace(certified, "correction_days = 0", "correction_days = 2", 1))
	_, err := r.Transfer(t.Context(), h.community.Account("anna"), api.Transfer{Selection: api.Selection{Energy: 1}, To: "mill"}, true)
	const want = "has 0.000 kWh of final certificates, not 0.001 kWh: take less; 6.000 kWh more may still be corrected"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// What is passed on is said before it is done, lot by lot, the oldest first; it is
// done once, and what cannot be is refused in words.
func TestTransfer(t *testing.T) {
	h, r := newCertified(t)
	anna, mill := h.community.Account("anna"), h.community.Account("mill")
	ask := func(wh int64, to string) api.Transfer {
		return api.Transfer{Selection: api.Selection{Energy: wh}, To: to}
	}
	would, err := r.Transfer(t.Context(), anna, ask(1500, "mill"), true)
	if err != nil || !would.DryRun || would.Lots != 2 || would.Energy.Wh != 1500 || would.Left.Wh != 4500 || would.Parts[0].Energy != 1000 || would.Parts[1].Energy != 500 || would.Parts[0].Meter != "roof" {
		t.Fatalf("%+v %v", would, err)
	}
	if has := h.holds(mill); has != 0 {
		t.Errorf("a dry run passed %d Wh on", has)
	}
	did, err := r.Transfer(t.Context(), anna, ask(1500, "mill"), false)
	if err != nil || did.DryRun || did.Lots != would.Lots || h.holds(mill) != 1500 || h.holds(anna) != 4500 {
		t.Fatalf("%+v %v: %d Wh", did, err, h.holds(mill))
	}
	for what, test := range map[string]struct {
		account tx.AccountID
		ask     api.Transfer
		want    string
	}{
		"more than there is": {anna, ask(4501, "mill"), "the account has 4.500 kWh of final certificates, not 4.501 kWh: take less"},
		"of another month":   {anna, api.Transfer{Selection: api.Selection{Energy: 1, Month: "2001-02"}, To: "mill"}, "has 0.000 kWh of final certificates of 2001-02"},
		"of no month":        {anna, api.Transfer{Selection: api.Selection{Energy: 1, Month: "May"}, To: "mill"}, `there is no month "May": write it as in 2026-06`},
		"of another device":  {anna, api.Transfer{Selection: api.Selection{Energy: 1, Device: "anna"}, To: "mill"}, "has 0.000 kWh of final certificates from anna"},
		"of no device":       {anna, api.Transfer{Selection: api.Selection{Energy: 1, Device: "hut"}, To: "mill"}, `there is no device "hut"`},
		"to nobody":          {anna, ask(1, "carla"), `there is no member and no buyer "carla"`},
		"to no account":      {anna, ask(1, "12345"), certificate.ErrTransferTo.Text},
		"to herself":         {anna, ask(1, "anna"), certificate.ErrTransferSelf.Text},
		"nothing":            {anna, ask(0, "mill"), "give an energy above 0"},
	} {
		for _, dry := range []bool{true, false} {
			_, err := r.Transfer(t.Context(), test.account, test.ask, dry)
			_, unfit := errors.AsType[*api.Unfit](err)
			_, refused := errors.AsType[*op.Refusal](err)
			if !unfit && !refused || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, dry %v: %v, want %q", what, dry, err, test.want)
			}
		}
	}
	c, err := h.Source.Certificates(t.Context(), pages.Viewer{Role: pages.Buyer, Account: mill, Microgrid: h.community.Microgrid()}, mill)
	if err != nil || c.Of != "buyer" || c.Free.Wh != 1500 || len(c.Moves) != 1 || c.Moves[0].Kind != "received" || strings.Contains(c.Moves[0].With, "anna") || strings.Contains(c.Held[0].Meter, "roof") {
		t.Errorf("the mill is told %+v, %v", c, err)
	}
	if c, err = h.Source.Certificates(t.Context(), pages.Viewer{Role: pages.Household, Account: anna, Microgrid: h.community.Microgrid()}, anna); err != nil || c.Moves[0].With != "mill" || c.Held[0].Meter != "roof" {
		t.Errorf("anna is told %+v, %v", c, err)
	}
}

// Whoever looks right after passing something on finds it passed on.
func TestTransferIsShown(t *testing.T) {
	h, r := newCertified(t)
	anna, mill := h.community.Account("anna"), h.community.Account("mill")
	for n := range int64(100) {
		if _, err := r.Transfer(t.Context(), anna, api.Transfer{Selection: api.Selection{Energy: 1}, To: "mill"}, false); err != nil {
			t.Fatal(err)
		}
		if has := h.holds(mill); has != n+1 {
			t.Fatalf("after passing on %d Wh, the mill is shown %d", n+1, has)
		}
	}
}

// Who is named as the beneficiary stands in a statement, whose hash is on the ledger;
// nobody else than who had the certificates gets it.
func TestCancel(t *testing.T) {
	h, r := newCertified(t)
	anna := h.community.Account("anna")
	ask := api.Cancellation{Selection: api.Selection{Energy: 2500}, Beneficiary: "Bakery & Söhne", Purpose: "disclosure", Note: "bread"}
	would, err := r.Cancel(t.Context(), anna, ask, true)
	if err != nil || would.Statement != "" || would.Energy.Wh != 2500 || h.holds(anna) != 6000 {
		t.Fatalf("%+v %v", would, err)
	}
	if _, err := os.Stat(filepath.Join(h.Dir, StatementsDir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a dry run left a statement: %v", err)
	}
	did, err := r.Cancel(t.Context(), anna, ask, false)
	if err != nil || h.holds(anna) != 3500 {
		t.Fatalf("%+v %v", did, err)
	}
	text, err := r.Statement(t.Context(), anna, did.Statement)
	if err != nil {
		t.Fatal(err)
	}
	var s Statement
	sum := sha256.Sum256(text)
	if err := json.Unmarshal(text, &s); err != nil || hex.EncodeToString(sum[:]) != did.Statement || s.Beneficiary != ask.Beneficiary || s.Energy != 2500 || len(s.Lots) != 2 || s.Lots[0].Kind != "solar" || len(s.Salt) != 32 {
		t.Errorf("%s %v", text, err)
	}
	var csv strings.Builder
	viewer := pages.Viewer{Role: pages.Household, Account: anna, Microgrid: h.community.Microgrid()}
	if err := h.Source.CancellationCSV(t.Context(), &csv, viewer, anna, did.Statement); err != nil || strings.Count(csv.String(), ",roof,") != 2 || !strings.Contains(csv.String(), ",1000,0,1000,") {
		t.Errorf("%s %v", csv.String(), err)
	}
	for what, test := range map[string]struct {
		account tx.AccountID
		name    string
	}{
		"bela's": {h.community.Account("bela"), did.Statement}, "none": {anna, strings.Repeat("0", 64)}, "a path": {anna, "../../operator.key"},
	} {
		_, err := r.Statement(t.Context(), test.account, test.name)
		if _, none := errors.AsType[*pages.NotFound](err); !none {
			t.Errorf("%s: %v", what, err)
		}
	}
	path := filepath.Join(h.Dir, StatementsDir, did.Statement+".json")
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "Bakery", "Butcher", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Statement(t.Context(), anna, did.Statement); err == nil || !strings.Contains(err.Error(), "is not what was kept") {
		t.Errorf("another beneficiary: %v", err)
	}
	ask.Energy = 3501
	if _, err := r.Cancel(t.Context(), anna, ask, false); err == nil {
		t.Error("more is used up than there is")
	}
	for _, bad := range []api.Cancellation{{Selection: ask.Selection, Beneficiary: " ", Purpose: "other"}, {Selection: ask.Selection, Beneficiary: "x", Purpose: "fun"}} {
		if _, err := r.Cancel(t.Context(), anna, bad, true); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	if files, err := os.ReadDir(filepath.Join(h.Dir, StatementsDir)); err != nil || len(files) != 1 {
		t.Errorf("what was refused left a statement: %v %v", files, err)
	}
}

// A buyer says what it used, and its certificates are held against it, hour by hour.
func TestConsume(t *testing.T) {
	h, r := newCertified(t)
	mill := h.community.Account("mill")
	if _, err := r.Transfer(t.Context(), h.community.Account("anna"), api.Transfer{Selection: api.Selection{Energy: 2500}, To: "mill"}, false); err != nil {
		t.Fatal(err)
	}
	h.holds(mill)
	first := h.open().Add(-4 * time.Hour).UTC()
	row := func(hours int, wh string) string {
		return first.Add(time.Duration(hours)*time.Hour).Format(time.RFC3339) + "," + wh + "\n"
	}
	text := ConsumptionHeader + "\n" + row(0, "600") + row(1, "5000") + row(2, "100")
	if n, err := r.Consume(t.Context(), mill, []byte(text)); err != nil || n != 3 {
		t.Fatal(n, err)
	}
	y, err := h.Source.MatchingOf(t.Context(), mill, first.Year())
	if err != nil || y.Of != "buyer" || y.Total.Used.Wh != 5700 || y.Total.Matched.Wh != 600+1500 || y.Total.Share != 368 || y.Total.Claimed.Wh != 0 {
		t.Errorf("%+v %v", y.Total, err)
	}
	for what, bad := range map[string]struct {
		account tx.AccountID
		text    string
		want    string
	}{
		"a household": {h.community.Account("anna"), text, "only a buyer says what it used"},
		"no header":   {mill, row(0, "600"), "line 1: the header is not start,wh"},
		"nothing":     {mill, ConsumptionHeader + "\n", "there is no row"},
		"below zero":  {mill, ConsumptionHeader + "\n" + row(0, "-1"), `line 2: "-1" is no whole number`},
		"a kWh":       {mill, ConsumptionHeader + "\n" + row(0, "0.6"), `line 2: "0.6" is no whole number`},
		"no time":     {mill, ConsumptionHeader + "\nnoon,1\n", `line 2: "noon" is no time`},
		"backwards":   {mill, ConsumptionHeader + "\n" + row(1, "1") + row(0, "1"), "line 3:"},
		"three":       {mill, ConsumptionHeader + "\n" + strings.TrimSpace(row(1, "1")) + ",1\n", "wrong number of fields"},
	} {
		if _, err := r.Consume(t.Context(), bad.account, []byte(bad.text)); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: %v, want %q", what, err, bad.want)
		}
	}
	if kept, err := r.Consumption(mill); err != nil || len(kept) != 3 {
		t.Errorf("what was refused replaced what was kept: %v %v", kept, err)
	}
}

// holds is what an account is shown to have of certificates, at once: what was booked is
// shown by then.
func (h *house) holds(account tx.AccountID) (wh int64) {
	h.t.Helper()
	err := h.Source.View.Read(h.t.Context(), func(r *view.Reader) error {
		return r.Holdings(account, func(l view.HeldLot) error {
			wh += int64(l.Energy)
			return nil
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return wh
}
