package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/commonwatt/commonwatt/interval"
)

// recordBytesMax bounds a line of NEM12 and P1. A day of five minutes has 288
// values of at most 15 digits (AEMO NEM12 §4.4); a telegram's text message has 2048.
const recordBytesMax = 8 << 10

// marketOffset is AEMO's time, which has no summer time, in seconds (AEMO NEM12 §3.3: EST, UTC+10).
const marketOffset = 10 * 3600

// nem12 reads a file of interval data of AEMO: records 100 header, 200 details of a
// channel, 300 a day of values, 400 qualities within the day, 500 business events,
// 900 end. Values of channels E (taken) and B (given) in Wh, kWh or MWh are read;
// others are left out with a note.
//
// Errors: *Refused.
type nem12 struct {
	lines
	g       *rows
	open    bool // After 100 and before 900.
	ended   bool // After one 900 at least.
	fields  [][]byte
	channel channel
	day     day
	layouts map[string]*[]string // Of each meter configuration.
}

// channel is what a 200 record says.
type channel struct {
	line    int
	meter   string
	flow    *flow  // nil: not active energy.
	why     string // Then, what it is.
	suffix  string
	unit    int // Of its values: a power of ten of a millionth of a Wh.
	minutes int
	days    int
}

func (g *rows) nem12(at lines) error {
	n := &nem12{lines: at, g: g, layouts: map[string]*[]string{}}
	for {
		line, err := n.next()
		switch {
		case errors.Is(err, io.EOF):
			return n.end()
		case err != nil:
			return err
		case len(bytes.TrimSpace(line)) == 0:
			if err := n.blank(); err != nil {
				return err
			}
			continue
		}
		n.fields = n.fields[:0]
		for field := range bytes.SplitSeq(line, []byte(",")) {
			n.fields = append(n.fields, bytes.TrimSpace(field))
		}
		if err := n.record(); err != nil {
			return err
		}
	}
}

// blank refuses a blank line but between files and at the end.
func (n *nem12) blank() error {
	if n.ended && !n.open {
		return nil
	}
	if !n.open {
		return n.refuse("", nil, "the line is blank where the 100 record has to be, which says that this is NEM12", "Ask the sender for the file with its first line")
	}
	return n.refuse("", nil, "the line is blank within the file", "Remove the blank line")
}

// end is called after the last line.
func (n *nem12) end() error {
	if n.open {
		return n.refuse("", nil, "is the last line and no 900 record: the file is cut short", "Ask the sender for the whole file")
	}
	return nil
}

// field returns a field of the record, or nil.
func (n *nem12) field(i int) []byte {
	if i < len(n.fields) {
		return n.fields[i]
	}
	return nil
}

const resend = "Ask the sender for a correct file"

// record reads one record, by its indicator (AEMO NEM12 §4.1).
func (n *nem12) record() error {
	indicator := string(n.fields[0])
	if !n.open && indicator != "100" {
		return n.refuse("RecordIndicator", n.fields[0], "stands where the 100 record has to be, which says that this is NEM12", "Ask the sender for the file with its first line")
	}
	switch indicator {
	case "100":
		return n.header()
	case "200":
		if err := n.endDay(); err != nil {
			return err
		}
		return n.details()
	case "300":
		if err := n.endDay(); err != nil {
			return err
		}
		return n.startDay()
	case "400":
		return n.event()
	case "500": // §4.6: when somebody read the meter, and what for.
		if n.channel.line == 0 {
			return n.refuse("RecordIndicator", n.fields[0], "comes before any 200 record", resend)
		}
		return nil
	case "900":
		return n.close()
	}
	return n.refuse("RecordIndicator", n.fields[0], "is no record of NEM12, which are 100, 200, 300, 400, 500 and 900", resend)
}

