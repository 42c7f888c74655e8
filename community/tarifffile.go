package community

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tariff"
)

// rows are the retail prices of a tariff file: equal spaces of time, no gap.
type rows struct {
	file    string
	first   interval.Time
	spacing interval.Time
	prices  []quantity.Price
}

// end is the first moment after the last row.
func (r *rows) end() interval.Time { return r.first + interval.Time(len(r.prices))*r.spacing }

// cover refuses a period for which there are no prices.
func (r *rows) cover(from, to interval.Time) error {
	if from >= r.first && to <= r.end() {
		return nil
	}
	gapFrom, gapTo := from, min(to, r.first)
	if from >= r.first {
		gapFrom, gapTo = max(from, r.end()), to
	}
	return &Refused{File: r.file, Reason: fmt.Sprintf("there is no price from %s to %s; the file holds %s to %s",
		moment(gapFrom), moment(gapTo), moment(r.first), moment(r.end()))}
}

func moment(t interval.Time) string { return time.Unix(int64(t), 0).UTC().Format(time.RFC3339) }

// tariffFile reads a CSV of start (RFC 3339) and price per kWh.
func (b *builder) tariffFile(path string) (*rows, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, b.refuse("tariff.file", "%v", err)
	}
	b.c.prices = text
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	reader.FieldsPerRecord, reader.ReuseRecord = 2, true
	header := "start," + strings.ToLower(b.c.Currency) + "_per_kwh"
	record, err := reader.Read()
	if err != nil || strings.Join(record, ",") != header {
		return nil, &Refused{File: path, Line: 1, Reason: "the header is not " + header}
	}
	r := &rows{file: path}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &Refused{File: path, Reason: strings.TrimPrefix(err.Error(), "record on ")}
		}
		if field, reason := r.add(b.c, record); reason != "" {
			line, _ := reader.FieldPos(0)
			return nil, &Refused{File: path, Line: line, Field: field, Reason: reason}
		}
	}
	if len(r.prices) < 2 {
		return nil, &Refused{File: path, Reason: "has fewer than two rows, which do not say how long one lasts"}
	}
	return r, nil
}

// add appends a row, or returns what is wrong with which field of it.
func (r *rows) add(c *Community, record []string) (field, reason string) {
	at, err := time.Parse(time.RFC3339, record[0])
	if err != nil {
		return "start", fmt.Sprintf("%.80q is no time as in 2026-06-20T18:00:00+02:00", record[0])
	}
	start := interval.Time(at.Unix())
	switch length := interval.Time(c.Length); len(r.prices) {
	case 0:
		r.first = start
		if start%length != 0 {
			return "start", fmt.Sprintf("%s is not the start of an interval of %d minutes", record[0], c.Length/60)
		}
	case 1:
		r.spacing = start - r.first
		if r.spacing <= 0 || r.spacing%length != 0 {
			return "start", fmt.Sprintf("%s does not follow the row before by one or more intervals of %d minutes", record[0], c.Length/60)
		}
	default:
		if start != r.end() {
			return "start", fmt.Sprintf("%s is not %s, which follows the row before", record[0], moment(r.end()))
		}
	}
	price, reason := priceOf(decimal{record[1]}, c.Decimals, tariff.MaxPrice)
	switch {
	case reason != "":
		return "price", fmt.Sprintf("%.80q %s", record[1], reason)
	case price < c.feedIn:
		return "price", record[1] + " is below feed_in"
	}
	r.prices = append(r.prices, price)
	return "", ""
}
