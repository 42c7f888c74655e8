package gateway

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/commonwatt/commonwatt/interval"
)

// endEntry takes an entry that is complete.
func (b *greenButton) endEntry() error {
	e := b.entry
	b.entry = entry{}
	switch {
	case e.point:
		b.usage = e.self
	case e.kind != nil:
		b.types[e.self], b.lastType = e.kind, e.kind
	}
	if e.reading {
		b.lastRead = b.series(e.self)
		b.lastRead.related = append(b.lastRead.related, e.related...)
	}
	if len(e.blocks) == 0 {
		return nil
	}
	// The link of a block goes on where that of its meter reading ends.
	of := b.lastRead
	for _, link := range []string{e.up, e.self} {
		if i := strings.LastIndex(link, "/IntervalBlock"); i >= 0 {
			of = b.series(link[:i])
			break
		}
	}
	if of == nil {
		of = b.series("")
	}
	of.blocks = append(of.blocks, e.blocks...)
	if of.kind == nil {
		of.kind = b.lastType // Unless links say another.
	}
	return nil
}

// series returns the meter reading of a link.
func (b *greenButton) series(link string) *meterReading {
	s, ok := b.readings[link]
	if !ok {
		s = &meterReading{point: b.usage}
		if i := strings.LastIndex(link, "/MeterReading"); i >= 0 {
			s.point = link[:i]
		}
		b.readings[link] = s
		b.order = append(b.order, s)
	}
	return s
}

// finish makes rows of what the file said.
func (b *greenButton) finish() error {
	if b.entries == 0 && len(b.entry.blocks) == 0 {
		return b.refuse("", nil, "the file is XML and no feed of Green Button", "Send a file of readings: CSV, NEM12, Green Button or DSMR P1")
	}
	if len(b.entry.blocks) > 0 { // Not an Atom feed: everything stands in one resource.
		b.entry.reading = true
		if err := b.endEntry(); err != nil {
			return err
		}
	}
	var counted []*meterReading
	for _, s := range b.order {
		if len(s.blocks) == 0 {
			continue
		}
		for _, link := range s.related {
			if t, ok := b.types[link]; ok {
				s.kind = t
			}
		}
		if s.kind == nil {
			return b.refuse("ReadingType", nil, "is missing: nobody knows what the values are", resend)
		}
		if why := s.kind.other(); why != "" {
			b.g.note(Note{File: b.file, Line: s.kind.line, Meter: pointName(s.point), Count: s.size(), Unit: "value", Text: why + ": left out"})
			continue
		}
		counted = append(counted, s)
	}
	if len(b.order) == 0 || !slices.ContainsFunc(b.order, func(s *meterReading) bool { return len(s.blocks) > 0 }) {
		return b.refuse("", nil, "the file holds no interval", "Ask for the file with its intervals")
	}
	for _, s := range counted {
		if err := b.rows(s, counted); err != nil {
			return err
		}
	}
	return nil
}

// size is the number of values of a series.
func (s *meterReading) size() (n int) {
	for _, block := range s.blocks {
		n += len(block.readings)
	}
	return n
}

// other says what the values are when they are not energy per interval in one
// direction, or "" (ESPI, enumerations of ReadingType).
func (t *readingType) other() string {
	switch {
	case !slices.Contains([]string{"", "0", "1", "2"}, t.commodity):
		return fmt.Sprintf("commodity %.20s, which is not electricity", t.commodity)
	case t.unit != "72":
		return fmt.Sprintf("unit %.20s, which is not 72, Wh", t.unit)
	case !slices.Contains([]string{"", "0", "4", "9"}, t.accumulation):
		return fmt.Sprintf("accumulation behaviour %.20s, which is not 4, energy of an interval", t.accumulation)
	case t.direction != "1" && t.direction != "19":
		return fmt.Sprintf("flow direction %.20q, which is neither 1, forward, nor 19, reverse", t.direction)
	}
	return ""
}

// pointName is the name of a usage point: the last part of its link.
func pointName(link string) string {
	name := link[strings.LastIndex(link, "/")+1:]
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	if name == "" {
		name = "usage-point"
	}
	return name
}

const (
	forward = "flow direction 1, forward"
	reverse = "flow direction 19, reverse"
)

func (t *readingType) flowName() string {
	if t.direction == "19" {
		return reverse
	}
	return forward
}

// rows adds the rows of a series.
func (b *greenButton) rows(s *meterReading, all []*meterReading) error {
	point := pointName(s.point)
	name, err := b.g.names.meter(&b.lines, "UsagePoint", []byte(point))
	if err != nil {
		return err
	}
	b.g.part(point, name)
	exponent := microPerWh
	if m := s.kind.multiplier; m != "" {
		power, err := strconv.Atoi(m)
		if err != nil || power < -12 || power > 9 {
			return b.refuseAt(s.kind.line, "powerOfTenMultiplier", []byte(m), "is not a number between −12 and 9", resend)
		}
		exponent += power
	}
	layout := []string{}
	for _, other := range all {
		if other.point == s.point && !slices.Contains(layout, other.kind.flowName()) {
			layout = append(layout, other.kind.flowName())
		}
	}
	f := &flow{name: s.kind.flowName(), export: s.kind.direction == "19", of: &layout}
	for _, block := range s.blocks {
		if err := b.block(name, f, exponent, block, s.finer(b, all)); err != nil {
			return err
		}
	}
	return nil
}

// finer reports whether another series has the same flow in intervals that are
// short enough, so that this one may be left out.
func (s *meterReading) finer(b *greenButton, all []*meterReading) bool {
	return slices.ContainsFunc(all, func(o *meterReading) bool {
		if o == s || o.point != s.point || o.kind.direction != s.kind.direction || o.size() == 0 {
			return false
		}
		for _, block := range o.blocks {
			for _, r := range block.readings {
				reason, _ := b.g.names.fits(r.start, r.duration)
				return reason == ""
			}
		}
		return false
	})
}

// block adds the rows of one IntervalBlock.
func (b *greenButton) block(meter string, f *flow, exponent int, block espiBlock, finer bool) error {
	var sum rounder
	at := b.lines
	for _, r := range block.readings {
		at.line = int(r.line)
		reason, long := b.g.names.fits(r.start, r.duration)
		if long && finer {
			b.g.note(Note{File: b.file, Line: at.line, Meter: meter, Count: 1, Unit: "value", Text: fmt.Sprintf("of %d minutes, beside which there are shorter ones: left out", r.duration/60)})
			continue
		}
		if reason != "" {
			return at.refuse("duration", []byte(strconv.FormatInt(r.duration, 10)), reason, coarserNext)
		}
		value, reason := parseSigned(strconv.AppendInt(nil, r.value, 10), exponent)
		if reason != "" {
			return at.refuse("value", []byte(strconv.FormatInt(r.value, 10)), reason, resend)
		}
		reading := Reading{Meter: meter, Start: interval.Time(r.start), Length: interval.Length(r.duration), Quality: r.quality} //nolint:gosec // at most an hour
		if f.export {
			reading.Export = sum.whole(value)
		} else {
			reading.Import = sum.whole(value)
		}
		if err := b.g.add(&at, reading, f); err != nil {
			return err
		}
	}
	return nil
}
