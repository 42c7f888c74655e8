package community_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/interval"
)

// withCarbon is a community of quarter-hours whose file names a series of factors.
const withCarbon = `[community]
name = "Carbon"
interval_minutes = 15
[tariff]
retail = 0.30
feed_in = 0.08
[carbon]
file = "grid/carbon.csv"
[[member]]
name = "ann"
`

// loadCarbon loads it with the rows of a series below its header, or without a header.
func loadCarbon(t *testing.T, rows string) (string, *community.Community, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "grid"), 0o700); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(rows, "when") {
		rows = "start,kg_co2_per_kwh\n" + rows
	}
	for name, text := range map[string]string{"c.toml": withCarbon, "grid/carbon.csv": rows} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := community.Load(filepath.Join(dir, "c.toml"))
	return rows, c, err
}

// Every interval has the factor of the row that it lies in; what the file does not say
// is not known, which is another thing than 0. What is kept is the same.
func TestCarbon(t *testing.T) {
	text, c, err := loadCarbon(t, strings.Join([]string{
		"2026-06-20T00:00:00Z,0.15731905", "2026-06-20T01:00:00Z,0", "2026-06-20T02:00:00Z,",
		"2026-06-20T04:00:00Z,0.1234567894", "2026-06-20T05:00:00Z,0.1234567895", "",
	}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := c.Keep(dir); err != nil {
		t.Fatal(err)
	}
	kept, err := community.Load(filepath.Join(dir, community.File))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(text))
	const midnight, quarter = interval.Time(1_781_913_600), interval.Time(900)
	for _, c := range []*community.Carbon{c.Carbon, kept.Carbon} {
		if c.SHA256() != hex.EncodeToString(sum[:]) {
			t.Errorf("the hash is %s", c.SHA256())
		}
		for quarters, want := range map[int]int64{
			-1: -1, 0: 157_319_050, 3: 157_319_050, 4: 0, 7: 0, 8: -1, 12: -1, 16: 123_456_789, 20: 123_456_790, 23: 123_456_790, 24: -1,
		} {
			got, known := c.At(midnight + interval.Time(quarters)*quarter)
			if known != (want >= 0) || known && int64(got) != want {
				t.Errorf("quarter %d: %d %v, want %d", quarters, got, known, want)
			}
		}
	}
	var none *community.Carbon
	if _, known := none.At(midnight); known || none.SHA256() != "" {
		t.Error("no series knows something")
	}
}

func TestCarbonRefused(t *testing.T) {
	for rows, want := range map[string]string{
		"when,how much\n":            "carbon.csv:1: the header is not start,kg_co2_per_kwh",
		"":                           "has fewer than two rows",
		"noon,0.1\n":                 `carbon.csv:2: start: "noon" is no time`,
		"2026-06-20T00:10:00Z,0.1\n": "start: 2026-06-20T00:10:00Z is not the start of an interval of 15 minutes",
		"2026-06-20T00:00:00Z,0.1\n2026-06-20T00:20:00Z,0.1\n":                           "carbon.csv:3: start: 2026-06-20T00:20:00Z does not follow",
		"2026-06-20T00:00:00Z,0.1\n2026-06-20T01:00:00Z,0.1\n2026-06-20T02:30:00Z,0.1\n": "carbon.csv:4: start: 2026-06-20T02:30:00Z is not 2026-06-20T02:00:00Z, or a whole number of rows after it",
		"2026-06-20T00:00:00Z,0.1\n2026-06-20T01:00:00Z,0.1\n2026-06-20T01:00:00Z,0.1\n": "carbon.csv:4: start: 2026-06-20T01:00:00Z is not",
		"2026-06-20T00:00:00Z,0.1\n2026-06-20T01:00:00Z,0.1\n2086-06-20T01:00:00Z,0.1\n": "carbon.csv:4: start: 2086-06-20T01:00:00Z is not",

		"2026-06-20T00:00:00Z,-0.1\n":          `kg_co2_per_kwh: "-0.1" is not between 0 and 10`,
		"2026-06-20T00:00:00Z,10.000000001\n":  "is not between 0 and 10",
		"2026-06-20T00:00:00Z,a lot\n":         `"a lot" is not a decimal number`,
		"2026-06-20T00:00:00Z,0.1234567891x\n": "is not a decimal number",
		"2026-06-20T00:00:00Z,0.1,0.2\n":       "wrong number of fields",
	} {
		_, _, err := loadCarbon(t, rows)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", rows, err, want)
		}
	}
	for text, want := range map[string]string{
		strings.Replace(withCarbon, `file = "grid/carbon.csv"`, "", 1): "c.toml:7: carbon.file: is missing",
		strings.Replace(withCarbon, "grid/", "grind/", 1):              "c.toml:8: carbon.file: open grind/carbon.csv: no such file",
		strings.Replace(withCarbon, "file =", "fill =", 1):             `did you mean "file"?`,
	} {
		if _, err := community.Parse("c.toml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
