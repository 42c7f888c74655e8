package grid

import (
	"testing"

	"github.com/commonwatt/commonwatt/quantity"
)

// TestLosses computes what lines lose, and what a Wh pays for it.
func TestLosses(t *testing.T) {
	for _, c := range []struct {
		ppm    uint32
		flow   quantity.Energy
		retail quantity.Price
		lost   quantity.Energy // Rounded down.
		price  quantity.Price  // Rounded up.
	}{
		{0, 1_000_000, 320, 0, 0},
		{15_000, 1_000, 320, 15, 5},  // 4.8 a Wh.
		{15_000, -1_000, 320, 15, 5}, // Whichever way it flows.
		{15_000, 66, 320, 0, 5},      // 0.99 Wh.
		{15_000, 67, 320, 1, 5},      // 1.005 Wh.
		{10_000, 100, 300, 1, 3},     // Exact.
		{10_000, 100, 301, 1, 4},     // 3.01 a Wh.
		{10_000, 100, -320, 1, 0},    // The supplier pays whoever takes: nothing is owed for it.
		{1, 999_999, 1, 0, 1},        // Next to nothing, and a price all the same.
		{1, 1_999_999, 1, 1, 1},      // Of each million.
		{MaxLossPPM, 1 << 35, 1 << 24, 5_153_960_755, 2_516_583},
	} {
		l := Line{LossPPM: c.ppm}
		if lost, price := l.Lost(c.flow), l.LossPrice(c.retail); lost != c.lost || price != c.price {
			t.Errorf("%d ppm of %d Wh are %d Wh, want %d; at %d a price of %d, want %d", c.ppm, c.flow, lost, c.lost, c.retail, price, c.price)
		}
		if cost := quantity.MustTimes(l.Lost(c.flow), c.retail); cost > quantity.MustTimes(max(c.flow, -c.flow), l.LossPrice(c.retail)) {
			t.Errorf("%d Wh that cross a line of %d ppm pay less than the %d that is lost of them", c.flow, c.ppm, cost)
		}
	}
}
