package gateway_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
)

// village is a community of two meters.
type village struct{}

func (village) Has(meter string) bool { return meter == "ann" || meter == "ann-pv" }

func (village) Nearest(meter string) string {
	if strings.HasPrefix(meter, "an") {
		return "ann"
	}
	return ""
}

func readAll(in io.Reader, expect gateway.Expect) ([]gateway.Reading, error) {
	r, err := gateway.NewReader("r.csv", in, expect)
	if err != nil {
		return nil, err
	}
	var all []gateway.Reading
	for {
		reading, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, reading)
	}
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hour is 2026-06-20T16:00:00Z.
var hour = interval.Time(time.Date(2026, 6, 20, 16, 0, 0, 0, time.UTC).Unix())

func TestReadAccepts(t *testing.T) {
	want := gateway.Reading{Meter: "ann", Start: hour, Length: interval.Minutes60, Import: 1200, Export: 35, Quality: gateway.Actual}
	head := gateway.Header + "\n"
	for name, text := range map[string]string{
		"plain":               head + "ann,2026-06-20T18:00:00+02:00,60,1200,35,A\n",
		"UTC":                 head + "ann,2026-06-20T16:00:00Z,60,1200,35,A\n",
		"offset of half hour": head + "ann,2026-06-20T21:30:00+05:30,60,1200,35,A\n",
		"the day before":      head + "ann,2026-06-19T23:00:00-17:00,60,1200,35,A\n",
		"no last line feed":   head + "ann,2026-06-20T16:00:00Z,60,1200,35,A",
		"CRLF":                strings.ReplaceAll(head, "\n", "\r\n") + "ann,2026-06-20T16:00:00Z,60,1200,35,A\r\n",
		"byte order mark":     "\xef\xbb\xbf" + head + "ann,2026-06-20T16:00:00Z,60,1200,35,A\n",
		"quotes":              head + `"ann","2026-06-20T16:00:00Z",60,"1200",35,"A"` + "\n",
		"quoted header":       `"meter","start","minutes","import_wh","export_wh","quality"` + "\nann,2026-06-20T16:00:00Z,60,1200,35,A\n",
		"blank lines at end":  head + "ann,2026-06-20T16:00:00Z,60,1200,35,A\n\r\n\n",
		"leading zeros":       head + "ann,2026-06-20T16:00:00Z,60,001200,035,A\n",
		"gzip":                string(zipped(t, head+"ann,2026-06-20T16:00:00Z,60,1200,35,A\n")),
		"two gzip members":    string(zipped(t, head)) + string(zipped(t, "ann,2026-06-20T16:00:00Z,60,1200,35,A\n")),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(strings.NewReader(text), gateway.Expect{Meters: village{}, Length: interval.Minutes60})
			if err != nil || len(got) != 1 || got[0] != want {
				t.Fatalf("got %v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	zip := string(zipped(t, gateway.Header+"\nann,2026-06-20T16:00:00Z,60,1200,35,A\n"))
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", `r.csv: the file is empty. Send a file that starts with the line meter,start,minutes,import_wh,export_wh,quality; nothing was booked.`},
		{"only a header", "H\n", `r.csv:1: has a header and no readings. Send the file with its rows; nothing was booked.`},
		{"no header", "ann,2026-06-20T16:00:00Z,60,1,0,A\n", `r.csv:1: "ann,2026-06-20T16:00:00Z,60,1,0,A" is not the header of a readings file, which is meter,start,minutes,import_wh,export_wh,quality. Write the header like that; nothing was booked.`},
		{"semicolons", "meter;start;minutes;import_wh;export_wh;quality\n", "Separate the columns by commas, not by semicolons"},
		{"UTF-16", "\xff\xfem\x00e\x00\n", "the file is in UTF-16. Save it as UTF-8"},
		{"NUL", "H\nann,2026-06-20T16:00:00Z,60,1\x00,0,A\n", "contains a NUL byte"},
		{"five fields", "H\nann,2026-06-20T16:00:00Z,60,1,0\n", `r.csv:2: "ann,2026-06-20T16:00:00Z,60,1,0" has 5 fields; a row has 6`},
		{"seven fields", "H\nann,2026-06-20T16:00:00Z,60,1,0,A,\n", "has 7 fields"},
		{"seven quoted fields", "H\n\"ann\",2026-06-20T16:00:00Z,60,1,0,A,\n", "has 7 fields"},
		{"open quote", "H\nann,\"2026-06-20T16:00:00Z,60,1,0,A\n", "opens a quote that does not close on its line"},
		{"text after quote", "H\n\"ann\"x,2026-06-20T16:00:00Z,60,1,0,A\n", "has text after a closing quote"},
		{"blank line", "H\n\nann,2026-06-20T16:00:00Z,60,1,0,A\n", "r.csv:2: the line is blank and rows follow"},
		{"long line", "H\n" + strings.Repeat("x", 2000) + "\n", "is a line of more than 1024 bytes"},
		{"endless line", "H\n" + strings.Repeat("x", 200_000), "is a line of more than 1024 bytes"},
		{"no meter", "H\n,2026-06-20T16:00:00Z,60,1,0,A\n", "meter: is missing"},
		{"blank in meter", "H\nan n,2026-06-20T16:00:00Z,60,1,0,A\n", "without blank, comma or quote"},
		{"misspelt meter", "H\nanna,2026-06-20T16:00:00Z,60,1,0,A\n", `meter: "anna" is not a meter of this community. Did you mean "ann"?`},
		{"unknown meter", "H\nzoe,2026-06-20T16:00:00Z,60,1,0,A\n", "Say which of its meters it is, as in --meter zoe=NAME, add it to the community file, or remove its rows"},
		{"minutes", "H\nann,2026-06-20T16:00:00Z,45,1,0,A\n", `minutes: "45" is none of 5, 15, 30 and 60`},
		{"no offset", "H\nann,2026-06-20T16:00:00,60,1,0,A\n", "has no offset"},
		{"fraction", "H\nann,2026-06-20T16:00:00.5Z,60,1,0,A\n", "has a fraction of a second"},
		{"30 February", "H\nann,2026-02-30T16:00:00Z,60,1,0,A\n", "is no moment of the calendar"},
		{"letters in time", "H\nann,2026-0x-20T16:00:00Z,60,1,0,A\n", "is not a time as in RFC 3339"},
		{"before 1970", "H\nann,1969-12-31T16:00:00Z,60,1,0,A\n", "is before 1970"},
		{"misaligned", "H\nann,2026-06-20T16:15:00Z,60,1,0,A\n", `start: "2026-06-20T16:15:00Z" is not a multiple of 60 minutes in UTC`},
		{"negative and no number", "H\nann,2026-06-20T16:00:00Z,60,-,0,A\n", `r.csv:2: import_wh: "-" is not a number; a whole number of Wh is expected. Correct the row or remove it; nothing was booked.`},
		{"decimal", "H\nann,2026-06-20T16:00:00Z,60,1,0.5,A\n", `export_wh: "0.5" is not a whole number of Wh`},
		{"word", "H\nann,2026-06-20T16:00:00Z,60,n/a,0,A\n", "is not a number"},
		{"no energy", "H\nann,2026-06-20T16:00:00Z,60,,0,A\n", "import_wh: is missing. Write 0 for a real zero"},
		{"too much", "H\nann,2026-06-20T16:00:00Z,60,1000000000000,0,A\n", "is 10^12 Wh or more"},
		{"over 64 bits", "H\nann,2026-06-20T16:00:00Z,60,99999999999999999999999,0,A\n", "is not a whole number of Wh"},
		{"quality", "H\nann,2026-06-20T16:00:00Z,60,1,0,X\n", `quality: "X" is no quality; they are A actual`},
		{"gzip cut short", zip[:len(zip)-9], "the compressed file is cut short after this line"},
		{"gzip damaged", zip[:len(zip)-6] + "\x00" + zip[len(zip)-5:], "the compressed file is damaged after this line"},
		{"gzip header only", "\x1f\x8b", "the compressed file is cut short"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(test.text, "H\n", gateway.Header+"\n", 1)
			_, err := readAll(strings.NewReader(text), gateway.Expect{Meters: village{}, Length: interval.Minutes60})
			if _, refused := errors.AsType[*gateway.Refused](err); !refused || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestStartsAgree compares the hand-written parser with the library's.
func TestStartsAgree(t *testing.T) {
	at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	zone := time.FixedZone("", -34200)
	for at.Year() < 2405 {
		row := "m," + at.In(zone).Format(time.RFC3339) + ",5,0,0,A\n"
		if at.Unix() < 34200 {
			row = "m," + at.Format(time.RFC3339) + ",5,0,0,A\n"
		}
		got, err := readAll(strings.NewReader(gateway.Header+"\n"+row), gateway.Expect{})
		if err != nil || got[0].Start != interval.Time(at.Unix()) {
			t.Fatalf("%s: got %v, %v", row, got, err)
		}
		at = at.Add(41*time.Hour*24 + 7*time.Hour + 5*time.Minute)
	}
}

func TestReadErrorOfTheWorldIsNoRefusal(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := readAll(io.MultiReader(strings.NewReader(gateway.Header+"\n"), failing{broken}), gateway.Expect{})
	if _, refused := errors.AsType[*gateway.Refused](err); refused || !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
