package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/interval"
)

// Carbon is what a kWh from the grid emits in Lindenhof, made up as all of it is: by the
// hour of the day, in kg; less when the sun shines, more in the evening.
func Carbon(o Options, length interval.Length) *community.Carbon {
	day := [...]int{ // Grams, from midnight UTC.
		310, 300, 295, 290, 300, 330, 350, 320, 270, 220, 180, 160,
		150, 155, 180, 230, 300, 380, 420, 430, 410, 380, 350, 330,
	}
	var text strings.Builder
	text.WriteString("start,kg_co2_per_kwh\n")
	first := o.At.AddDate(0, 0, -o.Days-1).UTC().Truncate(24 * time.Hour)
	for at := first; at.Before(o.At.AddDate(1, 0, 0)); at = at.Add(time.Hour) {
		fmt.Fprintf(&text, "%s,0.%03d\n", at.Format(time.RFC3339), day[at.Hour()])
	}
	c, err := community.ReadCarbon("the demo's factors", []byte(text.String()), length)
	if err != nil {
		panic("demo: " + err.Error()) // Nothing of it depends on anybody.
	}
	return c
}
