package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// swissMonday is the first moment of the first week: week 44 of a year that the data
// does not name. Whatever the year, summer time ended the Sunday before (but in 2004
// and 2032), which is why each of its weeks has 672 quarters and each of its days 96.
var swissMonday = time.Date(2010, time.November, 1, 0, 0, 0, 0, time.FixedZone("CET", 3600))

// swissWatts is what a connection of these homes carries.
const swissWatts = 40_000

// swiss is three weeks of real homes in files of ours, with what they hold by a count
// of its own.
type swiss struct {
	community string
	readings  []string
	homes     map[string]bool
	count     int
	negative  map[string]int64 // By home and start, in Wh.
	large     map[string]int64 // Above swissWatts.
}

// swissFiles writes the readings of homes: of all, or of those with values that cannot
// be and some others, so that there are most or a few more in all.
func swissFiles(t *testing.T, most int) (s swiss) {
	t.Helper()
	s = swiss{homes: map[string]bool{}, negative: map[string]int64{}, large: map[string]int64{}}
	weeks := []string{"w44", "w45", "w46"}
	table := map[string][][]string{}
	odd := map[string]bool{}
	for _, week := range weeks {
		table[week] = swissTable(t, week)
		for _, row := range table[week][1:] {
			for _, text := range row[1:] {
				if wh := wattHours(t, text); wh < 0 || wh > swissWatts/4 {
					odd[row[0]] = true
				}
			}
		}
	}
	for _, row := range table[weeks[0]][1:] {
		if odd[row[0]] || most == 0 || len(s.homes) < most {
			s.homes[row[0]] = true
		}
	}
	dir := t.TempDir()
	for i, week := range weeks {
		var text strings.Builder
		text.WriteString("meter,start,minutes,import_wh,export_wh,quality\n")
		for _, row := range table[week][1:] {
			if s.homes[row[0]] {
				s.week(t, &text, row, swissMonday.AddDate(0, 0, 7*i))
			}
		}
		s.readings = append(s.readings, filepath.Join(dir, week+".csv"))
		if err := os.WriteFile(s.readings[i], []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var file strings.Builder
	file.WriteString("[community]\nname = \"Swiss homes\"\ncurrency = \"CHF\"\ninterval_minutes = 15\ntime_zone = \"Europe/Zurich\"\n[tariff]\nretail = 0.27\nfeed_in = 0.06\n")
	for _, row := range table[weeks[0]][1:] {
		if s.homes[row[0]] {
			fmt.Fprintf(&file, "[[member]]\nname = %q\ncapacity_kw = %d\n", row[0], swissWatts/1000)
		}
	}
	s.community = filepath.Join(dir, "swiss.toml")
	if err := os.WriteFile(s.community, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// week writes the readings of a home in a week.
func (s *swiss) week(t *testing.T, out io.Writer, row []string, monday time.Time) {
	t.Helper()
	for quarter, text := range row[1:] {
		start := monday.Add(time.Duration(quarter) * 15 * time.Minute)
		wh := wattHours(t, text)
		fmt.Fprintf(out, "%s,%s,15,%d,0,A\n", row[0], start.Format(time.RFC3339), wh)
		s.count++
		key := row[0] + " " + start.UTC().Format(time.RFC3339)
		switch {
		case wh < 0:
			s.negative[key] = wh
		case wh > swissWatts/4:
			s.large[key] = wh
		}
	}
}

// swissTable reads a week: a home in each row, and its kWh in each quarter.
func swissTable(t *testing.T, week string) [][]string {
	t.Helper()
	in, err := os.Open(sharedOf(t, "swiss", week+".csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	unzip, err := gzip.NewReader(bufio.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(unzip).ReadAll()
	if err != nil || len(rows) != 538 || len(rows[0]) != 673 {
		t.Fatalf("%s: %d rows, %v", week, len(rows), errors.Join(err))
	}
	return rows
}

// wattHours rounds kWh to whole Wh; what is below zero stays below.
func wattHours(t *testing.T, kWh string) int64 {
	t.Helper()
	n, ok := new(big.Rat).SetString(kWh)
	if !ok {
		t.Fatalf("%q is no number", kWh)
	}
	n.Mul(n, big.NewRat(1000, 1))
	half := big.NewRat(int64(n.Sign()), 2)
	n.Add(n, half)
	return new(big.Int).Quo(n.Num(), n.Denom()).Int64()
}

// TestSwiss settles three weeks of real homes with their real faults: each value below
// zero and each above what a connection carries is flagged with its reason, all others
// are taken, and nothing else is estimated. By default it takes the homes with such
// values and some without; with COMMONWATT_SWISS=1 all 537, as make swiss does.
func TestSwiss(t *testing.T) {
	if testing.Short() {
		t.Skip("three weeks of homes take seconds")
	}
	most := 30
	if os.Getenv("COMMONWATT_SWISS") != "" {
		most = 0
	}
	s := swissFiles(t, most)
	began := time.Now()
	dir := t.TempDir()
	args := []string{"settle", s.community, "--out", dir}
	for _, file := range s.readings {
		args = append(args, "--readings", file)
	}
	must(t, args...)
	t.Logf("%d homes, %d readings, of them %d below zero and %d above %d kW: %.1f s", len(s.homes), s.count, len(s.negative), len(s.large), swissWatts/1000, time.Since(began).Seconds())

	negative, large, estimated := map[string]int64{}, map[string]int64{}, 0
	reasons := map[string]int{}
	for _, row := range table(t, filepath.Join(dir, "exceptions.csv")) {
		key := row["meter"] + " " + row["start"]
		reasons[row["reason"]]++
		switch row["reason"] {
		case "negative":
			negative[key] = number(t, row["import_wh"])
		case "above_capacity":
			large[key] = number(t, row["import_wh"])
		case "missing":
			estimated++
			if _, below := s.negative[key]; !below {
				t.Errorf("%s is estimated, and was read", key)
			}
		case "stuck":
		default:
			t.Errorf("%s: %s", key, row["reason"])
		}
	}
	t.Log(reasons)
	for what, pair := range map[string][2]map[string]int64{"below zero": {s.negative, negative}, "above the capacity": {s.large, large}} {
		for key, wh := range pair[0] {
			if pair[1][key] != wh {
				t.Errorf("%s, %s: %d Wh, flagged as %d", what, key, wh, pair[1][key])
			}
		}
		if len(pair[1]) != len(pair[0]) {
			t.Errorf("%s: %d are flagged, want %d", what, len(pair[1]), len(pair[0]))
		}
	}
	if sum := summaryOf(t, string(read(t, dir, "summary.json"))); int(sum.Readings) != s.count-len(s.negative) || int(sum.Intervals) != 3*672 {
		t.Errorf("%d readings were taken in %d intervals, want %d", sum.Readings, sum.Intervals, s.count-len(s.negative))
	}
	if len(s.negative) != 6 || len(s.large) != 193 {
		t.Errorf("the data has %d values below zero and %d above, want 6 and 193", len(s.negative), len(s.large))
	}
}
