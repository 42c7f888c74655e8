package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/live"
)

// walkMax is how long the commands of docs/network.md may take together on a busy
// machine. On one that has nothing else to do they take about a minute.
const walkMax = 4 * time.Minute

// A newcomer goes from nothing to four validators by the commands of docs/network.md,
// as they stand there but for the ports.
func TestNetworkPage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute: it runs a network of five nodes")
	}
	dir := t.TempDir()
	out := walkThrough(t, dir, walk(t, "docs/network.md", 40))
	for want, times := range map[string]int{
		": adopted": 11, "verified ": 2, "is restored": 1,
		"knows the rules 1 to 1 of a ledger": 1, "knows the rules 1 to 2 of a ledger": 1, "the coop's node ended with 1\n": 1,
	} {
		if got := strings.Count(out, want); got != times {
			t.Errorf("%q was printed %d times, want %d:\n%s", want, got, times, out)
		}
	}
	stopped(t, out)
	walked(t, filepath.Join(dir, "elm"))
}

// walkThrough types commands into one bash in a folder, and returns what they print.
func walkThrough(t *testing.T, dir, commands string) string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the page is for bash, which is not here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs := filepath.Join(dir, "programs")
	if err := os.MkdirAll(programs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(programs, "commonwatt")); err != nil { // TestMain goes by the name.
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), walkMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, bash, "-c", commands)
	cmd.Dir = dir
	source, err := filepath.Abs(checkout)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"), "checkout="+source)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // The trap ends the nodes.
	cmd.WaitDelay = 20 * time.Second
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the commands of the page ended with %v:\n%s", err, out)
	}
	t.Logf("the walk took %v", time.Since(began).Round(time.Second))
	return string(out)
}

// stopped checks that the node whose program was not replaced stopped before the block
// from which the new rules hold, that it said so, and that doctor had said so before.
func stopped(t *testing.T, out string) {
	t.Helper()
	said := regexp.MustCompile(`(?m)^commonwatt: .*from height (\d+) on the ledger follows rules 2, and this program knows rules 1 to 1: install a version that knows rules 2`).FindStringSubmatch(out)
	if said == nil {
		t.Fatalf("no node said that it needs another program:\n%s", out)
	}
	at, err := strconv.Atoi(said[1])
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(fmt.Sprintf(`(?m)^height +%d$`, at-1)).MatchString(out) {
		t.Errorf("the node that stopped is not at height %d:\n%s", at-1, out)
	}
	if want := fmt.Sprintf("install a version that knows rules 2 before height %d", at); !strings.Contains(out, want) {
		t.Errorf("doctor did not say %q:\n%s", want, out)
	}
}

// walk is what a page tells to type, on ports that are free.
func walk(t *testing.T, page string, linesLeast int) string {
	t.Helper()
	var lines []string
	shell := false
	for line := range strings.Lines(string(read(t, checkout, page))) {
		switch {
		case strings.HasPrefix(line, "```"):
			shell = strings.TrimSpace(line) == "```sh"
		case shell:
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	if len(lines) < linesLeast {
		t.Fatalf("the page has %d lines of commands", len(lines))
	}
	given, held := map[string]string{}, []net.Listener{}
	text := regexp.MustCompile(`\b(266[56][0-9]|842[0-9])\b`).ReplaceAllStringFunc(strings.Join(lines, "\n"), func(port string) string {
		if given[port] == "" {
			l := freePort(t)
			held = append(held, l)
			_, given[port], _ = net.SplitHostPort(l.Addr().String()) // A listener's own address is good.
		}
		return given[port]
	})
	for _, l := range held {
		_ = l.Close()
	}
	return "set -eux\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n" + text
}

// freePort holds a port that nothing listens on, below those that are given to
// whoever dials.
func freePort(t *testing.T) net.Listener {
	t.Helper()
	for port := 10_000 + os.Getpid()%10_000; port < 32_000; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // It is closed at once.
		if err == nil {
			return l
		}
	}
	t.Fatal("no port is free")
	return nil
}

// freePlaces returns addresses that nothing listens on.
func freePlaces(t *testing.T, count int) (list []string) {
	t.Helper()
	for range count {
		l := freePort(t)
		defer l.Close() // Once all are found.
		list = append(list, l.Addr().String())
	}
	return list
}

// walked checks what the walk left behind: four validators, four seats, no open
// proposal, the second rules.
func walked(t *testing.T, dir string) {
	t.Helper()
	var n live.Network
	if err := json.Unmarshal([]byte(must(t, "network", "status", dir, "-o", "json")), &n); err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, m := range n.Validators {
		names += m.Name + " "
	}
	if len(n.Validators) != 4 || len(n.Council) != 4 || len(n.Proposals) != 0 || strings.Contains(names, "School") || !strings.Contains(names, "Library") {
		t.Errorf("%+v", n)
	}
	if out := must(t, "status", dir); !regexp.MustCompile(`(?m)^rules +version 2$`).MatchString(out) {
		t.Errorf("status says\n%s", out)
	}
}
