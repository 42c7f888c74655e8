package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/commonwatt/commonwatt/interval"
)

// sky is the weather of a moment.
type sky struct {
	elevation, azimuth float64 // Of the sun in radians; azimuth clockwise from north.
	global, diffuse    float64 // Irradiance on the ground in W/m².
	celsius            float64
}

// weather makes skies, step after step.
type weather struct {
	random              *rand.Rand
	latitude, longitude float64 // Radians, degrees.
	day                 int
	cloudiness          float64 // What the day tends to, 0 to 1.
	cloud               float64 // Of this step, 0 to 1.
	warmth              float64 // Of the day against its season in °C.
}

func newWeather(seed uint64, o Options) *weather {
	return &weather{
		random:   dice(seed, "the weather of the community"),
		latitude: radians(o.Latitude), longitude: o.Longitude,
		cloudiness: 0.5, cloud: 0.5,
	}
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }

// at returns the sky of the next step.
func (w *weather) at(t interval.Time) sky {
	utc := time.Unix(int64(t), 0).UTC()
	if day := utc.YearDay(); day != w.day {
		w.day = day
		w.cloudiness = millionth(clamp(0.5*w.cloudiness + 0.5*w.random.Float64()*1.1))
		w.warmth = millionth(0.6*w.warmth + 2.2*w.random.NormFloat64())
	}
	w.cloud = millionth(clamp(w.cloud + 0.06*(w.cloudiness-w.cloud) + 0.07*w.random.NormFloat64()))
	s := w.sun(utc)
	clear := 0.0
	if sine := math.Sin(s.elevation); sine > 0.01 {
		clear = 1098 * sine * math.Exp(-0.057/sine) // Haurwitz 1945.
	}
	s.global = clear * (1 - 0.75*math.Pow(w.cloud, 3.4)) // Kasten and Czeplak 1980.
	s.diffuse = s.global * (0.15 + 0.85*w.cloud)
	s.celsius = w.temperature(utc)
	return s
}

// sun is where the sun stands: declination by Cooper 1969, equation of time by
// Spencer 1971 in two terms.
func (w *weather) sun(utc time.Time) sky {
	day := float64(utc.YearDay())
	declination := radians(23.45) * math.Sin(2*math.Pi*(284+day)/365)
	b := 2 * math.Pi * (day - 81) / 364
	equation := 9.87*math.Sin(2*b) - 7.53*math.Cos(b) - 1.5*math.Sin(b) // Minutes.
	minutes := float64(utc.Hour()*60+utc.Minute()) + 4*w.longitude + equation
	angle := 2 * math.Pi * (minutes/1440 - 0.5) // 0 at solar noon.
	sine := math.Sin(w.latitude)*math.Sin(declination) + math.Cos(w.latitude)*math.Cos(declination)*math.Cos(angle)
	east := -math.Cos(declination) * math.Sin(angle)
	north := math.Cos(w.latitude)*math.Sin(declination) - math.Sin(w.latitude)*math.Cos(declination)*math.Cos(angle)
	return sky{elevation: math.Asin(sine), azimuth: math.Atan2(east, north)}
}

// temperature follows the year, the day and the weather of central Europe.
func (w *weather) temperature(utc time.Time) float64 {
	year := -math.Cos(2 * math.Pi * float64(utc.YearDay()-20) / 365)
	hour := float64(utc.Hour()) + float64(utc.Minute())/60 + w.longitude/15
	day := -math.Cos(2 * math.Pi * (hour - 3) / 24)
	return 9.5 + 9.5*year + (5-3*w.cloud)*day + w.warmth
}

// onPlane is the irradiance in W/m² on a plane that is tilted towards a compass
// direction (both radians), with isotropic diffuse light and a ground that
// reflects a fifth.
func (s sky) onPlane(tilt, direction float64) float64 {
	const albedo = 0.2
	if s.global == 0 {
		return 0
	}
	sine := max(math.Sin(s.elevation), 0.05)
	incidence := math.Sin(s.elevation)*math.Cos(tilt) + math.Cos(s.elevation)*math.Sin(tilt)*math.Cos(s.azimuth-direction)
	beam := (s.global - s.diffuse) * max(incidence, 0) / sine
	return beam + s.diffuse*(1+math.Cos(tilt))/2 + s.global*albedo*(1-math.Cos(tilt))/2
}

func clamp(x float64) float64 { return min(max(x, 0), 1) }
