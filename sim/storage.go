package sim

import (
	"math/rand/v2"
	"time"
)

// car is an electric vehicle: away by day on weekdays, it charges fully when it
// comes home.
type car struct {
	away       bool
	lacks      float64 // Wh to charge.
	back       int     // The minute of the day when it comes home.
	plannedDay int
}

// charge is the power in watts that the car takes.
func (c *car) charge(random *rand.Rand, rating float64, local time.Time) float64 {
	minute := local.Hour()*60 + local.Minute()
	if day := local.YearDay(); day != c.plannedDay {
		c.plannedDay = day
		c.back = 16*60 + 45 + random.IntN(110)
	}
	switch leave := 7*60 + 30; {
	case !c.away && minute >= leave && minute < c.back && local.Weekday() != time.Sunday:
		c.away = true
	case c.away && minute >= c.back:
		c.away = false
		c.lacks = float64(4000 + random.IntN(11_000))
	}
	if c.away || c.lacks <= 0 {
		return 0
	}
	hours := float64(step) / 3600
	watts := min(rating, c.lacks/hours)
	c.lacks = millionth(c.lacks - watts*hours)
	return watts
}

// cell is a battery that serves its own home: it takes the surplus and covers
// what lacks. It holds two hours of its rating and loses 5 % each way.
type cell struct {
	millijoules int64 // Stored.
}

// answer is the power of the battery at a net power of the home, positive when it
// charges.
func (c *cell) answer(net, rating milliwatts) milliwatts {
	const kept, of, hours = 95, 100, 2
	seconds := int64(step)
	if net < 0 {
		room := int64(rating)*3600*hours - c.millijoules
		p := min(-net, rating, milliwatts(room/seconds*of/kept))
		c.millijoules += int64(p) * seconds * kept / of
		return p
	}
	p := min(net, rating, milliwatts(c.millijoules/seconds*kept/of))
	c.millijoules -= (int64(p)*seconds*of + kept - 1) / kept
	return -p
}
