// Package faults plays the machines of a few validators in one process, under a
// virtual clock, network and disk, and breaks all three by a seed.
//
// Its promise: one seed is one run, event by event, on any machine and with any
// number of cores, so what went wrong once goes wrong again as often as somebody
// wants to look at it. What runs on top is the node's own code: its application,
// its machine, its verifier and its queue. CometBFT decides with goroutines and real
// timers and cannot be played so; in its place stands a small consensus after the
// paper that it implements (E. Buchman, J. Kwon, Z. Milosevic: The latest gossip on
// BFT consensus, arXiv 1807.04938), whose lines core.go names.
package faults

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Options say what is played. The zero value with a seed plays what the seed says.
type Options struct {
	Seed uint64
	// Without leaves kinds of faults out that the seed would bring.
	Without Kinds
	// With adds kinds that the seed may not bring.
	With Kinds
	// Trace receives a line for every event; nil for none.
	Trace func(line string)
	// Broken breaks the simulator's own consensus, to show that a fork would be seen.
	Broken Broken
}

// Broken are mistakes of the consensus.
type Broken struct {
	ForgetsLock bool // A validator votes for any block, whatever it is locked on.
	ForgetsLog  bool // What a validator signed is gone when it starts again.
	HalfIsMost  bool // Half of the power decides.
}

// Report is what a run came to.
type Report struct {
	Seed       uint64
	Validators int
	Kinds      Kinds  // Of faults that the seed brought.
	Trace      string // SHA-256 over every event.
	Failures   []string
	Counts     Counts
}

// Counts is what happened in one run or, added up, in many.
type Counts struct {
	Events, Blocks, Executed, Envelopes, Acknowledged, Refused, Rejected, Intervals, Corrections int
	Crashes, Replays, Partitions, Lost, Repeated, Late, Torn, SlowDisk, FullDisk, Clocks, Forged int
	Rounds, Equivocations, Joined, Removed, Upgraded                                             int
	Recovery                                                                                     span // The longest, from healing to the next block.
}

// Add adds the counts of another run.
func (c *Counts) Add(o Counts) {
	for n, f := range c.fields() {
		*f.count += *o.fields()[n].count
	}
	c.Recovery = max(c.Recovery, o.Recovery)
}

// field is one count and what it is called.
type field struct {
	name  string
	count *int
}

func (c *Counts) fields() []field {
	return []field{
		{"events", &c.Events},
		{"blocks", &c.Blocks},
		{"blocks executed", &c.Executed},
		{"envelopes sent", &c.Envelopes},
		{"acknowledged", &c.Acknowledged},
		{"refused", &c.Refused},
		{"proposals rejected", &c.Rejected},
		{"intervals settled", &c.Intervals},
		{"corrections", &c.Corrections},
		{"rounds after the first", &c.Rounds},
		{"crashes", &c.Crashes},
		{"blocks replayed", &c.Replays},
		{"sectors lost or torn", &c.Torn},
		{"slow disks", &c.SlowDisk},
		{"full disks", &c.FullDisk},
		{"partitions", &c.Partitions},
		{"messages lost", &c.Lost},
		{"messages repeated", &c.Repeated},
		{"messages late", &c.Late},
		{"clocks wrong", &c.Clocks},
		{"acts of Byzantine validators", &c.Forged},
		{"equivocations seen", &c.Equivocations},
		{"validators added", &c.Joined},
		{"validators removed", &c.Removed},
		{"upgrades agreed on", &c.Upgraded},
	}
}

// String lists the counts.
func (c Counts) String() string {
	var list []string
	for _, f := range c.fields() {
		list = append(list, fmt.Sprintf("%s %d", f.name, *f.count))
	}
	return strings.Join(list, ", ")
}

// Run plays one seed.
func Run(o Options) Report {
	r := newRun(o)
	r.play()
	return Report{
		Seed: o.Seed, Validators: r.founders, Kinds: r.kinds, Trace: hex.EncodeToString(r.trace.sum()),
		Failures: slices.Clone(r.check.failures), Counts: r.counts,
	}
}

// Shrink returns the kinds of faults without which a failing seed still fails.
// Each is left out in turn, so it takes as many runs as there are kinds.
func Shrink(o Options) Kinds {
	for _, k := range AllKinds() {
		tried := o
		tried.Without |= k
		tried.Trace = nil
		if len(Run(tried).Failures) > 0 {
			o.Without = tried.Without
		}
	}
	return o.Without
}
