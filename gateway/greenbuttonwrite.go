package gateway

import (
	"bufio"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/interval"
)

// daySeconds is the length of an IntervalBlock that WriteGreenButton makes: a day in UTC.
const daySeconds interval.Time = 24 * 3600

// WriteGreenButton writes readings, by start, as a feed of Green Button (NAESB
// REQ.21 ESPI) that Load reads back to the same: a usage point per meter, with a
// series of forward and one of reverse energy in Wh, in blocks of days. Readings
// without a value are left out. What it writes depends on the readings alone.
//
// Errors: the error of out.
func WriteGreenButton(out io.Writer, title string, readings []Reading) error {
	readings = slices.DeleteFunc(slices.Clone(readings), func(r Reading) bool { return r.Quality == Null })
	w := &feed{out: bufio.NewWriter(out)}
	byMeter := map[string][]Reading{}
	var meters []string
	for _, r := range readings {
		if byMeter[r.Meter] == nil {
			meters = append(meters, r.Meter)
		}
		byMeter[r.Meter] = append(byMeter[r.Meter], r)
		w.updated = max(w.updated, r.Start+interval.Time(r.Length))
	}
	slices.Sort(meters)
	w.printf("%s<feed xmlns=\"http://www.w3.org/2005/Atom\">\n", xml.Header)
	w.head("", "/espi/1_1/resource/Batch", title)
	lengths := w.types(readings)
	for _, meter := range meters {
		w.meter(meter, byMeter[meter], lengths)
	}
	w.printf("</feed>\n")
	return w.out.Flush()
}

// feed writes an Atom feed (RFC 4287). The writer keeps its first error until Flush.
type feed struct {
	out     *bufio.Writer
	updated interval.Time
}

func (w *feed) printf(format string, args ...any) { _, _ = fmt.Fprintf(w.out, format, args...) }

// escaped is a text as it stands between two tags or in an attribute.
func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // Into memory.
	return b.String()
}

