package session

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A code is good once, for one device, for fifteen minutes, however it is typed; each
// way in which it is not good has its own answer.
func TestCodes(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 6, 20, 12, 0, 0, 0, time.UTC)
	open := func() *Codes {
		c, err := OpenCodes(dir, func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open()
	makes := func(of Code) string {
		t.Helper()
		code, made, err := c.Make(of)
		if err != nil || made.Until != now.Add(CodeLife) || len(code) != 14 {
			t.Fatalf("%q %+v %v", code, made, err)
		}
		return code
	}
	anna, bela := Code{Meter: "anna", Microgrid: 7, Device: 1}, Code{Meter: "bela", Microgrid: 7, Device: 2, Replaced: true}
	older, other := makes(anna), makes(bela)
	newer := makes(anna)
	take := func(what, code string, want error) {
		t.Helper()
		if k, err := open().Take(code); !errors.Is(err, want) || err == nil && k.Device == 0 {
			t.Errorf("%s: %+v %v, want %v", what, k, err, want)
		}
	}
	take("a guess", "0000-0000-0000", ErrCode)
	take("nothing", "", ErrCode)
	take("one that a newer one took the place of", older, ErrCodeUsed)
	take("typed by hand", " "+strings.ToLower(strings.ReplaceAll(newer, "0", "o")), nil)
	take("once more", newer, ErrCodeUsed)
	if err := c.Return(newer); err != nil {
		t.Fatal(err)
	}
	take("as nothing came of it", newer, nil)
	latest := makes(anna)
	if err := c.Return(newer); err != nil {
		t.Fatal(err)
	}
	take("as nothing came of it, when there is a newer one", newer, ErrCodeUsed)
	take("the newer one", latest, nil)
	now = now.Add(CodeLife + time.Second)
	take("late", other, ErrCodeLate)
	now = now.Add(codeKept)
	makes(bela)
	take("forgotten", newer, ErrCode)
	path := filepath.Join(dir, CodesFile)
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), newer) {
		t.Errorf("%v: %s", err, text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, bad := range []string{"", "{}", `{"codes":{"x":{}}}`} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCodes(dir, time.Now); err == nil || !strings.Contains(err.Error(), "make new codes") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// There is a bound.
func TestCodesFull(t *testing.T) {
	c, err := OpenCodes("", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(codesMax) {
		c.file.Codes[hash(newCode())] = Code{Device: n, Until: time.Now()}
	}
	if _, _, err := c.Make(Code{}); !errors.Is(err, ErrCodesFull) {
		t.Error(err)
	}
}
