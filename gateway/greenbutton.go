package gateway

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// What one file of Green Button may hold before it is refused.
const (
	tokenBytesMax = 64 << 10 // Between two tags.
	depthMax      = 64       // Of tags in tags.
	linksMax      = 64       // Of an entry.
	entriesMax    = 100_000
)

// greenButton reads a feed of Green Button (NAESB REQ.21 ESPI): usage points, their
// meter readings, reading types, and blocks of intervals, which links join as Atom
// has it (RFC 4287 §4.2.7). The decoder works on a stream; what it keeps is numbers.
//
// Errors: *Refused.
type greenButton struct {
	lines
	g     *rows
	xml   *xml.Decoder
	in    *ration
	path  []string
	text  []byte
	entry entry

	entries  int
	values   int
	readings map[string]*meterReading // By link.
	order    []*meterReading
	types    map[string]*readingType // By link.
	lastRead *meterReading
	lastType *readingType
	usage    string // Link of the usage point seen last.
}

// entry is the Atom entry at hand.
type entry struct {
	self, up string
	related  []string
	reading  bool // It has a MeterReading.
	point    bool // It has a UsagePoint.
	kind     *readingType
	blocks   []espiBlock
}

// meterReading is a series of intervals (ESPI MeterReading).
type meterReading struct {
	point   string   // Link of its usage point.
	related []string // Links, one of them of its reading type.
	kind    *readingType
	blocks  []espiBlock
}

// readingType says what the values of a series are (ESPI ReadingType). Fields that
// are absent are "".
type readingType struct {
	line                                                       int
	accumulation, commodity, direction, kind, multiplier, unit string
}

// espiBlock is an IntervalBlock.
type espiBlock struct{ readings []espiReading }

// espiReading is an IntervalReading: start in Unix time and duration in seconds,
// and the digits of its value, in the unit of its type.
type espiReading struct {
	line            int32
	quality         byte
	start, duration int64
	value           int64
}

func (g *rows) greenButton(at lines) error {
	b := &greenButton{lines: at, g: g, readings: map[string]*meterReading{}, types: map[string]*readingType{}}
	b.in = &ration{in: at.in}
	b.xml = xml.NewDecoder(b.in)
	for {
		b.in.left = tokenBytesMax
		token, err := b.xml.Token()
		b.line, _ = b.xml.InputPos()
		if errors.Is(err, io.EOF) {
			return b.finish()
		}
		if err == nil {
			err = b.token(token)
		}
		if err != nil {
			return b.bad(err)
		}
	}
}

// bad turns an error of the decoder into a refusal.
func (b *greenButton) bad(err error) error {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return b.refuseAt(syntax.Line, "", nil, "is no XML: "+syntax.Msg, "Copy or download the file again")
	}
	switch {
	case errors.Is(err, errRation):
		return b.refuse("", nil, fmt.Sprintf("has more than %d bytes between two tags", tokenBytesMax), "Check that the file is of Green Button")
	case strings.HasPrefix(err.Error(), "xml: "):
		return b.refuse("", nil, "cannot be read: "+strings.TrimPrefix(err.Error(), "xml: "), "Save the file as UTF-8")
	}
	if _, refused := errors.AsType[*Refused](err); refused {
		return err
	}
	return b.broken(err)
}

// token takes what the decoder read.
func (b *greenButton) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return b.start(t)
	case xml.CharData:
		if len(b.text)+len(t) <= tokenBytesMax {
			b.text = append(b.text, t...)
		}
	case xml.EndElement:
		err := b.element(t.Name.Local, strings.TrimSpace(string(b.text)))
		b.path, b.text = b.path[:len(b.path)-1], b.text[:0]
		return err
	case xml.Directive:
		return b.refuse("", nil, "declares a document type, which no Green Button file has", "Ask the sender for a file without it")
	}
	return nil
}

// start takes an opening tag.
func (b *greenButton) start(t xml.StartElement) error {
	if len(b.path) >= depthMax {
		return b.refuse("", nil, fmt.Sprintf("has more than %d tags in one another", depthMax), "Check that the file is of Green Button")
	}
	b.path, b.text = append(b.path, t.Name.Local), b.text[:0]
	switch t.Name.Local {
	case "entry":
		if b.entries++; b.entries > entriesMax {
			return b.refuse("", nil, fmt.Sprintf("is the entry after %d", entriesMax), "Send the file in parts")
		}
		b.entry = entry{}
	case "link":
		b.link(t.Attr)
	case "UsagePoint":
		b.entry.point = true
	case "MeterReading":
		b.entry.reading = true
	case "ReadingType":
		b.entry.kind = &readingType{line: b.line}
	case "IntervalBlock":
		b.entry.blocks = append(b.entry.blocks, espiBlock{})
	case "IntervalReading":
		return b.interval()
	}
	return nil
}

