package gateway_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
)

// rfc3339 writes a moment in UTC.
func rfc3339(at interval.Time) string { return time.Unix(int64(at), 0).UTC().Format(time.RFC3339) }

// Each of our samples is told by what it holds, and read to what it says.
func TestSamples(t *testing.T) {
	for name, want := range map[string]string{
		"nem12.csv":       "nem12 6305812345 UTC+10:00 2026-05-31T14:00:00Z 2026-06-02T13:00:00Z 94 14400 8000 <nil>",
		"greenbutton.xml": "greenbutton house-7 UTC 2026-06-01T10:00:00Z 2026-06-01T11:00:00Z 4 175 230 <nil>",
		"p1.txt":          "p1 K8EG000001234567 W UTC+01:00, S UTC+02:00 2026-06-01T09:59:58Z 2026-06-01T10:30:03Z 2 120 304 &{300120 50304}",
	} {
		c, err := gateway.Load([]string{filepath.Join("testdata", name)}, gateway.Expect{}, nil)
		if err != nil || len(c.Parts) != 1 {
			t.Fatalf("%v, %v", c.Parts, err)
		}
		p := c.Parts[0]
		if got := fmt.Sprint(p.Format, " ", p.Meter, " ", p.Offset, " ", rfc3339(p.Start), " ", rfc3339(p.End), " ", p.Readings, " ", int64(p.Import), " ", int64(p.Export), " ", p.Registers); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// nem12 is a file with one day of half hours of a channel, and what follows it.
func nem12(value, quality, after string) string {
	return "100,NEM12,202606030900,A,B\n200,6305812345,E1,E1,E1,N1,M,kWh,30,\n300,20260601" +
		strings.Repeat(","+value, 48) + "," + quality + ",,,,\n" + after
}

// telegram is one of a meter with these registers, in Wh, without its checksum.
func telegram(at string, imported, exported int) string {
	return fmt.Sprintf("/ABC5\r\n\r\n0-0:1.0.0(%s)\r\n0-0:96.1.1(4D31323334)\r\n1-0:1.8.0(%d*Wh)\r\n1-0:2.8.0(%d*Wh)\r\n!", at, imported, exported)
}

// p1 is a file of telegrams, with checksums that a reader of CRC-16/ARC in the
// plainest way computes.
func p1(telegrams ...string) string {
	var b strings.Builder
	for _, t := range telegrams {
		sum := uint(0)
		for _, c := range []byte(t) {
			sum ^= uint(c)
			for range 8 {
				low := sum & 1
				sum = sum>>1 ^ low*0xA001
			}
		}
		fmt.Fprintf(&b, "%s%04X\r\n", t, sum)
	}
	return b.String()
}

func greenButton(direction, unit, multiplier, duration, start, value string) string {
	return `<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="self" href="/T/1"/><content><ReadingType xmlns="http://naesb.org/espi"><flowDirection>` + direction +
		`</flowDirection><uom>` + unit + `</uom><powerOfTenMultiplier>` + multiplier + `</powerOfTenMultiplier></ReadingType></content></entry>
<entry><link rel="self" href="/UsagePoint/7/MeterReading/1/IntervalBlock/1"/><content><IntervalBlock xmlns="http://naesb.org/espi">
<IntervalReading><timePeriod><duration>` + duration + `</duration><start>` + start + `</start></timePeriod><value>` + value + `</value></IntervalReading></IntervalBlock></content></entry></feed>`
}

func TestFormatsRefuse(t *testing.T) {
	good := telegram("260601120000S", 1000, 0)
	for _, test := range []struct{ name, text, want string }{
		{"NEM12 cut short", nem12("1", "A", ""), ":3: is the last line and no 900 record: the file is cut short"},
		{"NEM12 no number", nem12("x", "A", "900\n"), `:3: IntervalValue1: "x" is not a number`},
		{"NEM12 no value", nem12("", "A", "900\n"), ":3: IntervalValue1: is missing, and its quality is not N"},
		{"NEM12 too much", nem12("1000000000", "A", "900\n"), "is 10^12 Wh or more"},
		{"NEM12 too fine", nem12("0.0000000001", "A", "900\n"), "is finer than a millionth of a Wh"},
		{"NEM12 no quality", nem12("1", "X", "900\n"), `:3: QualityMethod: "X" is no quality`},
		{"NEM12 no events", nem12("1", "V", "900\n"), ":3: QualityMethod: \"V\" needs 400 records for all 48 intervals, and those after it end at 0"},
		{"NEM12 gap in events", nem12("1", "V", "400,2,48,A,,\n900\n"), `:4: StartInterval: "2" is not 1, the first interval that has no quality yet`},
		{"NEM12 long event", nem12("1", "V", "400,1,49,A,,\n900\n"), `:4: EndInterval: "49" is not between 1 and 48`},
		{"NEM12 variable event", nem12("1", "V", "400,1,48,V,,\n900\n"), `:4: QualityMethod: "V" is no quality`},
		{"NEM12 event of an actual day", nem12("1", "A", "400,1,48,A,,\n900\n"), ":4: RecordIndicator: \"400\" does not follow a 300 record of quality V"},
		{"NEM12 other record", nem12("1", "A", "700\n900\n"), `:4: RecordIndicator: "700" is no record of NEM12`},
		{"NEM12 blank line", nem12("1", "A", "\n900\n"), ":4: the line is blank within the file"},
		{"NEM12 file in file", nem12("1", "A", "100,NEM12,1,A,B\n"), ":4: RecordIndicator: \"100\" begins a file within another one"},
		{"NEM12 after the end", nem12("1", "A", "900\n300,1\n"), ":5: RecordIndicator: \"300\" stands where the 100 record has to be"},
		{"NEM12 date", strings.Replace(nem12("1", "A", "900\n"), "20260601", "20260631", 1), `:3: IntervalDate: "20260631" is no date`},
		{"NEM12 length", strings.Replace(nem12("1", "A", "900\n"), ",30,", ",20,", 1), `:2: IntervalLength: "20" is none of 5, 15 and 30`},
		{"NEM12 twice", nem12("1", "A", "300,20260601"+strings.Repeat(",2", 48)+",A,,,,\n900\n"), `f:4: meter: "6305812345" says 2000,0,A for 2026-05-31T14:00:00Z and`},
		{"no XML", "<feed><entry></feed>", ":1: is no XML: element <entry> closed by </feed>"},
		{"other XML", "<html></html>", "the file is XML and no feed of Green Button"},
		{"other charset", `<?xml version="1.0" encoding="ISO-8859-1"?><feed/>`, "Save the file as UTF-8"},
		{"document type", "<!DOCTYPE feed []><feed/>", ":1: declares a document type"},
		{"Green Button without intervals", "<feed><entry></entry></feed>", "the file holds no interval"},
		{"Green Button without a type", "<feed><entry><IntervalBlock><IntervalReading><timePeriod><duration>900</duration><start>0</start></timePeriod><value>1</value></IntervalReading></IntervalBlock></entry></feed>", "ReadingType: is missing"},
		{"Green Button long", greenButton("1", "72", "0", "86400", "1780308000", "5"), `:3: duration: "86400" is longer than the 60 minutes`},
		{"Green Button odd", greenButton("1", "72", "0", "420", "1780308000", "5"), "does not divide the 60 minutes of an interval"},
		{"Green Button misaligned", greenButton("1", "72", "0", "900", "1780308001", "5"), "starts at 2026-06-01T10:00:01Z, which is not a multiple of 15 minutes"},
		{"Green Button no number", greenButton("1", "72", "0", "900", "1780308000", "5.5"), `:3: value: "5.5" is not a whole number`},
		{"Green Button no value", strings.Replace(greenButton("1", "72", "0", "900", "1780308000", "5"), "<value>5</value>", "", 1), ":3: value: is missing"},
		{"Green Button multiplier", greenButton("1", "72", "10", "900", "1780308000", "5"), `:1: powerOfTenMultiplier: "10" is not a number between −12 and 9`},
		{"P1 checksum", good + "0000\r\n", `:7: "0000" is not the checksum of the telegram of line 1`},
		{"P1 no checksum", good + "\r\n", ":7: has no checksum, which the telegram of line 1 needs"},
		{"P1 cut short", "/A\r\n1-0:1.8.0(1*kWh)\r\n", ":1: starts a telegram that has no end"},
		{"P1 in another", "/A\r\n/B\r\n!\r\n", `:2: "/B" starts a telegram, and that of line 1 has no end`},
		{"P1 outside", p1(good) + "x\r\n", `:8: "x" stands outside a telegram`},
		{"P1 time", "/A\r\n0-0:1.0.0(260631120000S)\r\n!\r\n", `:2: 0-0:1.0.0: "260631120000S" is no time`},
		{"P1 unit", "/A\r\n1-0:1.8.0(1*m3)\r\n!\r\n", `:2: 1-0:1.8.0: "1*m3" is in no unit that an energy register has`},
		{"P1 fell", p1(good, telegram("260601121500S", 999, 0)), `f:8: 1-0:1.8, 1-0:2.8: "M1234" shows a register lower than`},
		{"P1 contradiction", p1(good, telegram("260601120000S", 1001, 0)), "shows other registers than"},
		{"zip of nothing", "PK\x05\x06" + strings.Repeat("\x00", 18), "the zip file holds no file"},
		{"zip damaged", "PK\x03\x04 and no more", "the compressed file is damaged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if c, err := load(test.text, gateway.Expect{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got  %v, %v\nwant %s", err, c.Readings, test.want)
			}
		})
	}
}

