package store

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strconv"
	"strings"
)

// A seal is text. After its title come, for each file, the digests of its parts
// and then its size and its path; the last line is the digest of all before it.
//
//	commonwatt seal 1
//	5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9
//	file 1024 "ledger/000004.log"
//	end 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
const (
	sealTitle = "commonwatt seal 1"
	sealFile  = "file "
	sealEnd   = "end "
)

// writeSeal writes the seal of files, in the order of their paths, and syncs it.
func writeSeal(name string, files iter.Seq[file]) (err error) {
	out, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	sum := sha256.New()
	buffer := bufio.NewWriter(out)
	text := io.MultiWriter(buffer, sum)
	fmt.Fprintln(text, sealTitle)
	for f := range files {
		for _, part := range f.parts {
			fmt.Fprintf(text, "%x\n", part)
		}
		fmt.Fprintf(text, "%s%d %s\n", sealFile, f.size, strconv.Quote(f.path))
	}
	fmt.Fprintf(buffer, "%s%x\n", sealEnd, sum.Sum(nil))
	return errors.Join(buffer.Flush(), out.Sync())
}

// readSeal reads a seal. Its error is ErrNoSeal when there is none, and Damaged
// when any byte of it has changed.
func readSeal(name string) ([]file, error) {
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoSeal
	}
	if err != nil {
		return nil, fmt.Errorf("store: check seal: %w", err)
	}
	end := len(raw) - len(sealEnd) - 2*sha256.Size - 1
	if end < 0 {
		return nil, Damaged{{sealName, 0, int64(len(raw)), "the seal is cut off"}}
	}
	sum := sha256.Sum256(raw[:end])
	if string(raw[end:]) != fmt.Sprintf("%s%x\n", sealEnd, sum) {
		return nil, Damaged{{sealName, 0, int64(len(raw)), "the seal itself has changed"}}
	}
	files, err := parseSeal(bytes.NewReader(raw[:end]))
	if err != nil {
		return nil, fmt.Errorf("store: check seal: %w", err)
	}
	return files, nil
}

// parseSeal reads the lines between the first and the last. They bear a good
// digest, so an error means that another version wrote them.
func parseSeal(text io.Reader) (files []file, err error) {
	lines := bufio.NewScanner(text)
	if !lines.Scan() || lines.Text() != sealTitle {
		return nil, errors.New("the seal is of another version")
	}
	var f file
	for lines.Scan() {
		rest, isFile := strings.CutPrefix(lines.Text(), sealFile)
		if !isFile {
			var part [sha256.Size]byte
			if digest, err := hex.DecodeString(lines.Text()); err != nil || copy(part[:], digest) != len(part) {
				return nil, fmt.Errorf("the seal has a line %q", lines.Text())
			}
			f.parts = append(f.parts, part)
			continue
		}
		if _, err := fmt.Sscanf(rest, "%d %q", &f.size, &f.path); err != nil {
			return nil, fmt.Errorf("the seal has a line %q: %w", lines.Text(), err)
		}
		if int64(len(f.parts)) != (f.size+partBytes-1)/partBytes {
			return nil, fmt.Errorf("the seal has %d digests of %s", len(f.parts), f.path)
		}
		files = append(files, f)
		f = file{}
	}
	return files, lines.Err()
}
