package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/operator"
)

// What is backed up comes back, of a node that runs and of one at rest: it
// verifies, and goes on.
func TestBackup(t *testing.T) {
	dir, away := elm(t), t.TempDir()
	must(t, "member", "add", dir, "anna")
	hot, cold := filepath.Join(away, "hot"), filepath.Join(away, "cold")
	node := start(t, dir)
	must(t, "member", "add", dir, "bela")
	status := must(t, "status", dir)
	must(t, "backup", dir, hot)
	must(t, "member", "add", dir, "carla") // The original goes on.
	if _, errs, code := commonwatt("backup", dir, hot); code != exitBadInput || !strings.Contains(errs, "is there already: name another file") {
		t.Errorf("a backup over another one: %d %s", code, errs)
	}
	node.stop(t)
	must(t, "verify", dir)
	must(t, "backup", dir, cold)
	if _, errs, code := commonwatt("backup", dir, filepath.Join(dir, "x")); code != exitBadInput || !strings.Contains(errs, "lies in the folder that it is to hold") {
		t.Errorf("a backup into the folder itself: %d %s", code, errs)
	}
	for _, file := range []string{hot, cold} {
		again := file + "-again"
		out, errs, code := commonwatt("restore", file, again)
		if code != 0 || !strings.Contains(errs, "never run both") || !strings.Contains(out, "is restored") {
			t.Fatalf("%d %s %s", code, out, errs)
		}
		must(t, "verify", again)
		for _, name := range []string{operator.KeyFile, community.File} {
			if info, err := os.Stat(filepath.Join(again, name)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, code := commonwatt("restore", file, again); code != exitBadInput {
			t.Error("restored over a ledger")
		}
	}
	line := func(status, name string) string {
		_, rest, _ := strings.Cut(status, name)
		value, _, _ := strings.Cut(rest, "\n")
		return strings.TrimSpace(value)
	}
	restored := must(t, "status", hot+"-again")
	if line(restored, "app hash") != line(status, "app hash") {
		t.Errorf("backed up at\n%s, restored at\n%s", status, restored)
	}
	back := start(t, hot+"-again")
	must(t, "member", "add", hot+"-again", "dora")
	back.stop(t)
	must(t, "verify", hot+"-again")
}

// A backup that is broken anywhere is refused whole.
func TestRestoreBroken(t *testing.T) {
	dir, away := elm(t), t.TempDir()
	file := filepath.Join(away, "backup")
	must(t, "backup", dir, file)
	good := read(t, away, "backup")
	flipped := func(at int) []byte {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		return bad
	}
	tars := func(entries ...tar.Header) []byte {
		var b bytes.Buffer
		packed := gzip.NewWriter(&b)
		archive := tar.NewWriter(packed)
		for _, e := range entries {
			if err := archive.WriteHeader(&e); err != nil {
				t.Fatal(err)
			}
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		if err := packed.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	none := tar.Header{Name: sumsName, Typeflag: tar.TypeReg}
	for name, text := range map[string][]byte{
		"empty":         nil,
		"no tar":        []byte("a letter"),
		"cut":           good[:len(good)/2],
		"cut at end":    good[:len(good)-1],
		"flipped early": flipped(100),
		"flipped":       flipped(len(good) / 2),
		"flipped late":  flipped(len(good) - 6),
		"no sums":       tars(tar.Header{Name: "a", Typeflag: tar.TypeReg}),
		"wrong sums":    tars(tar.Header{Name: "a", Typeflag: tar.TypeReg}, none),
		"outside":       tars(tar.Header{Name: "../a", Typeflag: tar.TypeReg}, none),
		"absolute":      tars(tar.Header{Name: "/a", Typeflag: tar.TypeReg}, none),
		"a link":        tars(tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, none),
	} {
		bad := filepath.Join(away, "bad")
		if err := os.WriteFile(bad, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, errs, code := commonwatt("restore", bad, filepath.Join(away, "never"))
		if code != exitBadInput || !strings.Contains(errs, "the backup is broken") || !strings.Contains(errs, "nothing was restored") {
			t.Errorf("%s: %d %s", name, code, errs)
		}
	}
	entries, err := os.ReadDir(away)
	if err != nil || len(entries) != 2 {
		t.Errorf("something was left behind: %v %v", entries, err)
	}
}