// header reads a 100 record (AEMO NEM12 §4.2).
func (n *nem12) header() error {
	switch version := n.field(1); {
	case n.open:
		return n.refuse("RecordIndicator", n.fields[0], "begins a file within another one", resend)
	case string(version) == "NEM13":
		return n.refuse("VersionHeader", version, "is a file of register reads months apart, of which no interval can be known", "Ask for interval data, NEM12")
	case string(version) != "NEM12":
		return n.refuse("VersionHeader", version, "is not NEM12", resend)
	}
	n.open, n.channel = true, channel{}
	return nil
}

// close reads a 900 record (AEMO NEM12 §4.7).
func (n *nem12) close() error {
	if err := n.endDay(); err != nil {
		return err
	}
	if n.channel.line == 0 {
		return n.refuse("RecordIndicator", n.fields[0], "ends a file that has no 200 record and no values", resend)
	}
	n.endChannel()
	n.open, n.ended = false, true
	return nil
}

// details reads a 200 record (AEMO NEM12 §4.3).
func (n *nem12) details() error {
	n.endChannel()
	if len(n.fields) < 9 {
		return n.refuse("", nil, fmt.Sprintf("has %d fields; a 200 record has 10", len(n.fields)), resend)
	}
	c := channel{line: n.line, suffix: shown(n.field(4)), minutes: 5}
	switch string(n.field(8)) {
	case "5":
	case "15":
		c.minutes = 15
	case "30":
		c.minutes = 30
	default:
		return n.refuse("IntervalLength", n.field(8), "is none of 5, 15 and 30, the minutes of an interval", resend)
	}
	if len(c.suffix) < 1 || len(c.suffix) > 2 {
		return n.refuse("NMISuffix", n.field(4), "is no suffix of a channel as in E1 or B1", resend)
	}
	name, err := n.g.names.meter(&n.lines, "NMI", n.field(1))
	if err != nil {
		return err
	}
	n.g.part(string(n.field(1)), name)
	c.meter = name
	n.kind(&c)
	if want := n.g.names.expect.Length; c.flow != nil && want != 0 && interval.Length(c.minutes)*60 > want { //nolint:gosec // one of three
		return n.refuse("IntervalLength", n.field(8), coarser(want), coarserNext)
	}
	n.channel = c
	return nil
}

// kind says what a channel measures: active energy by its suffix (E taken from the
// market, B given to it) and unit (AEMO NEM12 appendix B), or something else.
func (n *nem12) kind(c *channel) {
	unit := strings.ToLower(string(n.field(7)))
	switch unit {
	case "wh":
		c.unit = microPerWh
	case "kwh":
		c.unit = microPerKWh
	case "mwh":
		c.unit = microPerMWh
	default:
		c.why = fmt.Sprintf("%s in %s, which is not active energy", c.suffix, shown(n.field(7)))
		return
	}
	switch c.suffix[0] {
	case 'E', 'B':
		c.flow = &flow{name: c.suffix, export: c.suffix[0] == 'B', of: n.layout(n.field(2), c.suffix)}
	default:
		c.why = c.suffix + ", which is neither E nor B, the meter that counts"
	}
}

// layout lists the channels of active energy in a configuration as in E1B1Q1.
func (n *nem12) layout(configuration []byte, suffix string) *[]string {
	key := string(configuration) + " " + suffix
	if l, ok := n.layouts[key]; ok {
		return l
	}
	list := []string{}
	for i := 0; i+1 < len(configuration) && len(list) < 16; i += 2 { // Suffixes have two characters.
		if c := configuration[i]; c == 'E' || c == 'B' {
			list = append(list, string(configuration[i:i+2]))
		}
	}
	n.layouts[key] = &list
	return &list
}

// endChannel notes what was left out of the channel at hand.
func (n *nem12) endChannel() {
	if c := n.channel; c.why != "" && c.days > 0 {
		n.g.note(Note{File: n.file, Line: c.line, Meter: c.meter, Count: c.days, Unit: "day", Text: c.why + ": left out"})
	}
}
