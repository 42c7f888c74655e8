package monitor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// Notify tells systemd, or whatever else started this process and speaks
// sd_notify(3), how it is: ready now, then a sign of life as often as asked for, and
// that it stops once the context ends. It does nothing where nobody asked.
//
// A sign of life is that the node looked at itself and did not hang. What the look
// found does not matter: a node that waits for others is not mended by a restart.
//
// Errors: a socket that is named and cannot be written to.
func Notify(ctx context.Context, h *Health) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		<-ctx.Done()
		return nil
	}
	tell := func(state string) error {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			return fmt.Errorf("monitor: NOTIFY_SOCKET: %w", err)
		}
		_, err = conn.Write([]byte(state))
		return errors.Join(err, conn.Close())
	}
	if err := tell("READY=1\nSTATUS=" + h.Report().Status()); err != nil {
		return err
	}
	defer func() { _ = tell("STOPPING=1") }() // Nobody waits for it.
	every := watchdog()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		r := h.Report()
		state := "STATUS=" + r.Status()
		if !r.Hangs() {
			state += "\nWATCHDOG=1"
		}
		if err := tell(state); err != nil {
			return err
		}
	}
}

// watchdog is how often a sign of life is given: twice as often as is asked for
// (sd_watchdog_enabled(3)).
func watchdog() time.Duration {
	const otherwise = 10 * time.Second
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || us <= 0 {
		return otherwise
	}
	return min(otherwise, time.Duration(us)*time.Microsecond/2)
}

// Hangs reports whether looking took too long.
func (r Report) Hangs() bool { return len(r.Checks) == 1 && r.Checks[0].Name == hangsCheck }

// Status is the report in one line.
func (r Report) Status() string {
	for _, c := range r.Checks {
		if c.Problem != "" {
			return c.Name + ": " + c.Problem
		}
	}
	return "ready"
}
