package gateway_test

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// Any readings come back from Green Button as they were, but for those without a
// value.
func TestGreenButtonReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []gateway.Reading
		for i, meter := range rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z0-9._:%/-]{1,12}`), 1, 4, rapid.ID[string]).Draw(t, "meters") {
			if strings.HasSuffix(meter, "/") {
				meter += "x"
			}
			at := interval.Time(1_780_272_000 + 3600*int64(i))
			for range rapid.IntRange(1, 60).Draw(t, "readings") {
				length := rapid.SampledFrom([]interval.Length{300, 900, 1800, 3600}).Draw(t, "length")
				at = length.Containing(at + interval.Time(length) - 1).Start
				want = append(want, gateway.Reading{
					Meter: meter, Start: at, Length: length,
					Import:  quantity.Energy(rapid.Int64Range(0, 1e12-1).Draw(t, "import")),
					Export:  quantity.Energy(rapid.Int64Range(0, 1e12-1).Draw(t, "export")),
					Quality: rapid.SampledFrom([]byte("AEFSV")).Draw(t, "quality"),
				})
				at += interval.Time(length) * interval.Time(rapid.SampledFrom([]int{1, 1, 1, 100}).Draw(t, "gap"))
			}
		}
		slices.SortFunc(want, func(a, b gateway.Reading) int {
			return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Meter, b.Meter))
		})
		var out bytes.Buffer
		without := append(slices.Clone(want), gateway.Reading{Meter: "none", Start: 1_780_272_000, Length: 900, Quality: gateway.Null})
		if err := gateway.WriteGreenButton(&out, "A & B <c>", without); err != nil {
			t.Fatal(err)
		}
		got, err := load(out.String(), gateway.Expect{})
		if err != nil || !slices.Equal(got.Readings, want) || len(got.Notes) > 0 {
			t.Fatalf("%v, %v\ngot  %v\nwant %v\n%s", err, got.Notes, got.Readings, want, out.String())
		}
	})
}

// What is written depends on the readings alone, and is what a reader of ESPI
// expects: a usage point, two series, their types and their blocks by day.
func TestGreenButtonIsWhatItSays(t *testing.T) {
	readings := []gateway.Reading{
		{Meter: "ann", Start: 1_780_308_000, Length: 900, Import: 120, Export: 5, Quality: gateway.Actual},
		{Meter: "ann", Start: 1_780_308_900, Length: 900, Quality: gateway.Estimated},
	}
	var out, again bytes.Buffer
	if err := gateway.WriteGreenButton(&out, "Elm", readings); err != nil {
		t.Fatal(err)
	}
	if err := gateway.WriteGreenButton(&again, "Elm", readings); err != nil || again.String() != out.String() {
		t.Fatalf("another file, %v", err)
	}
	for part, times := range map[string]int{
		"<UsagePoint ": 1, "<MeterReading ": 2, "<ReadingType ": 2, "<IntervalBlock ": 2, "<IntervalReading>": 4,
		"<flowDirection>1</flowDirection>": 1, "<flowDirection>19</flowDirection>": 1, "<uom>72</uom>": 2,
		"<quality>0</quality>": 2, "<quality>8</quality>": 2, "<value>120</value>": 1, "<value>5</value>": 1,
		`<link rel="self" href="/espi/1_1/resource/UsagePoint/ann/MeterReading/reverse-900/IntervalBlock/2026-06-01"/>`: 1,
		"<updated>2026-06-01T10:30:00Z</updated>": 8,
	} {
		if n := strings.Count(out.String(), part); n != times {
			t.Errorf("%s stands there %d times, not %d:\n%s", part, n, times, out.String())
		}
	}
}
