package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// smaller makes the commands of docs/simulate.md end soon.
var smaller = strings.NewReplacer("--devices 10000", "--devices 30", "--every 1m", "--every 300ms", "--for 10m", "--for 2s")

// The commands of the page about simulations do what it says, with fewer devices and for a
// shorter time.
func TestToldSimulate(t *testing.T) {
	page := string(read(t, checkout, "docs/simulate.md"))
	t.Chdir(t.TempDir())
	ran, node := 0, freeAddress(t)
	var serves []*running
	for _, block := range fenced(page) {
		for _, line := range block {
			command, ours := strings.CutPrefix(smaller.Replace(line), "commonwatt ")
			if !ours {
				t.Errorf("%q is neither run nor known", line)
				continue
			}
			ran++
			switch args := strings.Fields(command); {
			case args[0] == "gateway":
				serves = append(serves, gatewayOf(t, append(args, "--mqtt", "127.0.0.1:0", "--node", node)...))
			case args[0] == "up":
				serves = append(serves, start(t, args[1], args[2:]...))
			case strings.Contains(command, "--found"):
				must(t, args...)
			case !strings.Contains(command, "--for"):
				args = append(args, "--every", "300ms", "--for", "2s")
				fallthrough
			default:
				if said := must(t, args...); !strings.Contains(said, ", 0 waiting;") || strings.Contains(said, "refused") {
					t.Error(said)
				}
			}
		}
	}
	for _, r := range slices.Backward(serves) {
		r.stop(t)
	}
	if ran != 6 {
		t.Errorf("%d commands ran", ran)
	}
	for _, dir := range []string{"street", "town", "village"} {
		must(t, "verify", dir)
	}
	if text := read(t, ".", "figures.json"); !strings.Contains(string(text), `"waiting": 0`) {
		t.Errorf("%s", text)
	}
}

// A simulation that ended goes on where it ended, with the registers, the keys and the
// sequences that it had, and the ledger settles on.
func TestSimulateGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "street")
	for n := range 2 {
		out := must(t, "simulate", dir, "--homes", "5", "--every", "200ms", "--for", "1s", "--messages", filepath.Join(dir+".csv"))
		if !strings.Contains(out, ", 0 waiting;") || strings.Contains(out, "refused") {
			t.Fatal(out)
		}
		a := audit(t, dir)
		if want := 5 * (n + 1); len(a.settled) != want {
			t.Errorf("after %d runs %d intervals are settled, not %d", n+1, len(a.settled), want)
		}
		for what, times := range a.accepted {
			if times != 1 {
				t.Errorf("%s was accepted %d times", what, times)
			}
		}
		sent := readSent(t, dir+".csv")
		for _, m := range sent {
			if want := uint64(5*n + 1); m.sequence < want || m.sequence >= want+5 {
				t.Errorf("run %d sends sequence %d", n+1, m.sequence)
			}
		}
	}
}

// The meters of somebody's own community are simulated only by their word.
func TestSimulateTakesOver(t *testing.T) {
	dir := elm(t)
	must(t, "member", "add", dir, "anna")
	args := []string{"simulate", dir, "--every", "200ms", "--for", "600ms"}
	if _, errs, code := commonwatt(args...); code != exitBadInput || !strings.Contains(errs, "its meters would get other passwords and keys") {
		t.Errorf("%d %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "devices.json")); err == nil {
		t.Error("passwords were made")
	}
	if out := must(t, append(args, "--takeover")...); !strings.Contains(out, "3 messages, 3 receipts, 0 waiting;") {
		t.Error(out)
	}
}

// What cannot be simulated is refused, before anything is made.
func TestSimulateRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "street")
	for _, c := range []struct {
		args string
		says string
	}{
		{"--homes 0", "give 1 to 100000"},
		{"--devices 100001", "give 1 to 100000"},
		{"--homes 5 --devices 9", "give one of them"},
		{"--every 1ms", "give 100ms or more"},
		{"--every 1m --for 10s", "not shorter than --every"},
		{"--interval 7", "none of 5, 15, 30 and 60"},
	} {
		if _, errs, code := commonwatt(append([]string{"simulate", dir}, strings.Fields(c.args)...)...); code != exitBadInput || !strings.Contains(errs, c.says) {
			t.Errorf("%s: %d %s", c.args, code, errs)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder was made")
	}
	if err := enoughFiles(1 << 40); err == nil || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("too many files: %v", err)
	}
}
