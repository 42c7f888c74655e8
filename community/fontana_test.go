package community_test

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
)

// TestFontana loads both examples of Fontana and the year of readings for them.
func TestFontana(t *testing.T) {
	data := filepath.Join(cmp.Or(os.Getenv("COMMONWATT_SHARED"), "../../shared"), "data/fontana")
	if _, err := os.Stat(data); err != nil {
		t.Skip("the shared data is absent; COMMONWATT_SHARED says where it is")
	}
	lines, err := community.Load("../examples/fontana.toml")
	if err != nil {
		t.Fatal(err)
	}
	free, err := community.Load("../examples/fontana-free.toml")
	if err != nil {
		t.Fatal(err)
	}
	if len(lines.Members) != 17 || len(lines.Meters().All()) != 34 || len(lines.Zones) != 5 {
		t.Fatalf("%d members, %d meters, %d zones", len(lines.Members), len(lines.Meters().All()), len(lines.Zones))
	}
	for i, z := range free.Zones {
		none := grid.Line{ExportLimit: grid.NoLimit, ImportLimit: grid.NoLimit}
		if z.ID != lines.Zones[i].ID || z.Line != none {
			t.Fatalf("zone %s of the free one: %v", z.ID, z.Line)
		}
	}
	content, err := gateway.Load([]string{filepath.Join(data, "readings.csv.gz")},
		gateway.Expect{Meters: lines.Meters(), Length: lines.Length}, nil)
	if err != nil {
		t.Fatal(err)
	}
	readings := content.Readings
	for _, r := range readings {
		m, _ := lines.Meters().Get(r.Meter)
		if most := lines.PerInterval(m.CapacityW); r.Import > most || r.Export > most {
			t.Fatalf("%v is above the capacity of %d W", r, m.CapacityW)
		}
	}
	first, last := readings[0], readings[len(readings)-1]
	steps, err := lines.TariffSteps(first.Start, last.Start+3600)
	if err != nil || steps[0].Prices.Retail != 220 || steps[0].Prices.FeedIn != 80 || len(steps) < 700 {
		t.Fatalf("%d steps, the first %v, %v", len(steps), steps[:min(1, len(steps))], err)
	}
	if _, err := lines.TariffSteps(first.Start, last.Start+7200); err == nil {
		t.Fatal("the tariff goes on after the file's end")
	}
}
