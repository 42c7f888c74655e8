package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/live"
)

// The commands of docs/keys.md move a key to a signer, kill it and start it again, as
// they stand there but for the ports.
func TestKeysPage(t *testing.T) {
	out := walkThrough(t, t.TempDir(), walk(t, "docs/keys.md", 12))
	for _, want := range []string{"elm-signer signs for the validator of elm-street", "connected at 127.0.0.1:", "verified "} {
		if got := strings.Count(out, want); got != 1 {
			t.Errorf("%q was printed %d times, want once:\n%s", want, got, out)
		}
	}
}

// runSignerOf runs a signer in a process until the test ends.
func runSignerOf(t *testing.T, dir string) (cmd *exec.Cmd, errs *bytes.Buffer) {
	t.Helper()
	cmd, errs = program(t, "signer", "up", dir), &bytes.Buffer{}
	cmd.Stderr = errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, errs
}

// metricOf is what a node that is watched says under a name.
func metricOf(t *testing.T, address, name string) string {
	t.Helper()
	answer, err := http.Get("http://" + address + "/metrics") //nolint:noctx // The test's own limit is enough.
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// A validator whose key a signer has: everybody is told when the signer is away, and
// what is booked goes on when it is back. One signer runs in a folder, with its mark.
func TestSigner(t *testing.T) {
	const up, quorum = "commonwatt_signer_up", `commonwatt_check{check="quorum"}`
	dir := elm(t)
	own := filepath.Join(t.TempDir(), "signer")
	held := freePort(t)
	address := held.Addr().String()
	must(t, "signer", "init", own, "--from", dir, "--listen", address)
	if _, errs, code := commonwatt("signer", "init", own, "--from", dir); code != exitBadInput || !strings.Contains(errs, "the folder is a signer's already") {
		t.Errorf("again: %d %s", code, errs)
	}
	for _, name := range []string{"chain/validator_key.json", "chain/validator_state.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("the node still has %s", name)
		}
	}
	if _, errs, code := commonwatt("up", dir, "--port", "0", "--mqtt", "off"); code != exitFailed || !strings.Contains(errs, "signer cannot be waited for") {
		t.Errorf("its address is taken: %d %s", code, errs)
	}
	watched := freePort(t)
	if err := errors.Join(held.Close(), watched.Close()); err != nil {
		t.Fatal(err)
	}
	r := start(t, dir, "--mqtt", "off", "--metrics", watched.Addr().String())
	by, code := diagnosis(t, dir)
	if code != exitFailed || by["signer"][0] != failure || !strings.Contains(by["signer"][1], "it has not connected since the start") || metricOf(t, watched.Addr().String(), up) != "0" {
		t.Errorf("the signer is away: %d %v", code, by["signer"])
	}
	if metricOf(t, watched.Addr().String(), quorum) != "0" {
		t.Error("the signer is away, and the node takes itself for ready")
	}
	var n live.Network
	if err := json.Unmarshal([]byte(must(t, "network", "status", dir, "-o", "json")), &n); err != nil || n.Signer == nil || n.Signer.Away == "" {
		t.Errorf("the signer is away: %+v, %v", n.Signer, err)
	}
	if out := must(t, "status", dir); !strings.Contains(out, "away, so nothing is signed") {
		t.Errorf("status says\n%s", out)
	}
	signer, _ := runSignerOf(t, own)
	must(t, "network", "wait", dir)
	if by, code = diagnosis(t, dir); code != 0 || by["signer"][0] != good || metricOf(t, watched.Addr().String(), up) != "1" {
		t.Errorf("the signer is there: %d %v", code, by["signer"])
	}
	if _, errs, code := commonwatt("signer", "up", own); code != exitFailed || !strings.Contains(errs, "another command is using this folder") {
		t.Errorf("a second one: %d %s", code, errs)
	}
	must(t, "member", "add", dir, "anna")
	if err := signer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = signer.Wait()
	added := program(t, "member", "add", dir, "bert")
	if err := added.Start(); err != nil {
		t.Fatal(err)
	}
	signer, errs := runSignerOf(t, own)
	if err := added.Wait(); err != nil {
		t.Errorf("what was booked while the signer was away: %v", err)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	must(t, "backup", dir, backup)
	must(t, "restore", backup, dir+"-again")
	r.stop(t)
	if err := signer.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := signer.Wait(); err != nil {
		t.Errorf("the signer ends with %v: %s", err, errs)
	}
	must(t, "verify", dir)
	if err := os.Remove(filepath.Join(own, "validator_state.json")); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := commonwatt("signer", "up", own); code != exitFailed || !strings.Contains(errs, "commonwatt key sign-from DIR HEIGHT") {
		t.Errorf("without a mark: %d %s", code, errs)
	}
	must(t, "key", "sign-from", own, "900")
	if _, errs, code := commonwatt("key", "sign-from", dir, "901"); code != exitBadInput || !strings.Contains(errs, "a signer has the validator's key") {
		t.Errorf("a mark for a node without a key: %d %s", code, errs)
	}
}
