package gateway_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/gateway"
)

// meterFiles lists the meter files below a folder of the shared data.
func meterFiles(t testing.TB, folder string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(shared(t, folder), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "LICENSE" && d.Name() != "NOTICE" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files in %s, %v", len(files), folder, err)
	}
	return files
}

// content is the text of a file, or of the one file in a zip file.
func content(t testing.TB, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.EqualFold(filepath.Ext(file), ".zip") {
		return string(raw)
	}
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(archive.File) != 1 {
		t.Fatalf("%s: %v", file, err)
	}
	in, err := archive.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// nem12Sums adds the values of a NEM12 file up, in the plainest way: Wh of all
// channels E and of all channels B.
func nem12Sums(t testing.TB, text string) (imported, exported int64) {
	t.Helper()
	units := map[string]int64{"wh": 1, "kwh": 1_000, "mwh": 1_000_000}
	sums := map[byte]*big.Rat{'E': new(big.Rat), 'B': new(big.Rat)}
	var sum *big.Rat
	var unit, values int64
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), ",")
		switch {
		case f[0] == "200":
			minutes, err := strconv.ParseInt(f[8], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			unit, values, sum = units[strings.ToLower(f[7])], 24*60/minutes, sums[f[4][0]]
		case f[0] == "300" && unit > 0 && sum != nil:
			for _, value := range f[2 : 2+values] {
				v, ok := new(big.Rat).SetString("0" + value)
				if !ok {
					t.Fatalf("%q", value)
				}
				sum.Add(sum, v.Mul(v, new(big.Rat).SetInt64(unit)))
			}
		}
	}
	whole := func(r *big.Rat) int64 {
		if !r.IsInt() {
			t.Fatalf("%v is no whole number of Wh", r)
		}
		return r.Num().Int64()
	}
	return whole(sums['E']), whole(sums['B'])
}

