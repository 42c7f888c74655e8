package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/live"
)

// nodeOf finds the node that runs in a folder, or starts one, and returns how to end it.
// A node that was started and ends by itself ends the context.
func (f *simulateFlags) nodeOf(ctx context.Context, cancel context.CancelCauseFunc, cmd *cobra.Command, dir string, c *community.Community) (*live.Client, func() error, error) {
	client, err := runningNode(cmd, dir)
	if err == nil {
		return client, func() error { return nil }, nil
	}
	if !errors.Is(err, live.ErrNotRunning) {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	up := exec.CommandContext(context.WithoutCancel(ctx), self, f.nodeFlags(dir, c)...)
	up.Args[0], up.Stderr = "commonwatt", cmd.ErrOrStderr()
	out, err := up.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := up.Start(); err != nil {
		return nil, nil, fmt.Errorf("the node does not start: %w", err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return nil, nil, errors.Join(fmt.Errorf("the node does not come up: see what it says above, or start it with \"commonwatt up %s\"", shellWord(dir)), up.Wait())
	}
	var told atomic.Bool
	ended := make(chan error, 1)
	go func() {
		err := up.Wait()
		if !told.Load() && ctx.Err() == nil {
			err = errors.Join(errors.New("the node ended: what was acknowledged is on its disk; run the same command again"), err)
			cancel(err)
		}
		ended <- err
	}()
	end := func() error {
		told.Store(true)
		_ = up.Process.Signal(os.Interrupt) // Or it ended already.
		return <-ended
	}
	if client, err = live.Find(ctx, dir); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return client, end, nil
}

// nodeFlags start a node at a time at which there is something to see: yesterday morning,
// where time is to pass faster than the clock.
func (f *simulateFlags) nodeFlags(dir string, c *community.Community) []string {
	args := []string{"up", dir, "--grace", "100h"}
	if f.every < time.Duration(c.Length)*time.Second {
		now := time.Now().In(c.TimeZone)
		args = append(args, "--from", time.Date(now.Year(), now.Month(), now.Day()-1, 6, 0, 0, 0, c.TimeZone).Format(minuteLayout))
	}
	return args
}
