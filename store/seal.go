package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sealName is the seal's file; sealDraft is its name until it is complete.
const (
	sealName  = "SEAL"
	sealDraft = "SEAL.new"
)

// partBytes is what one digest covers.
const partBytes = 64 << 10

// ErrNoSeal means that a folder bears no seal: it is in use, or it was not
// closed cleanly. Nothing is known to be wrong with it.
var ErrNoSeal = errors.New("store: the folder bears no seal: it is in use or was not closed cleanly")

// Damage is a place where a folder is not what its seal says.
type Damage struct {
	// File is the path within the folder, with forward slashes.
	File string
	// From and To are the bytes [From, To) that the damage is in.
	From, To int64
	// What is wrong, in words.
	What string
}

// Damaged is the error of a folder that is not what its seal says: every place
// of it, in order of the path.
type Damaged []Damage

// Error lists the places, one a line.
func (d Damaged) Error() string {
	var b strings.Builder
	b.WriteString("store: the folder is damaged")
	for _, at := range d {
		fmt.Fprintf(&b, "\n  %s bytes %d-%d: %s", at.File, at.From, at.To, at.What)
	}
	return b.String()
}

// Unsealed reports whether it is the seal that is damaged, so that nothing is known of
// the files.
func (d Damaged) Unsealed() bool { return len(d) == 1 && d[0].File == sealName }

// file is what a seal says of one file.
type file struct {
	path  string
	size  int64
	parts [][sha256.Size]byte
}

// Seal writes the seal of a folder, once everything that writes to it is
// closed. The seal is there as a whole or not at all.
func Seal(dir string) error {
	paths, err := list(dir)
	if err != nil {
		return fmt.Errorf("store: seal: %w", err)
	}
	draft := filepath.Join(dir, sealDraft)
	var unread error
	files := func(yield func(file) bool) {
		for _, path := range paths {
			var f file
			if f, unread = digest(dir, path); unread != nil || !yield(f) {
				return
			}
		}
	}
	err = writeSeal(draft, files)
	if err = errors.Join(err, unread); err != nil {
		return fmt.Errorf("store: seal: %w", err)
	}
	if err := os.Rename(draft, filepath.Join(dir, sealName)); err != nil {
		return fmt.Errorf("store: seal: %w", err)
	}
	return syncDir(dir)
}

// Unseal takes the seal off, before anything writes to the folder. It has left
// the disk on return, so a crash cannot bring back a seal that no longer holds.
func Unseal(dir string) error {
	err := os.Remove(filepath.Join(dir, sealName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("store: unseal: %w", err)
	}
	return syncDir(dir)
}

// CheckSeal compares a folder, or some folders and files in it, with its seal and
// reads every byte of both. The error is ErrNoSeal without a seal, Damaged when they
// differ, and the disk's own when it fails.
func CheckSeal(dir string, only ...string) error {
	files, err := readSeal(filepath.Join(dir, sealName))
	if err != nil {
		return err
	}
	paths, err := list(dir)
	if err != nil {
		return fmt.Errorf("store: check seal: %w", err)
	}
	if len(only) > 0 {
		other := func(path string) bool {
			first, _, _ := strings.Cut(path, "/")
			return !slices.Contains(only, first)
		}
		files = slices.DeleteFunc(files, func(f file) bool { return other(f.path) })
		paths = slices.DeleteFunc(paths, other)
	}
	var found Damaged
	for _, f := range files {
		if i, ok := slices.BinarySearch(paths, f.path); ok {
			paths = slices.Delete(paths, i, i+1)
			damage, err := f.compare(dir)
			if err != nil {
				return fmt.Errorf("store: check seal: %w", err)
			}
			found = append(found, damage...)
			continue
		}
		found = append(found, Damage{File: f.path, To: f.size, What: "the file is missing"})
	}
	for _, path := range paths {
		found = append(found, Damage{File: path, What: "the file is not in the seal"})
	}
	if len(found) == 0 {
		return nil
	}
	slices.SortStableFunc(found, func(a, b Damage) int { return strings.Compare(a.File, b.File) })
	return found
}

// compare finds where a file differs from what its seal says of it.
func (f file) compare(dir string) (found Damaged, err error) {
	is, err := digest(dir, f.path)
	if err != nil {
		return nil, err
	}
	// Parts that both have in the same length can be compared one by one.
	alike := len(f.parts)
	if is.size != f.size {
		alike = int(min(is.size, f.size) / partBytes)
	}
	for i, part := range f.parts[:alike] {
		if from := int64(i) * partBytes; part != is.parts[i] {
			found = append(found, Damage{f.path, from, min(from+partBytes, f.size), "the bytes have changed"})
		}
	}
	if is.size != f.size {
		what := fmt.Sprintf("the file has %d bytes where the seal has %d", is.size, f.size)
		found = append(found, Damage{f.path, int64(alike) * partBytes, max(is.size, f.size), what})
	}
	return found, nil
}

// digest reads a file part by part.
func digest(dir, path string) (f file, err error) {
	in, err := os.Open(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		return f, err
	}
	defer in.Close()
	f.path = path
	part := make([]byte, partBytes)
	for {
		n, err := io.ReadFull(in, part)
		if n > 0 {
			f.size += int64(n)
			f.parts = append(f.parts, sha256.Sum256(part[:n]))
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return f, nil
		}
		if err != nil {
			return f, err
		}
	}
}

// list returns the paths of all files of a folder but its seal, sorted.
func list(dir string) (paths []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is neither a file nor a folder", path)
		}
		path, err = filepath.Rel(dir, path)
		if path != sealName && path != sealDraft {
			paths = append(paths, filepath.ToSlash(path))
		}
		return err
	})
	slices.Sort(paths)
	return paths, err
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Sealed reports whether a folder bears a seal; CheckSeal says whether it holds.
func Sealed(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, sealName))
	return err == nil
}
