package gateway

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// p1 reads telegrams of a customer port (DSMR P1 Companion Standard; eMUCS P1 in
// Belgium), one or many. A telegram shows registers at one moment; what was taken
// and given in an interval is the difference between two of them.
//
// Errors: *Refused.
type p1 struct {
	lines
	g    *rows
	told bool // The telegram before had no checksum: text may follow it (IEC 62056-21 mode D).
	now  *telegram
	done func(*telegram) error // Is given each telegram that is whole.
}

// telegram is one telegram, from / to !.
type telegram struct {
	file, line int32 // Where it starts.
	at         interval.Time
	timed      bool
	sum        uint16 // Its checksum so far.
	header     string
	equipment  [3]string // By how well it names the meter.
	total      [2]micro  // Registers of import and export: 1.8.0 and 2.8.0.
	tariffs    [2]micro  // The sums of 1.8.1 … and 2.8.1 ….
	has, parts [2]bool
}

func (g *rows) p1(at lines) error {
	p := &p1{lines: at, g: g}
	p.done = p.keep
	for {
		line, err := p.next()
		switch {
		case errors.Is(err, io.EOF) && p.now != nil:
			return p.refuseAt(int(p.now.line), "", nil, "starts a telegram that has no end: there is no line with ! after it", "Remove what is there of the telegram")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := p.take(line); err != nil {
			return err
		}
	}
}

// take takes one line (DSMR P1 5.0.2 §6.1: /XXX5 identification, objects, !checksum).
func (p *p1) take(line []byte) error {
	if p.now == nil {
		switch {
		case bytes.HasPrefix(line, []byte("/")):
			p.now = &telegram{file: p.g.file(), line: int32(p.line), header: string(line[1:])} //nolint:gosec // lines of a file
			p.now.sum = crc16(crc16(0, line), []byte("\r\n"))
			return nil
		case len(bytes.TrimSpace(line)) == 0 || p.told:
			return nil
		}
		return p.refuse("", line, "stands outside a telegram, which begins with / and ends with !", "Remove the line")
	}
	if rest, end := bytes.CutPrefix(line, []byte("!")); end {
		return p.end(rest)
	}
	if bytes.HasPrefix(line, []byte("/")) {
		return p.refuse("", line, fmt.Sprintf("starts a telegram, and that of line %d has no end", p.now.line), "Remove what is there of the other one")
	}
	p.now.sum = crc16(crc16(p.now.sum, line), []byte("\r\n"))
	return p.object(line)
}

// object takes one line of a telegram: its OBIS code (IEC 62056-6-1) and values.
func (p *p1) object(line []byte) error {
	code, rest, ok := bytes.Cut(line, []byte("("))
	if !ok {
		return nil
	}
	code, _, _ = bytes.Cut(code, []byte("*"))
	value, _, closed := bytes.Cut(rest, []byte(")"))
	t := p.now
	switch name := string(code); name {
	case "0-0:1.0.0": // When it was sent.
		at, ok := p.g.names.clock(value)
		if !ok {
			return p.refuse(name, value, "is no time as in 260620183000S, with S in summer and W in winter", "Correct or remove the telegram")
		}
		t.at, t.timed = at, true
	case "0-0:96.1.1", "0-0:96.1.0": // Equipment identifier.
		t.name(0, value)
	case "1-0:0.0.0":
		t.name(1, value)
	case "0-0:96.1.255":
		t.name(2, value)
	case "1-0:1.8.0", "1-0:1.8.1", "1-0:1.8.2", "1-0:1.8.3", "1-0:1.8.4",
		"1-0:2.8.0", "1-0:2.8.1", "1-0:2.8.2", "1-0:2.8.3", "1-0:2.8.4":
		if !closed {
			return p.refuse(name, line, "does not end", "Correct or remove the telegram")
		}
		return p.register(name, value)
	}
	return nil
}

// name takes a name of the meter, unless there is a better one. Texts are written
// in hexadecimal (DSMR P1 5.0.2 §6.4).
func (t *telegram) name(rank int, value []byte) {
	text := string(value)
	if plain, err := hex.DecodeString(text); err == nil && len(plain) >= 4 && printable(plain) {
		text = string(plain)
	}
	if t.equipment[rank] == "" && text != "" && printable([]byte(text)) {
		t.equipment[rank] = text
	}
}

// meter is the name of the telegram's meter.
func (t *telegram) meter() string {
	for _, name := range t.equipment {
		if name != "" {
			return name
		}
	}
	if printable([]byte(t.header)) && t.header != "" {
		return t.header
	}
	return "p1"
}

// register takes 1.8.x or 2.8.x, of all tariffs (x = 0) or of one.
func (p *p1) register(name string, value []byte) error {
	number, unit, _ := bytes.Cut(value, []byte("*"))
	exponent := microPerKWh
	switch string(unit) {
	case "kWh":
	case "Wh":
		exponent = microPerWh
	default:
		return p.refuse(name, value, "is in no unit that an energy register has, kWh or Wh", "Correct or remove the telegram")
	}
	wh, reason := parseEnergy(number, exponent)
	if reason != "" {
		return p.refuse(name, number, reason, "Correct or remove the telegram")
	}
	t, side := p.now, int(name[4]-'1')
	if name[len(name)-1] == '0' {
		t.total[side], t.has[side] = wh, true
		return nil
	}
	if t.tariffs[side] += wh; t.tariffs[side] >= energyMax {
		return p.refuse(name, number, tooMuch, "Correct or remove the telegram")
	}
	t.parts[side] = true
	return nil
}

// energies are the registers in whole Wh, and whether there are any.
func (t *telegram) energies() (r Registers, shows bool) {
	const wh, half = 1_000_000, 500_000
	var e [2]quantity.Energy
	for side := range e {
		value := t.tariffs[side]
		if t.has[side] {
			value = t.total[side]
		}
		e[side] = quantity.Energy((value + half) / wh)
	}
	return Registers{e[0], e[1]}, t.has[0] || t.parts[0] || t.has[1] || t.parts[1]
}

// end takes the last line of a telegram: ! and, since DSMR 4, four hexadecimal
// digits of its checksum. A telegram with a time is of DSMR 4 or later.
func (p *p1) end(checksum []byte) error {
	t := p.now
	p.now = nil
	checksum = bytes.TrimSpace(checksum)
	sum := crc16(t.sum, []byte("!"))
	given, err := strconv.ParseUint(string(checksum), 16, 16)
	switch {
	case len(checksum) == 0 && !t.timed:
	case len(checksum) == 0:
		return p.refuse("", nil, fmt.Sprintf("has no checksum, which the telegram of line %d needs, since it has a time (DSMR 4 and later)", t.line), "Remove the telegram")
	case err != nil || len(checksum) > 4:
		return p.refuse("", checksum, "is no checksum of up to four hexadecimal digits", "Remove the telegram")
	case uint16(given) != sum:
		return p.refuse("", checksum, fmt.Sprintf("is not the checksum of the telegram of line %d, which is %04X: it was damaged on its way", t.line, sum), "Remove the telegram or take it from the meter again")
	}
	p.told = len(checksum) == 0
	return p.done(t)
}

// keep notes a telegram's registers until all files are read.
func (p *p1) keep(t *telegram) error {
	meter := t.meter()
	named, err := p.g.names.meter(&p.lines, "equipment identifier", []byte(meter))
	if err != nil {
		return err
	}
	part := p.g.part(meter, named)
	part.Offset = p.g.names.clockOffsets()
	registers, shows := t.energies()
	note := func(text string) {
		p.g.note(Note{File: p.file, Line: int(t.line), Meter: named, Count: 1, Unit: "telegram", Text: text})
	}
	switch {
	case !shows:
		note("no register of electricity (OBIS 1-0:1.8 or 2.8): left out")
		return nil
	case !t.timed:
		part.Registers = &registers
		note("no time, as before DSMR 4: it shows registers, and of no interval what was used in it")
		return nil
	}
	if part.Registers == nil || t.at >= part.End {
		part.Registers, part.End = &registers, t.at
	}
	if part.Start == 0 || t.at < part.Start {
		part.Start = t.at
	}
	if p.g.kept++; p.g.kept+len(p.g.all) > p.g.limit() {
		return p.g.tooMany(&p.lines)
	}
	p.g.shown[named] = append(p.g.shown[named], shownAt{t.at, registers, t.file, t.line})
	return nil
}

// centralEuropean is the standard time of the countries that DSMR is from.
const centralEuropean = 3600

// standard is the community's offset from UTC in winter, in seconds.
func (n *names) standard(year int) int {
	if n.expect.Zone == nil {
		return centralEuropean
	}
	_, january := time.Date(year, 1, 1, 0, 0, 0, 0, n.expect.Zone).Zone()
	_, july := time.Date(year, 7, 1, 0, 0, 0, 0, n.expect.Zone).Zone()
	return min(january, july)
}

// clock reads a time YYMMDDhhmmssX, X being S in summer and W in winter
// (DSMR P1 5.0.2 §6.4, TST).
func (n *names) clock(text []byte) (interval.Time, bool) {
	if len(text) != 13 {
		return 0, false
	}
	at, err := time.Parse("060102150405", string(text[:12]))
	if err != nil || at.Year() < 2000 || (text[12] != 'S' && text[12] != 'W') {
		return 0, false
	}
	offset := n.standard(at.Year())
	if text[12] == 'S' {
		offset += 3600
	}
	return interval.Time(at.Unix() - int64(offset)), true
}

// clockOffsets says how clock reads.
func (n *names) clockOffsets() string {
	write := func(seconds int) string {
		return time.Unix(0, 0).In(time.FixedZone("", seconds)).Format("-07:00")
	}
	standard := n.standard(time.Now().Year())
	return fmt.Sprintf("W UTC%s, S UTC%s", write(standard), write(standard+3600))
}
