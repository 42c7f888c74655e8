package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/operator"
)

// diagnosis is what doctor says of one thing, by what it is.
func diagnosis(t *testing.T, dir string, flags ...string) (map[string][2]string, int) {
	t.Helper()
	out, errs, code := commonwatt(append([]string{"doctor", dir, "-o", "json"}, flags...)...)
	var list []struct{ What, State, Says, Fix string }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%d %s %s", code, out, errs)
	}
	by := map[string][2]string{}
	for _, f := range list {
		if f.State != good && f.Fix == "" {
			t.Errorf("%s: %s, and nothing mends it", f.What, f.Says)
		}
		if _, is := by[f.What]; !is { // Of several the first: what fails stands before what is a worry.
			by[f.What] = [2]string{f.State, f.Says}
		}
	}
	return by, code
}

// Doctor says what is wrong and what mends it, and ends with 1 for what fails.
func TestDoctor(t *testing.T) {
	dir := elm(t)
	by, code := diagnosis(t, dir, "--port", "0")
	if code != 0 || by["community file"][0] != worry || by["ledger"][0] != good || by["peers"][0] != good || by["port"][0] != good {
		t.Errorf("a new community: %d %v", code, by)
	}
	must(t, "member", "add", dir, "anna")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if by, code = diagnosis(t, dir, "--port", port); code != 0 || by["port"][0] != worry || by["meters"][0] != worry {
		t.Errorf("a port that is taken, a member that nobody booked: %d %v", code, by)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func() (mend func() error, err error){
		"keys": func() (func() error, error) {
			path := filepath.Join(dir, operator.KeyFile)
			return func() error { return os.Chmod(path, 0o600) }, os.Chmod(path, 0o644)
		},
		"community file": func() (func() error, error) {
			path := filepath.Join(dir, community.File)
			text := read(t, dir, community.File)
			return func() error { return os.WriteFile(path, text, 0o600) }, os.WriteFile(path, []byte("[community"), 0o600)
		},
		"tls": func() (func() error, error) {
			path := filepath.Join(dir, certFile)
			return func() error { return os.Remove(path) }, os.WriteFile(path, []byte("no certificate"), 0o600)
		},
	} {
		mend, err := spoil()
		if err != nil {
			t.Fatal(err)
		}
		if by, code := diagnosis(t, dir, "--port", "0"); code != exitFailed || by[what][0] != failure {
			t.Errorf("%s: %d %v", what, code, by)
		}
		if err := mend(); err != nil {
			t.Fatal(err)
		}
	}
	node := start(t, dir, "--tls", "auto")
	if by, code := diagnosis(t, dir); code != 0 || !strings.Contains(by["port"][1], node.origin+" answers") || !strings.Contains(by["tls"][1], "is good until") || by["meters"][0] != good {
		t.Errorf("a node that runs: %d %v", code, by)
	}
	if !strings.HasPrefix(node.origin, "https://localhost:") {
		t.Errorf("with TLS it serves %s", node.origin)
	}
	node.stop(t)
	if _, _, code := commonwatt("doctor", t.TempDir()); code != exitBadInput {
		t.Errorf("a folder without a ledger: %d", code)
	}
}
