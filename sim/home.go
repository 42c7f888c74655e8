package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
)

// home is a household with its habits.
type home struct {
	random      *rand.Rand
	meters      []*meter // The connection point first.
	people      float64
	standby     float64 // Watts.
	late        int     // Minutes by which its day is later than others'.
	tilt, faces float64 // Of the roof in radians; clockwise from north.
	running     []appliance
	car         car
	cell        cell
	unmanned    bool // A plant or a store by itself: nobody lives there.
}

// appliance is something that is switched on.
type appliance struct {
	watts float64
	steps int // Left.
}

func newHome(seed uint64, m *community.Member) *home {
	random := dice(seed, m.Name)
	h := &home{
		random:  random,
		meters:  []*meter{{id: m.Meter, kind: grid.Meter}},
		people:  float64(1 + random.IntN(4)),
		standby: float64(70 + random.IntN(110)),
		late:    random.IntN(120) - 60,
		tilt:    radians(float64(25 + random.IntN(20))),
		faces:   radians(float64(120 + random.IntN(120))),
	}
	for _, d := range m.Devices {
		h.meters = append(h.meters, &meter{id: d.Meter, kind: d.Kind, watts: float64(d.CapacityW)})
	}
	h.unmanned = unmanned(m)
	return h
}

// unmanned reports whether a member is a plant on a river or in the wind, or a
// store without a roof, and no home.
func unmanned(m *community.Member) bool {
	store := false
	for _, d := range m.Devices {
		switch d.Kind {
		case grid.Hydro, grid.Wind:
			return true
		case grid.Battery:
			store = true
		default:
			return false
		}
	}
	return store
}

// live lets one step pass. Batteries come last, whatever their place in the file,
// since they answer to all the others.
func (h *home) live(local time.Time, now sky) {
	net := power(h.household(local))
	for _, m := range h.meters[1:] {
		if m.kind != grid.Battery {
			p := power(h.device(m, local, now))
			m.flow(p)
			net += p
		}
	}
	for _, m := range h.meters[1:] {
		if m.kind == grid.Battery {
			p := h.cell.answer(h.demand(net, m, local), power(m.watts))
			m.flow(p)
			net += p
		}
	}
	h.meters[0].flow(net)
}

// demand is what a battery answers to: its home, or, where nobody lives, the
// community, whose roofs give at noon and whose kitchens take in the evening.
func (h *home) demand(net milliwatts, m *meter, local time.Time) milliwatts {
	if !h.unmanned {
		return net
	}
	switch hour := local.Hour(); {
	case hour >= 10 && hour < 15:
		return -power(m.watts / 2)
	case hour >= 18 && hour < 23:
		return power(m.watts / 2)
	}
	return 0
}

// device is the power of a device in watts, negative when it produces.
func (h *home) device(m *meter, local time.Time, now sky) float64 {
	switch m.kind {
	case grid.Solar:
		return -h.solar(m.watts, now)
	case grid.Charger:
		return h.car.charge(h.random, m.watts, local)
	case grid.HeatPump:
		return heat(m.watts, local, now.celsius)
	case grid.Hydro:
		return -m.watts * (0.62 + 0.12*math.Sin(float64(local.YearDay())/9) + 0.01*h.random.NormFloat64())
	case grid.Wind:
		return -m.watts * clamp(0.2+0.1*h.random.NormFloat64())
	case grid.Load:
		return m.watts * 0.3
	default:
		return 0 // A generator stands still while there is a grid.
	}
}

// solar is what the roof makes: panels lose 0.4 % per °C above 25, cells are
// 25 °C warmer than air in full sun, wiring and inverter take a tenth, and the
// inverter gives its rating at most.
func (h *home) solar(rating float64, now sky) float64 {
	sun := now.onPlane(h.tilt, h.faces) / 1000
	warm := now.celsius + 25*sun - 25
	return min(rating*sun*(1-0.004*warm)*0.9, rating)
}

// heat is what a heat pump takes to keep 20 °C: a house sized so that the pump
// runs fully at -12 °C, a coefficient of performance that falls with the cold,
// less at night.
func heat(rating float64, local time.Time, celsius float64) float64 {
	inside := 20.0
	if h := local.Hour(); h < 5 || h >= 22 {
		inside = 17
	}
	need := max(inside-3-celsius, 0) / (20 - 3 + 12) // The sun and people give 3 °C.
	performance := max(3.6+0.08*celsius, 1.5)
	return min(rating*need*2.6/performance, rating)
}

// activity is how likely people switch something on, by hour, in percent.
var (
	weekday = [24]float64{3, 2, 1, 1, 2, 8, 30, 38, 22, 12, 12, 18, 26, 16, 12, 14, 24, 44, 60, 56, 46, 38, 22, 9}
	weekend = [24]float64{6, 3, 2, 1, 1, 3, 8, 20, 36, 42, 38, 42, 46, 32, 26, 26, 32, 44, 54, 50, 44, 38, 26, 13}
)

// things are what people switch on: watts, minutes, and how often among others.
var things = []struct {
	watts   float64
	minutes int
	often   float64
}{
	{2000, 5, 0.22},  // Kettle, toaster.
	{1500, 25, 0.14}, // Cooking.
	{120, 90, 0.40},  // Light, screen.
	{800, 15, 0.12},  // Vacuum cleaner, hair dryer.
	{550, 100, 0.06}, // Washing machine, dishwasher: mostly heating.
	{1100, 60, 0.06}, // Oven, dryer.
}

// household is what all that has no meter of its own takes.
func (h *home) household(local time.Time) float64 {
	hours := &weekday
	if day := local.Weekday(); day == time.Saturday || day == time.Sunday {
		hours = &weekend
	}
	hour := (local.Hour()*60 + local.Minute() + 1440 - h.late) % 1440 / 60
	if h.random.Float64() < hours[hour]/100*0.11*(1+0.6*(h.people-1)) {
		h.switchOn()
	}
	fridge := 0.0
	if local.Minute()%30 < 10 {
		fridge = 75
	}
	total := h.standby + fridge
	if h.unmanned {
		return h.standby
	}
	on := h.running[:0]
	for _, a := range h.running {
		total += a.watts
		if a.steps--; a.steps > 0 {
			on = append(on, a)
		}
	}
	h.running = on
	return total
}

// switchOn picks one of the things.
func (h *home) switchOn() {
	pick := h.random.Float64()
	for _, t := range things {
		if pick -= t.often; pick < 0 {
			vary := 0.8 + 0.4*h.random.Float64()
			steps := math.Ceil(float64(t.minutes) * 60 / float64(step))
			h.running = append(h.running, appliance{math.Round(t.watts * vary), int(steps)})
			return
		}
	}
}
