package bench

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// idle starts the node of a new community, as its operator would, and measures what it
// takes while nothing happens.
func idle(ctx context.Context, r *run) error {
	if r.Program == "" {
		return nil
	}
	dir, remove, err := r.folder()
	if err != nil {
		return err
	}
	defer remove()
	dir = filepath.Join(dir, "community")
	if out, err := exec.CommandContext(ctx, r.Program, "init", dir, "--name", "Bench", "--time-zone", "UTC", "--retail", "0.32", "--feed-in", "0.08").CombinedOutput(); err != nil {
		return fmt.Errorf("init: %w: %s", err, out)
	}
	up := exec.CommandContext(ctx, r.Program, "up", dir, "--port", "0", "--mqtt", "127.0.0.1:0")
	up.Cancel = func() error { return up.Process.Signal(syscall.SIGTERM) }
	up.WaitDelay = time.Minute
	says, err := up.StdoutPipe()
	if err != nil {
		return err
	}
	if err := up.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(says)
	lines.Scan() // Its address: it is up.
	settle, watch := time.Duration(r.of(5, 20))*time.Second, time.Duration(r.of(10, 60))*time.Second
	if err := pause(ctx, settle); err != nil {
		return err
	}
	pid := strconv.Itoa(up.Process.Pid)
	before := processorTimeOf(pid)
	if err := pause(ctx, watch); err != nil {
		return err
	}
	share := (processorTimeOf(pid) - before).Seconds() / watch.Seconds()
	memory := residentOf(pid)
	r.add(Figure{Name: "idle node, memory", Value: float64(memory.all) / 1e6, Unit: "MB"}.most(80),
		Figure{Name: "idle node, memory without the program's own pages", Value: float64(memory.anon) / 1e6, Unit: "MB"},
		Figure{Name: "idle node, processor", Value: 100 * share, Unit: "% of a core"}.most(1))
	if err := up.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return up.Wait()
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
