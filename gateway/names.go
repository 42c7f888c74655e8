package gateway

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/commonwatt/commonwatt/interval"
)

// Name says what the community calls meters of files: the one meter, by NAME, or each
// by ID=NAME, with the name that files give it first.
//
// Errors: what is written otherwise, or contradicts itself.
func (e *Expect) Name(meters []string) error {
	for _, meter := range meters {
		id, name, pair := strings.Cut(meter, "=")
		switch {
		case !pair && len(meters) > 1:
			return fmt.Errorf("%s: of several meters each needs its name in the files, as in ID=%s", meter, meter)
		case !pair:
			e.Only = meter
			continue
		case id == "" || name == "":
			return fmt.Errorf("%s: write it as in 6305812345=anna", meter)
		case e.Named[id] != "" && e.Named[id] != name:
			return fmt.Errorf("%s: %s is %s already", meter, id, e.Named[id])
		case e.Named == nil:
			e.Named = map[string]string{}
		}
		e.Named[id] = name
	}
	return nil
}

// names says what the community calls the meters that files name.
type names struct {
	expect Expect
	known  map[string]string // One string per name in a file, checked once.
	only   string            // The name in the files that expect.Only stands for, once it was seen.
}

func newNames(expect Expect) *names { return &names{expect: expect, known: map[string]string{}} }

// meter returns the community's name of a meter that a file names in a field of
// the line at hand.
//
// Errors: *Refused when the name is none, or not one of the community's.
func (n *names) meter(at *lines, field string, text []byte) (string, error) {
	if meter, ok := n.known[string(text)]; ok {
		return meter, nil
	}
	switch {
	case len(text) == 0:
		return "", at.refuse(field, nil, "is missing", nextRow)
	case len(text) > meterBytesMax:
		return "", at.refuse(field, text, fmt.Sprintf("is longer than %d bytes", meterBytesMax), nextRow)
	case !printable(text):
		return "", at.refuse(field, text, "is not a name of visible characters without blank, comma or quote", nextRow)
	}
	meter, err := n.named(at, field, string(text))
	if err != nil {
		return "", err
	}
	n.known[string(text)] = meter
	return meter, nil
}

// named translates a name and checks that the community has the meter.
func (n *names) named(at *lines, field, name string) (string, error) {
	meter, ok := n.expect.Named[name]
	switch {
	case ok:
	case n.expect.Only == "":
		meter = name
	case n.only != "":
		return "", at.refuse(field, []byte(name), fmt.Sprintf("is a second meter beside %s, and only one was to be %s", n.only, n.expect.Only),
			fmt.Sprintf("Name each, as in --meter %s=%s", name, n.expect.Only))
	default:
		n.only, meter = name, n.expect.Only
	}
	m := n.expect.Meters
	if m == nil || m.Has(meter) {
		return meter, nil
	}
	next := fmt.Sprintf("Say which of its meters it is, as in --meter %s=NAME, add it to the community file, or remove its rows", name)
	if near := m.Nearest(meter); near != "" {
		next = fmt.Sprintf("Did you mean %q? If so, say --meter %s=%s; if not, add the meter to the community file", near, name, near)
	}
	return "", at.refuse(field, []byte(meter), "is not a meter of this community", next)
}

// unused returns a name that was to be translated and is in no file, or "".
func (n *names) unused() string {
	for _, name := range slices.Sorted(maps.Keys(n.expect.Named)) {
		if _, used := n.known[name]; !used {
			return name
		}
	}
	return ""
}

const coarserNext = "Ask for the readings at that length or a shorter one; shorter ones are summed"

// coarser says that an interval of a file is longer than those of the community.
func coarser(want interval.Length) string {
	return fmt.Sprintf("is longer than the %d minutes of this community's intervals, and nobody knows how to divide it", want/60)
}

// fits says why an interval of a file cannot become one of the community's, or "".
func (n *names) fits(start, seconds int64) (reason string, long bool) {
	target := int64(n.expect.Length)
	if target == 0 {
		target = int64(interval.Minutes60)
	}
	switch {
	case seconds <= 0 || seconds%60 != 0:
		return "is not a number of whole minutes", false
	case seconds > target:
		return coarser(interval.Length(target)), true
	case target%seconds != 0:
		return fmt.Sprintf("does not divide the %d minutes of an interval", target/60), false
	case start < 0:
		return "starts before 1970", false
	case start%seconds != 0:
		return fmt.Sprintf("starts at %s, which is not a multiple of %d minutes in UTC; intervals are aligned to their length", rfc3339(interval.Time(start)), seconds/60), false
	}
	return "", false
}
