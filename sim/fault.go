package sim

import (
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
)

// Failure is how a meter fails.
type Failure int

// Failures.
const (
	Silent Failure = iota // No readings at all.
	Dead                  // Readings of zero.
	Stuck                 // The same reading again and again.
)

// Fault is a failure of one meter during [From, To).
type Fault struct {
	Meter    string
	Failure  Failure
	From, To interval.Time
}

// Break returns the readings, which are in order of time, as they are with faults.
func Break(readings []gateway.Reading, faults []Fault) []gateway.Reading {
	var broken []gateway.Reading
	stuck := map[Fault]gateway.Reading{}
	for _, r := range readings {
		sent := true
		for _, f := range faults {
			if f.Meter != r.Meter || r.Start < f.From || r.Start >= f.To {
				continue
			}
			switch f.Failure {
			case Silent:
				sent = false
			case Dead:
				r.Import, r.Export = 0, 0
			case Stuck:
				if _, began := stuck[f]; !began {
					stuck[f] = r
				}
				r.Import, r.Export = stuck[f].Import, stuck[f].Export
			}
		}
		if sent {
			broken = append(broken, r)
		}
	}
	return broken
}
