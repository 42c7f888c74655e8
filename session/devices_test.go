package session

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A device's password is good until it gets another one; what is on disk lets nobody
// in, and nobody else reads it.
func TestDevices(t *testing.T) {
	dir := t.TempDir()
	d, err := OpenDevices(dir)
	if err != nil {
		t.Fatal(err)
	}
	first, err := d.Issue("7/1", "7/2")
	if err != nil {
		t.Fatal(err)
	}
	other, err := OpenDevices(dir) // Another process, as that of a command.
	if err != nil {
		t.Fatal(err)
	}
	second, err := other.Issue("7/1")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user, password string
		good           bool
	}{
		{"7/1", first[0], false},
		{"7/1", second[0], true},
		{"7/2", first[1], true},
		{"7/2", second[0], false},
		{"7/1", "", false},
		{"7/3", "", false},
		{"", "", false},
		{"7/1", hash(second[0]), false},
	} {
		if d.Good(c.user, c.password) != c.good {
			t.Errorf("%s with %q is good: %v", c.user, c.password, !c.good)
		}
	}
	if err := other.Withdraw("7/2"); err != nil || d.Good("7/2", first[1]) || !d.Good("7/1", second[0]) {
		t.Errorf("a password that was taken away is good, or another one is not: %v", err)
	}
	path := filepath.Join(dir, DevicesFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), second[0]) || strings.Contains(string(text), first[1]) {
		t.Errorf("the file holds a password: %s", text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, bad := range []string{"", "{}", `{"devices":{"7/1":"short"}}`, `{"devices":[]}`} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenDevices(dir); err == nil || !strings.Contains(err.Error(), "every device needs a new password") {
			t.Errorf("%q: %v", bad, err)
		}
		if d.Good("7/1", second[0]) {
			t.Errorf("%q lets a device in", bad)
		}
	}
}

// There is a bound.
func TestDevicesFull(t *testing.T) {
	d, err := OpenDevices("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Issue(make([]string, devicesMax+1)...); !errors.Is(err, ErrDevicesFull) {
		t.Error(err)
	}
}
