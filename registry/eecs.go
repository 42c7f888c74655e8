package registry

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/quantity"
)

// eecsSpace is the namespace of the elements. The AIB publishes which data a certificate
// has and with which codes (EECS Rules, contents of an EECS Certificate; Fact Sheet 5),
// and not the schema of its hub's messages: names and order are ours.
const eecsSpace = "urn:x-commonwatt:eecs:1"

// eecsInputs and eecsTechnologies are the codes of EECS Rules Fact Sheet 5.
var (
	eecsInputs       = []named[Source]{{Solar, "F01040100"}, {Wind, "F01050100"}, {Hydro, "F01050200"}}
	eecsTechnologies = []named[Source]{{Solar, "T010000"}, {Wind, "T020000"}, {Hydro, "T030000"}}
)

// eecsStatuses are what becomes of certificates there.
var eecsStatuses = []named[Status]{{Active, "Issued"}, {Cancelled, "Cancelled"}, {Exported, "Exported"}}

// eecsElements are the elements of a certificate bundle, in order; those with ? may be
// absent, and those with children have them after a slash.
var eecsElements = []string{
	"IssuingRegistry?", "Issuance", "FirstCertificateNumber", "LastCertificateNumber", "FaceValueMWh", "Status", "AccountNumber?", "EnergyMedium", "EnergyInput", "Technology",
	"ProductionDevice/Identifier", "ProductionDevice/Name?", "ProductionDevice/CapacityKW?", "ProductionDevice/OperationalSince?", "ProductionDevice/Country?", "ProductionDevice/GridZone?",
	"ProductionPeriod/Start", "ProductionPeriod/End", "IssuingDate?", "ExpiryDate?", "Beneficiary?",
}

func writeEECS(out io.Writer, runs []Run) error {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	fmt.Fprintf(&b, "<Certificates xmlns=%q>\n", eecsSpace)
	for n := range runs {
		r := &runs[n]
		capacity := ""
		if r.Device.CapacityW > 0 {
			capacity = decimal(wh(r.Device.CapacityW), 3)
		}
		b.WriteString("  <CertificateBundle>\n")
		writeElements(&b, map[string]string{
			"IssuingRegistry": r.Registry, "Issuance": r.Issuance, "FirstCertificateNumber": fmt.Sprint(r.First), "LastCertificateNumber": fmt.Sprint(r.First + r.Count - 1),
			"FaceValueMWh": "1", "Status": name(eecsStatuses, r.Status), "AccountNumber": r.Account, "EnergyMedium": "Electricity",
			"EnergyInput": name(eecsInputs, r.Device.Source), "Technology": name(eecsTechnologies, r.Device.Source),
			"ProductionDevice/Identifier": r.Device.ID, "ProductionDevice/Name": r.Device.Name, "ProductionDevice/CapacityKW": capacity,
			"ProductionDevice/OperationalSince": day(r.Device.Since, time.DateOnly), "ProductionDevice/Country": r.Device.Country, "ProductionDevice/GridZone": r.Device.Zone,
			"ProductionPeriod/Start": rfc3339(r.Start), "ProductionPeriod/End": rfc3339(r.End),
			"IssuingDate": day(r.Issued, time.DateOnly), "ExpiryDate": day(r.Expires, time.DateOnly), "Beneficiary": r.Beneficiary,
		})
		b.WriteString("  </CertificateBundle>\n")
	}
	b.WriteString("</Certificates>\n")
	_, err := out.Write(b.Bytes())
	return err
}

// writeElements writes a bundle's elements in their order, but for those without text.
func writeElements(b *bytes.Buffer, text map[string]string) {
	open := ""
	for _, e := range eecsElements {
		path := strings.TrimSuffix(e, "?")
		parent, child, nested := strings.Cut(path, "/")
		if !nested {
			parent, child = "", path
		}
		if parent != open {
			if open != "" {
				fmt.Fprintf(b, "    </%s>\n", open)
			}
			if open = parent; open != "" {
				fmt.Fprintf(b, "    <%s>\n", open)
			}
		}
		if text[path] == "" {
			continue
		}
		indent := "    "
		if nested {
			indent += "  "
		}
		fmt.Fprintf(b, "%s<%s>", indent, child)
		_ = xml.EscapeText(b, []byte(text[path])) // Into memory.
		fmt.Fprintf(b, "</%s>\n", child)
	}
}

// eecsReader walks over a file.
type eecsReader struct {
	file string
	in   *xml.Decoder
	runs []Run
	at   []int // The line of each.

	path  []string // Of the elements that are open.
	line  int      // Of the bundle at hand.
	next  int      // Of eecsElements.
	text  map[string]string
	chars strings.Builder
	leaf  bool // Nothing but text since the last start.
}

func readEECS(file string, raw []byte) ([]Run, error) {
	r := &eecsReader{file: file, in: xml.NewDecoder(bytes.NewReader(raw))}
	for {
		token, err := r.in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, r.refuse("", "", "is no XML ("+err.Error()+")")
		}
		if err := r.take(token); err != nil {
			return nil, err
		}
	}
	if len(r.path) > 0 || r.text == nil && r.line == 0 {
		return nil, r.refuse("", "", "has no Certificates of the namespace "+eecsSpace)
	}
	return r.runs, overlap(file, r.runs, func(n int) int { return r.at[n] })
}

func (r *eecsReader) refuse(field, text, reason string) error {
	line, _ := r.in.InputPos()
	return &Refused{r.file, line, field, text, reason, "Ask where it came from for another"}
}

