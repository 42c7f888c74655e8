package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/operator"
)

// On a terminal a question is asked until its answer is good, and what a flag says
// is not asked.
func TestInitAsks(t *testing.T) {
	a := newReplies()
	a.list[2].value = "CHF"
	var out bytes.Buffer
	in := strings.NewReader("Elm Street\nMars/Phobos\nEurope/Zurich\n\n0.32\n0.40\n0.08\n")
	c, err := a.fill(func(flag string) bool { return flag == "currency" }, in, &out, true)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "Elm Street" || c.TimeZone.String() != "Europe/Zurich" || c.Currency != "CHF" || c.Length != 900 {
		t.Errorf("%+v", c)
	}
	for _, want := range []string{"In which time zone does it live?", `"Mars/Phobos" is no time zone`, "0.32 is below feed_in"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said: %s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "currency") {
		t.Errorf("what a flag said was asked: %s", out.String())
	}
	if strings.Count(out.String(), "? ") != 7 {
		t.Errorf("asked %d times, two of them again: %s", strings.Count(out.String(), "? "), out.String())
	}
	if _, err := newReplies().fill(func(string) bool { return false }, strings.NewReader("Elm\n"), &out, true); err == nil || !strings.Contains(err.Error(), "ended before the questions") {
		t.Errorf("answers that end: %v", err)
	}
}

// Nobody but the operator reads what the operator signs with, nor who is who.
func TestInitModes(t *testing.T) {
	dir := elm(t)
	for _, name := range []string{operator.KeyFile, community.File, "view.sqlite", "chain/validator_key.json"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}
