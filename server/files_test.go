package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/metering"
)

// shelf takes the readings of meter files, as many as there is room for; then the
// ledger refuses.
type shelf struct {
	community *community.Community
	room      int
	booked    []gateway.Reading
}

func (s *shelf) Expect(context.Context) (gateway.Expect, []string, error) {
	c := s.community
	return gateway.Expect{Meters: c.Meters(), Length: c.Length, Zone: c.TimeZone}, c.Meters().All(), nil
}

func (s *shelf) Book(_ context.Context, readings []gateway.Reading) (int, error) {
	n := min(len(readings), s.room-len(s.booked))
	s.booked = append(s.booked, readings[:n]...)
	if n < len(readings) {
		return n, fmt.Errorf("booking: %w", metering.ErrNoReadings)
	}
	return n, nil
}

// sends posts a meter file as a role.
func (s *Server) sends(r role, microgrid any, query string, body []byte) *httptest.ResponseRecorder {
	return s.ask(r.request(http.MethodPost, url("/api/v1/microgrids/%v/files?name=june.csv&%s", microgrid, query), body))
}

// refused reads why a file was refused.
func refused(t *testing.T, what string, answer *httptest.ResponseRecorder) (r api.RefusedFile) {
	t.Helper()
	if err := json.Unmarshal(answer.Body.Bytes(), &r); err != nil || answer.Code != http.StatusUnprocessableEntity || r.Instance == "" {
		t.Fatalf("%s: %d %s %v", what, answer.Code, answer.Body, err)
	}
	return r
}

// An operator's file is read, told of and booked; a bad one is refused whole, with its
// line; unknown meters are named, and named again they are known.
func TestMeterFile(t *testing.T) {
	w := sharedTown(t)
	on := &shelf{community: w.near, room: 1000}
	s, err := w.serve(api.Config{Files: on})
	if err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	operator, id := w.role(t, "operator"), w.near.Microgrid()
	at := ten.Format(time.RFC3339)
	minutes := int(w.near.Length / 60)
	file := fmt.Appendf(nil, "%s\nAbernathy,%s,%d,120,0,A\n99,%s,%d,7,0,A\n", gateway.Header, at, minutes, at, minutes)
	r := refused(t, "an unknown meter", s.sends(operator, id, "dry_run=true", file))
	if r.Line != 3 || r.Text != "99" || !strings.Contains(r.Detail, "june.csv:3: meter: \"99\" is not a meter of this community") || !slices.Equal(r.Unknown, []string{"99"}) || !slices.Contains(r.Meters, "Bartholomew") {
		t.Errorf("%+v", r)
	}
	const named = "meter=99%3DBartholomew"
	told := into[gateway.Told](t, s.sends(operator, id, named+"&dry_run=true", file))
	if told.Readings != 2 || told.Booked || len(on.booked) != 0 || len(told.Files) != 2 || !slices.Equal(told.Says, []string{"2 readings; nothing was booked"}) {
		t.Errorf("%+v, booked %v", told, on.booked)
	}
	told = into[gateway.Told](t, s.sends(operator, id, named, file))
	if !told.Booked || len(on.booked) != 2 || on.booked[1].Meter != "Bartholomew" || on.booked[1].Import != 7 {
		t.Errorf("%+v, booked %v", told, on.booked)
	}
	bad := bytes.Replace(file, []byte("120"), []byte("12x"), 1)
	if r := refused(t, "a bad line", s.sends(operator, id, named, bad)); r.Line != 2 || r.Field != "import_wh" || r.Text != "12x" || r.Next == "" || len(on.booked) != 2 {
		t.Errorf("%+v", r)
	}
	future := fmt.Appendf(nil, "%s\nAbernathy,%s,%d,120,0,A\n", gateway.Header, noon.Add(48*time.Hour).Format(time.RFC3339), minutes)
	if r := refused(t, "a future", s.sends(operator, id, "", future)); !strings.Contains(r.Detail, "ends after this computer's clock") {
		t.Errorf("%+v", r)
	}
	if answer := s.sends(operator, id, "meter=x%3D", file); answer.Code != http.StatusBadRequest {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	on.room = 3
	if answer := s.sends(operator, id, named, file); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "of 2 readings 1 were booked") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

// Who may not book a file may not send much either, and nobody sends more than there is
// room for; one file is read at a time.
func TestMeterFileBounds(t *testing.T) {
	w := sharedTown(t)
	on := &shelf{community: w.near}
	s, err := w.serve(api.Config{Files: on})
	if err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	id := w.near.Microgrid()
	large := []byte(gateway.Header + "\n" + strings.Repeat(" ", 2<<20))
	for _, c := range []struct {
		who    string
		body   []byte
		status int
	}{
		{"a", large, http.StatusForbidden},
		{"visitor", large, http.StatusUnauthorized},
		{"a", nil, http.StatusForbidden},
		{"a", []byte(gateway.Header), http.StatusForbidden},
		{"auditor", []byte(gateway.Header), http.StatusForbidden},
		{"visitor", []byte(gateway.Header), http.StatusUnauthorized},
		{"other-op", []byte(gateway.Header), http.StatusForbidden},
		{"operator", large, http.StatusUnprocessableEntity},
		{"operator", bytes.Repeat(large, 5), http.StatusRequestEntityTooLarge},
	} {
		if answer := s.sends(w.role(t, c.who), id, "", c.body); answer.Code != c.status {
			t.Errorf("%s with %d bytes: %d %s", c.who, len(c.body), answer.Code, answer.Body)
		}
	}
	waits := &waiting{shelf: on, entered: make(chan struct{}), leave: make(chan struct{})}
	if s, err = w.serve(api.Config{Files: waits}); err != nil {
		t.Fatal(err)
	}
	defer s.api.Close()
	operator, first := w.role(t, "operator"), make(chan int)
	file := fmt.Appendf(nil, "%s\nAbernathy,%s,%d,120,0,A\n", gateway.Header, ten.Format(time.RFC3339), w.near.Length/60)
	go func() { first <- s.sends(operator, id, "dry_run=true", file).Code }()
	<-waits.entered
	if answer := s.sends(operator, id, "dry_run=true", file); answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("a second file: %d %s", answer.Code, answer.Body)
	}
	close(waits.leave)
	if code := <-first; code != http.StatusOK {
		t.Errorf("the first file: %d", code)
	}
}

