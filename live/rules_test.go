package live

import (
	"errors"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/op"
)

// Rules are said before they are set, are read as they were set, and end.
func TestRules(t *testing.T) {
	h, r := newCertified(t)
	anna := h.community.Account("anna")
	ask := Rules{Rules: []Rule{{Most: 200, To: "mill"}, {SharePPM: 500_000, Beneficiary: "Bakery", Purpose: "disclosure"}}}
	would, err := r.SetRules(t.Context(), anna, ask, true)
	if err != nil || !would.DryRun || len(would.Rules) != 2 || would.Rules[1].Statement != "" {
		t.Fatalf("%+v %v", would, err)
	}
	if is, err := r.Rules(t.Context(), anna); err != nil || len(is.Rules) != 0 {
		t.Errorf("a dry run set %+v, %v", is, err)
	}
	did, err := r.SetRules(t.Context(), anna, ask, false)
	if err != nil {
		t.Fatal(err)
	}
	is, err := r.Rules(t.Context(), anna)
	if err != nil || len(is.Rules) != 2 || is.Rules[0] != ask.Rules[0] || is.Rules[1] != did.Rules[1] || is.Rules[1].Beneficiary != "Bakery" {
		t.Errorf("%+v %v, want %+v", is, err, did)
	}
	if _, err := r.Statement(t.Context(), anna, is.Rules[1].Statement); err != nil {
		t.Error(err)
	}
	for what, test := range map[string]struct {
		ask  Rules
		want string
	}{
		"to nobody":   {Rules{Rules: []Rule{{Most: 1, To: "carla"}}}, `there is no member and no buyer "carla"`},
		"to herself":  {Rules{Rules: []Rule{{Most: 1, To: "anna"}}}, certificate.ErrRulesSelf.Text},
		"of nothing":  {Rules{Rules: []Rule{{To: "mill"}}}, certificate.ErrRulesAmount.Text},
		"for fun":     {Rules{Rules: []Rule{{Most: 1, Beneficiary: "x", Purpose: "fun"}}}, "there is no purpose"},
		"from no day": {Rules{From: "May", Rules: []Rule{}}, `there is no day "May"`},
	} {
		_, err := r.SetRules(t.Context(), anna, test.ask, false)
		_, unfit := errors.AsType[*api.Unfit](err)
		_, refused := errors.AsType[*op.Refusal](err)
		if !unfit && !refused || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", what, err, test.want)
		}
	}
	if _, err := r.SetRules(t.Context(), anna, Rules{}, false); err != nil {
		t.Fatal(err)
	}
	if is, err = r.Rules(t.Context(), anna); err != nil || len(is.Rules) != 0 {
		t.Errorf("%+v are left, %v", is, err)
	}
}
