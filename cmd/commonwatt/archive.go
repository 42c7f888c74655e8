package main

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// An archive is a compressed tar: a folder's files, and, as the last entry, the
// SHA-256 of each of them, as sha256sum(1) writes it. What has no such end is cut
// off.
const sumsName = "SHA256SUMS"

// errBroken means that an archive is not what was written.
var errBroken = errors.New("the backup is broken")

// contents lists the files of a folder that an archive holds, by their paths with
// forward slashes, and how many bytes they have in all.
func contents(dir string) (paths []string, total int64, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		within, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		paths, total = append(paths, filepath.ToSlash(within)), total+info.Size()
		return nil
	})
	return paths, total, err
}

// pack writes an archive of a folder's files, and tells how far it is.
func pack(out io.Writer, dir string, progress func(done, total int64)) (err error) {
	paths, total, err := contents(dir)
	if err != nil {
		return err
	}
	packed, err := gzip.NewWriterLevel(out, gzip.BestSpeed) // What is large in it is compressed already.
	if err != nil {
		return err
	}
	archive := tar.NewWriter(packed)
	var sums strings.Builder
	var done int64
	for _, path := range paths {
		sum, err := packFile(archive, dir, path, func(n int64) { progress(done+n, total) })
		if err != nil {
			return err
		}
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(path)))
		if err != nil {
			return err
		}
		done += info.Size()
		fmt.Fprintf(&sums, "%s  %s\n", sum, path)
	}
	err = archive.WriteHeader(&tar.Header{Name: sumsName, Mode: 0o600, Size: int64(sums.Len()), ModTime: time.Now()})
	if err == nil {
		_, err = io.WriteString(archive, sums.String())
	}
	return errors.Join(err, archive.Close(), packed.Close())
}

// packFile adds one file and returns its sum.
func packFile(archive *tar.Writer, dir, path string, progress func(int64)) (sum string, err error) {
	in, err := os.Open(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	if err := archive.WriteHeader(&tar.Header{Name: path, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return "", err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(archive, hash, counter(progress)), in)
	return hex.EncodeToString(hash.Sum(nil)), err
}

// counter returns a writer that tells how many bytes went into it.
func counter(progress func(int64)) io.Writer {
	var n int64
	return writerFunc(func(p []byte) (int, error) {
		n += int64(len(p))
		progress(n)
		return len(p), nil
	})
}

type writerFunc func([]byte) (int, error)

// Write calls the function.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// unpack writes an archive's files into a folder, and checks each.
//
// Errors: errBroken; those of the disk.
func unpack(in io.Reader, dir string) error {
	packed, err := gzip.NewReader(bufio.NewReader(in))
	if err != nil {
		return fmt.Errorf("%w: it is no compressed tar: %w", errBroken, err)
	}
	archive := tar.NewReader(packed)
	var is strings.Builder
	for {
		entry, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%w: its end, with the sums of its files, is missing", errBroken)
		case err != nil:
			return fmt.Errorf("%w: %w", errBroken, err)
		case entry.Name == sumsName:
			return checkSums(archive, packed, is.String())
		case entry.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(entry.Name)):
			return fmt.Errorf("%w: %q is no file within a folder", errBroken, entry.Name)
		}
		sum, err := unpackFile(archive, filepath.Join(dir, filepath.FromSlash(entry.Name)))
		if err != nil {
			return err
		}
		fmt.Fprintf(&is, "%s  %s\n", sum, entry.Name)
	}
}

// checkSums compares the sums at the end of an archive with those of what was
// unpacked, and reads what is left of it.
func checkSums(archive *tar.Reader, packed io.Reader, is string) error {
	text, err := io.ReadAll(archive)
	if err == nil {
		_, err = io.Copy(io.Discard, packed)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	if string(text) == is {
		return nil
	}
	want := strings.Split(string(text), "\n")
	for line := range strings.Lines(is) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(want, line) {
			_, name, _ := strings.Cut(line, "  ")
			return fmt.Errorf("%w: %s is not what was put into it", errBroken, name)
		}
	}
	return fmt.Errorf("%w: a file is missing in it", errBroken)
}

// unpackFile writes one file and returns its sum.
func unpackFile(in io.Reader, path string) (sum string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%w: %s is in it twice", errBroken, filepath.Base(path))
	}
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	_, err = io.Copy(out, io.TeeReader(in, hash))
	if _, disk := errors.AsType[*fs.PathError](err); err != nil && !disk {
		err = fmt.Errorf("%w: %w", errBroken, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), errors.Join(err, out.Sync(), out.Close())
}