// head writes the elements of Atom that the feed and every entry have: an id that
// is made of the link (a UUID of version 8, RFC 9562 §5.8), links, title and date.
func (w *feed) head(indent, self, title string, links ...string) {
	id := sha256.Sum256([]byte(self))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	w.printf("%s  <id>urn:uuid:%x-%x-%x-%x-%x</id>\n", indent, id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
	w.printf("%s  <link rel=\"self\" href=\"%s\"/>\n", indent, escaped(self))
	if up := self[:strings.LastIndex(self, "/")]; indent != "" {
		w.printf("%s  <link rel=\"up\" href=\"%s\"/>\n", indent, escaped(up))
	}
	for _, link := range links {
		w.printf("%s  <link rel=\"related\" href=\"%s\"/>\n", indent, escaped(link))
	}
	w.printf("%s  <title>%s</title>\n%s  <updated>%s</updated>\n", indent, escaped(title), indent, rfc3339(w.updated))
}

// entry writes an entry with what content writes.
func (w *feed) entry(self, title string, content func(), links ...string) {
	w.printf("  <entry>\n")
	w.head("  ", self, title, links...)
	w.printf("    <content>\n")
	content()
	w.printf("    </content>\n  </entry>\n")
}

// directions are the flows of a meter, in the order of ESPI's numbers.
var directions = []struct {
	number, name string
	of           func(Reading) int64
}{
	{"1", "forward", func(r Reading) int64 { return int64(r.Import) }},
	{"19", "reverse", func(r Reading) int64 { return int64(r.Export) }},
}

func typeLink(length interval.Length, direction string) string {
	return fmt.Sprintf("/espi/1_1/resource/ReadingType/%s-%d", direction, length)
}

// types writes the reading types of the lengths that readings have, and returns
// those.
func (w *feed) types(readings []Reading) (lengths []interval.Length) {
	for _, r := range readings {
		if !slices.Contains(lengths, r.Length) {
			lengths = append(lengths, r.Length)
		}
	}
	slices.Sort(lengths)
	for _, length := range lengths {
		for _, d := range directions {
			w.entry(typeLink(length, d.name), d.name+" energy", func() {
				w.printf("      <ReadingType xmlns=\"http://naesb.org/espi\">\n"+
					"        <accumulationBehaviour>4</accumulationBehaviour>\n        <commodity>1</commodity>\n"+
					"        <flowDirection>%s</flowDirection>\n        <intervalLength>%d</intervalLength>\n"+
					"        <kind>12</kind>\n        <powerOfTenMultiplier>0</powerOfTenMultiplier>\n        <uom>72</uom>\n      </ReadingType>\n",
					d.number, length)
			})
		}
	}
	return lengths
}

// meter writes the usage point of a meter and its series.
func (w *feed) meter(meter string, readings []Reading, lengths []interval.Length) {
	point := "/espi/1_1/resource/UsagePoint/" + url.PathEscape(meter)
	w.entry(point, meter, func() {
		w.printf("      <UsagePoint xmlns=\"http://naesb.org/espi\"><ServiceCategory><kind>0</kind></ServiceCategory></UsagePoint>\n")
	}, point+"/MeterReading")
	for _, length := range lengths {
		of := slices.DeleteFunc(slices.Clone(readings), func(r Reading) bool { return r.Length != length })
		if len(of) == 0 {
			continue
		}
		for _, d := range directions {
			series := fmt.Sprintf("%s/MeterReading/%s-%d", point, d.name, length)
			w.entry(series, d.name+" energy", func() {
				w.printf("      <MeterReading xmlns=\"http://naesb.org/espi\"/>\n")
			}, series+"/IntervalBlock", typeLink(length, d.name))
			for rest := of; len(rest) > 0; {
				rest = w.block(series, rest, d.of)
			}
		}
	}
}

// block writes the first day of readings, and returns the rest.
func (w *feed) block(series string, readings []Reading, energy func(Reading) int64) []Reading {
	day := readings[0].Start / daySeconds
	n := 0
	for n < len(readings) && readings[n].Start/daySeconds == day {
		n++
	}
	date := time.Unix(int64(day*daySeconds), 0).UTC().Format(time.DateOnly)
	w.entry(series+"/IntervalBlock/"+date, date, func() {
		first, last := readings[0], readings[n-1]
		w.printf("      <IntervalBlock xmlns=\"http://naesb.org/espi\">\n        <interval><duration>%d</duration><start>%d</start></interval>\n",
			last.Start+interval.Time(last.Length)-first.Start, first.Start)
		for _, r := range readings[:n] {
			w.printf("        <IntervalReading><ReadingQuality><quality>%s</quality></ReadingQuality>"+
				"<timePeriod><duration>%d</duration><start>%d</start></timePeriod><value>%d</value></IntervalReading>\n",
				espiQualities[r.Quality], r.Length, r.Start, energy(r))
		}
		w.printf("      </IntervalBlock>\n")
	})
	return readings[n:]
}

// espiQualities are the numbers of QualityOfReading that we write for our letters.
var espiQualities = map[byte]string{Actual: "0", Substituted: "7", Estimated: "8", FinalSubstituted: "11", Variable: "13"}

// espiQuality is our letter for a QualityOfReading (ESPI, enumeration of that name).
func espiQuality(text string) (quality byte, ok bool) {
	switch text {
	case "0", "14", "17", "18", "19": // Valid, raw, validated, verified, of revenue quality.
		return Actual, true
	case "7", "16": // Manually edited, other.
		return Substituted, true
	case "8", "9", "10", "12", "15": // By a reference day, by interpolation, questionable, projected, normalized.
		return Estimated, true
	case "11": // Derived.
		return FinalSubstituted, true
	case "13": // Mixed.
		return Variable, true
	}
	return 0, false
}
