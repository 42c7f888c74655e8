// Package gateway reads what meters and people have into readings: files today,
// field protocols beside them.
//
// Its promise: a bad file is refused whole, with the file, the line, the field,
// the offending text, what was expected and what to do next; nothing of it is
// booked. The order of files and of rows does not matter. Memory is bounded,
// whatever the bytes are.
package gateway

import (
	"fmt"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// Reading is what one meter measured in one interval.
type Reading struct {
	Meter   string
	Start   interval.Time
	Length  interval.Length
	Import  quantity.Energy // Taken from the grid side. Below zero, in one of the two: there is no value.
	Export  quantity.Energy // Fed into the grid side.
	Quality byte            // One of the Quality constants.
}

// Negative reports whether the meter said what cannot be: less than nothing. The
// ledger reports such a reading, and has an estimate until there is a real one.
func (r Reading) Negative() bool { return r.Import < 0 || r.Export < 0 }

// Quality flags, the letters of NEM12 (AEMO, Meter Data File Format
// Specification NEM12 & NEM13, QualityMethod).
const (
	Actual           byte = 'A' // Measured.
	Estimated        byte = 'E' // Estimated until the real reading comes.
	FinalSubstituted byte = 'F' // Replaced for good; no real reading will come.
	Null             byte = 'N' // No value; both energies are 0 and mean nothing.
	Substituted      byte = 'S' // Replaced until the real reading comes.
	Variable         byte = 'V' // Several qualities within the interval.
)

// Meters says which meters a community has.
type Meters interface {
	// Has reports whether the community has the meter.
	Has(meter string) bool
	// Nearest returns the meter that a misspelt one probably means, or "".
	Nearest(meter string) string
}

// Expect is what readings are checked against. The zero value expects readings
// of any meter at any length.
type Expect struct {
	Meters  Meters            // nil: any meter.
	Named   map[string]string // The community's names of meters that files call otherwise.
	Only    string            // The community's name of the one meter in the files; "": as they say.
	Length  interval.Length   // Readings are summed to it; 0: left at any length that intervals have.
	Zone    *time.Location    // Of clocks that write local time (DSMR P1); nil: Central European Time.
	RowsMax int               // Most rows of one Load; 0: RowsMaxDefault.
}

// RowsMaxDefault bounds the rows of one Load: a year of 15 minutes of 500 meters.
// A row takes about 80 bytes.
const RowsMaxDefault = 20_000_000

// Refused says why a file was refused, in the parts a face may want to show
// apart. Parts that do not apply are zero.
type Refused struct {
	File   string
	Line   int    // From 1; 0 when the file as a whole is meant.
	Field  string // A column's name.
	Text   string // The offending text, cut to a readable length.
	Reason string // Continues the text: `is negative; …`.
	Next   string // What to do, one sentence.
}

// Error is one line: file:line: field: "text" reason. Next; nothing was booked.
func (r *Refused) Error() string {
	var b strings.Builder
	b.WriteString(r.File)
	if r.Line > 0 {
		fmt.Fprintf(&b, ":%d", r.Line)
	}
	b.WriteString(": ")
	if r.Field != "" {
		b.WriteString(r.Field + ": ")
	}
	if r.Text != "" {
		fmt.Fprintf(&b, "%q ", r.Text)
	}
	fmt.Fprintf(&b, "%s. %s; nothing was booked.", r.Reason, r.Next)
	return b.String()
}

// textMax bounds the offending text that a message repeats.
const textMax = 80

// shown cuts text to what a message can carry.
func shown(text []byte) string {
	if len(text) <= textMax {
		return string(text)
	}
	return string(text[:textMax]) + "…"
}
