package registry_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/registry"
)

// made is what a device made in an hour of June or later.
func made(device string, hours int, wh uint64) registry.Run {
	r := run()
	r.Device.ID, r.Start, r.First, r.Count = device, june+interval.Time(hours)*hour, 0, wh
	r.End, r.Issuance = r.Start+hour, fmt.Sprintf("%s-%d", device, hours)
	return r
}

// June has 1.2 MWh and July 1.9: one MWh goes with June, and 0.2 are carried, so that two
// go with July. A part is cut where a MWh ends.
func TestPack(t *testing.T) {
	packages, left, err := registry.Pack([]registry.Run{
		made("pv", 721, 1_900_000), made("pv", 1, 700_000), made("pv", 2, 500_000), made("wind", 3, 999_999),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range packages {
		text := fmt.Sprintf("%.10s %d MWh:", p.Issuance, p.Count)
		for _, part := range p.Parts {
			text += fmt.Sprintf(" %s [%d,%d)", part.Issuance, part.First, part.First+part.Count)
		}
		got = append(got, text)
	}
	for _, r := range left {
		got = append(got, fmt.Sprintf("left %s [%d,%d)", r.Issuance, r.First, r.First+r.Count))
	}
	want := `pv-2026-06 1 MWh: pv-1 [0,700000) pv-2 [0,300000)
pv-2026-07 2 MWh: pv-2 [300000,500000) pv-721 [0,1800000)
left pv-721 [1800000,1900000)
left wind-3 [0,999999)`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// However certificates are packed, and what is left packed again with later ones: each Wh
// is in one package or left, and no device's rest is a MWh.
func TestPackModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type wh struct {
			issuance string
			serial   uint64
		}
		var given quantity.Energy
		seen := map[wh]uint64{} // Where each part begins, how long it is.
		var left []registry.Run
		at := 0
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			var runs []registry.Run
			for range rapid.IntRange(0, 6).Draw(t, "runs") {
				at += rapid.IntRange(1, 400).Draw(t, "later")
				r := made(rapid.SampledFrom([]string{"pv", "wind"}).Draw(t, "device"), at, rapid.Uint64Range(1, 2_500_000).Draw(t, "wh"))
				r.Account = rapid.SampledFrom([]string{"anna", "bob"}).Draw(t, "account")
				runs, given = append(runs, r), given+r.Energy()
			}
			packages, rest, err := registry.Pack(append(runs, left...))
			if err != nil {
				t.Fatal(err)
			}
			left = rest
			for _, p := range packages {
				var sum quantity.Energy
				for _, part := range p.Parts {
					if part.Device != p.Device || part.Account != p.Account || part.Start < p.Start || part.End > p.End {
						t.Fatalf("%+v is no part of %+v", part, p.Run)
					}
					seen[wh{part.Issuance, part.First}] = part.Count
					sum += part.Energy()
				}
				if sum != p.Energy() || sum%registry.MWh != 0 || sum == 0 {
					t.Fatalf("a package of %d Wh has parts of %d", p.Energy(), sum)
				}
				given -= sum
			}
		}
		rests := map[string]quantity.Energy{}
		for _, r := range left {
			seen[wh{r.Issuance, r.First}] = r.Count
			rests[r.Device.ID+r.Account] += r.Energy()
			given -= r.Energy()
		}
		if given != 0 {
			t.Fatalf("%d Wh are in no package and not left", given)
		}
		for series, e := range rests {
			if e >= registry.MWh {
				t.Fatalf("%d Wh of %s are left", e, series)
			}
		}
		for a, count := range seen {
			for b := range seen {
				if a.issuance == b.issuance && a.serial < b.serial && b.serial < a.serial+count {
					t.Fatalf("the serial %d of %s is packed twice", b.serial, a.issuance)
				}
			}
		}
	})
}

func TestPackRefuses(t *testing.T) {
	twice := made("pv", 1, 100)
	twice.First = 99
	for _, c := range []struct {
		runs []registry.Run
		want string
	}{
		{[]registry.Run{made("pv", 1, 100), twice}, "has the serial 99 twice"},
		{[]registry.Run{whole()}, "only those of 1 Wh are added up"},
		{[]registry.Run{{}}, "is missing"},
	} {
		if _, _, err := registry.Pack(c.runs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// NC-RETS has three decimals: what is less than a kWh goes with the next month.
func TestMonthly(t *testing.T) {
	july := june + 30*day
	months, left := registry.Monthly([]registry.Generation{
		{Device: "pv", Start: june, End: june + hour, Energy: 1_600}, {Device: "pv", Start: july, End: july + hour, Energy: 2_700}, {Device: "wind", Start: june, End: june + hour, Energy: 400},
	})
	if got, want := fmt.Sprint(months, left), "[{pv 1780272000 1782864000 1000} {pv 1782864000 1785542400 3000}] [{pv 1782864000 1785542400 300} {wind 1780272000 1782864000 400}]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
