package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/commonwatt/commonwatt/interval"
)

// Header is the first line of a readings file, exactly.
const Header = "meter,start,minutes,import_wh,export_wh,quality"

// Columns of a readings file, in the order of Header.
const (
	columnMeter = iota
	columnStart
	columnMinutes
	columnImport
	columnExport
	columnQuality
	columnCount
)

var columns = strings.Split(Header, ",")

// lineBytesMax bounds a line. Ours take about 50 bytes.
const lineBytesMax = 1024

// Reader reads a readings CSV, plain or gzip, row by row in the order of the
// file. Fields may be quoted (RFC 4180 §2); a line feed within quotes is refused.
// A byte order mark, CRLF and blank lines at the end are accepted.
type Reader struct {
	lines
	names   *names
	rows    int
	blank   int           // The first of the blank lines just passed, or 0.
	start   []byte        // The last start read and what it means: most rows
	at      interval.Time // repeat the start of the row before.
	unquote []byte
	fields  [columnCount][]byte
}

// NewReader returns a reader of the bytes of in, which messages call file.
//
// Errors: *Refused when there is no header row, or the error of in.
func NewReader(file string, in io.Reader, expect Expect) (*Reader, error) {
	plain, err := unpacked(file, bufio.NewReaderSize(in, readBytes))
	if err != nil {
		return nil, err
	}
	return newReader(file, plain, newNames(expect))
}

// newReader reads bytes that are not compressed.
func newReader(file string, in *bufio.Reader, n *names) (*Reader, error) {
	r := &Reader{lines: lines{file: file, in: in, bytesMax: lineBytesMax, long: "Check that the file is a readings CSV with line feeds"}, names: n}
	if err := r.header(); err != nil {
		return nil, err
	}
	return r, nil
}

// Read returns the next reading, or io.EOF after the last one.
//
// Errors: *Refused when the row or the compression is bad, or the error of the
// underlying reader.
func (r *Reader) Read() (Reading, error) {
	for {
		line, err := r.next()
		if errors.Is(err, io.EOF) && r.rows == 0 {
			return Reading{}, r.refuse("", nil, "has a header and no readings", "Send the file with its rows")
		}
		if err != nil {
			return Reading{}, err
		}
		if len(line) == 0 {
			if r.blank == 0 {
				r.blank = r.line
			}
			continue
		}
		if r.blank != 0 {
			r.line = r.blank
			return Reading{}, r.refuse("", nil, "the line is blank and rows follow", "Remove the blank line")
		}
		r.rows++
		return r.row(line)
	}
}

// header reads the first line and compares it with Header.
func (r *Reader) header() error {
	line, err := r.next()
	if errors.Is(err, io.EOF) {
		return r.refuse("", nil, "the file is empty", "Send a file that starts with the line "+Header)
	}
	if err != nil {
		return err
	}
	line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	if string(bytes.ReplaceAll(line, []byte(`"`), nil)) == Header {
		return nil
	}
	reason := "is not the header of a readings file, which is " + Header
	if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
		return r.refuse("", nil, "the file is in UTF-16", "Save it as UTF-8")
	}
	next := "Write the header like that"
	if bytes.Count(line, []byte(";")) == columnCount-1 {
		next = "Separate the columns by commas, not by semicolons"
	}
	return r.refuse("", line, reason, next)
}

// row parses one line.
func (r *Reader) row(line []byte) (Reading, error) {
	if err := r.split(line); err != nil {
		return Reading{}, err
	}
	meter, err := r.names.meter(&r.lines, columns[columnMeter], r.fields[columnMeter])
	if err != nil {
		return Reading{}, err
	}
	length, err := r.length(r.fields[columnMinutes])
	if err != nil {
		return Reading{}, err
	}
	start, err := r.startOf(r.fields[columnStart], length)
	if err != nil {
		return Reading{}, err
	}
	imported, err := r.energy(columnImport)
	if err != nil {
		return Reading{}, err
	}
	exported, err := r.energy(columnExport)
	if err != nil {
		return Reading{}, err
	}
	quality, err := r.quality(r.fields[columnQuality])
	if err != nil {
		return Reading{}, err
	}
	return Reading{meter, start, length, imported, exported, quality}, nil
}

// split cuts the line into r.fields.
func (r *Reader) split(line []byte) error {
	if bytes.IndexByte(line, 0) >= 0 {
		return r.refuse("", line, "contains a NUL byte", "Save the file as UTF-8 text")
	}
	if bytes.IndexByte(line, '"') >= 0 {
		return r.splitQuoted(line)
	}
	rest := line
	for i := range columnCount - 1 {
		comma := bytes.IndexByte(rest, ',')
		if comma < 0 {
			return r.count(line, i+1)
		}
		r.fields[i], rest = rest[:comma], rest[comma+1:]
	}
	if extra := bytes.Count(rest, []byte(",")); extra > 0 {
		return r.count(line, columnCount+extra)
	}
	r.fields[columnCount-1] = rest
	return nil
}

// splitQuoted is split for a line with quotes (RFC 4180 §2, rules 5 and 7).
func (r *Reader) splitQuoted(line []byte) error {
	r.unquote = append(r.unquote[:0], line...) // Room for every field.
	out, rest := r.unquote[:0], line
	for i := 0; ; i++ {
		field := len(out)
		if len(rest) > 0 && rest[0] == '"' {
			rest = rest[1:]
			for {
				quote := bytes.IndexByte(rest, '"')
				if quote < 0 {
					return r.refuse("", line, "opens a quote that does not close on its line", "Close the quote")
				}
				out, rest = append(out, rest[:quote]...), rest[quote+1:]
				if len(rest) == 0 || rest[0] != '"' {
					break
				}
				out, rest = append(out, '"'), rest[1:]
			}
		} else {
			plain := rest
			if comma := bytes.IndexByte(rest, ','); comma >= 0 {
				plain = rest[:comma]
			}
			out, rest = append(out, plain...), rest[len(plain):]
		}
		if i < columnCount {
			r.fields[i] = out[field:]
		}
		switch {
		case len(rest) > 0 && rest[0] != ',':
			return r.refuse("", line, "has text after a closing quote", "Quote the whole field or nothing of it")
		case len(rest) > 0:
			rest = rest[1:]
		case i+1 != columnCount:
			return r.count(line, i+1)
		default:
			return nil
		}
	}
}

func (r *Reader) count(line []byte, fields int) error {
	return r.refuse("", line, fmt.Sprintf("has %d fields; a row has %d: %s", fields, columnCount, Header), "Complete the row or remove it")
}
