package device

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
)

// A window that was packed comes back the same, whatever the device said.
func TestWindowPacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window
		var sequence uint64
		for range rapid.IntRange(0, windowSize).Draw(t, "entries") {
			sequence += rapid.Uint64Range(uint64(min(len(w), 1)), 3).Draw(t, "on")
			w = append(w, entry{
				sequence, interval.Time(rapid.Int64Range(0, int64(MaxStart)-1).Draw(t, "start")),
				quantity.Energy(rapid.Int64Range(0, int64(MaxRegister)).Draw(t, "import")), quantity.Energy(rapid.Int64Range(0, int64(MaxRegister)).Draw(t, "export")),
				rapid.SampledFrom(qualities[:]).Draw(t, "quality"), rapid.SampledFrom([]Clock{Synchronised, Unsynchronised}).Draw(t, "clock"), rapid.Bool().Draw(t, "graded"),
			})
		}
		if got := unpack(w.pack()); !slices.Equal(got, w) {
			t.Errorf("%+v comes back as %+v", w, got)
		}
	})
}

// The usual window, of messages one after the other, is small.
func TestWindowSmall(t *testing.T) {
	var w window
	for n := range uint64(windowSize) {
		w = append(w, entry{n + 1, interval.Time(1_780_000_200 + 900*n), quantity.Energy(5_000_000 + 230*n), 0, metering.Actual, Synchronised, true})
	}
	if size := len(w.pack()); size > 5*windowSize {
		t.Errorf("%d messages take %d bytes", len(w), size)
	}
}
