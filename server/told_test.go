package server

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
)

// The commands of docs/api.md do what the page says, one after the other, against a
// node whose demo has the page's roles.
func TestToldCommands(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the commands of docs/api.md need curl, which is not installed")
	}
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	w := sharedTown(t)
	near := w.near.Microgrid()
	s, err := w.serve(api.Config{Demo: staged{[]api.DemoRole{
		{ID: "Weber", Viewer: pages.Viewer{Account: w.near.Account("Abernathy"), Role: pages.Household, Microgrid: near}},
		{ID: "operator", Viewer: pages.Viewer{Account: operator.Account, Role: pages.Operator, Microgrid: near}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	dir, at := t.TempDir(), s.listening(t)
	signer := w.newSigner(t, 8_000_000_041)
	if err := os.WriteFile(filepath.Join(dir, "envelope.cbor"), signer.adds(signer.account, 42), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, ran := "", 0
	for line := range strings.Lines(string(page)) {
		line = strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "http://localhost:8420", at)
		switch {
		case strings.HasPrefix(line, "curl "):
			ran++
			said := runTold(t, dir, settings+line)
			if len(said) == 0 && !strings.Contains(line, " -o ") {
				t.Errorf("%s says nothing", line)
			}
		case strings.HasPrefix(line, "API=") || strings.Contains(line, "=$(curl "):
			settings += line + "\n"
		}
	}
	if pdf, err := os.ReadFile(filepath.Join(dir, "bill.pdf")); err != nil || !strings.HasPrefix(string(pdf), "%PDF-") {
		t.Errorf("the bill: %q, %v", pdf[:min(len(pdf), 20)], err)
	}
	if ran < 14 {
		t.Errorf("%d commands ran", ran)
	}
}

// runTold runs a command in a folder. Who follows events is stopped after a moment
// (curl's exit code 28), and must have heard some.
func runTold(t *testing.T, dir, command string) string {
	t.Helper()
	follows := strings.HasSuffix(command, "/events")
	if follows {
		command += " --max-time 1"
	}
	sh := exec.CommandContext(t.Context(), "sh", "-ec", command)
	sh.Dir = dir
	out, err := sh.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); follows && ok && exit.ExitCode() == 28 && strings.Contains(string(out), "event: settled") {
		err = nil
	}
	if err != nil {
		t.Errorf("%s\n%v: %s", command, err, out)
	}
	return string(out)
}
