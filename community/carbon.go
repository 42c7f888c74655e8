package community

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// Carbon is what a kWh from the grid emitted, interval by interval, as a file says
// (GHG Protocol Scope 2, location-based). It is on no ledger; its hash tells which
// series a figure was made with. A nil Carbon knows nothing.
type Carbon struct {
	first   interval.Time
	spacing interval.Time
	factors []quantity.Intensity // One for each spacing; unknown where the file has none.
	sum     [sha256.Size]byte
}

// unknown marks an interval of which the file says nothing.
const unknown quantity.Intensity = -1

// Bounds of factors: their digits after the point, and the largest.
const (
	carbonDigits = 9
	carbonMax    = 10_000_000_000 // 10 kg per kWh, five times the dirtiest coal.
)

// At returns the factor of the interval that begins at a moment, and whether the
// file says one: what is missing is not 0.
func (c *Carbon) At(t interval.Time) (quantity.Intensity, bool) {
	if c == nil || t < c.first {
		return 0, false
	}
	n := (t - c.first) / c.spacing
	if n >= interval.Time(len(c.factors)) || c.factors[n] == unknown {
		return 0, false
	}
	return c.factors[n], true
}

// SHA256 is the hash of the file in hexadecimal; "" of none.
func (c *Carbon) SHA256() string {
	if c == nil {
		return ""
	}
	return hex.EncodeToString(c.sum[:])
}

// carbonHeader is the header of the file.
const carbonHeader = "start,kg_co2_per_kwh"

// carbon reads the file of factors, if the community names one.
func (b *builder) carbon(f *fileCarbon) error {
	if b.lines.line("carbon") == 0 {
		return nil
	}
	if f.File == "" {
		return b.refuse("carbon.file", "is missing; name a CSV of %s", carbonHeader)
	}
	path := beside(b.path, f.File)
	text, err := readBounded(path)
	if err != nil {
		return b.refuse("carbon.file", "%v", err)
	}
	b.c.carbon, b.c.factors = f.File, text
	b.c.Carbon, err = ReadCarbon(path, text, b.c.Length)
	return err
}

// ReadCarbon reads a CSV of start (RFC 3339) and kg CO2 per kWh, for intervals of a
// length; path is what messages call it.
//
// Errors: *Refused.
func ReadCarbon(path string, text []byte, length interval.Length) (*Carbon, error) {
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	reader.FieldsPerRecord, reader.ReuseRecord = 2, true
	record, err := reader.Read()
	if err != nil || strings.Join(record, ",") != carbonHeader {
		return nil, &Refused{File: path, Line: 1, Reason: "the header is not " + carbonHeader}
	}
	c := &Carbon{sum: sha256.Sum256(text)}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &Refused{File: path, Reason: strings.TrimPrefix(err.Error(), "record on ")}
		}
		if field, reason := c.add(interval.Time(length), record); reason != "" {
			line, _ := reader.FieldPos(0)
			return nil, &Refused{File: path, Line: line, Field: field, Reason: reason}
		}
	}
	if len(c.factors) < 2 {
		return nil, &Refused{File: path, Reason: "has fewer than two rows, which do not say how long one lasts"}
	}
	return c, nil
}

// add appends a row, or returns what is wrong with which field of it. The first two
// rows say how long one lasts; of later ones some may be missing.
func (c *Carbon) add(length interval.Time, record []string) (field, reason string) {
	at, err := time.Parse(time.RFC3339, record[0])
	if err != nil {
		return "start", fmt.Sprintf("%.80q is no time as in 2026-06-20T18:00:00+02:00", record[0])
	}
	start := interval.Time(at.Unix())
	switch len(c.factors) {
	case 0:
		c.first, c.spacing = start, length
		if start%length != 0 {
			return "start", fmt.Sprintf("%s is not the start of an interval of %d minutes", record[0], length/60)
		}
	case 1:
		if c.spacing = start - c.first; c.spacing <= 0 || c.spacing%length != 0 {
			return "start", fmt.Sprintf("%s does not follow the row before by one or more intervals of %d minutes", record[0], length/60)
		}
	}
	end := c.first + interval.Time(len(c.factors))*c.spacing
	if start < end || (start-c.first)%c.spacing != 0 || start-end > carbonGapMax {
		return "start", fmt.Sprintf("%s is not %s, or a whole number of rows after it", record[0], moment(end))
	}
	for ; end < start; end += c.spacing {
		c.factors = append(c.factors, unknown)
	}
	factor, reason := intensityOf(record[1])
	if reason != "" {
		return "kg_co2_per_kwh", fmt.Sprintf("%.80q %s", record[1], reason)
	}
	c.factors = append(c.factors, factor)
	return "", ""
}

// carbonGapMax bounds the gap between two rows: ten years.
const carbonGapMax = 10 * 366 * 24 * 3600

// intensityOf reads kg per kWh as nanograms per Wh, rounded half up where there are
// more digits than that takes. An empty field is unknown.
func intensityOf(text string) (quantity.Intensity, string) {
	if text == "" {
		return unknown, ""
	}
	whole, fraction, _ := strings.Cut(text, ".")
	up := int64(0)
	if len(fraction) > carbonDigits {
		if rest := fraction[carbonDigits:]; strings.Trim(rest, "0123456789") != "" {
			return 0, "is not a decimal number such as 0.32"
		} else if rest[0] >= '5' {
			up = 1
		}
		fraction = fraction[:carbonDigits]
	}
	value, _, reason := decimal{whole + "." + fraction}.scaled(carbonDigits)
	switch {
	case reason != "":
		return 0, reason
	case value < 0 || value > carbonMax:
		return 0, "is not between 0 and 10"
	}
	return quantity.Intensity(value + up), ""
}
