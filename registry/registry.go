// Package registry writes certificates as the files of other registries, and reads
// theirs.
//
// Its promise: one model stands between all of them, and what is written is read back
// to the same; what is read is bounded in size, and what is bad in it is refused whole,
// with file, line, field, why, and what to do; and what is added up to whole MWh is
// added up once, to the Wh.
package registry

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// Format is what a file of certificates is written in.
type Format string

// The formats.
const (
	EnergyTag Format = "energytag" // EnergyTag, Granular Certificate Scheme Standard v2: GC bundles, JSON.
	MRETS     Format = "mrets"     // M-RETS API: certificate_quantities, JSON:API 1.0.
	MRETSCSV  Format = "mrets-csv" // M-RETS Operating Procedures §4.4.1: hourly generation.
	EECS      Format = "eecs"      // AIB, EECS Rules: the data of certificates, XML.
	IREC      Format = "irec"      // I-REC(E) Product Code: certificates, CSV.
	NCRETS    Format = "ncrets"    // NC-RETS, meter data loading: monthly generation, CSV.
)

// Formats lists all of them.
func Formats() []Format { return []Format{EnergyTag, MRETS, MRETSCSV, EECS, IREC, NCRETS} }

// Whole reports whether a registry knows nothing smaller than a MWh, so that its files
// hold packages.
func (f Format) Whole() bool { return f == MRETS || f == EECS }

// MWh is what a certificate of most registries is of.
const MWh quantity.Energy = 1_000_000

// Bounds of what is read at once.
const (
	bytesMax = 64 << 20
	runsMax  = 100_000
	textMax  = 128     // Bytes of any text.
	whMax    = 1 << 53 // What JSON's numbers hold; 9 PWh.
)

// Run is certificates of one issuance with serials in a row: a bundle, as EnergyTag
// calls it, or a quantity, as M-RETS does.
type Run struct {
	Registry    string          // That gave the serials, or where the certificates are.
	Issuance    string          // What was issued at once; serials are unique within.
	First       uint64          // Serial.
	Count       uint64          // So that the serials are [First, First+Count).
	Unit        quantity.Energy // Of each certificate.
	Status      Status
	Account     string // Whose they are.
	Device      Device
	Start, End  interval.Time // Of the production.
	Issued      interval.Time // A day, 00:00 UTC; 0: not said. So is Expires.
	Expires     interval.Time
	Beneficiary string // Of a cancellation.
}

// Energy is what a run is of.
func (r *Run) Energy() quantity.Energy { return r.Unit * quantity.Energy(r.Count) } //nolint:gosec // Bounded by whMax.

// Device is what produced, as registries ask for it.
type Device struct {
	ID        string
	Name      string
	Source    Source
	CapacityW uint64 // 0: not said.
	Since     interval.Time
	Country   string // ISO 3166-1 alpha-2; "": not said.
	Zone      string // Of the grid or the market.
}

// Source is what the energy was made of.
type Source uint8

// Sources.
const (
	Solar Source = 1
	Wind  Source = 2
	Hydro Source = 3
)

// Status is what became of certificates.
type Status uint8

// Statuses, as EnergyTag names them; Exported is M-RETS'.
const (
	Active    Status = 1
	Cancelled Status = 2
	Claimed   Status = 3
	Expired   Status = 4
	Withdrawn Status = 5
	Locked    Status = 6
	Reserved  Status = 7
	Exported  Status = 8
)

// String is the name, as EnergyTag writes it.
func (s Status) String() string { return name(statuses, s) }

// statuses are the names; of EnergyTag, but for the last.
var statuses = []named[Status]{
	{Active, "Active"},
	{Cancelled, "Cancelled"},
	{Claimed, "Claimed"},
	{Expired, "Expired"},
	{Withdrawn, "Withdrawn"},
	{Locked, "Locked"},
	{Reserved, "Reserved"},
	{Exported, "Exported"},
}

// named is how a format writes a value.
type named[V comparable] struct {
	value V
	name  string
}

// name returns how a value is written.
func name[V comparable](names []named[V], v V) string {
	for _, n := range names {
		if n.value == v {
			return n.name
		}
	}
	return ""
}

// value returns what is written so, and whether anything is.
func value[V comparable](names []named[V], text string) (v V, ok bool) {
	for _, n := range names {
		if n.name == text {
			return n.value, true
		}
	}
	return v, false
}

// Write writes runs in a format, as far as it has fields for them.
//
// Errors: a run that the format cannot hold; the error of out.
func Write(out io.Writer, f Format, runs []Run) error {
	if !slices.Contains(Formats(), f) {
		return noFormat(f)
	}
	for n := range runs {
		if err := runs[n].writable(f); err != nil {
			return fmt.Errorf("%s: run %d of %s: %w", f, n+1, runs[n].Issuance, err)
		}
	}
	switch f {
	case EnergyTag:
		return writeEnergyTag(out, runs)
	case MRETS:
		return writeMRETS(out, runs)
	case EECS:
		return writeEECS(out, runs)
	case IREC:
		return writeIREC(out, runs)
	case MRETSCSV:
		return WriteHourly(out, Generated(runs))
	case NCRETS:
		return WriteMonthly(out, Generated(runs))
	}
	return noFormat(f)
}

func noFormat(f Format) error { return fmt.Errorf("%q is no format of certificates", string(f)) }

// Read reads the runs of a file that messages call name.
//
// Errors: *Refused when the file is bad; the error of in.
func Read(name string, in io.Reader, f Format) ([]Run, error) {
	raw, err := readAll(name, in)
	if err != nil {
		return nil, err
	}
	switch f {
	case EnergyTag:
		return readEnergyTag(name, raw)
	case MRETS:
		return readMRETS(name, raw)
	case EECS:
		return readEECS(name, raw)
	case IREC:
		return readIREC(name, raw)
	case MRETSCSV, NCRETS:
		return nil, &Refused{
			File: name, Reason: "holds what was generated, and no certificates",
			Next: "Read it as generation, or ask the registry for its certificates",
		}
	}
	return nil, noFormat(f)
}

// readAll reads a file of bounded size.
func readAll(name string, in io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(in, bytesMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(raw) > bytesMax:
		return nil, &Refused{File: name, Reason: fmt.Sprintf("is larger than %d MiB", bytesMax>>20), Next: "Split it"}
	}
	return raw, nil
}

// overlap refuses serials that a file holds twice.
func overlap(name string, runs []Run, line func(n int) int) error {
	order := make([]int, len(runs))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(runs[a].Registry, runs[b].Registry), cmp.Compare(runs[a].Issuance, runs[b].Issuance), cmp.Compare(runs[a].First, runs[b].First))
	})
	for k := 1; k < len(order); k++ {
		a, b := &runs[order[k-1]], &runs[order[k]]
		if a.Registry == b.Registry && a.Issuance == b.Issuance && b.First < a.First+a.Count {
			return &Refused{
				File: name, Line: line(order[k]), Field: "serials", Text: b.Issuance,
				Reason: fmt.Sprintf("has the serial %d twice; line %d has it, too", b.First, line(order[k-1])), Next: "Keep one of the two",
			}
		}
	}
	return nil
}
