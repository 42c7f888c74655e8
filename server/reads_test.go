package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/node"
)

// A node without a read model shows nobody an empty ledger.
func TestNoReads(t *testing.T) {
	served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, c := range []struct {
		method, path string
		missing      error
		want         int
	}{
		{http.MethodGet, "/api/v1/head", &node.NoReads{First: 9}, http.StatusServiceUnavailable},
		{http.MethodGet, "/bill/1/2026-01", &node.NoReads{First: 9}, http.StatusServiceUnavailable},
		{http.MethodGet, "/", &node.NoReads{First: 9}, http.StatusServiceUnavailable},
		{http.MethodPost, "/api/v1/envelopes", &node.NoReads{First: 9}, http.StatusNoContent},
		{http.MethodGet, "/healthz", &node.NoReads{First: 9}, http.StatusNoContent},
		{http.MethodGet, "/api/v1/head", nil, http.StatusNoContent},
	} {
		answer := httptest.NewRecorder()
		readable(func() error { return c.missing }, served).ServeHTTP(answer, httptest.NewRequest(c.method, c.path, nil))
		if answer.Code != c.want || c.want == http.StatusServiceUnavailable && !strings.Contains(answer.Body.String(), "no read model") {
			t.Errorf("%s %s with %v: %d %s", c.method, c.path, c.missing, answer.Code, answer.Body)
		}
	}
}
