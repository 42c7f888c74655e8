package community_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/interval"
)

// evenings is dear on weekdays from 17:00 to 20:00 and cheap at night.
const evenings = `[community]
name = "Evenings"
interval_minutes = 15
time_zone = "Europe/Berlin"
[tariff]
retail = 0.32
feed_in = 0.08
levy = 0.02
[[tariff.period]]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "17:00"
to = "20:00"
retail = 0.40
[[tariff.period]]
from = "22:00"
to = "06:00"
retail = 0.25
`

// steps writes the steps of local days as local times and prices.
func steps(t *testing.T, c *community.Community, from, to string) string {
	t.Helper()
	at := func(day string) interval.Time {
		moment, err := time.ParseInLocation(time.DateOnly, day, c.TimeZone)
		if err != nil {
			t.Fatal(err)
		}
		return interval.Time(moment.Unix())
	}
	all, err := c.TariffSteps(at(from), at(to))
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, s := range all {
		local := time.Unix(int64(s.From), 0).In(c.TimeZone)
		text = append(text, fmt.Sprintf("%s %d", local.Format("Mon 15:04 -07"), s.Prices.Retail))
	}
	return strings.Join(text, ", ")
}

func TestTariffSteps(t *testing.T) {
	c := parse(t, evenings)
	for _, test := range []struct{ name, from, to, want string }{
		{"a weekday", "2026-03-24", "2026-03-25", "Tue 00:00 +01 250, Tue 06:00 +01 320, Tue 17:00 +01 400, Tue 20:00 +01 320, Tue 22:00 +01 250"},
		{"a day of 92 quarters", "2026-03-29", "2026-03-30", "Sun 00:00 +01 250, Sun 06:00 +02 320, Sun 22:00 +02 250"},
		{"a day of 100 quarters", "2026-10-25", "2026-10-26", "Sun 00:00 +02 250, Sun 06:00 +01 320, Sun 22:00 +01 250"},
		{"night over Sunday to Monday", "2026-03-29", "2026-03-31", "Sun 00:00 +01 250, Sun 06:00 +02 320, Sun 22:00 +02 250, Mon 06:00 +02 320, Mon 17:00 +02 400, Mon 20:00 +02 320, Mon 22:00 +02 250"},
		{"nothing", "2026-03-29", "2026-03-29", ""},
	} {
		if got := steps(t, c, test.from, test.to); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
	all, err := c.TariffSteps(interval.Time(time.Date(2026, 3, 24, 5, 7, 0, 0, time.UTC).Unix()), interval.Time(time.Date(2026, 3, 24, 5, 8, 0, 0, time.UTC).Unix()))
	if err != nil || len(all) != 1 || all[0].From%900 != 0 || all[0].Prices.FeedIn != 80 || all[0].Prices.Levy != 20 {
		t.Errorf("within one interval: %v, %v", all, err)
	}
}

// withFile parses a community whose tariff is a file of rows.
func withFile(t *testing.T, rows string) (*community.Community, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "t.csv"), []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(least, "retail = 0.32", `file = "t.csv"`, 1)
	return community.Parse(filepath.Join(dir, "c.toml"), []byte(text))
}

const threeHours = "start,eur_per_kwh\n2026-06-20T00:00:00Z,0.3\n2026-06-20T03:00:00+02:00,0.3\n2026-06-20T02:00:00Z,0.4\n"

func TestTariffFile(t *testing.T) {
	c, err := withFile(t, threeHours)
	if err != nil {
		t.Fatal(err)
	}
	midnight := interval.Time(time.Date(2026, 6, 20, 0, 0, 0, 0, time.UTC).Unix())
	steps, err := c.TariffSteps(midnight, midnight+3*3600)
	if got := fmt.Sprint(steps); err != nil || got != fmt.Sprintf("[{%d {300 80 0}} {%d {400 80 0}}]", midnight, midnight+2*3600) {
		t.Fatalf("got %s, %v", got, err)
	}
	for _, test := range []struct {
		from, to interval.Time
		want     string
	}{
		{midnight - 3600, midnight + 7200, "there is no price from 2026-06-19T23:00:00Z to 2026-06-20T00:00:00Z"},
		{midnight, midnight + 4*3600, "there is no price from 2026-06-20T03:00:00Z to 2026-06-20T04:00:00Z"},
		{midnight + 5*3600, midnight + 6*3600, "there is no price from 2026-06-20T05:00:00Z to 2026-06-20T06:00:00Z"},
	} {
		if _, err := c.TariffSteps(test.from, test.to); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestTariffFileRefuses(t *testing.T) {
	for _, test := range []struct{ name, old, replaced, want string }{
		{"header", "eur", "usd", "t.csv:1: the header is not start,eur_per_kwh"},
		{"time", "2026-06-20T02:00:00Z", "yesterday", `t.csv:4: start: "yesterday" is no time`},
		{"gap", "2026-06-20T02:00:00Z", "2026-06-20T03:00:00Z", "t.csv:4: start: 2026-06-20T03:00:00Z is not 2026-06-20T02:00:00Z, which follows"},
		{"misaligned", "2026-06-20T00:00:00Z", "2026-06-20T00:30:00Z", "t.csv:2: start: 2026-06-20T00:30:00Z is not the start of an interval of 60 minutes"},
		{"backwards", "2026-06-20T00:00:00Z", "2026-06-20T05:00:00Z", "t.csv:3: start: 2026-06-20T03:00:00+02:00 does not follow"},
		{"too fine", "0.4", "0.4567", `t.csv:4: price: "0.4567" has 4 digits after the point and needs decimals = 7`},
		{"below feed-in", "0.4", "0.01", "t.csv:4: price: 0.01 is below feed_in"},
		{"three columns", "0.4", "0.4,1", "wrong number of fields"},
		{"one row", "2026-06-20T03:00:00+02:00,0.3\n2026-06-20T02:00:00Z,0.4\n", "", "has fewer than two rows"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := withFile(t, strings.Replace(threeHours, test.old, test.replaced, 1))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}
