package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/commonwatt/commonwatt/interval"
)

// Progress is told how many bytes of all files were read, as they lie on disk.
type Progress func(read, total int64)

// Load reads the files and returns their readings by start, then meter. The same
// reading in two places counts once. A nil progress is not told.
//
// Errors: *Refused when a file is bad, two rows contradict each other or overlap,
// or there are more rows than expect allows; the error of the file system.
func Load(files []string, expect Expect, progress Progress) ([]Reading, error) {
	total, err := size(files)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	gathered := rows{expect: expect, files: files, meters: map[string]string{}}
	var done int64
	for i, file := range files {
		n, err := gathered.add(i, file, func(read int64) { progress(done+read, total) })
		if err != nil {
			return nil, err
		}
		done += n
	}
	return gathered.merge()
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

// row is a reading and where it stands.
type row struct {
	Reading
	file, line int32
}

// rows are the readings of several files.
type rows struct {
	expect Expect
	files  []string
	meters map[string]string
	all    []row
}

// add appends the rows of one file and returns its size.
func (g *rows) add(index int, name string, progress func(read int64)) (int64, error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, fmt.Errorf("readings: %w", err)
	}
	defer func() { _ = file.Close() }() // Only read: nothing is lost.
	count := &counter{in: file, tell: progress}
	reader, err := NewReader(name, count, g.expect)
	if err != nil {
		return 0, err
	}
	reader.meters = g.meters
	limit := cmp.Or(g.expect.RowsMax, RowsMaxDefault)
	for {
		reading, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return count.read, nil
		}
		if err != nil {
			return 0, err
		}
		if len(g.all) == limit {
			return 0, reader.refuse("", nil, fmt.Sprintf("is more than the %d rows that are read at once", limit), "Load fewer files at a time")
		}
		g.all = append(g.all, row{reading, int32(index), int32(reader.line)}) //nolint:gosec // bounded by RowsMax
	}
}

// merge sorts the rows, drops repeated ones and refuses contradictions.
func (g *rows) merge() ([]Reading, error) {
	order := func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Meter, b.Meter),
			cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	}
	if !slices.IsSortedFunc(g.all, order) {
		slices.SortFunc(g.all, order)
	}
	readings := make([]Reading, 0, len(g.all))
	last := make(map[string]row, len(g.meters)) // Per meter.
	for _, r := range g.all {
		before, known := last[r.Meter]
		switch {
		case known && before.Reading == r.Reading:
			continue
		case known && before.Start == r.Start && before.Length == r.Length:
			return nil, g.contradiction(r, before)
		case known && before.Start+interval.Time(before.Length) > r.Start:
			return nil, g.refuse(r, fmt.Sprintf("covers time that %s covers too", g.place(before)), "Keep one of the two")
		}
		last[r.Meter] = r
		readings = append(readings, r.Reading)
	}
	return readings, nil
}

func (g *rows) contradiction(r, before row) error {
	said := func(r row) string { return fmt.Sprintf("%d,%d,%c", r.Import, r.Export, r.Quality) }
	return g.refuse(r, fmt.Sprintf("says %s for %s and %s says %s", said(r), rfc3339(r.Start), g.place(before), said(before)),
		"Keep the right one of the two rows")
}

func (g *rows) refuse(r row, reason, next string) error {
	return &Refused{File: g.files[r.file], Line: int(r.line), Field: columns[columnMeter], Text: r.Meter, Reason: reason, Next: next}
}

func (g *rows) place(r row) string { return fmt.Sprintf("%s:%d", g.files[r.file], r.line) }

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
