package registry

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"

	"github.com/commonwatt/commonwatt/interval"
)

// JSON:API 1.0 §5.2: a resource object, with the attributes of those that M-RETS' data
// dictionaries call certificate quantities, certificates and generators.
type resource struct {
	Type          string              `json:"type"`
	ID            string              `json:"id"`
	Attributes    attributes          `json:"attributes"`
	Relationships map[string]relation `json:"relationships,omitempty"`
}

type attributes struct {
	Quantity     json.Number `json:"quantity,omitempty"`
	Status       string      `json:"status,omitempty"`
	Base         string      `json:"serial_number_base,omitempty"`
	First        json.Number `json:"serial_number_start,omitempty"`
	Last         json.Number `json:"serial_number_end,omitempty"`
	Vintage      string      `json:"vintage,omitempty"`
	ImportSource string      `json:"import_source,omitempty"`
	FuelType     string      `json:"fuel_type,omitempty"`
	Name         string      `json:"name,omitempty"`
	Retired      string      `json:"retirement_reason,omitempty"`
}

// relation is a link to one other resource (JSON:API 1.0 §5.2.4).
type relation struct {
	Data link `json:"data"`
}

type link struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// Types of resources.
const (
	quantities   = "certificate_quantities"
	certificates = "certificates"
	generators   = "generators"
	accounts     = "accounts"
)

// mretsFuels are the sources as M-RETS names them (Operating Procedures, Appendix B-1).
var mretsFuels = []named[Source]{{Solar, "SO1"}, {Wind, "WND"}, {Hydro, "H2O"}}

// mretsStatuses are the statuses (M-RETS data dictionary, certificate quantities).
var mretsStatuses = []named[Status]{{Active, "active"}, {Cancelled, "retired"}, {Exported, "exported"}}

// uuid names a resource by what it is (RFC 9562 §5.8: a UUID of version 8).
func uuid(kind, text string) string {
	id := sha256.Sum256([]byte(kind + "\n" + text))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
}

// vintageOf is the first day of the month of the last moment of a production, in UTC
// (M-RETS data dictionary, certificates: vintage).
func vintageOf(end interval.Time) interval.Time {
	last := at(end - 1)
	return interval.Time(last.AddDate(0, 0, 1-last.Day()).Unix()) / 86400 * 86400
}

func writeMRETS(out io.Writer, runs []Run) error {
	doc := struct {
		Data     []resource `json:"data"`
		Included []resource `json:"included"`
	}{[]resource{}, []resource{}}
	known := map[string]resource{}
	include := func(r resource) bool {
		was, there := known[r.ID]
		if !there {
			known[r.ID] = r
			doc.Included = append(doc.Included, r)
			return true
		}
		return was.Attributes == r.Attributes && was.Relationships["generator"] == r.Relationships["generator"]
	}
	for n := range runs {
		r := &runs[n]
		of, made := uuid(certificates, r.Registry+"\n"+r.Issuance), uuid(generators, r.Device.ID)
		first, last := number(r.First), number(r.First+r.Count-1)
		doc.Data = append(doc.Data, resource{
			quantities, uuid(quantities, fmt.Sprintf("%s\n%s\n%d", r.Registry, r.Issuance, r.First)),
			attributes{Quantity: number(r.Count), Status: name(mretsStatuses, r.Status), Base: r.Issuance, First: first, Last: last, Retired: r.Beneficiary},
			map[string]relation{"certificate": {link{certificates, of}}, "account": {link{accounts, r.Account}}},
		})
		same := include(resource{
			certificates, of,
			attributes{Base: r.Issuance, Vintage: vintageText(r.End), ImportSource: r.Registry, FuelType: name(mretsFuels, r.Device.Source)},
			map[string]relation{"generator": {link{generators, made}}},
		})
		if !same {
			return fmt.Errorf("%s: run %d: %s has another device, source or month than another run of it", MRETS, n+1, r.Issuance)
		}
		include(resource{generators, made, attributes{Name: r.Device.ID}, nil})
	}
	return indented(out, doc)
}

func vintageText(end interval.Time) string { return at(vintageOf(end)).Format(vintage) }

// quantityAt is a certificate quantity and where it stands.
type quantityAt struct {
	resource
	line int
}

func readMRETS(file string, raw []byte) ([]Run, error) {
	var list []quantityAt
	included := map[link]resource{}
	err := newDocument(file, raw).lists(func(key string, line int, element json.RawMessage) error {
		var r resource
		if err := decode(file, line, element, &r); err != nil {
			return err
		}
		switch {
		case key == "included":
			included[link{r.Type, r.ID}] = r
		case r.Type != quantities:
			return (&flaw{"type", r.Type, "is not " + quantities, "Ask M-RETS for certificate_quantities"}).at(file, line)
		default:
			list = append(list, quantityAt{r, line})
		}
		return nil
	}, "data", "included")
	if err != nil {
		return nil, err
	}
	var runs []Run
	for n := range list {
		r, no := list[n].run(included)
		if no == nil {
			no = r.flaw()
		}
		if no != nil {
			return nil, no.at(file, list[n].line)
		}
		runs = append(runs, r)
	}
	return runs, overlap(file, runs, func(n int) int { return list[n].line })
}

// run is what a certificate quantity says, with the certificate and the generator that
// the file includes.
func (q *quantityAt) run(included map[link]resource) (Run, *flaw) {
	const next = "Ask M-RETS for certificate_quantities with include=account,certificate,certificate.generator"
	c, ok := included[q.Relationships["certificate"].Data]
	if !ok {
		return Run{}, &flaw{"relationships.certificate", q.Relationships["certificate"].Data.ID, "is not included", next}
	}
	g, ok := included[c.Relationships["generator"].Data]
	if !ok {
		return Run{}, &flaw{"relationships.generator", c.Relationships["generator"].Data.ID, "is not included", next}
	}
	a := q.Attributes
	r := Run{
		Registry: c.Attributes.ImportSource, Issuance: a.Base, Unit: MWh, Account: q.Relationships["account"].Data.ID,
		Device: Device{ID: g.Attributes.Name}, Beneficiary: a.Retired,
	}
	var last uint64
	var p parser
	p.number("quantity", a.Quantity.String(), &r.Count)
	p.number("serial_number_start", a.First.String(), &r.First)
	p.number("serial_number_end", a.Last.String(), &last)
	parse(&p, "status", a.Status, mretsStatuses, &r.Status)
	parse(&p, "fuel_type", c.Attributes.FuelType, mretsFuels, &r.Device.Source)
	p.month(c.Attributes.Vintage, &r)
	if p.flaw == nil && (last < r.First || last-r.First+1 != r.Count) {
		p.flaw = &flaw{"quantity", a.Quantity.String(), "is not serial_number_end - serial_number_start + 1", "Ask M-RETS which of them is right"}
	}
	return r, p.flaw
}

// month reads a vintage: all of the month.
func (p *parser) month(text string, r *Run) {
	if text == "" {
		p.keep(&flaw{"vintage", "", "is missing", ""})
		return
	}
	p.day("vintage", text, vintage, &r.Start)
	r.End = interval.Time(at(r.Start).AddDate(0, 1, 0).Unix())
}
