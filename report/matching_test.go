package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/view"
)

// carbonOf reads a series that begins with the town's first hour.
func carbonOf(t *testing.T, rows string) *community.Carbon {
	t.Helper()
	path := filepath.Join(t.TempDir(), "carbon.csv")
	if err := os.WriteFile(path, []byte("start,kg_co2_per_kwh\n"+rows), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := community.Parse("c.toml", []byte("[community]\nname = \"c\"\n[tariff]\nretail = 1\nfeed_in = 0\n[carbon]\nfile = \""+path+"\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Carbon
}

// An interval is matched by the lesser of production and use; what certificates left
// and what the supplier delivered are two things; and of an interval whose factor is
// missing, the energy is told and no emission.
func TestMatch(t *testing.T) {
	c := carbonOf(t, "2016-08-01T00:00:00Z,0.25\n2016-08-01T01:00:00Z,\n")
	known := func(supplied, residual quantity.Mass) *Emissions {
		return &Emissions{Series: c.SHA256(), Supplied: supplied, Residual: residual}
	}
	for what, test := range map[string]struct {
		at     interval.Time
		is     view.Matched
		carbon *community.Carbon
		want   Matching
	}{
		"a sunny hour": {
			start,
			view.Matched{Produced: 900, Used: 700, Claimed: 600, Bought: 30},
			c,
			Matching{Used: 700, Produced: 900, Matched: 700, Claimed: 600, Residual: 100, Supplied: 30, Carbon: known(7500, 25_000)},
		},
		"a dim one": {
			start,
			view.Matched{Produced: 100, Used: 700, Claimed: 100, Bought: 600},
			c,
			Matching{Used: 700, Produced: 100, Matched: 100, Claimed: 100, Residual: 600, Supplied: 600, Carbon: known(150_000, 150_000)},
		},
		"batteries give": {
			start,
			view.Matched{Produced: 100, Used: -700, Claimed: 50, Bought: 5},
			c,
			Matching{Produced: 100, Claimed: 50, Supplied: 5, Carbon: known(1250, 0)},
		},
		"no factor": {
			start + hour,
			view.Matched{Produced: 100, Used: 700, Claimed: 100, Bought: 610},
			c,
			Matching{
				Used: 700, Produced: 100, Matched: 100, Claimed: 100, Residual: 600, Supplied: 610,
				Carbon: &Emissions{Series: c.SHA256(), SuppliedUnknown: 610, ResidualUnknown: 600, IntervalsUnknown: 1},
			},
		},
		"no series": {
			start,
			view.Matched{Produced: 100, Used: 700},
			nil,
			Matching{Used: 700, Produced: 100, Matched: 100, Residual: 700},
		},
	} {
		test.is.Start = test.at
		got := Match(test.is, test.carbon)
		if (got.Carbon == nil) != (test.want.Carbon == nil) || got.Carbon != nil && *got.Carbon != *test.want.Carbon {
			t.Errorf("%s: %+v, want %+v", what, got.Carbon, test.want.Carbon)
		}
		got.Carbon, test.want.Carbon = nil, nil
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", what, got, test.want)
		}
	}
}

// The hours of a town, and what they sum to; the second one's factor is missing.
func TestMatching(t *testing.T) {
	w := found(t)
	w.read(0, -1_000, 400, 500, 200)
	w.settle()
	w.read(1, 100, 400, 0, 300)
	w.settle()
	names := names
	names.Carbon = carbonOf(t, "2016-08-01T00:00:00Z,0.2\n2016-08-01T01:00:00Z,\n")
	dir := t.TempDir()
	s, err := Write(t.Context(), w.view(1), town1, names, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join(MatchingHeader, ",") + `
2016-08-01T00:00:00Z,100,0,0,0,100,100,0,0,20000,20000
2016-08-01T01:00:00Z,800,0,0,0,800,800,800,800,,
`
	if got := text(t, dir, "matching.csv"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m := s.Matching
	if m.Used != 900 || m.Supplied != 900 || m.Score != 0 || m.Carbon.Supplied != 20_000 || m.Carbon.SuppliedUnknown != 800 || m.Carbon.IntervalsUnknown != 1 {
		t.Errorf("%+v %+v", m, m.Carbon)
	}
}
