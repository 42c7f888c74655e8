package live

import (
	"context"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/session"
)

// An owner connects its own device and nobody else's. What the ledger refuses leaves
// the code as good as it was.
func TestOwners(t *testing.T) {
	h := newHouse(t, time.Now().Truncate(time.Hour))
	h.step()
	var err, bad error
	h.Devices, err = session.OpenDevices("")
	if h.Codes, bad = session.OpenCodes("", time.Now); errors.Join(err, bad) != nil {
		t.Fatal(err, bad)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	o := h.Owners()
	anna, bela := h.community.Account("anna"), h.community.Account("bela")
	d := grid.Device{Microgrid: h.community.Microgrid(), Device: h.community.DeviceID("anna")}
	for _, who := range []struct {
		what string
		do   func() error
	}{
		{"another's meter", func() error { _, err := o.Code(ctx, bela, d.Device, false); return err }},
		{"no meter", func() error { _, err := o.Code(ctx, anna, 12345, false); return err }},
		{"another's key", func() error { return o.Revoke(ctx, bela, d.Device) }},
	} {
		if _, ok := errors.AsType[*pages.NotFound](who.do()); !ok {
			t.Errorf("%s is hers, too", who.what)
		}
	}
	if err := o.Revoke(ctx, anna, d.Device); !errors.Is(err, device.ErrNoKey) {
		t.Errorf("no key was revoked: %v", err)
	}
	code, err := o.Code(ctx, anna, d.Device, false)
	if err != nil || code.Meter != "anna" || code.URL != h.Origin+"/meters#"+code.Code {
		t.Fatalf("%+v %v", code, err)
	}
	key := h.ReceiptKey.Public().(ed25519.PublicKey)
	enrol := func(what string, key []byte, want error) (e api.Enrolled) {
		t.Helper()
		e, err := o.Enrol(ctx, api.Enrolment{Code: code.Code, Key: key})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		return e
	}
	enrol("a key that anyone could sign for", make([]byte, 32), device.ErrBadKey)
	e := enrol("the same code", key, nil)
	if e.Epoch != 1 || e.Device != d.Device || e.Chain != h.chain() || e.Interval != int64(h.community.Length) || !h.Devices.Good(e.User, e.Password) || string(h.keyOf(d).Public) != string(key) {
		t.Errorf("%+v", e)
	}
	enrol("once more", key, session.ErrCodeUsed)
	if code, err = o.Code(ctx, anna, d.Device, true); err != nil {
		t.Fatal(err)
	}
	if again := enrol("the key that it has", key, nil); again.Epoch != 1 || h.Devices.Good(e.User, e.Password) || !h.Devices.Good(again.User, again.Password) {
		t.Errorf("%+v", again)
	} else if err := o.Revoke(ctx, anna, d.Device); err != nil || len(h.keyOf(d).Public) != 0 || h.Devices.Good(again.User, again.Password) {
		t.Errorf("revoked, it has a key or gets in: %v", err)
	}
}

// Devices elsewhere reach a node that listens on all networks by the name that people
// open.
func TestReachable(t *testing.T) {
	for _, c := range [][3]string{
		{"mqtt://127.0.0.1:1883", "http://localhost:8420", "mqtt://127.0.0.1:1883"},
		{"mqtts://0.0.0.0:8883", "https://elm.example:8420", "mqtts://elm.example:8883"},
		{"mqtts://[::]:8883", "https://elm.example", "mqtts://elm.example:8883"},
		{"mqtts://192.0.2.7:8883", "https://elm.example", "mqtts://192.0.2.7:8883"},
		{"nats://nats.example:4222", "https://elm.example", "nats://nats.example:4222"},
	} {
		if got := reachable(c[0], c[1]); got != c[2] {
			t.Errorf("%s at %s is %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
