// Package bench measures how fast a node is, beside what bounds it on the same
// machine at the same time.
//
// Its promise: every figure comes with the limit it is held against, measured in
// the same run, and with the processor time it took; nothing is measured on data
// that a real node would not have to check, write and show; and what is measured
// goes the way that everything goes, through the whole node.
package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Options are what is measured, and how.
type Options struct {
	// Quick measures less of everything: enough to see a factor, not a tenth.
	Quick bool
	// Only names what is measured; nothing is everything.
	Only []string
	// Program is this program, for what is measured in a process of its own. Without
	// it, that is left out.
	Program string
	// Progress is told what is being done.
	Progress func(line string)
}

// Report is what one run measured.
type Report struct {
	Version string    `json:"version"`
	Date    time.Time `json:"date"`
	Quick   bool      `json:"quick"`
	Host    Host      `json:"host"`
	Figures []Figure  `json:"figures"`
}

// Figure is one thing that was measured.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// CPU is the processor time that each took, in microseconds, and Cores how many
	// were busy meanwhile; 0 where that says nothing.
	CPU   float64 `json:"cpu_us,omitempty"`
	Cores float64 `json:"cores,omitempty"`
	// Limit is what bounds it, measured in the same run, and Ratio the value's part of it.
	// CPURatio is the same of the processor time, which other work on the machine leaves alone.
	Limit    string  `json:"limit,omitempty"`
	LimitBy  float64 `json:"limit_value,omitempty"`
	Ratio    float64 `json:"ratio,omitempty"`
	CPURatio float64 `json:"cpu_ratio,omitempty"`
	// Aim is what it must show, and Met whether it does.
	Aim  string `json:"aim,omitempty"`
	Met  *bool  `json:"met,omitempty"`
	Note string `json:"note,omitempty"`
}

// against holds a figure against a limit.
func (f Figure) against(limit string, value float64) Figure {
	f.Limit, f.LimitBy = limit, value
	if value > 0 {
		f.Ratio = f.Value / value
	}
	return f
}

// least says what the value must at least be.
func (f Figure) least(value float64) Figure {
	return f.aim(fmt.Sprintf("≥ %g %s", value, f.Unit), f.Value >= value)
}

// most says what the value may at most be.
func (f Figure) most(value float64) Figure {
	return f.aim(fmt.Sprintf("≤ %g %s", value, f.Unit), f.Value <= value)
}

// leastRatio says what part of the limit the value must at least be.
func (f Figure) leastRatio(ratio float64) Figure {
	return f.aim(fmt.Sprintf("≥ %g of %s", ratio, f.Limit), f.Ratio >= ratio)
}

// mostRatio says what multiple of the limit the value may at most be.
func (f Figure) mostRatio(ratio float64) Figure {
	return f.aim(fmt.Sprintf("≤ %g × %s", ratio, f.Limit), f.Ratio <= ratio)
}

// aim adds one more thing that a figure must show.
func (f Figure) aim(what string, met bool) Figure {
	if f.Met == nil {
		f.Aim, f.Met = what, &met
		return f
	}
	both := *f.Met && met
	f.Aim, f.Met = f.Aim+", "+what, &both
	return f
}

// part is one thing that can be measured alone.
type part struct {
	name    string
	measure func(context.Context, *run) error
}

// parts is everything, the limits first.
var parts = []part{
	{"signatures", signatures},
	{"hashing", hashing},
	{"fsync", fsync},
	{"consensus", consensus},
	{"machine", withoutConsensus},
	{"readings", onNode(readingsThrough)},
	{"devices", onNode(devicesThrough)},
	{"transfers", onNode(transfersThrough)},
	{"commit", onNode(loneCommit)},
	{"validators", fourValidators},
	{"meters", byMeters},
	{"idle", idle},
}

// Names are what can be measured alone.
func Names() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// run is one run.
type run struct {
	Options
	dir     string
	part    int // Of everything, in tests: as much as a part of so many.
	rounds  int // Of intervals by meters, in tests; 0: as many as it takes.
	figures []Figure
}

func (r *run) add(f ...Figure) { r.figures = append(r.figures, f...) }

// say tells what is being done.
func (r *run) say(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(format, args...))
	}
}

// of returns one number for a quick run and another for a full one.
func (r *run) of(quick, full int) int {
	if r.Quick {
		full = quick
	}
	return max(full/max(r.part, 1), 1)
}

// folder returns a new folder, and what removes it.
func (r *run) folder() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp(r.dir, "")
	return dir, func() { _ = os.RemoveAll(dir) }, err // It is removed with what holds it at the latest.
}

// Check refuses names of nothing that can be measured.
func Check(only []string) error {
	for _, name := range only {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("there is no %q to measure: it is one of %s", name, strings.Join(Names(), ", "))
		}
	}
	return nil
}

// Run measures. When the context ends, it returns what was measured until then, and why.
//
// Errors: those of the disk; a node that did other than it must.
func Run(ctx context.Context, o Options) (Report, error) { return (&run{Options: o}).all(ctx) }

func (r *run) all(ctx context.Context) (report Report, err error) {
	report = Report{Date: time.Now().UTC().Truncate(time.Second), Quick: r.Quick, Host: host()}
	if r.dir, err = os.MkdirTemp("", "commonwatt-bench-"); err != nil {
		return report, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(r.dir)
	for _, p := range parts {
		if len(r.Only) > 0 && !slices.Contains(r.Only, p.name) {
			continue
		}
		r.say("%s", p.name)
		err := p.measure(ctx, r)
		report.Figures = r.figures
		if ctx.Err() != nil {
			return report, context.Cause(ctx)
		}
		if err != nil {
			return report, fmt.Errorf("bench: %s: %w", p.name, err)
		}
	}
	return report, nil
}