// take goes on by one token.
func (r *eecsReader) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		return r.end(t.Name.Local)
	case xml.CharData:
		r.chars.Write(t)
		if !r.leaf && strings.TrimSpace(string(t)) != "" {
			return r.refuse("", strings.TrimSpace(string(t)), "stands between elements")
		}
	case xml.Directive:
		return r.refuse("", "", "has a document type, which is not read")
	}
	return nil
}

func (r *eecsReader) start(t xml.StartElement) error {
	if t.Name.Space != eecsSpace {
		return r.refuse(t.Name.Local, t.Name.Space, "is not of the namespace "+eecsSpace)
	}
	for _, a := range t.Attr {
		if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
			return r.refuse(t.Name.Local, a.Name.Local, "is an attribute that there is not")
		}
	}
	r.path = append(r.path, t.Name.Local)
	r.chars.Reset()
	switch r.leaf = false; {
	case len(r.path) == 1 && t.Name.Local == "Certificates" && r.line == 0:
		r.line, _ = r.in.InputPos()
		return nil
	case len(r.path) == 2 && t.Name.Local == "CertificateBundle":
		r.line, _ = r.in.InputPos()
		r.text, r.next = map[string]string{}, 0
		return nil
	case len(r.path) < 3 || len(r.path) > 4:
		return r.refuse(t.Name.Local, "", "is not expected here")
	}
	return r.element(strings.Join(r.path[2:], "/"))
}

// element moves on to the element that opens, or to the first of its children.
func (r *eecsReader) element(path string) error {
	for n := r.next; n < len(eecsElements); n++ {
		e := strings.TrimSuffix(eecsElements[n], "?")
		if e == path {
			r.next, r.leaf = n+1, true
			return nil
		}
		if strings.HasPrefix(e, path+"/") {
			r.next = n
			return nil
		}
		if e == eecsElements[n] {
			return r.refuse(path, "", "stands where "+e+" is expected")
		}
	}
	return r.refuse(path, "", "is not expected here")
}

func (r *eecsReader) end(local string) error {
	switch {
	case len(r.path) == 2:
		if err := r.bundle(); err != nil {
			return err
		}
	case r.leaf:
		text := r.chars.String()
		if text == "" {
			return r.refuse(local, "", "is empty: leave it out")
		}
		r.text[strings.Join(r.path[2:], "/")] = text
	}
	r.path, r.leaf = r.path[:len(r.path)-1], false
	r.chars.Reset()
	return nil
}

// bundle takes the bundle that ends.
func (r *eecsReader) bundle() error {
	for _, e := range eecsElements[r.next:] {
		if !strings.HasSuffix(e, "?") {
			return r.refuse(e, "", "is missing")
		}
	}
	if len(r.runs) == runsMax {
		return r.refuse("", "", fmt.Sprintf("has more than the %d bundles that are read at once", runsMax))
	}
	run, no := eecsRun(r.text)
	if no == nil {
		no = run.flaw()
	}
	if no != nil {
		return no.at(r.file, r.line)
	}
	r.runs, r.at = append(r.runs, run), append(r.at, r.line)
	return nil
}

// eecsRun is what the elements of a bundle say.
func eecsRun(text map[string]string) (Run, *flaw) {
	r := Run{
		Registry: text["IssuingRegistry"], Issuance: text["Issuance"], Unit: MWh, Account: text["AccountNumber"], Beneficiary: text["Beneficiary"],
		Device: Device{
			ID: text["ProductionDevice/Identifier"], Name: text["ProductionDevice/Name"],
			Country: text["ProductionDevice/Country"], Zone: text["ProductionDevice/GridZone"],
		},
	}
	var last uint64
	var technology Source
	var p parser
	p.number("FirstCertificateNumber", text["FirstCertificateNumber"], &r.First)
	p.number("LastCertificateNumber", text["LastCertificateNumber"], &last)
	parse(&p, "Status", text["Status"], eecsStatuses, &r.Status)
	parse(&p, "EnergyInput", text["EnergyInput"], eecsInputs, &r.Device.Source)
	parse(&p, "Technology", text["Technology"], eecsTechnologies, &technology)
	if capacity := text["ProductionDevice/CapacityKW"]; capacity != "" {
		var w quantity.Energy
		p.decimal("CapacityKW", capacity, 3, &w)
		r.Device.CapacityW = uint64(w) //nolint:gosec // Read without a sign.
	}
	p.day("OperationalSince", text["ProductionDevice/OperationalSince"], time.DateOnly, &r.Device.Since)
	p.time("Start", text["ProductionPeriod/Start"], &r.Start)
	p.time("End", text["ProductionPeriod/End"], &r.End)
	p.day("IssuingDate", text["IssuingDate"], time.DateOnly, &r.Issued)
	p.day("ExpiryDate", text["ExpiryDate"], time.DateOnly, &r.Expires)
	switch {
	case p.flaw != nil:
	case text["FaceValueMWh"] != "1":
		p.flaw = &flaw{"FaceValueMWh", text["FaceValueMWh"], "is not 1: a certificate is of one MWh (EECS Rules)", ""}
	case text["EnergyMedium"] != "Electricity":
		p.flaw = &flaw{"EnergyMedium", text["EnergyMedium"], "is not Electricity", ""}
	case technology != r.Device.Source:
		p.flaw = &flaw{"Technology", text["Technology"], "does not go with the energy input", ""}
	case last < r.First:
		p.flaw = &flaw{"LastCertificateNumber", text["LastCertificateNumber"], "is below the first", ""}
	}
	r.Count = last - r.First + 1
	return r, p.flaw
}
