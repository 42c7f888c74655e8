package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/term"

	"github.com/commonwatt/commonwatt/interval"
)

// progress shows how far long work is: a bar that redraws itself on a terminal,
// and a line now and then elsewhere.
type progress struct {
	mu     sync.Mutex
	out    io.Writer
	tty    bool
	began  time.Time
	shown  time.Time
	what   string
	drawn  bool
	pauses time.Duration // Between two drawings.
}

const barWidth = 28

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, pauses: 10 * time.Second}
	if f, ok := out.(*os.File); ok && term.IsTerminal(f.Fd()) {
		p.tty, p.pauses = true, 100*time.Millisecond
	}
	return p
}

// bytes returns a function that shows how much of some files was read.
func (p *progress) bytes(what string) func(read, total int64) {
	return func(read, total int64) { p.draw(what, read, total, "kB", 1000) }
}

// intervals shows how many intervals of a period are settled.
func (p *progress) intervals(open, start, end interval.Time, length interval.Length) {
	per := int64(length)
	p.draw("settling", max(0, int64(open-start)/per), max(1, int64(end-start)/per), "intervals", 1)
}

// draw shows a count with its rate and the time that is left, unless it did so
// a moment ago.
func (p *progress) draw(what string, done, total int64, unit string, scale int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if what != p.what {
		p.what, p.began, p.shown = what, now, now
		if !p.tty {
			return
		}
	}
	if now.Sub(p.shown) < p.pauses && done < total || total == 0 {
		return
	}
	if done >= total && !p.drawn && !p.tty {
		return // Over before anybody waited.
	}
	p.shown, p.drawn = now, done < total
	elapsed := now.Sub(p.began)
	rate := float64(done) / max(elapsed.Seconds(), 1e-3)
	left := time.Duration(float64(total-done) / max(rate, 1e-9) * float64(time.Second)).Round(time.Second)
	line := fmt.Sprintf("%s %d of %d %s, %.0f/s", what, done/scale, total/scale, unit, rate/float64(scale))
	if done < total && rate > 0 {
		line += fmt.Sprintf(", %s left", left)
	}
	if !p.tty {
		fmt.Fprintln(p.out, line)
		return
	}
	full := int(barWidth * done / total)
	fmt.Fprintf(p.out, "\r\x1b[K%s%s %s", strings.Repeat("█", full), strings.Repeat("░", barWidth-full), line)
	p.drawn = true
}

// say shows a line in place of the one before, where that can be.
func (p *progress) say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tty {
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
		p.drawn = true
		return
	}
	fmt.Fprintln(p.out, line)
}

// end leaves the line to what is printed next.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tty && p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	p.drawn = false
}
