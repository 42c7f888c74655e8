package view

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
)

// What was passed on stands with both sides, what was used up with who had it, with
// its serials; and an interval of a home says what it came with.
func TestPassings(t *testing.T) {
	both(t, func(t *testing.T) {
		w := found(t)
		w.block(operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town1, Device: panels, Point: grid.PointID(ann), Kind: grid.Solar, From: noon}))
		w.certify(0)
		dots := metering.Value{Device: grid.DeviceID(dot), Import: 100, Quality: metering.Actual}
		for start := noon; start < noon+2*hour; start += hour { // Dot is the last to be read.
			w.block(operator, metering.RecordKind.Encode(metering.Record{Microgrid: town1, Intervals: []metering.Readings{{Start: start, Values: []metering.Value{dots}}}}))
		}
		w.wait(33 * 24)
		part := func(hours interval.Time, e quantity.Energy) certificate.Part {
			return certificate.Part{Microgrid: town1, Start: noon + hours*hour, Device: panels, Energy: e}
		}
		name := sha256.Sum256([]byte("for the mill"))
		w.block(ann, certificate.TransferKind.Encode(certificate.Transfer{From: ann, To: bob, Parts: []certificate.Part{part(0, 300), part(1, 200)}}))
		for _, e := range []quantity.Energy{100, 50} {
			w.block(bob, certificate.CancelKind.Encode(certificate.Cancel{Account: bob, Parts: []certificate.Part{part(0, e)}, Purpose: certificate.Product, Beneficiary: name[:]}))
		}
		read(t, fed(t, w.records, 3), func(r *Reader) error {
			anns, err := r.Passings(ann)
			if err != nil {
				return err
			}
			bobs, err := r.Passings(bob)
			if err != nil {
				return err
			}
			if len(anns) != 1 || len(bobs) != 3 || anns[0].How != PassedOn || anns[0].Energy != 500 || anns[0].From != ann || anns[0].To != bob || len(anns[0].Parts) != 2 || anns[0].At == 0 {
				t.Fatalf("%+v %+v", anns, bobs)
			}
			last := bobs[0] // The latest first.
			if last.How != Cancelled || last.Purpose != certificate.Product || !bytes.Equal(last.Beneficiary, name[:]) || last.To != 0 {
				t.Errorf("%+v", last)
			}
			if before, after := bobs[1].Parts[0], last.Parts[0]; after.First != before.First+100 || after.Energy != 50 || after.Lot != (certificate.LotID{Microgrid: town1, Start: noon, Device: panels}) {
				t.Errorf("%+v %+v", before, after)
			}
			both, err := r.CancelledBy(bob, name[:])
			if err != nil || len(both) != 2 || both[0].Energy != 100 {
				t.Errorf("%v %v", both, err)
			}
			if none, err := r.CancelledBy(ann, name[:]); err != nil || len(none) != 0 {
				t.Errorf("ann used up %v, %v", none, err)
			}
			return r.Uses(town1, grid.PointID(ann), Period{From: noon, Until: noon + hour}, func(u Use) error {
				// She made 900, gave 400, and keeps the certificates of all that is left to her.
				if u.Used != 500 || u.Produced != 500 || u.Claimed != 0 || u.Bought != 0 || len(u.Origins) == 0 {
					t.Errorf("%+v", u)
				}
				return nil
			})
		})
	})
}

// What came to a point is packed and comes back the same.
func TestPackedOrigins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []Origin
		var packed []certificate.Origin
		for range rapid.IntRange(0, 5).Draw(t, "origins") {
			o := Origin{grid.DeviceID(rapid.Uint64().Draw(t, "device")), quantity.Energy(rapid.Int64().Draw(t, "energy")), rapid.Bool().Draw(t, "claimed")}
			want, packed = append(want, o), append(packed, certificate.Origin{Device: o.Device, Energy: o.Energy, Claimed: o.Claimed})
		}
		if got := unpackOrigins(packOrigins(packed)); !slices.Equal(got, want) {
			t.Errorf("%v comes back as %v", want, got)
		}
	})
}
