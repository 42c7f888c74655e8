package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// Format is what a meter file is written in.
type Format string

// The formats of meter files. They are told by what a file holds, never by its name.
const (
	CSV         Format = "csv"         // Header, then a row per reading.
	NEM12       Format = "nem12"       // AEMO, Meter Data File Format Specification NEM12 & NEM13.
	GreenButton Format = "greenbutton" // NAESB REQ.21 ESPI, as Atom (RFC 4287).
	P1          Format = "p1"          // Netbeheer Nederland, DSMR P1 Companion Standard.
)

// Offset says in which offset from UTC the times of a format are written.
func (f Format) Offset() string {
	switch f {
	case NEM12:
		return "UTC+10:00"
	case GreenButton:
		return "UTC"
	case CSV:
		return "as written"
	case P1: // The letters of a telegram say it, and the zone.
	}
	return ""
}

// formatOf looks at the first bytes of a file, and passes over a byte order mark.
// What is none of the other formats is left to the reader of CSV, which says so.
func formatOf(in *bufio.Reader) (Format, error) {
	if mark, err := in.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		if _, err := in.Discard(3); err != nil {
			return "", err
		}
	}
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return "", err
	}
	head = bytes.TrimLeft(head, " \t\r\n")
	kind, _, isRecord := bytes.Cut(head[:min(len(head), 8)], []byte(","))
	switch {
	case len(head) == 0:
		return CSV, nil
	case head[0] == '<':
		return GreenButton, nil
	case head[0] == '/':
		return P1, nil
	case isRecord && strings.Contains(" 100 200 250 300 400 500 550 900 ", " "+string(kind)+" "):
		return NEM12, nil
	}
	return CSV, nil
}
