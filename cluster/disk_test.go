//go:build linux

package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a file system of its own that a test may fill or break.
type disk struct {
	t     *testing.T
	dir   string
	image string // What it is on; empty for one in memory.
}

// mounted mounts a disk until the test ends, which root may.
func mounted(t *testing.T, words ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a disk of its own needs root")
	}
	if out, err := exec.Command("mount", words...).CombinedOutput(); err != nil {
		t.Skipf("no disks can be mounted here: %v: %s", err, out)
	}
}

// newMemoryDisk is a small disk that can be filled.
func newMemoryDisk(t *testing.T, megabytes int) *disk {
	t.Helper()
	d := &disk{t: t, dir: t.TempDir()}
	mounted(t, "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", megabytes), "tmpfs", d.dir)
	t.Cleanup(d.unmount)
	return d
}

// newJournalDisk is a disk that can fail: a file with a file system in it.
func newJournalDisk(t *testing.T, megabytes int64) *disk {
	t.Helper()
	d := &disk{t: t, dir: t.TempDir(), image: filepath.Join(t.TempDir(), "image")}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skipf("a disk that fails needs e2fsprogs: %v", err)
	}
	image, err := os.Create(d.image)
	if err != nil {
		t.Fatal(err)
	}
	if err := image.Truncate(megabytes << 20); err != nil {
		t.Fatal(err)
	}
	if err := image.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", d.image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	d.mount()
	t.Cleanup(d.unmount)
	return d
}

func (d *disk) mount() {
	d.t.Helper()
	mounted(d.t, "-o", "loop", d.image, d.dir)
}

func (d *disk) unmount() {
	d.t.Helper()
	if out, err := exec.Command("umount", d.dir).CombinedOutput(); err != nil {
		d.t.Errorf("umount: %v: %s", err, out)
	}
}

// fill takes all room that is left, and returns what gives it back.
func (d *disk) fill() (empty func()) {
	d.t.Helper()
	name := filepath.Join(d.dir, "ballast")
	ballast, err := os.Create(name)
	if err != nil {
		d.t.Fatal(err)
	}
	defer ballast.Close()
	for chunk := make([]byte, 4096); err == nil; {
		_, err = ballast.Write(chunk)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			d.t.Fatal(err)
		}
	}
}

// fail makes the disk fail every read and write from now on, and forget what was not
// synced, as one does whose power is gone.
func (d *disk) fail() {
	d.t.Helper()
	dir, err := os.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer dir.Close()
	const shutdown, noFlush = 0x8004587d, 2 // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH.
	if err := unix.IoctlSetPointerInt(int(dir.Fd()), shutdown, noFlush); err != nil {
		d.t.Skipf("this file system cannot be made to fail: %v", err)
	}
}

// stops waits until a node has stopped by itself, under load if there is any.
func (c *cluster) stops(i int, load func()) *process {
	c.t.Helper()
	p := c.running[i]
	begin := time.Now()
	for ended := false; !ended; {
		load()
		select {
		case <-p.ended:
			ended = true
		case <-time.After(2 * time.Millisecond):
		}
		if time.Since(begin) > patience {
			_ = p.cmd.Process.Signal(syscall.SIGQUIT) // It says what each goroutine does.
			<-p.ended
			c.t.Fatalf("node %d does not stop\n%s", i, p.log.String())
		}
	}
	c.running[i] = nil
	return p
}

// mustSay asks that a stopped node says why, and does not just fall over.
func mustSay(t *testing.T, p *process, words ...string) {
	t.Helper()
	if p.cmd.ProcessState.ExitCode() != exitStopped || !strings.Contains(p.stop, "node: stopped") {
		t.Errorf("the node ends with %d and %q\n%s", p.cmd.ProcessState.ExitCode(), p.stop, p.log.String())
	}
	for _, word := range words {
		if strings.Contains(p.stop, word) {
			return
		}
	}
	t.Errorf("the node stops and says %q, none of %q", p.stop, words)
}

// A node whose disk is full stops, says so, and acknowledges nothing that is not on
// disk. The others go on, and so does it when there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full := newMemoryDisk(t, 64)
	c := newClusterIn(t, newLoopback(t, size), t.TempDir(), t.TempDir(), t.TempDir(), full.dir)
	c.startAll()
	cl := newClient(c)
	cl.fund(0)
	empty := full.fill()
	p := c.stops(3, func() { cl.push(8, all...) })
	mustSay(t, p, syscall.ENOSPC.Error(), "disk is full")
	before := cl.count()
	c.until("the others go on", func() bool { cl.push(8, 0, 1, 2); return cl.count() > before+100 })
	if err := c.start(3); err == nil {
		t.Error("the node comes up on a full disk")
	} else if text := err.Error(); !strings.Contains(text, syscall.ENOSPC.Error()) && !strings.Contains(text, "disk is full") {
		t.Errorf("the node does not come up and does not say why: %v", err)
	}
	empty()
	if err := c.start(3); err != nil {
		t.Fatal(err)
	}
	cl.check()
	t.Logf("%q", p.stop)
}

// A validator on its own, whose disk fails under load as if the power went, has
// everything on disk that it acknowledged.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	rounds := campaign(t, "COMMONWATT_DISKS", 2, 1)
	begin := time.Now()
	broken := newJournalDisk(t, 256)
	c := newClusterIn(t, newLoopback(t, 1), broken.dir)
	c.startAll()
	cl := newClient(c)
	cl.fund(0)
	for round := range rounds {
		before := cl.count()
		c.until("there is load", func() bool { cl.push(8, 0); return cl.count() > before+50+round%7*20 })
		broken.fail()
		p := c.stops(0, func() { cl.push(8, 0) })
		mustSay(t, p, syscall.EIO.Error(), "disk I/O error")
		t.Logf("%q", p.stop)
		if err := c.start(0); err == nil {
			t.Fatal("the node comes up on a broken disk")
		}
		broken.unmount()
		broken.mount()
		if err := c.start(0); err != nil {
			t.Fatal(err)
		}
		cl.again(0)
	}
	height := cl.check()
	t.Logf("%d times the disk failed, %d envelopes acknowledged, height %d, %.0f s", rounds, cl.count(), height, time.Since(begin).Seconds())
}
