package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Verdicts on a folder in which one bit is another than it was.
const (
	refused  = "refused at the start"
	stopped  = "stopped when it was read"
	verified = "found by verify"
	mended   = "mended, or of no consequence"
)

// One bit is flipped in a file of a node at rest: of its store, its votes, its keys, its
// genesis. Either the node says so, or what it goes on with is the very same ledger.
func TestFlippedBits(t *testing.T) {
	flips := campaign(t, "COMMONWATT_FLIPS", 12, 4)
	random, seed := seeded(t)
	begin := time.Now()
	c := newClusterIn(t, newLoopback(t, 1), t.TempDir())
	c.startAll()
	cl := newClient(c)
	cl.fund(0)
	for range 20 { // Blocks.
		before := cl.count()
		c.until("a block", func() bool { cl.push(4, 0); return cl.count() > before })
	}
	cl.settle(0)
	unclean, clean := t.TempDir(), t.TempDir()
	c.kill(0)
	copyOf(t, unclean, c.places[0].Dir)
	c.startAll()
	c.close(0)
	copyOf(t, clean, c.places[0].Dir)
	counts := map[string]int{}
	for i := range flips {
		base := unclean
		if i%2 == 0 {
			base = clean
		}
		dir := filepath.Join(t.TempDir(), "flipped")
		copyOf(t, dir, base)
		where := flip(t, dir, random)
		verdict, said := judge(t, dir)
		if verdict == "" {
			t.Errorf("seed %d, flip %d: %s (clean: %v) goes unnoticed: %s", seed, i, where, base == clean, said)
		}
		counts[verdict]++
		if os.Getenv("COMMONWATT_FLIPS") == "" {
			t.Logf("%s: %s: %.300s", where, verdict, said)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d: %d flips, %d %s, %d %s, %d %s, %d %s, %.0f s", seed, flips,
		counts[refused], refused, counts[stopped], stopped, counts[verified], verified, counts[mended], mended, time.Since(begin).Seconds())
}

// judge opens, closes and verifies a folder in a process of its own.
func judge(t *testing.T, dir string) (verdict, said string) {
	t.Helper()
	where, err := json.Marshal(place{Dir: dir, Once: true})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPlace+"="+string(where))
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	err = cmd.Run()
	said = strings.TrimSpace(out.String())
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	switch code := cmd.ProcessState.ExitCode(); {
	case code == exitClosed:
		return mended, said
	case code == exitRefused:
		return refused, said
	case code == exitUnclean:
		return stopped, said
	case code == exitUnsound && readable(said):
		return verified, said
	case strings.Contains(log.String(), "panic: store: the disk failed"):
		return stopped, log.String()
	}
	return "", said + log.String()
}

// readable reports whether verify found that bytes are not what was written, rather
// than that they say something else than they should.
func readable(said string) bool {
	for _, words := range []string{"checksum", "corrupt", "invalid", "cannot be read", "does not open"} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}

// flip flips a bit of a file of the chain or the store, any bit as likely as any other
// of a file, and any file as likely as any other, so that small files have their turn.
func flip(t *testing.T, dir string, random *rand.Rand) string {
	t.Helper()
	var files []string
	for _, part := range []string{"chain", "store"} {
		err := filepath.WalkDir(filepath.Join(dir, part), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if info, err := entry.Info(); err != nil || info.Size() == 0 {
				return err
			}
			files = append(files, path)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	path := files[random.IntN(len(files))]
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The log of the storage engine is allocated ahead: what is behind its end is nobody's.
	used := len(bytes.TrimRight(raw, "\x00"))
	bit := random.IntN(8 * max(used, 1))
	raw[bit/8] ^= 1 << (bit % 8)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	short, _ := filepath.Rel(dir, path)
	return fmt.Sprintf("%s bit %d of %d bytes", short, bit, used)
}

// copyOf copies a folder.
func copyOf(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
