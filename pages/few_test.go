package pages_test

import (
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
)

// asked is what somebody is told of the first day of a town.
type asked struct {
	community pages.Community
	year      pages.Year
	replay    pages.Replay
}

func (w *town) ask(t *testing.T, role pages.Role) (a asked) {
	t.Helper()
	m := w.community.Microgrid()
	viewer := pages.Viewer{Role: role, Microgrid: m}
	var err error
	if a.community, err = w.Community(t.Context(), viewer, m, "2026-06-20"); err != nil {
		t.Fatal(err)
	}
	if a.year, err = w.Year(t.Context(), viewer, m, 2026); err != nil {
		t.Fatal(err)
	}
	if a.replay, err = w.Replay(t.Context(), viewer, m, w.on("2026-06-20 12:00"), 0); err != nil {
		t.Fatal(err)
	}
	return a
}

// Two homes are told of to their operator only: either would know the other's readings.
func TestTwoHomes(t *testing.T) {
	w := newTownOf(t, "testdata/pair.toml", "2026-06-20 10:00", "2026-06-20 13:00")
	all, none := w.ask(t, pages.Operator), w.ask(t, pages.Auditor)
	if c := all.community; c.Withheld || c.Progress.Settled == 0 || c.Demand.Wh == 0 || all.year.Withheld || all.year.Settled == 0 ||
		all.replay.Withheld || all.replay.Demand == 0 || len(all.replay.Orders) == 0 {
		t.Errorf("the operator is told %+v", all)
	}
	c := none.community
	if !c.Withheld || c.Demand.Wh != 0 || c.Supply.Wh != 0 || c.Traded.Wh != 0 || c.Better.Units != 0 || c.Price != nil || c.Members != 2 {
		t.Errorf("others are told %+v", c)
	}
	for _, s := range c.Intervals {
		if s != (pages.CommunitySlot{Start: s.Start, State: pages.Unknown}) {
			t.Errorf("others are told %+v", s)
		}
	}
	if y := none.year; !y.Withheld || y.Settled != 0 || len(y.Months) != 0 {
		t.Errorf("others are told %+v", y)
	}
	if r := none.replay; !r.Withheld || r.Demand != 0 || r.Supply != 0 || r.Traded != 0 || len(r.Orders) != 0 || !r.Same || !r.Zones[0].Withheld {
		t.Errorf("others are told %+v", r)
	}
	if d := w.day(t, "Ann", "2026-06-20"); d.Used.Wh == 0 {
		t.Error("Ann does not see her own day")
	}
}

// A zone of two homes is told within its parent, whose flow is no more than before.
func TestSmallZone(t *testing.T) {
	w := newTownOf(t, "testdata/small.toml", "2026-06-20 10:00", "2026-06-20 13:00")
	all, some := w.ask(t, pages.Operator), w.ask(t, pages.Household)
	if some.community.Withheld || some.community.Demand != all.community.Demand || some.community.Better != all.community.Better ||
		some.year.Months[0] != all.year.Months[0] || some.replay.Demand != all.replay.Demand {
		t.Errorf("the sums of all are %+v, and others read %+v", all.community, some.community)
	}
	for what, zones := range map[string][2][]pages.Zone{
		"the day": {all.community.Zones, some.community.Zones}, "the replay": {all.replay.Zones, some.replay.Zones},
	} {
		for i, is := range zones[0] {
			told := zones[1][i]
			hill := is.Name == "hill"
			if is.Withheld || told.Withheld != hill || !hill && told.Flow != is.Flow || hill && (is.Flow == 0 || told.Flow != 0 || told.Price != nil) || told.Points != is.Points {
				t.Errorf("%s: %+v is told as %+v", what, is, told)
			}
		}
	}
}

// What is not settled yet is not withheld.
func TestNothingToWithhold(t *testing.T) {
	w := newTownOf(t, "testdata/small.toml", "2026-06-20 10:00", "2026-06-20 13:00")
	w.now = w.now.Add(24 * time.Hour)
	c, err := w.Community(t.Context(), pages.Viewer{}, w.community.Microgrid(), "2026-06-21")
	if err != nil || c.Withheld || c.Zones[0].Withheld || c.Zones[1].Withheld || c.Start != w.on("2026-06-21 00:00") || c.Progress.Through != interval.Time(0) {
		t.Errorf("%+v, %v", c, err)
	}
}
