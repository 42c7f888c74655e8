package gateway

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// Progress is told how many bytes of all files were read, as they lie on disk.
type Progress func(read, total int64)

// Content is what files hold.
type Content struct {
	Readings []Reading // By start, then meter; summed to the length that was expected.
	Parts    []Part    // By file, as they were given, then meter.
	Negative int       // How many of the readings are below zero, which are no values.
	Notes    []Note    // What was left out or assumed, by file and line.
}

// Part is what one file says of one meter, before it is summed to longer intervals.
type Part struct {
	File     string
	Format   Format
	Meter    string        // As the file names it.
	Named    string        // As the community does.
	Offset   string        // From UTC, in which the file's times were read.
	Start    interval.Time // Of the first interval; of P1, the first telegram. 0: there is none.
	End      interval.Time // Of the last interval; of P1, the last telegram.
	Readings int           // Intervals with a value. One that two files hold counts in one of them.
	Import   quantity.Energy
	Export   quantity.Energy

	// Registers are what the last telegram of a P1 file shows; nil for other formats.
	Registers *Registers
}

// Registers are the cumulative registers of a meter.
type Registers struct {
	Import quantity.Energy `json:"import_wh"` // OBIS 1-0:1.8.x
	Export quantity.Energy `json:"export_wh"` // OBIS 1-0:2.8.x
}

// Note says what of a file was left out or assumed, and why.
type Note struct {
	File  string // "": of all files.
	Line  int    // Of the first; 0: of the file as a whole.
	Meter string // "": of all meters.
	Text  string // A sentence without its end.
	Count int    // How many things it is about; 0: they are not counted.
	Unit  string // What is counted, one of it.
}

// String is one line: file:line: meter: text (count units).
func (n Note) String() string {
	s := ""
	if n.File != "" {
		s = n.File
		if n.Line > 0 {
			s += fmt.Sprintf(":%d", n.Line)
		}
		s += ": "
	}
	if n.Meter != "" {
		s += n.Meter + ": "
	}
	s += n.Text
	switch n.Count {
	case 0:
		return s
	case 1:
		return s + " (1 " + n.Unit + ")"
	}
	return s + fmt.Sprintf(" (%d %ss)", n.Count, n.Unit)
}

// Load reads meter files of any Format, plain, gzip or zip. The same reading in two
// places counts once. A nil progress is not told.
//
// Errors: *Refused when a file is bad, two places contradict each other or overlap,
// or there are more rows than expect allows; the error of the file system.
func Load(files []string, expect Expect, progress Progress) (Content, error) {
	total, err := size(files)
	if err != nil {
		return Content{}, err
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	g := newRows(expect)
	var done int64
	for _, file := range files {
		n, err := g.load(file, func(read int64) { progress(done+read, total) })
		if err != nil {
			return Content{}, err
		}
		done += n
	}
	return g.content()
}

// Read reads one meter file as Load does, from bytes that messages call name.
//
// Errors: as of Load.
func Read(name string, in io.ReaderAt, size int64, expect Expect) (Content, error) {
	g := newRows(expect)
	if err := g.open(name, in, size, func(int64) {}); err != nil {
		return Content{}, err
	}
	return g.content()
}

// size is the sum of the sizes of the files.
func size(files []string) (total int64, err error) {
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return 0, fmt.Errorf("readings: %w", err)
		}
		total += info.Size()
	}
	return total, nil
}

// load reads one file, and returns its size.
func (g *rows) load(name string, progress func(read int64)) (int64, error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, fmt.Errorf("readings: %w", err)
	}
	defer func() { _ = file.Close() }() // Only read: nothing is lost.
	info, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("readings: %w", err)
	}
	err = g.open(name, file, info.Size(), progress)
	progress(info.Size())
	return info.Size(), err
}

// open reads the bytes of one file, which may be a zip file.
func (g *rows) open(name string, file io.ReaderAt, size int64, progress func(read int64)) error {
	in := bufio.NewReaderSize(&counter{in: io.NewSectionReader(file, 0, size), tell: progress}, readBytes)
	if magic, _ := in.Peek(4); string(magic) == "PK\x03\x04" || string(magic) == "PK\x05\x06" { // APPNOTE §4.3.7, §4.3.16
		return eachInZip(name, file, size, g.read)
	}
	return g.read(name, in)
}

// read reads the bytes of one file, which may be gzip.
func (g *rows) read(name string, in *bufio.Reader) error {
	in, err := unpacked(name, in)
	if err != nil {
		return err
	}
	at := lines{file: name, in: in, bytesMax: recordBytesMax, long: "Check that the file has line feeds"}
	format, err := formatOf(in)
	if err != nil {
		return at.broken(err)
	}
	g.files = append(g.files, source{name, format})
	switch format {
	case NEM12:
		return g.nem12(at)
	case GreenButton:
		return g.greenButton(at)
	case P1:
		return g.p1(at)
	case CSV:
	}
	return g.csv(name, in)
}

// csv reads a readings CSV.
func (g *rows) csv(name string, in *bufio.Reader) error {
	reader, err := newReader(name, in, g.names)
	if err != nil {
		return err
	}
	for {
		reading, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			if _, known := g.parts[of{g.file(), reading.Meter}]; !known {
				g.part(string(reader.fields[columnMeter]), reading.Meter)
			}
			err = g.add(&reader.lines, reading, nil)
		}
		if err != nil {
			return err
		}
	}
}

// content is what all files hold together.
func (g *rows) content() (Content, error) {
	if err := g.telegrams(); err != nil {
		return Content{}, err
	}
	readings, err := g.merge()
	if err != nil {
		return Content{}, err
	}
	if name := g.names.unused(); name != "" {
		g.note(Note{Text: fmt.Sprintf("no file names a meter %q, which was to be %q", name, g.names.expect.Named[name])})
	}
	readings = g.sum(readings)
	notes := slices.Clone(g.notes)
	slices.SortStableFunc(notes, func(a, b Note) int {
		return cmp.Or(cmp.Compare(g.indexOf(a.File), g.indexOf(b.File)), cmp.Compare(a.Line, b.Line))
	})
	negative := 0
	for _, r := range readings {
		if r.Negative() {
			negative++
		}
	}
	return Content{Readings: readings, Parts: g.sortedParts(), Negative: negative, Notes: notes}, nil
}

// counter counts the bytes that pass.
type counter struct {
	in   io.Reader
	read int64
	tell func(read int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.read += int64(n)
	c.tell(c.read)
	return n, err
}
