package proof

import (
	"errors"
	"fmt"

	"github.com/commonwatt/commonwatt/interval"
)

// Report is a verification as it is shown to somebody, step by step.
type Report struct {
	Steps    []Taken
	Trust    Trust    // That was used: the reader's, or the bundle's own anchor.
	Trusted  bool     // The reader said what to trust.
	Bundle   *Bundle  // nil: the bytes are none.
	Verified Verified // As far as Trust is right.
	// Err is nil when what the reader trusts proves what the bundle says; else *Failed,
	// or ErrNoTrust when nothing is wrong but that the reader trusts nothing.
	Err error
}

// Taken is a step that was taken.
type Taken struct {
	Step Step
	OK   bool
	Text string // What was found, or why it failed.
}

// ErrNoTrust says that a bundle agrees with itself and nobody said what to trust:
// anybody can make such a bundle.
var ErrNoTrust = errors.New("proof: nobody said what to trust, and anybody can make a proof that agrees with itself")

// forever is a period longer than any ledger has been there.
const forever = 1 << 40

// Inspect decodes and verifies a bundle for somebody who trusts trust, or nothing
// yet: then the bundle is compared with its own anchor, which is in the report for
// the reader to compare with what somebody else says.
func Inspect(raw []byte, trust *Trust, now interval.Time) Report {
	r := Report{Trusted: trust != nil}
	b, err := Decode(raw)
	if err == nil {
		r.Bundle, r.Trust = b, b.Anchor()
		r.Trust.Period = forever
		if r.Trusted {
			r.Trust = *trust
		}
		r.Verified, err = b.Verify(r.Trust, now)
	}
	passed := r.Verified.Passed
	failed, no := errors.AsType[*Failed](err)
	if no {
		passed = failed.Passed
	}
	for _, p := range passed {
		t := Taken{p.Step, true, p.Text}
		if p.Step == StepTrust && !r.Trusted {
			t.OK, t.Text = false, fmt.Sprintf("nobody said what to trust: compare block %s with what you know of %s", r.Trust, b.Chain)
		}
		r.Steps = append(r.Steps, t)
	}
	switch {
	case no:
		r.Steps, r.Err = append(r.Steps, Taken{failed.Step, false, failed.Err.Error()}), failed
	case !r.Trusted:
		r.Err = ErrNoTrust
	}
	return r
}
