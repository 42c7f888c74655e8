// Package sim makes readings that a community might have had: sun, clouds and
// temperature, people who cook and drive, heat pumps, batteries, and meters that
// fail.
//
// Its promise: one seed, one community and one period give the same readings to
// the Wh on every machine, a member's do not change when another one joins, and
// energy is conserved: what a connection point takes and gives is what its
// devices and its household use and make, up to the remainder of each register.
//
// The physics is in floats, which differ in the last bit between processors that
// fuse multiplication and addition and those that do not. Each float is therefore
// rounded to a milliwatt or a millionth before anything is kept or added up; a
// last bit that crosses such a border has never been seen and would show as a
// difference of one Wh.
package sim

import (
	"cmp"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// Options say when and where.
type Options struct {
	From, To  interval.Time // Half-open.
	Latitude  float64       // Degrees north.
	Longitude float64       // Degrees east.
}

// step is the length of the steps within which powers are constant.
const step = interval.Minutes5

// Homes returns the readings of all meters of a community, by start, then meter.
func Homes(seed uint64, c *community.Community, o Options) []gateway.Reading {
	var readings []gateway.Reading
	for run := New(seed, c, o); run.next.Start < o.To; {
		readings = append(readings, run.Next()...)
	}
	return readings
}

// Run is a community that lives, interval by interval.
type Run struct {
	community *community.Community
	sky       *weather
	homes     []*home
	next      interval.Interval
}

// New returns a community that lives from o.From on, for as long as it is asked.
func New(seed uint64, c *community.Community, o Options) *Run {
	r := &Run{community: c, sky: newWeather(seed, o), homes: make([]*home, len(c.Members)), next: c.Length.Containing(o.From)}
	for i := range c.Members {
		r.homes[i] = newHome(seed, &c.Members[i])
	}
	return r
}

// Next returns the readings of the next interval, by meter.
func (r *Run) Next() []gateway.Reading {
	for at := r.next.Start; at < r.next.End(); at += interval.Time(step) {
		now := r.sky.at(at)
		local := time.Unix(int64(at), 0).In(r.community.TimeZone)
		for _, h := range r.homes {
			h.live(local, now)
		}
	}
	var readings []gateway.Reading
	for _, h := range r.homes {
		for _, m := range h.meters {
			readings = append(readings, gateway.Reading{
				Meter: m.id, Start: r.next.Start, Length: r.community.Length,
				Import: m.imported.read(), Export: m.exported.read(), Quality: gateway.Actual,
			})
		}
	}
	slices.SortFunc(readings, func(a, b gateway.Reading) int { return cmp.Compare(a.Meter, b.Meter) })
	r.next = r.next.Next()
	return readings
}

// milliwatts is a power that machines agree on.
type milliwatts int64

func power(watts float64) milliwatts { return milliwatts(math.Round(watts * 1000)) }

// millionth rounds a number that is kept from step to step.
func millionth(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// register is a cumulative register of a meter. It counts millijoules and shows
// whole Wh, so a remainder is carried and never lost.
type register struct {
	millijoules int64
	shown       quantity.Energy
}

func (r *register) add(p milliwatts) { r.millijoules += int64(p) * int64(step) }

// read returns the difference of what is shown since the last read.
func (r *register) read() quantity.Energy {
	const millijoulesPerWh = 3_600_000
	now := quantity.Energy(r.millijoules / millijoulesPerWh)
	difference := quantity.MustSub(now, r.shown)
	r.shown = now
	return difference
}

// meter is one meter of a home.
type meter struct {
	id                 string
	kind               grid.Kind
	watts              float64 // Of the device.
	imported, exported register
}

// flow counts a power, positive towards the device or into the home.
func (m *meter) flow(p milliwatts) {
	m.imported.add(max(p, 0))
	m.exported.add(max(-p, 0))
}

// dice are a member's own, whatever others do.
func dice(seed uint64, name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))                  // A hash takes everything.
	return rand.New(rand.NewPCG(seed, h.Sum64())) //nolint:gosec // a simulation, to be repeated
}
