package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/interval"
)

var addressOfCode = regexp.MustCompile(`http://\S+/meters#\S+`)

// The commands of "Connect a device" do, one after the other in an empty folder, what
// the page says. The code in them is the one that was made last.
func TestConnectADevice(t *testing.T) {
	page := string(read(t, checkout, "docs/devices.md"))
	t.Chdir(t.TempDir())
	var node *running
	inside, code, readings, ran := "", "", "", 0
	said := map[string]string{}
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		fence, is := strings.CutPrefix(line, "```")
		command, ours := strings.CutPrefix(line, "commonwatt ")
		switch {
		case is && inside != "":
			inside = ""
		case is:
			inside = "fence " + fence
		case inside == "fence csv":
			readings += line + "\n"
			write(t, "readings.csv", readings)
		case inside != "fence ":
		case !ours:
			t.Errorf("%q is neither run nor known", line)
		case strings.HasPrefix(command, "up "):
			args := strings.Fields(command)
			node = start(t, args[1], append(args[2:], "--mqtt", "127.0.0.1:0")...)
		default:
			ran++
			command, file, redirected := strings.Cut(command, " > ")
			args := strings.Fields(addressOfCode.ReplaceAllLiteralString(strings.ReplaceAll(command, "'", ""), code))
			out := must(t, args...)
			said[strings.Join(args[:2], " ")] += out
			if redirected {
				write(t, file, out)
			}
			if args[1] == "code" {
				code = addressOfCode.FindString(out)
			}
			if args[1] == "send" && strings.Contains(out, "message 2: accepted in block ") {
				node.settled(t, interval.Time(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC).Unix())) // Two hours of the community's day.
			}
		}
	}
	if ran < 11 || !strings.Contains(said["device send"], "message 2: accepted in block ") || !strings.Contains(said["today elm-street"], "2 intervals settled") || !strings.Contains(said["today elm-street"], "0.85 kWh") {
		t.Errorf("%d commands ran: %s", ran, said)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// enrolAt asks a node for a code, and brings it as a device with a folder of its own.
func enrolAt(t *testing.T, dir, meter, folder string) api.EnrolCode {
	t.Helper()
	code := enrolCode(t, dir, meter)
	must(t, "device", "enrol", code.URL, folder)
	return code
}

// A code enrols one device once; what is wrong with another try is said, and leaves
// nothing behind.
func TestEnrolOnce(t *testing.T) {
	dir := elm(t)
	must(t, "member", "add", dir, "anna")
	must(t, "member", "add", dir, "bela")
	if _, errs, code := commonwatt("meter", "code", dir, "anna"); code != exitBadInput || !strings.Contains(errs, "good for 15 minutes: run") {
		t.Errorf("%d %s", code, errs)
	}
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month(), now.Day()-2, 0, 0, 0, 0, time.UTC)
	up := start(t, dir, "--from", first.Format(time.DateOnly), "--grace", "100h", "--mqtt", "127.0.0.1:0")
	folder := t.TempDir()
	one, two := filepath.Join(folder, "one"), filepath.Join(folder, "two")
	code := enrolAt(t, dir, "anna", one)
	for _, name := range []string{deviceKeyFile, deviceFile} {
		if info, err := os.Stat(filepath.Join(one, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	guess := strings.Repeat("0", 12)
	for _, c := range []struct {
		what string
		args []string
		says string
	}{
		{"the same code again", []string{code.URL, two}, "409 Conflict: session: the code was used"},
		{"a guess", []string{guess, two, "--node", up.origin}, "404 Not Found: session: there is no such code"},
		{"a folder that is taken", []string{code.URL, one}, "is there already, and is not written over"},
		{"no node", []string{code.Code, two}, "where is the node?"},
		{"an address without its code", []string{up.origin + "/meters", two}, "the code is missing, which follows #"},
		{"a node that is none", []string{code.Code, two, "--node", "elm"}, "write it as in https://"},
		{"a key that is none", []string{code.URL, two, "--key", filepath.Join(dir, "community.toml")}, "this is not a key in PEM"},
	} {
		if _, errs, got := commonwatt(append([]string{"device", "enrol"}, c.args...)...); got != exitBadInput || !strings.Contains(errs, c.says) {
			t.Errorf("%s: %d %s", c.what, got, errs)
		}
		if _, err := os.Stat(filepath.Join(two, deviceKeyFile)); err == nil {
			t.Errorf("%s: a key is left behind", c.what)
		}
	}
	send := func(folder string, sequence int, want string) {
		t.Helper()
		at := first.Add(time.Duration(sequence) * time.Hour).Format(time.RFC3339)
		out, errs, code := commonwatt("device", "send", folder, "--start", at, "--import", fmt.Sprint(1000+100*sequence))
		if !strings.Contains(out+errs, want) || (code == 0) != strings.HasPrefix(want, "message") {
			t.Errorf("%s: %d %s%s, want %s", folder, code, out, errs, want)
		}
	}
	send(one, 0, "message 1: accepted in block ")
	rotated := enrolAt(t, dir, "anna", two)
	if rotated.Code == code.Code {
		t.Error("two codes are one")
	}
	send(one, 1, "401 Unauthorized") // Its password is another one's now.
	send(two, 1, "message 1: accepted in block ")
	again := filepath.Join(folder, "again") // The answer was lost: the key is enrolled already.
	c := enrolCode(t, dir, "anna")
	must(t, "device", "enrol", c.URL, again, "--key", filepath.Join(two, deviceKeyFile))
	send(again, 2, "message 2: accepted in block ")
	if d, err := openDevice(again); err != nil || d.Epoch != 2 {
		t.Errorf("%+v %v", d, err)
	}
	must(t, "meter", "key", dir, "anna", "--revoke")
	send(again, 3, "401 Unauthorized")
	checkMQTT(t, dir, filepath.Join(folder, "bela"), first)
}

func enrolCode(t *testing.T, dir, meter string) (code api.EnrolCode) {
	t.Helper()
	if err := json.Unmarshal([]byte(must(t, "meter", "code", dir, meter, "--json")), &code); err != nil {
		t.Fatal(err)
	}
	return code
}

// checkMQTT runs the lines that enrol prints, with mosquitto's clients.
func checkMQTT(t *testing.T, dir, folder string, first time.Time) {
	t.Helper()
	said := must(t, "device", "enrol", enrolCode(t, dir, "bela").URL, folder)
	if _, err := exec.LookPath("mosquitto_pub"); err != nil {
		t.Skip("mosquitto_pub is not installed (Debian: mosquitto-clients): its lines are not run")
	}
	line := func(begin string) string {
		_, rest, _ := strings.Cut(said, "\n"+begin)
		rest, _, _ = strings.Cut(rest, "\n")
		rest, _, _ = strings.Cut(rest, " | ")
		return begin + rest
	}
	message := must(t, "device", "sign", folder, "--start", first.Format(time.RFC3339), "--import", "5000")
	if err := os.WriteFile(filepath.Join(folder, "message.cose"), []byte(message), 0o600); err != nil {
		t.Fatal(err)
	}
	sh := exec.CommandContext(t.Context(), "sh", "-ec", line("mosquitto_sub ")+" -C 1 -W 20 > heard & sub=$!; until [ -n \"$(cat heard 2>/dev/null)\" ]; do "+line("mosquitto_pub ")+"; done; wait $sub")
	sh.Dir = folder
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out := must(t, "device", "check", folder, filepath.Join(folder, "heard")); !regexp.MustCompile(`^message 1: (accepted|known) in block \d+\n$`).MatchString(out) {
		t.Errorf("heard %q", out)
	}
	heard, err := os.ReadFile(filepath.Join(folder, "heard"))
	if err != nil {
		t.Fatal(err)
	}
	for what, other := range map[string]string{"another status": strings.Replace(string(heard), `"proof":"g1`, `"proof":"g2`, 1), "no receipt": "hello\n"} {
		write(t, filepath.Join(folder, "other"), other)
		if out, errs, code := commonwatt("device", "check", folder, filepath.Join(folder, "other")); code == 0 {
			t.Errorf("%s: %s%s", what, out, errs)
		}
	}
}