// waiting is a shelf that takes its time.
type waiting struct {
	*shelf
	entered, leave chan struct{}
}

func (w *waiting) Expect(ctx context.Context) (gateway.Expect, []string, error) {
	w.entered <- struct{}{}
	<-w.leave
	return w.shelf.Expect(ctx)
}

// What a household exports, the gateway reads back to the same.
func TestExport(t *testing.T) {
	w := sharedTown(t)
	account := w.near.Account("Abernathy")
	want, err := w.source.Readings(t.Context(), account, "2026-06-20", "2026-06-20")
	if err != nil || len(want) == 0 {
		t.Fatal(len(want), err)
	}
	for file, kind := range map[string]string{"readings.csv": "text/csv; charset=utf-8", "readings.xml": "application/atom+xml; charset=utf-8"} {
		answer := w.server.get(w.role(t, "a"), url("/api/v1/accounts/%d/%s?from=2026-06-20&to=2026-06-20", account, file))
		content, err := gateway.Read(file, bytes.NewReader(answer.Body.Bytes()), int64(answer.Body.Len()), gateway.Expect{})
		if err != nil || !slices.Equal(content.Readings, want) || answer.Header().Get("Content-Type") != kind || !strings.Contains(answer.Header().Get("Content-Disposition"), "commonwatt-"+file) {
			t.Errorf("%s: %v %v, %d readings, want %d", file, answer.Header(), err, len(content.Readings), len(want))
		}
		if no := w.server.get(w.role(t, "a"), url("/api/v1/accounts/%d/%s?from=2026-07-20", account, file)); no.Code != http.StatusNotFound {
			t.Errorf("nothing: %d", no.Code)
		}
	}
}
