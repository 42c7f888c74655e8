package bench

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"testing"
)

// Everything is measured, and every figure says something.
func TestEveryPart(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var said []string
	r := &run{part: 50, Options: Options{Quick: true, Progress: func(line string) { said = append(said, line) }}}
	report, err := r.all(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(said, Names()) {
		t.Errorf("said %q", said)
	}
	names := map[string]bool{}
	for _, f := range report.Figures {
		if f.Value <= 0 || math.IsInf(f.Value, 0) || f.Unit == "" || names[f.Name] {
			t.Errorf("%+v", f)
		}
		if f.Limit != "" && math.Abs(f.Ratio*f.LimitBy-f.Value) > 1e-6*f.Value {
			t.Errorf("the ratio is not that of figure and limit: %+v", f)
		}
		names[f.Name] = true
	}
	for _, want := range []string{rawBatch, rawSync, "transfers, one envelope each", "readings settled, from batches", "readings settled, signed by devices", "commit of a lone envelope, p50"} {
		if !names[want] {
			t.Errorf("%s was not measured", want)
		}
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestOnlyWhatIsNamed(t *testing.T) {
	report, err := (&run{part: 50, Options: Options{Only: []string{"hashing"}}}).all(t.Context())
	if err != nil || len(report.Figures) != 2 || report.Figures[0].Name != rawHash {
		t.Errorf("measured %+v, %v", report.Figures, err)
	}
	if err := Check([]string{"hashing", "hats"}); err == nil {
		t.Error("took a name of nothing")
	}
}

// What was measured before an interrupt is in the report.
func TestInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := &run{part: 50, Options: Options{Quick: true}}
	r.Progress = func(line string) {
		if line == "transfers" {
			cancel(enough)
		}
	}
	r.Only = []string{"hashing", "transfers", "commit"}
	report, err := r.all(ctx)
	if !errors.Is(err, enough) || len(report.Figures) != 2 {
		t.Errorf("%v, %+v", err, report.Figures)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A figure that misses one of its aims misses.
func TestAims(t *testing.T) {
	f := Figure{Value: 60, Unit: "/s"}.against("limit", 200)
	for _, c := range []struct {
		f   Figure
		met bool
	}{
		{f.least(60), true},
		{f.least(61), false},
		{f.most(60), true},
		{f.most(59), false},
		{f.leastRatio(0.3), true},
		{f.leastRatio(0.31), false},
		{f.mostRatio(0.3), true},
		{f.mostRatio(0.29), false},
		{f.least(60).leastRatio(0.31), false},
		{f.least(61).leastRatio(0.3), false},
		{f.least(60).leastRatio(0.3), true},
	} {
		if *c.f.Met != c.met {
			t.Errorf("%s: %t", c.f.Aim, *c.f.Met)
		}
	}
}

// Meters have rows of their own, and their intervals are settled.
func TestMeters(t *testing.T) {
	m, err := (&run{dir: t.TempDir(), rounds: 1}).meters(t.Context(), community)
	if err != nil {
		t.Fatal(err)
	}
	if m.Taking.Wall <= 0 || m.Closing.Wall <= 0 || m.Interval.Wall <= 0 || m.Keys < 4*community {
		t.Errorf("%+v", m)
	}
}
