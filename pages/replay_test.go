package pages_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
)

// who makes a viewer of a member's name, or of a role.
func (w *town) who(name string) pages.Viewer {
	v := pages.Viewer{Microgrid: w.community.Microgrid(), Role: pages.Role(name)}
	switch name {
	case "operator":
		v.Account = operator.Account
	case "auditor", "visitor":
	default:
		v.Role, v.Account = pages.Household, w.community.Account(name)
	}
	return v
}

// Every interval, the corrected one among them, replays to what was booked; without
// a device that a household does not have, nothing is asked.
func TestReplaySame(t *testing.T) {
	w := newTown(t, "2026-06-19 00:00", "2026-06-20 12:00")
	late := w.on("2026-06-20 09:00")
	w.book(t, []gateway.Reading{{Meter: "bela", Start: late, Length: w.community.Length, Import: 777, Quality: gateway.Actual}})
	for at := w.on("2026-06-19 00:00"); at < w.on("2026-06-20 12:00"); at += interval.Time(w.community.Length) {
		r, err := w.Replay(t.Context(), w.who("dario"), w.community.Microgrid(), at, w.community.Account("dario"))
		if err != nil {
			t.Fatal(err)
		}
		if !r.Same || r.Own == nil || len(r.Own.WhatIf) != 3 {
			t.Fatalf("%d: same %v, own %+v", at, r.Same, r.Own)
		}
		for _, x := range r.Own.WhatIf {
			if x.Balance.Shown+x.Worse.Shown-r.Own.Balance.Shown > 1 || x.Day.Shown+x.DayWorse.Shown != x.DayWas.Shown {
				t.Errorf("%d without %s: %+v of %+v", at, x.Without, x, r.Own.Balance)
			}
		}
		if at == late && r.Revision != 2 {
			t.Errorf("revision %d", r.Revision)
		}
	}
	r, err := w.Replay(t.Context(), w.who("bela"), w.community.Microgrid(), late, w.community.Account("bela"))
	if err != nil || len(r.Own.WhatIf) != 0 || r.Own.Import != 777 {
		t.Errorf("bela: %+v, %v", r.Own, err)
	}
	for _, at := range []interval.Time{0, late + 1, w.on("2026-06-20 13:00")} {
		if _, err := w.Replay(t.Context(), w.who("visitor"), w.community.Microgrid(), at, 0); !notFound(err) {
			t.Errorf("%d: %v", at, err)
		}
	}
}

// What one household is told holds no other's account, name or lonely order; the
// book of an interval shows no step of fewer than three homes.
func TestReplayKeepsSecrets(t *testing.T) {
	w := newTown(t, "2026-06-20 00:00", "2026-06-20 14:00")
	at := w.on("2026-06-20 13:00")
	for _, name := range []string{"anna", "visitor", "auditor"} {
		viewer := w.who(name)
		r, err := w.Replay(t.Context(), viewer, w.community.Microgrid(), at, viewer.Account)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range r.Orders {
			if s.Homes < 3 && (i > 0 && r.Orders[i-1].Side == s.Side || i+1 < len(r.Orders) && r.Orders[i+1].Side == s.Side) {
				t.Errorf("%s sees a step of %d homes: %+v", name, s.Homes, s)
			}
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		w.noSecrets(t, name, string(text))
	}
	if _, err := w.Replay(t.Context(), w.who("anna"), w.community.Microgrid(), at, w.community.Account("bela")); !forbidden(err) {
		t.Errorf("anna sees bela's part: %v", err)
	}
}

func forbidden(err error) bool {
	_, ok := errors.AsType[*pages.Forbidden](err)
	return ok
}

// noSecrets checks that a text says nothing of members but one.
func (w *town) noSecrets(t *testing.T, of, text string) {
	t.Helper()
	for _, m := range w.community.Members {
		if m.Name == of {
			continue
		}
		for _, secret := range []string{
			strconv.FormatUint(uint64(w.community.Account(m.Name)), 10), strconv.FormatUint(uint64(w.community.PointID(m.Name)), 10),
			strconv.FormatUint(uint64(w.community.DeviceID(m.Meter)), 10), `"` + m.Name + `"`, m.Name + "-pv",
		} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is told of %s: %s", of, m.Name, secret)
			}
		}
	}
}
