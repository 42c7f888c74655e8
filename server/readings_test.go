package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/grid"
)

// counter is a gateway that answers by counting; it knows one device.
type counter struct{ err error }

func (*counter) Knows(user, password string) bool { return user == "7/1" && password == "known" }

func (c *counter) Post(_ context.Context, from grid.Device, messages [][]byte) (receipts [][]byte, err error) {
	for i, m := range messages {
		receipts = append(receipts, fmt.Appendf(nil, "%d %s %s", i, broker.User(from), m))
	}
	return receipts, c.err
}

// deliver posts a body as a device.
func (s *Server) deliver(device, user, password, kind, body string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(http.MethodPost, "/api/v1/microgrids/7/devices/"+device+"/readings", strings.NewReader(body))
	q.Header.Set("Content-Type", kind)
	if user != "" {
		q.SetBasicAuth(user, password)
	}
	return s.ask(q)
}

// A device posts one message or many and gets their receipts.
func TestDeliver(t *testing.T) {
	w := sharedTown(t)
	one := into[api.Delivered](t, w.server.deliver("1", "7/1", "known", "application/cose", "one"))
	if len(one.Receipts) != 1 || string(one.Receipts[0]) != "0 7/1 one" {
		t.Errorf("%q", one.Receipts)
	}
	text := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	many := into[api.Delivered](t, w.server.deliver("1", "7/1", "known", "application/json", `{"messages":["`+text("a")+`","`+text("b")+`"]}`))
	if len(many.Receipts) != 2 || string(many.Receipts[1]) != "1 7/1 b" {
		t.Errorf("%q", many.Receipts)
	}
}

// Who is not the device is turned away before anything of the body is looked at; what
// is no message, and what there is no room for, says so.
func TestDeliverRefused(t *testing.T) {
	w := sharedTown(t)
	for _, c := range []struct{ device, user, password string }{
		{"1", "", ""}, {"1", "7/1", "guess"}, {"2", "7/1", "known"}, {"x", "7/1", "known"}, {"1", "7/2", "known"},
	} {
		no := w.server.deliver(c.device, c.user, c.password, "application/json", "{")
		if checkProblem(t, fmt.Sprint(c), no, http.StatusUnauthorized, "/api/v1/microgrids/7/devices/"+c.device+"/readings"); c.device == "1" && !strings.HasPrefix(no.Header().Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%+v: %v", c, no.Header())
		}
	}
	for _, body := range []string{"{", "[]", `{"messages":[]}`, `{"messages":["%"]}`, `{"messages":[` + strings.Repeat(`"",`, 1000) + `""]}`} {
		if no := w.server.deliver("1", "7/1", "known", "application/json", body); no.Code != http.StatusBadRequest {
			t.Errorf("%.40s: %d %s", body, no.Code, no.Body)
		}
	}
	const path = "/api/v1/microgrids/7/devices/1/readings"
	for _, c := range []struct {
		gateway api.Gateway
		status  int
		says    string
	}{
		{&counter{fmt.Errorf("store: %w", broker.ErrFull)}, http.StatusServiceUnavailable, "send them again later"},
		{&counter{errors.New("a fault")}, http.StatusInternalServerError, "the node could not answer"},
		{nil, http.StatusServiceUnavailable, "--mqtt off"},
	} {
		s, err := w.serve(api.Config{Gateway: c.gateway})
		if err != nil {
			t.Fatal(err)
		}
		no := s.deliver("1", "7/1", "known", "application/cose", "one")
		if checkProblem(t, c.says, no, c.status, path); !strings.Contains(no.Body.String(), c.says) {
			t.Errorf("%d %s", no.Code, no.Body)
		}
		if c.says == "send them again later" && no.Header().Get("Retry-After") == "" {
			t.Error("nobody says when to come again")
		}
		s.api.Close()
	}
}
