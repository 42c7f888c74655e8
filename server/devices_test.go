package server

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/tx"
)

// drawer lets owners connect devices, from a drawer of codes; the ledger behind it
// answers with err.
type drawer struct {
	*session.Codes
	err error
}

func (*drawer) Node(context.Context) (api.DeviceNode, error) {
	return api.DeviceNode{Chain: "town-1", MQTT: "mqtt://127.0.0.1:1883", ReceiptKey: make([]byte, 32)}, nil
}

func (d *drawer) Code(_ context.Context, account tx.AccountID, of grid.DeviceID, replaced bool) (api.EnrolCode, error) {
	code, _, err := d.Make(session.Code{Meter: fmt.Sprint(account), Device: uint64(of), Replaced: replaced})
	return api.EnrolCode{Code: code, URL: "http://localhost:8420/meters#" + code}, err
}

func (d *drawer) Enrol(_ context.Context, e api.Enrolment) (api.Enrolled, error) {
	if d.err != nil {
		return api.Enrolled{}, d.err
	}
	c, err := d.Take(e.Code)
	return api.Enrolled{Device: grid.DeviceID(c.Device), Epoch: 1}, err
}

func (*drawer) Dispute(context.Context, tx.AccountID, grid.DeviceID, string, string) error {
	return nil
}

func (d *drawer) Revoke(_ context.Context, _ tx.AccountID, of grid.DeviceID) error {
	if of == 999 {
		return &pages.NotFound{What: "device 999 of this household", Next: "the list of meters says which it has"}
	}
	return d.err
}

func (w *town) newDrawer(t *testing.T, err error) *drawer {
	t.Helper()
	codes, bad := session.OpenCodes("", w.clock.now)
	if bad != nil {
		t.Fatal(bad)
	}
	return &drawer{codes, err}
}

// brings enrols a key by a code, as a device does.
func (s *Server) brings(code string, change ...func(*api.Enrolment)) *httptest.ResponseRecorder {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	e := api.Enrolment{Code: code, Key: private.Public().(ed25519.PublicKey), Signature: device.SignEnrolment(code, private)}
	for _, f := range change {
		f(&e)
	}
	text, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return s.ask(role{}.request(http.MethodPost, "/api/v1/devices/enrol", text))
}

// A code that its owner made enrols a device that has the key, once; each other try has
// an answer of its own.
func TestEnrol(t *testing.T) {
	w := sharedTown(t)
	s, err := w.serve(api.Config{Devices: w.newDrawer(t, nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	owner := w.role(t, "a")
	makes := func() api.EnrolCode {
		t.Helper()
		path := url("/api/v1/accounts/%d/meters/%d/code?replaced=true", w.near.Account("Abernathy"), w.near.DeviceID("Abernathy"))
		return into[api.EnrolCode](t, s.ask(owner.request(http.MethodPost, path, nil)))
	}
	code := makes()
	if code.QR == nil || code.QR.Size < 25 || !strings.HasPrefix(code.QR.Path, "M") || len(code.Code) != 14 {
		t.Errorf("%+v", code)
	}
	checkProblem(t, "another's signature", s.brings(code.Code, func(e *api.Enrolment) { e.Signature[0] ^= 1 }), http.StatusUnprocessableEntity, "/api/v1/devices/enrol")
	checkProblem(t, "a key of nobody", s.brings(code.Code, func(e *api.Enrolment) { e.Key = make([]byte, 32) }), http.StatusUnprocessableEntity, "/api/v1/devices/enrol")
	if e := into[api.Enrolled](t, s.brings(code.Code)); e.Device != w.near.DeviceID("Abernathy") || e.Epoch != 1 {
		t.Errorf("%+v", e)
	}
	checkProblem(t, "used", s.brings(code.Code), http.StatusConflict, "/api/v1/devices/enrol")
	checkProblem(t, "a guess", s.brings("0000-0000-0000"), http.StatusNotFound, "/api/v1/devices/enrol")
	late := makes()
	w.clock.pass(session.CodeLife + 1e9)
	checkProblem(t, "late", s.brings(late.Code), http.StatusGone, "/api/v1/devices/enrol")
	node := into[api.DeviceNode](t, s.get(role{}, "/api/v1/devices"))
	if node.Chain != "town-1" || len(node.ReceiptKey) != 32 {
		t.Errorf("%+v", node)
	}
}

// What the ledger refuses is told; without devices there is nothing to enrol.
func TestEnrolRefused(t *testing.T) {
	w := sharedTown(t)
	for _, c := range []struct {
		devices api.Devices
		status  int
		says    string
	}{
		{w.newDrawer(t, fmt.Errorf("booking: %w", device.ErrNotOwner)), http.StatusConflict, "the ledger refuses: device: only the account"},
		{w.newDrawer(t, session.ErrDevicesFull), http.StatusServiceUnavailable, "100,000 devices"},
		{w.newDrawer(t, errors.New("a fault")), http.StatusInternalServerError, "the node could not answer"},
		{nil, http.StatusServiceUnavailable, "--mqtt off"},
	} {
		s, err := w.serve(api.Config{Devices: c.devices})
		if err != nil {
			t.Fatal(err)
		}
		no := s.brings("0000-0000-0000")
		if checkProblem(t, c.says, no, c.status, "/api/v1/devices/enrol"); !strings.Contains(no.Body.String(), c.says) {
			t.Errorf("%s", no.Body)
		}
		s.api.Close()
	}
}

// Who guesses codes is soon told to wait, long before the general limit.
func TestGuessing(t *testing.T) {
	w := sharedTown(t)
	s, err := w.serve(api.Config{Devices: w.newDrawer(t, nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	for n := range 11 {
		answer := s.brings(fmt.Sprintf("0000-0000-%04d", n))
		want := http.StatusNotFound
		if n == 10 {
			want = http.StatusTooManyRequests
		}
		if answer.Code != want || (answer.Header().Get("Retry-After") != "") != (n == 10) {
			t.Errorf("guess %d: %d %s", n, answer.Code, answer.Body)
		}
	}
}