// Every valid NEM12 file has the sums that its values have, and those of reactive
// energy alone have no reading and say so.
func TestSharedNEM12(t *testing.T) {
	valid := 0
	for _, file := range append(meterFiles(t, "formats/nem12/examples/nem12"), meterFiles(t, "formats/nem12/examples/unzipped")...) {
		text := content(t, file)
		got, err := gateway.Load([]string{file}, gateway.Expect{}, nil)
		if strings.HasPrefix(text, "100,NEM13") {
			if err == nil || !strings.Contains(err.Error(), `.csv:1: VersionHeader: "NEM13" is a file of register reads months apart`) {
				t.Errorf("%s: %v", file, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		valid++
		imported, exported := nem12Sums(t, text)
		for _, p := range got.Parts {
			imported, exported = imported-int64(p.Import), exported-int64(p.Export)
			if p.Format != gateway.NEM12 || p.Offset != "UTC+10:00" {
				t.Errorf("%s: %v", file, p)
			}
		}
		if imported != 0 || exported != 0 {
			t.Errorf("%s: %d Wh of import and %d Wh of export are missing", file, imported, exported)
		}
		if len(got.Readings) == 0 && len(got.Notes) == 0 {
			t.Errorf("%s: no reading, and nobody says why", file)
		}
	}
	if valid != 52 {
		t.Errorf("%d valid files", valid)
	}
}

// Every NEM12 file that is invalid on purpose is refused, with its line.
func TestSharedNEM12Invalid(t *testing.T) {
	want := map[string]string{
		"Example_NEM12_15min_200_30min_300.csv": ":3: has 55 fields, for 48 values; a day of 15 minutes, as the 200 record of line 2 says, has 96 values",
		"Example_NEM12_30min_200_15min_300.csv": ":3: has 103 fields, for 96 values; a day of 30 minutes, as the 200 record of line 2 says, has 48 values",
		"Example_NEM12_empty.csv":               `:2: RecordIndicator: "900" ends a file that has no 200 record and no values`,
		"Example_NEM12_missing_header.csv":      ":1: the line is blank where the 100 record has to be",
		"Example_NEM12_powercor.csv.zip":        "/Example_NEM12_powercor.csv:1: the line is blank where the 100 record has to be",
		"Example_empty_file.csv":                ": the file is empty",
	}
	files := meterFiles(t, "formats/nem12/examples/invalid")
	for _, file := range files {
		_, err := gateway.Load([]string{file}, gateway.Expect{}, nil)
		if _, refused := errors.AsType[*gateway.Refused](err); !refused || !strings.HasPrefix(err.Error(), file+want[filepath.Base(file)]) {
			t.Errorf("%v", err)
		}
	}
	if len(files) != len(want) {
		t.Errorf("%d files", len(files))
	}
}

// Green Button files have the energies that their source states, hour by hour
// where it does.
func TestSharedGreenButton(t *testing.T) {
	stated := content(t, shared(t, "formats/greenbutton/greenbutton_objects/TestGBDataHourlyNineDaysBinnedDaily.txt"))
	var want []string
	for _, line := range regexp.MustCompile(`(\S+) (\S+)\+00:00, 1:00:00: (\d+) Wh`).FindAllStringSubmatch(stated, -1) {
		want = append(want, line[1]+"T"+line[2]+"Z "+line[3])
	}
	got, err := gateway.Load([]string{shared(t, "formats/greenbutton/greenbutton_objects/TestGBDataHourlyNineDaysBinnedDaily.xml")}, gateway.Expect{}, nil)
	if err != nil || len(got.Readings) != 216 || len(want) != 216 {
		t.Fatalf("%d readings, %d stated, %v", len(got.Readings), len(want), err)
	}
	for i, r := range got.Readings {
		if read := fmt.Sprint(rfc3339(r.Start), " ", int64(r.Import)); read != want[i] || r.Export != 0 || r.Length != 3600 || r.Quality != gateway.Actual {
			t.Fatalf("%v: %s, want %s", r, read, want[i])
		}
	}
	for _, file := range meterFiles(t, "formats/greenbutton") {
		if filepath.Ext(file) != ".xml" {
			continue
		}
		var sum int64
		readings := regexp.MustCompile(`(?s)<IntervalReading>.*?<value>(\d+)</value>`).FindAllStringSubmatch(content(t, file), -1)
		for _, r := range readings {
			n, err := strconv.ParseInt(r[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
		got, err := gateway.Load([]string{file}, gateway.Expect{}, nil)
		if err != nil || len(got.Parts) != 1 || int64(got.Parts[0].Import) != sum || got.Parts[0].Readings != len(readings) {
			t.Errorf("%s: %v, %v; want %d Wh", file, got.Parts, err, sum)
		}
	}
}

// P1 telegrams of several makes have the registers that they show, and a checksum
// that is right; one telegram is no interval, and a note says so.
func TestSharedP1(t *testing.T) {
	want := map[string]string{
		"TELEGRAM_ESY5Q3DA1004_V304.txt": "1336001560 &{32549506 0} no time, as before DSMR 4",
		"TELEGRAM_FLUVIUS_V171.txt":      "1SAG3101021605 &{15792 11} a telegram shows registers at its moment",
		"TELEGRAM_ISKRA_IE.txt":          "09610 &{20363 20563} a telegram shows registers at its moment",
		"TELEGRAM_UNPADDED_CRC.txt":      "ADC3100000158491 <nil> no register of electricity",
		"TELEGRAM_V3.txt":                "K8EG004046395507 &{24691356 24691356} no time, as before DSMR 4",
		"TELEGRAM_V5.txt":                "K8EG004046395507 &{6825 2444} a telegram shows registers at its moment",
		"TELEGRAM_V5_TWO_MBUS.txt":       "E0044007382246019 &{2375582 0} a telegram shows registers at its moment",
	}
	files := meterFiles(t, "formats/dsmr")
	for _, file := range files {
		got, err := gateway.Load([]string{file}, gateway.Expect{}, nil)
		if err != nil || len(got.Parts) != 1 || len(got.Notes) != 1 || len(got.Readings) != 0 {
			t.Errorf("%s: %v, %v", file, got, err)
			continue
		}
		said := fmt.Sprintf("%s %v %s", got.Parts[0].Meter, got.Parts[0].Registers, got.Notes[0].Text)
		if w := want[filepath.Base(file)]; w == "" || !strings.HasPrefix(said, w) {
			t.Errorf("%s: %s", file, said)
		}
		// The same telegram with a bit of it changed.
		text := []byte(content(t, file))
		if i := bytes.IndexByte(text, '!'); text[i+1] == '\r' {
			continue // Before DSMR 4: no checksum.
		}
		text[bytes.IndexByte(text, '.')+1] ^= 1
		if _, err := load(string(text), gateway.Expect{}); err == nil || !strings.Contains(err.Error(), "is not the checksum of the telegram of line 1") {
			t.Errorf("%s, damaged: %v", file, err)
		}
	}
	if len(files) != len(want) {
		t.Errorf("%d files", len(files))
	}
}