// What can be read, and what is left of it after rules that a file's numbers need.
func TestFormatsAccept(t *testing.T) {
	hours := gateway.Expect{Length: interval.Minutes60}
	quarters := []string{telegram("260601120000S", 1000, 0), telegram("260601121500S", 1500, 20), telegram("260601123000S", 1600, 20)}
	later := append(slices.Clone(quarters), telegram("260601130008S", 1700, 20), telegram("260601131459S", 1800, 20))
	for _, test := range []struct {
		name, text string
		expect     gateway.Expect
		want       string // The first reading, how many, and notes.
	}{
		{"kWh to Wh", nem12("0.25", "A", "900\n"), gateway.Expect{}, "{6305812345 1780236000 1800 250 0 65} 48 []"},
		{"two half hours", nem12("0.25", "A", "900\n"), hours, "{6305812345 1780236000 3600 500 0 65} 24 []"},
		{"fractions add up", nem12("0.0005", "A", "900\n"), hours, "{6305812345 1780236000 3600 1 0 65} 24 []"},
		{"two qualities", nem12("1", "V", "400,1,1,A,,\n400,2,48,S14,1,\n900\n"), hours, "{6305812345 1780236000 3600 2000 0 86} 24 []"},
		{"no value in one half", nem12("1", "V", "400,1,1,N,,\n400,2,48,A,,\n900\n"), hours, "{6305812345 1780236000 3600 1000 0 78} 24 [f:3: 6305812345: quality N, which means that there is no value: left out (1 interval)]"},
		{"named", nem12("1", "A", "900\n"), gateway.Expect{Meters: village{}, Only: "ann"}, "{ann 1780236000 1800 1000 0 65} 48 []"},
		{"one half hour alone", gateway.Header + "\nann,2026-06-01T00:30:00Z,30,1,0,A\n", hours, "none 0 [ann: of 60 minutes only a part is in the files: left out (1 interval)]"},
		{"milli-Wh", greenButton("1", "72", "-3", "900", "1780308000", "1500"), gateway.Expect{}, "{7 1780308000 900 2 0 65} 1 []"},
		{"reverse", greenButton("19", "72", "3", "900", "1780308000", "2"), gateway.Expect{}, "{7 1780308000 900 0 2000 65} 1 []"},
		{"gas", greenButton("1", "119", "0", "900", "1780308000", "5"), gateway.Expect{}, "none 0 [f:1: 7: unit 119, which is not 72, Wh: left out (1 value)]"},
		{"net", greenButton("4", "72", "0", "900", "1780308000", "5"), gateway.Expect{}, `none 0 [f:1: 7: flow direction "4", which is neither 1, forward, nor 19, reverse: left out (1 value)]`},
		{"telegrams", p1(quarters...), gateway.Expect{}, "{M1234 1780308000 900 500 20 65} 2 []"},
		{"telegrams in any order", p1(quarters[2], quarters[0], quarters[1], quarters[1]), gateway.Expect{}, "{M1234 1780308000 900 500 20 65} 2 []"},
		{"telegrams in London", p1(quarters...), gateway.Expect{Zone: location(t, "Europe/London")}, "{M1234 1780311600 900 500 20 65} 2 []"},
		{"an hour of telegrams", p1(later...), hours, "{M1234 1780308000 3600 700 20 65} 1 []"},
		{
			"a gap in telegrams", p1(later...),
			gateway.Expect{},
			"{M1234 1780308000 900 500 20 65} 3 [f:22: M1234: no telegram within 10 seconds of the ends of intervals of 15 minutes before it: left out with their energy (2 intervals)]",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := load(test.text, test.expect)
			first := "none"
			if len(c.Readings) > 0 {
				r := c.Readings[0]
				first = fmt.Sprintf("{%s %d %d %d %d %d}", r.Meter, r.Start, r.Length, r.Import, r.Export, r.Quality)
			}
			if got := fmt.Sprint(first, " ", len(c.Readings), " ", c.Notes); err != nil || got != test.want {
				t.Fatalf("got  %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Two files of one meter, one of what it took and one of what it gave, are one.
func TestFlowsInTwoFiles(t *testing.T) {
	both := strings.Replace(nem12("1", "A", "900\n"), ",E1,E1,E1,", ",E1B1,E1,E1,", 1)
	given := strings.Replace(nem12("0.5", "S14", "900\n"), ",E1,E1,E1,", ",E1B1,B1,B1,", 1)
	files := write(t, "", "")
	for i, text := range []string{both, given} {
		if err := writeFile(files[i], text); err != nil {
			t.Fatal(err)
		}
	}
	c, err := gateway.Load(files, gateway.Expect{}, nil)
	if err != nil || len(c.Readings) != 48 || len(c.Notes) != 0 ||
		c.Readings[0] != (gateway.Reading{Meter: "6305812345", Start: 1780236000, Length: 1800, Import: 1000, Export: 500, Quality: gateway.Variable}) {
		t.Fatalf("%v, %v, %v", c.Readings[:min(1, len(c.Readings))], c.Notes, err)
	}
	c, err = gateway.Load(files[:1], gateway.Expect{}, nil)
	if err != nil || len(c.Notes) != 1 || c.Readings[0].Quality != gateway.Variable ||
		!strings.Contains(c.Notes[0].String(), "B1, which the meter has, is missing: taken as 0 and marked V") {
		t.Fatalf("%v, %v", c.Notes, err)
	}
}
