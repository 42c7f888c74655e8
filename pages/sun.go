package pages

import (
	"math"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/view"
)

// sun is when the sun rises and sets on a day, to the minute or so, by the mean
// anomaly and the equation of time (NOAA, General Solar Position Calculations).
// Where it does not rise or set that day, nothing is said.
func (s *Source) sun(m grid.MicrogridID, day view.Period) *Sun {
	place, known := s.Place[m]
	if !known {
		return nil
	}
	noon := day.From + (day.Until-day.From)/2
	const year = 365.2422
	days := math.Mod(float64(noon)/86400, year) // Since 1970-01-01, in years of the sun.
	angle := 2 * math.Pi * days / year
	minutes := 229.18 * (0.000075 + 0.001868*math.Cos(angle) - 0.032077*math.Sin(angle) -
		0.014615*math.Cos(2*angle) - 0.040849*math.Sin(2*angle))
	tilt := 0.006918 - 0.399912*math.Cos(angle) + 0.070257*math.Sin(angle) - 0.006758*math.Cos(2*angle) +
		0.000907*math.Sin(2*angle) - 0.002697*math.Cos(3*angle) + 0.00148*math.Sin(3*angle)
	latitude := place.Latitude * math.Pi / 180
	const horizon = 90.833 * math.Pi / 180 // Refraction, and the upper limb.
	half := math.Cos(horizon)/(math.Cos(latitude)*math.Cos(tilt)) - math.Tan(latitude)*math.Tan(tilt)
	if half < -1 || half > 1 {
		return nil
	}
	midnight := noon - noon%86400
	transit := 720 - 4*place.Longitude - minutes // Minutes of the day, UTC.
	arc := 4 * math.Acos(half) * 180 / math.Pi
	at := func(minute float64) interval.Time { return midnight + interval.Time(math.Round(minute*60)) }
	return &Sun{Rise: at(transit - arc), Set: at(transit + arc)}
}
