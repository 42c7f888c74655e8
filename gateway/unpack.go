package gateway

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A file of zeros shrinks to a thousandth; a meter file of dates and energies to a
// tenth, of dates and zeros to a fiftieth. What unpacks to more is refused, so that
// few bytes cannot take much memory.
const (
	swellMax  = 100
	swellFree = 256 << 10 // Bytes that any file may unpack to.
)

// zipFilesMax bounds the files in one zip file.
const zipFilesMax = 1000

// zipBytesMax bounds a zip file, whose list of contents is read as a whole.
const zipBytesMax = 1 << 30

var errSwollen = errors.New("unpacks to too much")

// unpacked returns the bytes of in, or what they unpack to when they are gzip
// (RFC 1952).
func unpacked(file string, in *bufio.Reader) (*bufio.Reader, error) {
	magic, err := in.Peek(2)
	at := lines{file: file}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, at.broken(err)
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) { // RFC 1952 §2.3.1
		return in, nil
	}
	packed := &counter{in: in, tell: func(int64) {}}
	unzip, err := gzip.NewReader(bufio.NewReaderSize(packed, 512))
	if err != nil {
		return nil, at.broken(err)
	}
	return bufio.NewReaderSize(&swelling{in: unzip, packed: func() int64 { return packed.read }}, readBytes), nil
}

// swelling passes on what a compressed file unpacks to, and stops when that is
// out of all proportion to what was read of it.
type swelling struct {
	in     io.Reader
	packed func() int64
	out    int64
}

func (s *swelling) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	s.out += int64(n)
	if s.out > swellFree && s.out/swellMax > s.packed() {
		return 0, errSwollen
	}
	return n, err
}

// eachInZip calls f with each file in a zip file (PKWARE APPNOTE), in the order
// of its list, named as in DIR/FILE.zip/NAME. Folders are passed over.
func eachInZip(name string, in io.ReaderAt, size int64, f func(name string, in *bufio.Reader) error) error {
	at := lines{file: name}
	if size > zipBytesMax {
		return at.refuse("", nil, fmt.Sprintf("the zip file has more than %d bytes", zipBytesMax), "Unpack it and send what it holds")
	}
	archive, err := zip.NewReader(io.NewSectionReader(in, 0, size), size)
	if err != nil {
		return at.broken(cut(err))
	}
	if len(archive.File) > zipFilesMax {
		return at.refuse("", nil, fmt.Sprintf("the zip file holds more than %d files", zipFilesMax), "Unpack it and send what it holds")
	}
	none := true
	for _, entry := range archive.File {
		if strings.HasSuffix(entry.Name, "/") {
			continue
		}
		none = false
		if err := inZip(name+"/"+printed(entry.Name), entry, f); err != nil {
			return err
		}
	}
	if none {
		return at.refuse("", nil, "the zip file holds no file", "Copy or download the file again")
	}
	return nil
}

func inZip(name string, entry *zip.File, f func(name string, in *bufio.Reader) error) error {
	at := lines{file: name}
	if entry.Flags&1 != 0 {
		return at.refuse("", nil, "the file is encrypted", "Unpack it and send what it holds")
	}
	content, err := entry.Open()
	if err != nil {
		return at.broken(cut(err))
	}
	defer func() { _ = content.Close() }() // Only read: nothing is lost.
	packed := int64(min(entry.CompressedSize64, zipBytesMax))
	return f(name, bufio.NewReaderSize(&swelling{in: content, packed: func() int64 { return packed }}, readBytes))
}

// cut makes the end of a file where more was to come an error.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// printed is a name of a file that a message can show on its one line.
func printed(name string) string {
	if !printable([]byte(strings.ReplaceAll(name, " ", ""))) {
		name = fmt.Sprintf("%+q", name)
	}
	return shown([]byte(name))
}
