package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Off a terminal, long work says a line every ten seconds and one at its end, and
// short work nothing.
func TestProgressInLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out)
		for n := range int64(26) {
			p.draw("settling", n, 25, "intervals", 1)
			time.Sleep(time.Second)
		}
		p.draw("reading", 0, 10, "kB", 1)
		p.draw("reading", 10, 10, "kB", 1)
		p.end()
		const want = "settling 10 of 25 intervals, 1/s, 15s left\nsettling 20 of 25 intervals, 1/s, 5s left\nsettling 25 of 25 intervals, 1/s\n"
		if got := out.String(); got != want {
			t.Errorf("%q", got)
		}
	})
}

// On a terminal, a bar redraws itself and is gone at the end.
func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out)
		p.tty, p.pauses = true, 100*time.Millisecond
		for n := range int64(5) {
			p.draw("settling", n, 4, "intervals", 1)
			time.Sleep(time.Second)
		}
		p.end()
		drawn := strings.Split(out.String(), "\r\x1b[K")
		if len(drawn) != 6 || drawn[5] != "" || !strings.Contains(drawn[2], "██████████████░") {
			t.Errorf("%q", drawn)
		}
	})
}
