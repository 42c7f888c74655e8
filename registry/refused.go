package registry

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/commonwatt/commonwatt/quantity"
)

// Refused says why a file was refused, in the parts a face may want to show apart.
// Parts that do not apply are zero.
type Refused struct {
	File   string
	Line   int // From 1; 0 when the file as a whole is meant.
	Field  string
	Text   string // The offending text, cut to a readable length.
	Reason string // Continues the text: "is no date".
	Next   string // What to do, one sentence.
}

// Error is one line: file:line: field: "text" reason. Next; nothing was taken in.
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
		fmt.Fprintf(&b, "%q ", shown(r.Text))
	}
	fmt.Fprintf(&b, "%s. %s; nothing was taken in.", r.Reason, r.Next)
	return b.String()
}

// shownMax bounds the offending text that a message repeats.
const shownMax = 80

func shown(text string) string {
	if len(text) <= shownMax {
		return text
	}
	return strings.ToValidUTF8(text[:shownMax], "") + "…"
}

// flaw is what is wrong with a field, wherever that stands.
type flaw struct{ field, text, reason, next string }

func (f *flaw) Error() string { return fmt.Sprintf("%s: %q %s", f.field, f.text, f.reason) }

// at says where a flaw is.
func (f *flaw) at(file string, line int) *Refused {
	next := f.next
	if next == "" {
		next = "Correct it, or leave it out"
	}
	return &Refused{file, line, f.field, f.text, f.reason, next}
}

// has reports whether a format has a word for a status.
func (f Format) has(s Status) bool {
	switch f {
	case EnergyTag:
		return s != Exported
	case MRETS, EECS, IREC:
		return s == Active || s == Cancelled || s == Exported
	case MRETSCSV, NCRETS:
		return true
	}
	return false
}

// writable says what is wrong with a run that is to be written.
func (r *Run) writable(f Format) error {
	if no := r.flaw(); no != nil {
		return no
	}
	switch {
	case !f.has(r.Status):
		return &flaw{"status", r.Status.String(), "is nothing that the format has a word for", ""}
	case f.Whole() && r.Unit != MWh:
		return &flaw{"unit", fmt.Sprint(r.Unit), "is no MWh: add the certificates up to packages first", ""}
	}
	return nil
}

// flaw is what is wrong with a run, whatever its format.
func (r *Run) flaw() *flaw {
	for _, t := range [...]struct{ field, text string }{
		{"registry", r.Registry},
		{"issuance", r.Issuance},
		{"account", r.Account},
		{"device", r.Device.ID},
		{"device name", r.Device.Name},
		{"country", r.Device.Country},
		{"zone", r.Device.Zone},
		{"beneficiary", r.Beneficiary},
	} {
		if no := plain(t.field, t.text); no != nil {
			return no
		}
	}
	switch {
	case r.Issuance == "":
		return &flaw{"issuance", "", "is missing", ""}
	case r.Device.ID == "":
		return &flaw{"device", "", "is missing", ""}
	case r.Count == 0:
		return &flaw{"serials", r.Issuance, "are none", ""}
	case r.Count > whMax || r.First > whMax:
		return &flaw{"serials", r.Issuance, fmt.Sprintf("are beyond %d", uint64(whMax)), ""}
	case r.Unit <= 0 || r.Unit > MWh:
		return &flaw{"unit", fmt.Sprint(r.Unit), "is not between 1 Wh and 1 MWh", ""}
	case r.Count > uint64(whMax/r.Unit):
		return &flaw{"serials", r.Issuance, fmt.Sprintf("are more than %d Wh", quantity.Energy(whMax)), ""}
	case r.End <= r.Start:
		return &flaw{"end", rfc3339(r.End), "is not after the start", ""}
	case name(statuses, r.Status) == "":
		return &flaw{"status", fmt.Sprint(uint8(r.Status)), "is no status", ""}
	case name(energyTagSources, r.Device.Source) == "":
		return &flaw{"source", fmt.Sprint(uint8(r.Device.Source)), "is none of solar, wind and hydro", ""}
	case r.Device.CapacityW > whMax:
		return &flaw{"capacity", fmt.Sprint(r.Device.CapacityW), "is beyond any plant", ""}
	case r.Device.Country != "" && (len(r.Device.Country) != 2 || strings.Trim(r.Device.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != ""):
		return &flaw{"country", r.Device.Country, "is no code of two capital letters (ISO 3166-1)", ""}
	}
	for _, t := range [...]struct {
		field string
		at    int64
	}{{"start", int64(r.Start)}, {"end", int64(r.End)}, {"issued", int64(r.Issued)}, {"expires", int64(r.Expires)}, {"since", int64(r.Device.Since)}} {
		if t.at < 0 || t.at > timeMax {
			return &flaw{t.field, fmt.Sprint(t.at), "is not between 1970 and 9999", ""}
		}
	}
	for _, t := range [...]struct {
		field string
		at    int64
	}{{"issued", int64(r.Issued)}, {"expires", int64(r.Expires)}, {"since", int64(r.Device.Since)}} {
		if t.at%86400 != 0 {
			return &flaw{t.field, fmt.Sprint(t.at), "is not a day", ""}
		}
	}
	return nil
}

// plain refuses text that does not survive every format: control characters, blanks
// around it, and too much of it.
func plain(field, text string) *flaw {
	switch {
	case len(text) > textMax:
		return &flaw{field, text, fmt.Sprintf("has more than %d bytes", textMax), "Shorten it"}
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool {
		return c != ' ' && (!unicode.IsGraphic(c) || unicode.IsSpace(c)) || c == utf8.RuneError
	}):
		return &flaw{field, strings.ToValidUTF8(text, "?"), "has characters that do not print", ""}
	case strings.TrimSpace(text) != text:
		return &flaw{field, text, "begins or ends with a blank", ""}
	}
	return nil
}
