package live

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// In three hours anna's roof makes 1000, all of which she gives, and bela uses 300, 600
// and 900, which he did not ask to be green. What she kept is matched with that once,
// and what would be is said before.
func TestMatch(t *testing.T) {
	from := time.Now().Add(-48 * time.Hour).Truncate(time.Hour)
	if from.UTC().Month() != from.Add(4*time.Hour).UTC().Month() {
		from = from.Add(-4 * time.Hour) // All of it in one month.
	}
	h := newHouseOf(t, certified, from)
	h.Source.View, h.Source.Read, h.Source.Now = h.Node.View(), h.Node.Read, h.Now
	h.step()
	var readings []gateway.Reading
	for n := range interval.Time(4) {
		for meter, is := range map[string]struct{ in, out quantity.Energy }{
			"anna": {0, 1000}, "bela": {300 * quantity.Energy(n+1), 0}, "roof": {0, 1000},
		} {
			r := gateway.Reading{Meter: meter, Start: interval.Time(from.Unix()) + n*3600, Length: interval.Minutes60, Quality: gateway.Actual}
			if n < 3 {
				r.Import, r.Export = is.in, is.out
			}
			readings = append(readings, r)
		}
	}
	h.at(from.Add(5 * time.Hour))
	if err := h.Operator.Record(t.Context(), h.community, readings, func() {}); err != nil {
		t.Fatal(err)
	}
	h.step()
	r := h.Registrar()
	r.Between = func(ctx context.Context, f func(context.Context, *community.Community) error) error {
		return f(ctx, h.community)
	}
	anna := h.community.Account("anna")
	before := h.holds(anna)
	month := h.open().Add(-4 * time.Hour).UTC().Format("2006-01")
	ask := MatchAsk{Month: month, Of: []string{"bela"}}
	would, err := r.Match(t.Context(), anna, ask, true)
	if err != nil || !would.DryRun || would.Energy != 1800 || would.Lots != 3 || would.Members != 1 || would.Intervals != 3 || h.holds(anna) != before {
		t.Fatalf("%+v %v: anna has %d of %d", would, err, h.holds(anna), before)
	}
	if len(would.Shares) != 3 || would.Shares[2].Member != "bela" || would.Shares[2].Energy != 900 {
		t.Errorf("%+v", would.Shares)
	}
	did, err := r.Match(t.Context(), anna, ask, false)
	if err != nil || did.DryRun || did.Energy != 1800 || h.holds(anna) != before-1800 {
		t.Fatalf("%+v %v: anna has %d of %d", did, err, h.holds(anna), before)
	}
	for what, test := range map[string]struct {
		account tx.AccountID
		ask     MatchAsk
		want    string
	}{
		"again":                {anna, ask, "there is nothing to match"},
		"her own use":          {anna, MatchAsk{Month: month}, "there is nothing to match"},
		"of no month":          {anna, MatchAsk{Month: "May"}, `there is no month "May": write it as in 2026-06`},
		"of a month to come":   {anna, MatchAsk{Month: "2100-01"}, "nothing of 2100-01 is final yet"},
		"of nobody":            {anna, MatchAsk{Month: month, Of: []string{"carla"}}, `there is no member "carla"`},
		"of no zone":           {anna, MatchAsk{Month: month, Zone: "z"}, `there is no zone "z"`},
		"by who has none":      {h.community.Account("mill"), MatchAsk{Month: month}, "there is nothing to match"},
		"of the whole village": {anna, MatchAsk{Month: month, Zone: h.community.Zones[0].ID}, "there is nothing to match"},
	} {
		if _, err := r.Match(t.Context(), test.account, test.ask, true); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", what, err, test.want)
		} else if _, unfit := errors.AsType[*api.Unfit](err); !unfit {
			t.Errorf("%s: %v is no fault of who asks", what, err)
		}
	}
}
