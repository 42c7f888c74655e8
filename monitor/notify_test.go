package monitor

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/node"
)

// manager is a service manager's socket.
func manager(t *testing.T) (receive func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 1024)
		n, err := conn.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(text[:n])
	}
}

// A service manager hears that the node is up, then signs of life in which it says how it
// is, and that it ends.
func TestNotify(t *testing.T) {
	receive := manager(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	h := NewHealth(func() []node.Check { return []node.Check{{Name: "quorum", Problem: "nobody is there"}} })
	go func() { ended <- Notify(ctx, h) }()
	if first := receive(); first != "READY=1\nSTATUS=quorum: nobody is there" {
		t.Errorf("first %q", first)
	}
	for range 2 {
		if next := receive(); next != "STATUS=quorum: nobody is there\nWATCHDOG=1" {
			t.Errorf("then %q", next)
		}
	}
	cancel()
	for last := ""; last != "STOPPING=1"; {
		last = receive()
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A node that hangs gives no sign of life, so that the manager starts it again.
func TestNotifyHangs(t *testing.T) {
	receive := manager(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	back := make(chan struct{})
	defer close(back)
	h := NewHealth(func() []node.Check { <-back; return nil })
	h.most = time.Millisecond
	go func() { _ = Notify(ctx, h) }()
	for range 2 {
		if said := receive(); strings.Contains(said, "WATCHDOG") {
			t.Errorf("it hangs and says %q", said)
		}
	}
}

// Where nobody asked, nothing is told.
func TestNotifyNobody(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Notify(ctx, NewHealth()); err != nil {
		t.Error(err)
	}
}

// Signs of life come twice as often as they are asked for.
func TestWatchdog(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 10 * time.Second, "nothing": 10 * time.Second, "-5": 10 * time.Second, "60000000": 10 * time.Second, "4000000": 2 * time.Second} {
		t.Setenv("WATCHDOG_USEC", text)
		if got := watchdog(); got != want {
			t.Errorf("WATCHDOG_USEC=%q: %v, not %v", text, got, want)
		}
	}
}
