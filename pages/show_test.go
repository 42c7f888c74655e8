package pages

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/quantity"
)

// Shown parts sum to the shown total, which is the total rounded; no part is off
// by a whole hundredth, and nothing shows as nothing.
func TestApportion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(-30, 30), rapid.Int64Range(-1<<40, 1<<40)), 0, 12).Draw(t, "parts")
		unit := rapid.SampledFrom([]int64{1, 10, 10_000}).Draw(t, "unit")
		total, shown := apportion(parts, unit)
		var sum, shownSum int64
		for i, p := range parts {
			sum += p
			shownSum += shown[i]
			if off := shown[i]*unit - p; off <= -unit || off >= unit || p == 0 && shown[i] != 0 {
				t.Fatalf("%d is shown as %d (unit %d)", p, shown[i], unit)
			}
		}
		if shownSum != total || total != round(sum, unit) {
			t.Fatalf("%v sum to %d, shown are %v, in all %d", parts, sum, shown, total)
		}
	})
}

// Prices are shown in tenths of a cent per kWh, whatever the currency's decimals.
func TestPrice(t *testing.T) {
	for _, c := range []struct {
		decimals int
		perWh    quantity.Price
		shown    int64
	}{{6, 320, 320}, {6, 175, 175}, {7, 3204, 320}, {8, 32_045, 320}, {5, 32, 320}, {2, 1, 10_000}} {
		if got := (money{c.decimals}).price(c.perWh); got.Shown != c.shown {
			t.Errorf("%d units of 10^-%d per Wh are shown as %d", c.perWh, c.decimals, got.Shown)
		}
	}
	if got := (money{6}).average(175_000, 1000); got.Shown != 175 || got.PerWh != 175 {
		t.Errorf("0.175 for a kWh is %+v", got)
	}
}
