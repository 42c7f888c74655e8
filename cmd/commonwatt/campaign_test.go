package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/fleet"
	"github.com/commonwatt/commonwatt/interval"
)

// campaign is a fleet that publishes while its gateway and its node are killed.
type campaign struct {
	devices  int
	every    string
	length   string
	messages int // Of each device.
	kills    int // Of each of the two.
}

// devicesCampaign, where it is set, makes TestDevices the full campaign: ten thousand
// devices for ten minutes (make devices).
const devicesCampaign = "COMMONWATT_DEVICES"

// TestDevices lets simulated devices publish through a gateway to a node, and kills both,
// one after the other, again and again: each message is on the ledger once, and what was
// settled is what the registers counted.
func TestDevices(t *testing.T) {
	c := campaign{devices: 200, every: "500ms", length: "5s", messages: 10, kills: 2}
	full := os.Getenv(devicesCampaign) != ""
	if full {
		c = campaign{devices: 10_000, every: "1m", length: "10m", messages: 10, kills: 10}
	}
	dir := filepath.Join(t.TempDir(), "street")
	must(t, "simulate", dir, "--devices", strconv.Itoa(c.devices), "--found")
	r := &campaignRun{t: t, campaign: c, dir: dir, mqtt: freeAddress(t), node: freeAddress(t)}
	r.gatewayUp()
	r.nodeUp()
	r.simulate()
	killed := r.killThem()
	state := r.simulated()
	begin := r.begin()
	r.up.settled(t, begin+interval.Time(c.messages*300))
	status, err := r.up.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.up.stop(t)
	r.gateway.stop(t)
	must(t, "verify", dir)
	sent := readSent(t, filepath.Join(r.out, "messages.csv"))
	if n := c.devices * c.messages; state.Published != n || state.Told != n || state.Waiting != 0 || len(state.Refused) != 0 || state.Forged != 0 || len(sent) != n {
		t.Errorf("of %d messages: %+v; listed: %d", n, state, len(sent))
	}
	a := audit(t, dir)
	a.holds(t, sent, c.messages)
	f := figures(sent, killed, state.Outages)
	t.Log(f.text(c, state))
	t.Logf("ledger: %d messages accepted, %d answers with those that came again; %d statements of %d intervals; height %d, %d receipts",
		len(a.accepted), a.answered, a.statements, len(a.settled), status.Height, status.Receipts)
	t.Log(r.costs())
	if full && f.p99 > 5*time.Second {
		t.Errorf("in between the kills, 99 %% of messages have their receipt within %v, and not 5 s", f.p99)
	}
}

// freeAddress is one that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// campaignRun is what a campaign runs.
type campaignRun struct {
	t *testing.T
	campaign
	dir, out   string
	mqtt, node string // Addresses of the gateway.
	gateway    *running
	up         *running
	fleet      *exec.Cmd
	said       bytes.Buffer // By simulate.
	ended      []*exec.Cmd
}

// gatewayUp starts the gateway.
func (r *campaignRun) gatewayUp() {
	r.t.Helper()
	r.gateway = gatewayOf(r.t, "gateway", r.dir, "--mqtt", r.mqtt, "--node", r.node)
	r.ended = append(r.ended, r.gateway.cmd)
}

// gatewayOf starts a gateway, until it says where it is.
func gatewayOf(t *testing.T, args ...string) *running {
	t.Helper()
	g := &running{cmd: program(t, args...), errs: &bytes.Buffer{}}
	g.cmd.Stderr = g.errs
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.cmd.Process.Kill() }) // Where the test did not end it.
	if lines := bufio.NewScanner(out); !lines.Scan() {
		_ = g.cmd.Wait()
		t.Fatalf("the gateway does not come up: %s", g.errs)
	}
	return g
}

