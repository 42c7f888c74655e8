package main

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestUnchanged reads what the system says of a program that was linked with C: of what
// can only be read or run, the second part was written to before.
func TestUnchanged(t *testing.T) {
	const smaps = `00402000-02719000 r-xp 00002000 08:01 1311 /usr/bin/commonwatt
Rss:               35320 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
0506f000-05070000 r--p 04c6f000 08:01 1311 /usr/bin/commonwatt
Anonymous:             4 kB
05070000-05188000 rw-p 04c70000 08:01 1311 /usr/bin/commonwatt
Anonymous:             0 kB
7f0000000000-7f0000001000 r--p 00000000 00:00 0
Anonymous:             0 kB
7f0000002000-7f0000003000 r-xp 00000000 08:01 1312 /usr/lib/libc.so.6
Anonymous:             0 kB
7f0000004000-7f0000005000 r--p 02719000 08:01 1311 /usr/bin/commonwatt
Anonymous:             0 kB
`
	got, err := unchanged(bufio.NewScanner(strings.NewReader(smaps)), "/usr/bin/commonwatt")
	want := []mapped{{0x402000, 0x2719000}, {0x7f0000004000, 0x7f0000005000}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%x, %v; want %x", got, err, want)
	}
}

// TestLetGo lets go of this program's pages: there are fewer in memory, and it goes on.
func TestLetGo(t *testing.T) {
	self := func() (kilobytes int) {
		raw, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			if name, value, _ := strings.Cut(line, ":"); name == "RssFile" {
				for _, digit := range strings.TrimSuffix(strings.TrimSpace(value), " kB") {
					kilobytes = 10*kilobytes + int(digit-'0')
				}
			}
		}
		return kilobytes
	}
	before := self()
	if err := letGo(); err != nil {
		t.Fatal(err)
	}
	if after := self(); after >= before {
		t.Errorf("%d kB of files in memory after %d", after, before)
	}
}