// link takes a link of the entry.
func (b *greenButton) link(attributes []xml.Attr) {
	var rel, href string
	for _, a := range attributes {
		switch a.Name.Local {
		case "rel":
			rel = a.Value
		case "href":
			href = linked(a.Value)
		}
	}
	switch {
	case rel == "self":
		b.entry.self = href
	case rel == "up":
		b.entry.up = href
	case len(b.entry.related) < linksMax:
		b.entry.related = append(b.entry.related, href)
	}
}

// linked is the path of a link, so that http://host/a and /a are the same.
func linked(href string) string {
	if _, rest, absolute := strings.Cut(href, "://"); absolute {
		_, rest, _ = strings.Cut(rest, "/")
		href = "/" + rest
	}
	return strings.TrimRight(href, "/")
}

// parent is the name of the tag around the one that is being closed.
func (b *greenButton) parent() string {
	if len(b.path) < 2 {
		return ""
	}
	return b.path[len(b.path)-2]
}

// element takes a closing tag and the text before it.
func (b *greenButton) element(name, text string) error {
	switch parent := b.parent(); {
	case name == "entry":
		return b.endEntry()
	case parent == "ReadingType" && b.entry.kind != nil:
		b.entry.kind.set(name, text)
	case name == "IntervalReading":
		return b.endInterval()
	case parent == "timePeriod" || parent == "IntervalReading" || parent == "ReadingQuality":
		if len(b.path) > 2 && (parent == "IntervalReading" || b.path[len(b.path)-3] == "IntervalReading") {
			return b.intervalField(name, text)
		}
	}
	return nil
}

// set takes one field of a reading type.
func (t *readingType) set(name, text string) {
	switch name {
	case "accumulationBehaviour":
		t.accumulation = text
	case "commodity":
		t.commodity = text
	case "flowDirection":
		t.direction = text
	case "kind":
		t.kind = text
	case "powerOfTenMultiplier":
		t.multiplier = text
	case "uom":
		t.unit = text
	}
}

// No number of an interval that is not there yet.
const none = -1 << 63

// interval begins an IntervalReading.
func (b *greenButton) interval() error {
	n := len(b.entry.blocks)
	if n == 0 {
		return b.refuse("IntervalReading", nil, "is in no IntervalBlock", resend)
	}
	block := &b.entry.blocks[n-1]
	if b.values++; len(b.g.all)+b.values > b.g.limit() {
		return b.g.tooMany(&b.lines)
	}
	block.readings = append(block.readings, espiReading{line: int32(b.line), quality: Actual, start: none, duration: none, value: none}) //nolint:gosec // lines of a file
	return nil
}

// last is the IntervalReading at hand, or nil.
func (b *greenButton) last() *espiReading {
	n := len(b.entry.blocks)
	if n == 0 || len(b.entry.blocks[n-1].readings) == 0 {
		return nil
	}
	block := &b.entry.blocks[n-1]
	return &block.readings[len(block.readings)-1]
}

// intervalField takes a number of the IntervalReading at hand.
func (b *greenButton) intervalField(name, text string) error {
	r := b.last()
	var field *int64
	switch name {
	case "start":
		field = &r.start
	case "duration":
		field = &r.duration
	case "value":
		field = &r.value
	case "quality":
		quality, ok := espiQuality(text)
		if !ok {
			return b.refuse(name, []byte(text), "is no quality of a reading, which are 0 and 7 to 19", resend)
		}
		r.quality = quality
		return nil
	default:
		return nil
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return b.refuse(name, []byte(text), "is not a whole number", resend)
	}
	*field = value
	return nil
}

// endInterval refuses an IntervalReading that lacks a number.
func (b *greenButton) endInterval() error {
	r := b.last()
	switch {
	case r == nil:
		return b.refuse("IntervalReading", nil, "is in no IntervalBlock", resend)
	case r.start == none:
		return b.refuse("start", nil, "is missing: the interval has no time", resend)
	case r.duration == none:
		return b.refuse("duration", nil, "is missing: the interval has no length", resend)
	case r.value == none:
		return b.refuse("value", nil, "is missing", resend)
	}
	return nil
}

// ration passes on bytes until the decoder used up what one token may take, so
// that a text without end is not gathered.
type ration struct {
	in   io.Reader
	left int
}

var errRation = errors.New("too many bytes between two tags")

func (r *ration) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errRation
	}
	n, err := r.in.Read(p)
	r.left -= n
	return n, err
}
