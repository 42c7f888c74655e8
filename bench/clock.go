package bench

import (
	"slices"
	"time"
)

// clock measures how long something takes, and how much of the processor.
type clock struct {
	began time.Time
	cpu   time.Duration
}

func newClock() clock { return clock{time.Now(), processorTime()} }

// span is time that passed, and processor time of this process in it.
type span struct {
	Wall time.Duration `json:"wall"`
	CPU  time.Duration `json:"cpu"`
}

func (c clock) span() span { return span{time.Since(c.began), processorTime() - c.cpu} }

func (s span) plus(t span) span { return span{s.Wall + t.Wall, s.CPU + t.CPU} }

// rate is how many there were in a second.
func (s span) rate(count int) float64 { return float64(count) / s.Wall.Seconds() }

// each is the processor time of one, in microseconds.
func (s span) each(count int) float64 {
	return float64(s.CPU.Nanoseconds()) / 1000 / float64(max(count, 1))
}

// cores is how many were busy.
func (s span) cores() float64 { return s.CPU.Seconds() / s.Wall.Seconds() }

// perSecond is the figure of a count in a span.
func perSecond(name string, count int, s span) Figure {
	return Figure{Name: name, Value: s.rate(count), Unit: "/s", CPU: s.each(count), Cores: s.cores()}
}

// seconds is the figure of a span in which a count of things was done.
func seconds(name string, count int, s span) Figure {
	return Figure{Name: name, Value: s.Wall.Seconds(), Unit: "s", CPU: s.each(count), Cores: s.cores()}
}

// quantile returns the part's quantile of some times, in milliseconds.
func quantile(times []time.Duration, part float64) float64 {
	slices.Sort(times)
	return float64(times[min(int(part*float64(len(times))), len(times)-1)].Microseconds()) / 1000
}
