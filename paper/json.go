package paper

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/pages"
)

// provenJSON is a receipt with its proof.
type provenJSON struct {
	pages.Proven
	Bundle string `json:"bundle"` // The .cwproof, base64 (RFC 4648 §4): signatures, path and receipt.
}

// ProofJSON writes a receipt with its proof, in canonical JSON: names in the order of
// their letters, no spaces (RFC 8785; there are no fractions).
//
// Errors: those of the writer.
func ProofJSON(w io.Writer, p pages.Proven, bundle []byte) error {
	return canonical(w, provenJSON{p, base64.StdEncoding.EncodeToString(bundle)})
}

// DayBundle is the receipts of a day, proven.
type DayBundle struct {
	Date   string `json:"date"`
	Bundle string `json:"bundle"` // A .cwproof, base64 (RFC 4648 §4).
}

// MonthJSON writes the statement of a month with the proofs of its days, in canonical
// JSON; without bundles, the figures alone.
//
// Errors: those of the writer.
func MonthJSON(w io.Writer, m pages.CertifiedMonth, bundles []DayBundle) error {
	return canonical(w, struct {
		pages.CertifiedMonth
		Bundles []DayBundle `json:"bundles,omitempty"`
	}{m, bundles})
}

func canonical(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("paper: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return fmt.Errorf("paper: %w", err)
	}
	encoder := json.NewEncoder(w) // Which sorts the names of maps.
	encoder.SetEscapeHTML(false)
	return encoder.Encode(tree)
}

// ProofText says in plain lines what the page of a proof says.
//
// Errors: a time zone that there is not.
func ProofText(p pages.Proven) (string, error) {
	w := in(English.Lang)
	zone, err := community.TimeZone(p.TimeZone)
	if err != nil {
		return "", fmt.Errorf("paper: %w", err)
	}
	s, err := proofInWords(p, "", English.Lang)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n%s\n\n", s.Title, s.Says)
	for _, f := range s.Facts {
		fmt.Fprintf(&text, "%-20s %s\n", f[0], f[1])
	}
	for _, t := range p.Tables {
		told := w.table(t, p.Currency, zone)
		fmt.Fprintf(&text, "\n%s\n", told.Heading)
		for _, r := range told.Rows {
			fmt.Fprintf(&text, "  %s\n", strings.Join(r, "  "))
		}
	}
	return text.String(), nil
}
