package server

import (
	"net/http"
	"testing"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/pages"
)

// staged is a demo with two roles.
type staged struct{ roles []api.DemoRole }

func (staged) Speed() float64          { return 0 }
func (staged) Seed() uint64            { return 7 }
func (staged) Ready() bool             { return true }
func (s staged) Roles() []api.DemoRole { return s.roles }

// In a demo, whoever comes is its first role and may be another one, for whom the
// same rules hold; elsewhere there are no roles to be had.
func TestDemoRoles(t *testing.T) {
	w := sharedTown(t)
	a, b := w.role(t, "a"), w.role(t, "b")
	s, err := w.serve(api.Config{Demo: staged{[]api.DemoRole{{ID: "a", Label: "A", Viewer: a.viewer}, {ID: "b", Label: "B", Viewer: b.viewer}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	sees := func(r role, of pages.Viewer) int {
		return s.get(r, url("/api/v1/accounts/%d/days/2026-06-20", of.Account)).Code
	}
	for _, came := range []role{{}, {cookie: "unknown"}} {
		if own, others := sees(came, a.viewer), sees(came, b.viewer); own != http.StatusOK || others != http.StatusForbidden {
			t.Errorf("the first role sees its own day %d, another's %d", own, others)
		}
	}
	be := s.ask(role{}.request(http.MethodPost, "/api/v1/demo/role", []byte(`{"id":"b"}`)))
	became := role{cookie: be.Result().Cookies()[0].Value}
	if own, others := sees(became, b.viewer), sees(became, a.viewer); own != http.StatusOK || others != http.StatusForbidden {
		t.Errorf("the second role sees its own day %d, another's %d", own, others)
	}
	checkProblem(t, "a role that is not there", s.ask(role{}.request(http.MethodPost, "/api/v1/demo/role", []byte(`{"id":"root"}`))), http.StatusNotFound, "/api/v1/demo/role")
	checkProblem(t, "elsewhere", w.server.ask(role{}.request(http.MethodPost, "/api/v1/demo/role", []byte(`{"id":"b"}`))), http.StatusNotFound, "/api/v1/demo/role")
}
