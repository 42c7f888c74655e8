package view

import (
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
)

// TestOverloads shows the lines of which the latest revision says that more
// flowed than their limit of 1,500 Wh: ann and bob are on the first, cem and dot
// on the second. A correction of bob's meter takes one back, one of dot's changes one.
func TestOverloads(t *testing.T) {
	both(t, func(t *testing.T) {
		w := found(t)
		w.read(0, []quantity.Energy{-1_000, -800, 500, 0})
		w.read(1, []quantity.Energy{-1_000, -501, -1_000, -700})
		w.read(0, []quantity.Energy{missing, -500})
		w.read(1, []quantity.Energy{missing, missing, missing, -600})
		w.read(2, []quantity.Energy{3_000, 0, 0, 0}) // Nothing limits what is taken.
		w.read(3, []quantity.Energy{0, 0, 0, 0})     // Corrections and closes come with the block after.
		want := []settlement.Overload{
			{Microgrid: town1, Zone: 2, Start: noon + hour, Revision: 2, Flow: 1_501, Limit: 1_500},
			{Microgrid: town1, Zone: 3, Start: noon + hour, Revision: 2, Flow: 1_600, Limit: 1_500},
		}
		read(t, fed(t, w.records, 2), func(r *Reader) error {
			var got []settlement.Overload
			err := r.Overloads(town1, Period{noon, noon + 3*hour}, func(o settlement.Overload) error {
				got = append(got, o)
				return nil
			})
			if !slices.Equal(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
			return err
		})
	})
}
