// Package interval holds the half-open periods of time that energy is metered
// and settled in.
//
// Its promise: an interval is [start, end) in UTC seconds, aligned to its own
// length, so the intervals of one length tile time without gap or overlap.
// Local time is for faces.
package interval

import (
	"errors"
	"fmt"
)

// Time is a moment in seconds since 1970-01-01T00:00:00Z (POSIX time).
type Time int64

// Length is the length of an interval in seconds.
type Length uint32

// Lengths an interval may have.
const (
	Minutes5  Length = 300
	Minutes15 Length = 900
	Minutes30 Length = 1800
	Minutes60 Length = 3600
)

// Interval is the half-open period [Start, Start+Length).
type Interval struct {
	Start  Time
	Length Length
}

// Errors of New.
var (
	ErrLength    = errors.New("an interval is 5, 15, 30 or 60 minutes long")
	ErrAlignment = errors.New("an interval starts at a multiple of its length")
)

// New returns the interval that starts at start.
//
// Errors: ErrLength, ErrAlignment.
func New(start Time, length Length) (Interval, error) {
	switch {
	case !length.Valid():
		return Interval{}, ErrLength
	case start%Time(length) != 0:
		return Interval{}, ErrAlignment
	}
	return Interval{start, length}, nil
}

// Valid reports whether l is a length that intervals have.
func (l Length) Valid() bool {
	switch l {
	case Minutes5, Minutes15, Minutes30, Minutes60:
		return true
	}
	return false
}

// Containing returns the interval of length l that t falls into.
func (l Length) Containing(t Time) Interval {
	offset := t % Time(l)
	if offset < 0 {
		offset += Time(l)
	}
	return Interval{t - offset, l}
}

// End is the first moment after the interval.
func (i Interval) End() Time { return i.Start + Time(i.Length) }

// Next is the interval that follows.
func (i Interval) Next() Interval { return Interval{i.End(), i.Length} }

// Contains reports whether t falls into the interval.
func (i Interval) Contains(t Time) bool { return i.Start <= t && t < i.End() }

func (i Interval) String() string { return fmt.Sprintf("[%d, %d)", i.Start, i.End()) }