// nodeUp starts the node.
func (r *campaignRun) nodeUp() {
	r.t.Helper()
	r.up = start(r.t, r.dir, "--mqtt", "gateway", "--grace", "100h", "--from", yesterday.Format(minuteLayout))
	r.ended = append(r.ended, r.up.cmd)
}

// yesterday is when the community begins: it has a day to catch up with the clock.
var yesterday = time.Now().AddDate(0, 0, -1).Truncate(time.Hour)

// simulate starts the devices.
func (r *campaignRun) simulate() {
	r.t.Helper()
	r.out = r.t.TempDir()
	r.fleet = program(r.t, "simulate", r.dir, "--every", r.every, "--for", r.length,
		"--out", filepath.Join(r.out, "figures.json"), "--messages", filepath.Join(r.out, "messages.csv"))
	r.fleet.Stdout, r.fleet.Stderr = &r.said, &r.said
	if err := r.fleet.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = r.fleet.Process.Kill() })
	r.ended = append(r.ended, r.fleet)
}

// outage is a process that was killed and came back.
type outage struct {
	what       string
	from, back time.Time
}

// killThem kills gateway and node in turn, as the messages that have receipts grow in
// number, and starts each again at once.
func (r *campaignRun) killThem() (list []outage) {
	r.t.Helper()
	told := &lineCount{path: filepath.Join(r.out, "messages.csv")}
	all := r.devices * r.messages
	for n := range 2 * r.kills {
		for deadline := time.Now().Add(5 * time.Minute); told.now(r.t) < (n+1)*all/(2*r.kills+1); {
			if time.Now().After(deadline) {
				r.t.Fatalf("%d messages have receipts, and no more: %s", told.lines, &r.said)
			}
			time.Sleep(10 * time.Millisecond) // Another process writes.
		}
		victim, what, again := r.gateway, "gateway", r.gatewayUp
		if n%2 == 1 {
			victim, what, again = r.up, "node", r.nodeUp
		}
		o := outage{what: what, from: time.Now()}
		_ = victim.cmd.Process.Kill() // SIGKILL.
		_ = victim.cmd.Wait()
		again()
		o.back = time.Now()
		list = append(list, o)
	}
	return list
}

// lineCount counts the lines of a file that grows.
type lineCount struct {
	path  string
	at    int64
	lines int
}

func (l *lineCount) now(t *testing.T) int {
	t.Helper()
	f, err := os.Open(l.path)
	if err != nil {
		return 0 // Not there yet.
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(l.at, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	l.at += int64(len(text))
	l.lines += bytes.Count(text, []byte("\n"))
	return l.lines
}

// simulated waits for the devices to end, and returns what they say.
func (r *campaignRun) simulated() (s fleet.State) {
	r.t.Helper()
	if err := r.fleet.Wait(); err != nil {
		r.t.Fatalf("%v: %s", err, &r.said)
	}
	if err := json.Unmarshal(read(r.t, r.out, "figures.json"), &s); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// begin is the start of the first interval.
func (r *campaignRun) begin() interval.Time {
	r.t.Helper()
	var b begun
	if err := json.Unmarshal(read(r.t, r.dir, simulateFile), &b); err != nil {
		r.t.Fatal(err)
	}
	return b.Begin
}

// costs are what the processes took, all lives of each together.
func (r *campaignRun) costs() string {
	var lines []string
	for _, what := range []string{"gateway", "up", "simulate"} {
		var busy time.Duration
		var lives int
		peak := int64(0)
		for _, cmd := range r.ended {
			if cmd.Args[1] != what || cmd.ProcessState == nil {
				continue
			}
			lives++
			busy += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
				peak = max(peak, usage.Maxrss) // In KiB on Linux.
			}
		}
		lines = append(lines, fmt.Sprintf("%s: %d lives, %.0f s of processor, at most %d MB", what, lives, busy.Seconds(), peak>>10))
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		lines = append(lines, "load of the machine at the end, all included: "+strings.TrimSpace(string(load)))
	}
	return strings.Join(lines, "\n")
}
