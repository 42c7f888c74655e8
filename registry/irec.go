package registry

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/quantity"
)

// irecColumns are the fields of certificates of the I-REC(E) Product Code: what is told of
// the facility, of the issuance and of a redemption. Serials and volumes are MWh with six
// decimals, so that a certificate is a Wh and a range is closed at both ends.
var irecColumns = []string{
	"registry", "device_code", "device_name", "country", "zone", "energy_source", "capacity_mw", "commissioned",
	"issuance", "serial_from", "serial_to", "volume_mwh", "production_start", "production_end", "issued", "expires", "status", "account", "beneficiary",
}

// irecSources are the codes of energy sources.
var irecSources = []named[Source]{{Solar, "ES100"}, {Wind, "ES200"}, {Hydro, "ES300"}}

// irecStatuses are the statuses: what others call cancelled is redeemed.
var irecStatuses = []named[Status]{{Active, "active"}, {Cancelled, "redeemed"}, {Exported, "exported"}}

func writeIREC(out io.Writer, runs []Run) error {
	w := csv.NewWriter(out)
	if err := w.Write(irecColumns); err != nil {
		return err
	}
	for n := range runs {
		r := &runs[n]
		first := wh(r.First) * r.Unit
		capacity := ""
		if r.Device.CapacityW > 0 {
			capacity = decimal(wh(r.Device.CapacityW), 6)
		}
		err := w.Write([]string{
			r.Registry, r.Device.ID, r.Device.Name, r.Device.Country, r.Device.Zone, name(irecSources, r.Device.Source), capacity, day(r.Device.Since, time.DateOnly),
			r.Issuance, decimal(first, 6), decimal(first+r.Energy()-1, 6), decimal(r.Energy(), 6), rfc3339(r.Start), rfc3339(r.End),
			day(r.Issued, time.DateOnly), day(r.Expires, time.DateOnly), name(irecStatuses, r.Status), r.Account, r.Beneficiary,
		})
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func readIREC(file string, raw []byte) ([]Run, error) {
	var runs []Run
	var lines []int
	err := rows(file, raw, irecColumns, true, runsMax, func(line int, f []string) *flaw {
		r, no := irecRun(f)
		if no == nil {
			no = r.flaw()
		}
		runs, lines = append(runs, r), append(lines, line)
		return no
	})
	if err != nil {
		return nil, err
	}
	return runs, overlap(file, runs, func(n int) int { return lines[n] })
}

// irecRun is what a row says.
func irecRun(f []string) (Run, *flaw) {
	r := Run{
		Registry: f[0], Issuance: f[8], Unit: 1, Account: f[17], Beneficiary: f[18],
		Device: Device{ID: f[1], Name: f[2], Country: f[3], Zone: f[4]},
	}
	var capacity, first, last, volume quantity.Energy
	var p parser
	parse(&p, "energy_source", f[5], irecSources, &r.Device.Source)
	if f[6] != "" {
		p.decimal("capacity_mw", f[6], 6, &capacity)
	}
	p.day("commissioned", f[7], time.DateOnly, &r.Device.Since)
	p.decimal("serial_from", f[9], 6, &first)
	p.decimal("serial_to", f[10], 6, &last)
	p.decimal("volume_mwh", f[11], 6, &volume)
	p.time("production_start", f[12], &r.Start)
	p.time("production_end", f[13], &r.End)
	p.day("issued", f[14], time.DateOnly, &r.Issued)
	p.day("expires", f[15], time.DateOnly, &r.Expires)
	parse(&p, "status", f[16], irecStatuses, &r.Status)
	if p.flaw == nil && (last < first || last-first+1 != volume) {
		p.flaw = &flaw{"volume_mwh", f[11], "is not what serial_from and serial_to make", "Ask the registry which of them is right"}
	}
	r.Device.CapacityW, r.First, r.Count = uint64(capacity), uint64(first), uint64(volume) //nolint:gosec // Read without a sign.
	return r, p.flaw
}

// lineMax bounds a line: a reader of CSV takes a hundred bytes for each comma in it.
const lineMax = 1 << 16

// rows calls f for each row of a CSV (RFC 4180) with these columns. Where the header need
// not be there, a first row without it is taken as a row.
//
// Errors: *Refused.
func rows(file string, raw []byte, columns []string, header bool, most int, f func(line int, fields []string) *flaw) error {
	number := 0
	for line := range bytes.Lines(raw) {
		if number++; len(line) > lineMax {
			return &Refused{file, number, "", string(line[:shownMax]), fmt.Sprintf("begins a line of more than %d bytes", lineMax), "A row is " + strings.Join(columns, ",")}
		}
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	for count := 0; ; count++ {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			if count == 0 && header {
				return &Refused{File: file, Reason: "is empty", Next: "Its first line is " + strings.Join(columns, ",")}
			}
			return nil
		}
		if broken, is := errors.AsType[*csv.ParseError](err); is {
			return &Refused{File: file, Line: broken.Line, Reason: "is no CSV (" + broken.Err.Error() + ")", Next: "Correct the line"}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		line, _ := in.FieldPos(0)
		switch {
		case count == 0 && slices.EqualFunc(fields, columns, strings.EqualFold):
			continue
		case count == 0 && header:
			return &Refused{file, line, "", strings.Join(fields, ","), "is not the header", "The first line is " + strings.Join(columns, ",")}
		case count > most:
			return &Refused{File: file, Line: line, Reason: fmt.Sprintf("is more than the %d rows that are read at once", most), Next: "Split the file"}
		case len(fields) != len(columns):
			return &Refused{file, line, "", strings.Join(fields, ","), fmt.Sprintf("has %d fields", len(fields)), "A row is " + strings.Join(columns, ",")}
		}
		if no := f(line, fields); no != nil {
			return no.at(file, line)
		}
	}
}
