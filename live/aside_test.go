package live

import (
	"errors"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/op"
)

// What anna sets aside for the mill is said before; the mill takes it, or gives it
// back, and anna has it back after the deadline.
func TestAside(t *testing.T) {
	h, r := newCertified(t)
	anna, mill := h.community.Account("anna"), h.community.Account("mill")
	reserve := func(wh int64, dry bool) (api.Passing, error) {
		return r.Reserve(t.Context(), anna, Reserve{Selection: api.Selection{Energy: wh}, For: "mill", Days: 10}, dry)
	}
	if would, err := reserve(1500, true); err != nil || !would.DryRun || would.Lots != 2 || would.Left.Wh != 4500 || h.holds(anna) != 6000 {
		t.Fatalf("%+v %v", would, err)
	}
	if _, err := reserve(1500, false); err != nil || h.holds(anna) != 4500 || h.holds(mill) != 0 {
		t.Fatalf("anna has %d, the mill %d, %v", h.holds(anna), h.holds(mill), err)
	}
	list, err := r.Asides(t.Context(), mill)
	if err != nil || len(list) != 2 || list[0].Holder != "anna" || list[0].For != "mill" || list[0].Energy != 1000 {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := r.Take(t.Context(), anna, Aside{With: "mill"}, true); err == nil || !strings.Contains(err.Error(), "nothing is set aside") {
		t.Errorf("anna takes what is the mill's: %v", err)
	}
	if would, err := r.Take(t.Context(), mill, Aside{With: "anna"}, true); err != nil || would.Energy.Wh != 1500 || would.Left.Wh != 1500 || h.holds(mill) != 0 {
		t.Errorf("%+v %v", would, err)
	}
	if _, err := r.Take(t.Context(), mill, Aside{With: "anna"}, false); err != nil || h.holds(mill) != 1500 {
		t.Errorf("the mill has %d, %v", h.holds(mill), err)
	}
	if _, err := reserve(500, false); err != nil {
		t.Fatal(err)
	}
	if did, err := r.Release(t.Context(), mill, Aside{With: "anna"}, false); err != nil || did.Left.Wh != 1500 || h.holds(anna) != 4500 {
		t.Errorf("%+v %v: anna has %d", did, err, h.holds(anna))
	}
	if _, err := reserve(4501, false); err == nil {
		t.Error("more is set aside than there is")
	}
	ask := Reserve{Selection: api.Selection{Energy: 1}, For: "mill", Days: 91}
	if _, err := r.Reserve(t.Context(), anna, ask, true); !errors.Is(err, error(certificate.ErrReserveUntil)) {
		t.Errorf("for too long: %v", err)
	}
}

// Who accepts from a list gets nothing of others.
func TestAccept(t *testing.T) {
	h, r := newCertified(t)
	anna, mill := h.community.Account("anna"), h.community.Account("mill")
	pass := func() error {
		_, err := r.Transfer(t.Context(), anna, api.Transfer{Selection: api.Selection{Energy: 100}, To: "mill"}, true)
		return err
	}
	for _, c := range []struct {
		ask     Accepting
		refused bool
	}{
		{Accepting{From: []string{"bela"}}, true}, {Accepting{From: []string{"bela", "anna"}}, false}, {Accepting{}, true}, {Accepting{Everybody: true}, false},
	} {
		if is, err := r.Accept(t.Context(), mill, c.ask, false); err != nil || is.DryRun {
			t.Fatal(is, err)
		}
		_, refused := errors.AsType[*op.Refusal](pass())
		if refused != c.refused {
			t.Errorf("%+v: refused is %v", c.ask, refused)
		}
	}
	if _, err := r.Accept(t.Context(), mill, Accepting{From: []string{"carla"}}, true); err == nil {
		t.Error("nobody is on the list")
	}
}
