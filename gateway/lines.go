package gateway

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// readBytes is how much is read ahead. A line always fits.
const readBytes = 64 << 10

// lines reads a text line by line and says where it is when it refuses.
type lines struct {
	file     string // As messages call it.
	in       *bufio.Reader
	line     int    // From 1, of the line read last.
	bytesMax int    // Of a line; less than readBytes.
	long     string // What to do about a longer one.
}

// next returns the next line without its end, which is LF or CRLF. The bytes are
// valid until the next call.
//
// Errors: io.EOF after the last line; *Refused for a line that is too long or
// compressed bytes that are damaged; the error of the reader below.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	switch {
	case len(line) > l.bytesMax:
		l.line++
		return nil, l.refuse("", line, fmt.Sprintf("is a line of more than %d bytes", l.bytesMax), l.long)
	case errors.Is(err, io.EOF) && len(line) == 0:
		return nil, io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		return nil, l.broken(err)
	}
	l.line++
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// refuse builds the refusal of the current line.
func (l *lines) refuse(field string, text []byte, reason, next string) error {
	return l.refuseAt(l.line, field, text, reason, next)
}

// refuseAt builds the refusal of another line.
func (l *lines) refuseAt(line int, field string, text []byte, reason, next string) error {
	return &Refused{File: l.file, Line: line, Field: field, Text: shown(text), Reason: reason, Next: next}
}

// broken turns an error of the bytes below into a refusal when it is the file
// that is bad.
func (l *lines) broken(err error) error {
	next := "Copy or download the file again"
	switch {
	case errors.Is(err, errSwollen):
		return l.refuse("", nil, fmt.Sprintf("the file unpacks to more than %d times its size, which no meter file does", swellMax), "Unpack it and look at what it holds")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return l.refuse("", nil, "the compressed file is cut short after this line", next)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, zip.ErrChecksum),
		errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm), isFlate(err):
		return l.refuse("", nil, "the compressed file is damaged after this line ("+err.Error()+")", next)
	}
	return fmt.Errorf("%s: %w", l.file, err)
}

// isFlate reports whether err says that compressed bytes are corrupt.
func isFlate(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}
