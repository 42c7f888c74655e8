package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
)

// TestNegative reads values below zero of each format: they stay what they are, the
// others with them, and a note says which they are.
func TestNegative(t *testing.T) {
	const said = " below zero, which is no value: reported, and estimated until a real one comes (1 interval)"
	for _, c := range []struct {
		name, text string
		readings   int
		sum        int64 // Of the import of all others.
		want       string
	}{
		{
			"r.csv", gateway.Header + "\nann,2026-06-20T16:00:00Z,60,-3,7,A\nann,2026-06-20T17:00:00Z,60,5,0,A\n", 1, 5,
			"r.csv:2: ann: -3 Wh import and 7 Wh export at 2026-06-20T16:00:00Z is",
		},
		{
			"r.csv", gateway.Header + "\nann,2026-06-20T16:00:00Z,60,5,0,A\nann,2026-06-20T17:00:00Z,60,4,-7,A\n", 1, 5,
			"r.csv:3: ann: 4 Wh import and -7 Wh export at 2026-06-20T17:00:00Z is",
		},
		{
			"nem12.csv", strings.Replace(nem12("1", "A", "900\n"), "300,20260601,1,", "300,20260601,-0.0001,", 1), 47, 47_000,
			"nem12.csv:3: 6305812345: -1 Wh import and 0 Wh export at 2026-05-31T14:00:00Z is",
		},
		{
			"g.xml", greenButton("1", "72", "0", "900", "1780308000", "-5"), 0, 0,
			"g.xml:3: 7: -5 Wh import and 0 Wh export at 2026-06-01T10:00:00Z is",
		},
	} {
		got, err := gateway.Read(c.name, strings.NewReader(c.text), int64(len(c.text)), gateway.Expect{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		p := got.Parts[0]
		if got.Negative != 1 || len(got.Readings) != c.readings+1 || p.Readings != c.readings || int64(p.Import) != c.sum {
			t.Errorf("%s: %d readings, %d below zero; %+v", c.name, len(got.Readings), got.Negative, p)
		}
		if len(got.Notes) != 1 || got.Notes[0].String() != c.want+said {
			t.Errorf("%s: %v, want %s", c.name, got.Notes, c.want)
		}
	}
}

// TestNegativeIsNotHidden sums quarters of which one is below zero, and a meter's
// channels: what is below zero stays below.
func TestNegativeIsNotHidden(t *testing.T) {
	text := gateway.Header + "\n"
	for i, wh := range []int{10, -3, 20, -4} {
		text += fmt.Sprintf("ann,2026-06-20T16:%02d:00Z,15,%d,1,A\n", 15*i, wh)
	}
	file := filepath.Join(t.TempDir(), "r.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := gateway.Load([]string{file}, gateway.Expect{Length: interval.Minutes60}, nil)
	if err != nil || got.Negative != 1 || len(got.Readings) != 1 || got.Readings[0].Import != -7 || got.Readings[0].Export != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	day := strings.Repeat(",2", 47) + ",A,,,,\n"
	channel := func(name, first string) string {
		return "200,6305812345,E1E2,E1,E1," + name + ",M,Wh,30,\n300,20260601," + first + day
	}
	text = "100,NEM12,202606030900,A,B\n" + channel("N1", "-6") + strings.ReplaceAll(channel("N1", "9"), "E1,E1", "E2,E2") + "900\n"
	c, err := gateway.Read("n.csv", strings.NewReader(text), int64(len(text)), gateway.Expect{})
	if err != nil || c.Negative != 1 || c.Readings[0].Import != -6 || c.Readings[1].Import != 4 {
		t.Errorf("%+v, %v", c.Readings, err)
	}
}

// TestManyNegatives names twenty values and counts the others, by meter.
func TestManyNegatives(t *testing.T) {
	text := gateway.Header + "\n"
	for hour := range 24 {
		text += fmt.Sprintf("ann,2026-06-20T%02d:00:00Z,60,-1,0,A\nbob,2026-06-20T%02d:00:00Z,60,-1,0,A\n", hour, hour)
	}
	got, err := gateway.Read("r.csv", strings.NewReader(text), int64(len(text)), gateway.Expect{})
	if err != nil || got.Negative != 48 || len(got.Notes) != 22 {
		t.Fatalf("%d notes, %v", len(got.Notes), err)
	}
	counted := slices.IndexFunc(got.Notes, func(n gateway.Note) bool { return n.Meter == "ann" && n.Count > 1 })
	if counted < 0 || got.Notes[counted].Count != 14 || !strings.HasPrefix(got.Notes[counted].Text, "more such values are below zero") {
		t.Errorf("%v", got.Notes)
	}
}
