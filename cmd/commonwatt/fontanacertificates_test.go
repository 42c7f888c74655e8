package main

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/report"
)

// What Fontana's plants produced is certified to the Wh, each green trade carries its
// certificate, and score and emissions are what pencil and paper make of the readings
// and the carbon series.
func TestFontanaCertificates(t *testing.T) {
	if testing.Short() {
		t.Skip("a month of seventeen homes takes seconds")
	}
	path, _ := fontanaMonth(t, "2016-09")
	for _, file := range []string{fontanaLines, fontanaGreen(t)} {
		dir := t.TempDir()
		must(t, "settle", file, "--readings", path, "--out", dir)
		if green := checkCertificates(t, dir, "2016-09"); green > 0 != (file != fontanaLines) {
			t.Errorf("%s: %d Wh went as green", file, green)
		}
		for _, kind := range []string{"pdf", "csv", "json"} { // Their clock has an offset and no name.
			must(t, "statement", dir, "b03", "2016-09", "--out", filepath.Join(t.TempDir(), "b03."+kind))
		}
	}
}

// fontanaGreen writes Fontana's community file with four homes that buy green energy
// only, and pay more for it.
func fontanaGreen(t *testing.T) string {
	t.Helper()
	data, err := filepath.Abs(filepath.Join(filepath.Dir(shared(t, "tariff.csv")), "../.."))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("COMMONWATT_SHARED", data)
	text, err := os.ReadFile(fontanaLines)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b03", "b08", "b12", "b16"} {
		home := "name = \"" + name + "\"\n"
		if !strings.Contains(string(text), home) {
			t.Fatalf("there is no %s", name)
		}
		text = []byte(strings.Replace(string(text), home, home+"green = true\nbuy_limit = 0.40\n", 1))
	}
	path := filepath.Join(t.TempDir(), "fontana-green.toml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fontanaPlants reads what every home produced, in Wh by hour, and what it took and
// gave there.
func fontanaPlants(t *testing.T, month string) (produced map[string]map[string]int64, homes hours) {
	t.Helper()
	in, err := os.Open(shared(t, "readings.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	unzip, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	produced, homes = map[string]map[string]int64{}, hours{}
	for rows := csv.NewReader(unzip); ; {
		f, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return produced, homes
		}
		if err != nil {
			t.Fatal(err)
		}
		if f[0] == "meter" || !strings.HasPrefix(f[1], month) {
			continue
		}
		start := inUTC(t, f[1])
		if produced[start] == nil {
			produced[start], homes[start] = map[string]int64{}, map[string]reading{}
		}
		if home, plant := strings.CutSuffix(f[0], "-pv"); plant {
			produced[start][home] = number(t, f[4])
		} else {
			homes[start][home] = reading{number(t, f[3]), number(t, f[4])}
		}
	}
}

// fontanaCarbon reads the grid's factor of every hour, in kg per kWh.
func fontanaCarbon(t *testing.T) map[string]float64 {
	t.Helper()
	factors := map[string]float64{}
	for _, row := range table(t, shared(t, "carbon.csv")) {
		f, err := strconv.ParseFloat(row["kg_co2_per_kwh"], 64)
		if err != nil {
			t.Fatal(err)
		}
		factors[inUTC(t, row["start"])] = f
	}
	return factors
}

// fontanaHour is what one hour comes to.
type fontanaHour struct {
	used, produced, matched, claimed, supplied int64
	green                                      int64   // Of claimed, what neighbours sold as green.
	emitted, residual                          float64 // Milligrams.
}

// fontanaHours computes every hour again, from the readings, the trades and the carbon
// series. A home uses its plant's energy first, and what it does is claimed; of what
// a neighbour bought, what was sold as green is.
func fontanaHours(t *testing.T, dir, month string) map[string]*fontanaHour {
	t.Helper()
	produced, homes := fontanaPlants(t, month)
	factors := fontanaCarbon(t)
	all := map[string]*fontanaHour{}
	for start, members := range homes {
		h := &fontanaHour{}
		for home, r := range members {
			made := produced[start][home]
			h.produced += made
			h.used += r.taken + made - r.given
			h.claimed += max(made-r.given, 0)
		}
		h.matched = min(h.produced, h.used)
		all[start] = h
	}
	for _, row := range table(t, filepath.Join(dir, "trades.csv")) {
		switch h := all[row["start"]]; {
		case row["seller"] == "utility":
			h.supplied += number(t, row["energy_wh"])
		case row["class"] == "green":
			h.claimed += number(t, row["energy_wh"])
			h.green += number(t, row["energy_wh"])
		}
	}
	for start, h := range all {
		factor, known := factors[start]
		if !known {
			t.Fatalf("%s has no factor", start)
		}
		h.emitted = float64(h.supplied) * factor * 1000 // kg/kWh is g/Wh.
		h.residual = float64(h.used-h.claimed) * factor * 1000
	}
	return all
}

// checkCertificates compares what a folder holds with what is computed again, hour by
// hour and in all. It returns how much neighbours sold as green.
func checkCertificates(t *testing.T, dir, month string) (green int64) {
	t.Helper()
	var s struct {
		Certificates report.Certificates `json:"certificates"`
		Matching     report.Matching     `json:"matching"`
	}
	if err := json.Unmarshal(read(t, dir, "summary.json"), &s); err != nil {
		t.Fatal(err)
	}
	all := fontanaHours(t, dir, month)
	var sum fontanaHour
	told := table(t, filepath.Join(dir, "matching.csv"))
	if len(told) != len(all) || len(all) == 0 {
		t.Fatalf("matching.csv has %d hours, the readings have %d", len(told), len(all))
	}
	for _, row := range told {
		h := all[row["start"]]
		for column, want := range map[string]int64{
			"used_wh": h.used, "produced_wh": h.produced, "matched_wh": h.matched, "claimed_wh": h.claimed,
			"residual_wh": h.used - h.claimed, "supplied_wh": h.supplied, "supplied_without_factor_wh": 0,
		} {
			if got := number(t, row[column]); got != want {
				t.Fatalf("%s: %s is %d, not %d", row["start"], column, got, want)
			}
		}
		for column, want := range map[string]float64{"supplied_mg_co2": h.emitted, "residual_mg_co2": h.residual} {
			if got := float64(number(t, row[column])); math.Abs(got-want) > 0.51 {
				t.Fatalf("%s: %s is %.0f, not %.3f", row["start"], column, got, want)
			}
		}
		sum.used, sum.produced, sum.matched = sum.used+h.used, sum.produced+h.produced, sum.matched+h.matched
		sum.claimed, sum.supplied, sum.green = sum.claimed+h.claimed, sum.supplied+h.supplied, sum.green+h.green
		sum.emitted, sum.residual = sum.emitted+h.emitted, sum.residual+h.residual
	}
	c, m := s.Certificates, s.Matching
	if int64(c.Issued) != sum.produced || int64(c.Claimed) != sum.claimed || int64(c.Held+c.Claimed) != sum.produced || c.Lots == 0 {
		t.Errorf("of %d Wh that were produced %d are certified; of %d that are claimed, %d: %+v", sum.produced, c.Issued, sum.claimed, c.Claimed, c)
	}
	if int64(m.Used) != sum.used || int64(m.Matched) != sum.matched || int64(m.Claimed) != sum.claimed || int64(m.Supplied) != sum.supplied {
		t.Errorf("%+v, computed %+v", m, sum)
	}
	if score := float64(sum.matched) / float64(sum.used) * 1e6; math.Abs(float64(m.Score)-score) > 1 {
		t.Errorf("the score is %d ppm, computed %.2f", m.Score, score)
	}
	most := 0.51 * float64(len(all)) // Milligrams by which so many roundings differ at most.
	if m.Carbon == nil || m.Carbon.IntervalsUnknown != 0 || math.Abs(float64(m.Carbon.Supplied)-sum.emitted) > most || math.Abs(float64(m.Carbon.Residual)-sum.residual) > most {
		t.Errorf("emissions are %+v, computed %.0f and %.0f mg", m.Carbon, sum.emitted, sum.residual)
	}
	t.Logf("%d lots of %d Wh, %d Wh claimed, %d of them with green trades; %d of %d Wh matched: %d ppm; %d Wh supplied, %.3f kg; residual %d Wh, %.3f kg",
		c.Lots, c.Issued, c.Claimed, sum.green, m.Matched, m.Used, m.Score, m.Supplied, float64(m.Carbon.Supplied)/1e6, m.Residual, float64(m.Carbon.Residual)/1e6)
	return sum.green
}
