package view

import (
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// TestCertificates compares what the view says of lots with what the ledger has:
// issued, issued again, passed on, used up, withdrawn and expired.
func TestCertificates(t *testing.T) {
	both(t, func(t *testing.T) {
		w := found(t)
		w.block(operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town1, Device: panels, Point: grid.PointID(ann), Kind: grid.Solar, From: noon}))
		w.certify(0)
		w.dotReads(2)
		fewer := metering.Value{Device: panels, Export: 800, Quality: metering.Actual}
		w.block(operator, metering.RecordKind.Encode(metering.Record{Microgrid: town1, Intervals: []metering.Readings{{Start: noon + hour, Values: []metering.Value{fewer}}}}))
		w.alike("issued again", 2, 1700, 1700)
		w.wait(33 * 24)
		parts := []certificate.Part{{Microgrid: town1, Start: noon, Device: panels, Energy: 300}, {Microgrid: town1, Start: noon + hour, Device: panels, Energy: 800}}
		w.block(ann, certificate.TransferKind.Encode(certificate.Transfer{From: ann, To: bob, Parts: parts}))
		w.alike("passed on", 2, 1700, 1700)
		w.block(bob, certificate.CancelKind.Encode(certificate.Cancel{Account: bob, Parts: parts[1:], Purpose: certificate.Disclosure, Beneficiary: make([]byte, sha256.Size)}))
		w.block(operator, certificate.WithdrawKind.Encode(certificate.Withdraw{Account: bob, Parts: parts[:1], Evidence: make([]byte, sha256.Size)}))
		w.alike("used up and withdrawn", 2, 1700, 600)
		read(t, fed(t, w.records, 3), func(r *Reader) error {
			used, err := r.Cancellations(bob)
			if err != nil {
				return err
			}
			if c := used[0]; len(used) != 1 || c.Lot.Start != noon+hour || c.Energy != 800 || c.First != 0 || c.Purpose != certificate.Disclosure || len(c.Beneficiary) != sha256.Size {
				t.Errorf("bob used up %+v", used)
			}
			return nil
		})
		some := func(e quantity.Energy) []certificate.Part {
			return []certificate.Part{{Microgrid: town1, Start: noon, Device: panels, Energy: e}}
		}
		w.block(ann, certificate.ReserveKind.Encode(certificate.Reserve{Holder: ann, For: bob, Until: w.now + hour, Parts: some(300)}))
		w.alike("set aside", 2, 1700, 600)
		w.block(bob, certificate.TakeKind.Encode(certificate.Take{Holder: ann, For: bob, Parts: some(100)}))
		w.block(bob, certificate.ReleaseKind.Encode(certificate.Release{Holder: ann, For: bob, Parts: some(50)}))
		w.alike("taken and released", 2, 1700, 600)
		w.wait(366 * 24)
		w.alike("expired", 2, 1700, 0)
	})
}

// TestMatchedUse compares what the view says of matched use with what is known of it:
// bob matches what ann gave him with what he used, and is left with what he did not use.
func TestMatchedUse(t *testing.T) {
	both(t, func(t *testing.T) {
		w := found(t)
		w.block(operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town1, Device: panels, Point: grid.PointID(ann), Kind: grid.Solar, From: noon}))
		w.certify(0)
		w.dotReads(2)
		w.wait(33 * 24)
		w.block(ann, certificate.TransferKind.Encode(certificate.Transfer{From: ann, To: bob, Parts: []certificate.Part{
			{Microgrid: town1, Start: noon, Device: panels, Energy: 200}, {Microgrid: town1, Start: noon + hour, Device: panels, Energy: 450},
		}}))
		w.block(bob, certificate.MatchKind.Encode(certificate.Match{Account: bob, Microgrid: town1, From: noon, Until: noon + 2*hour}))
		w.alike("matched", 2, 1800, 1300)
		read(t, fed(t, w.records, 4), func(r *Reader) error {
			var list []MatchedUse
			err := r.MatchedUses(town1, Period{From: noon, Until: noon + 2*hour}, func(u MatchedUse) error {
				list = append(list, u)
				return nil
			})
			want := []MatchedUse{{noon, grid.PointID(bob), bob, 200}, {noon + hour, grid.PointID(bob), bob, 300}}
			if !slices.Equal(list, want) {
				t.Errorf("matched is %v, want %v", list, want)
			}
			if err != nil {
				return err
			}
			moved, err := r.Passings(bob)
			for n, e := range []quantity.Energy{300, 200} { // The latest first.
				if len(moved) < 3 || moved[n].How != MatchedWithUse || moved[n].Energy != e || moved[n].Parts[0].Energy != e {
					t.Errorf("what bob matched is %+v", moved)
				}
			}
			return err
		})
	})
}

// dotReads reads the meter of dot, who is the last to be read, in the first hours.
func (w *town) dotReads(hours interval.Time) {
	w.t.Helper()
	dots := metering.Value{Device: grid.DeviceID(dot), Import: 100, Quality: metering.Actual}
	for start := noon; start < noon+hours*hour; start += hour {
		w.block(operator, metering.RecordKind.Encode(metering.Record{Microgrid: town1, Intervals: []metering.Readings{{Start: start, Values: []metering.Value{dots}}}}))
	}
}

// TestStores compares what the view says of a battery with what the ledger has, and
// with what is known of it.
func TestStores(t *testing.T) {
	both(t, func(t *testing.T) {
		w := found(t)
		w.block(operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town1, Device: panels, Point: grid.PointID(ann), Kind: grid.Solar, From: noon}))
		w.certify(0)
		w.charge(2)
		w.dotReads(4)
		w.wait(33 * 24)
		w.block(ann, certificate.CancelKind.Encode(certificate.Cancel{Account: ann, Purpose: certificate.Disclosure, Beneficiary: make([]byte, sha256.Size), Parts: []certificate.Part{
			{Microgrid: town1, Start: noon + 3*hour, Device: battery, Energy: 10},
		}}))
		w.alike("stored", 2, 1800, 1800)
		read(t, fed(t, w.records, 4), func(r *Reader) error {
			var list []Stored
			err := r.Stores(town1, Period{From: noon, Until: noon + 4*hour}, func(x Stored) error {
				x.Account = 0
				list = append(list, x)
				return nil
			})
			want := []Stored{
				{Start: noon + 2*hour, Device: battery, Charged: 500, In: 500, Holds: 500},
				{Start: noon + 3*hour, Device: battery, Discharged: 400, Out: 400, Lost: 45, Holds: 55},
			}
			if !slices.Equal(list, want) {
				t.Errorf("the battery is %+v", list)
			}
			l, err2 := r.Certified(town1, Period{From: noon, Until: noon + 4*hour})
			if l.Count != 3 || l.Issued != 2700 || l.Stored != 500 || l.Discharged != 400 || l.Cancelled != 10 || l.Held() != 2700-500+390 {
				t.Errorf("certified is %+v", l)
			}
			return errors.Join(err, err2)
		})
	})
}

// wait lets the town's hours pass without a reading.
func (w *town) wait(hours int) {
	w.t.Helper()
	for range hours {
		w.now += hour
	}
	w.block(operator, metering.LapseKind.Encode(metering.Lapse{Microgrid: town1, Until: w.now}))
	for len(w.machine.Due()) > 0 {
		w.block(operator, metering.LapseKind.Encode(metering.Lapse{Microgrid: town1, Until: w.now}))
	}
}

// alike compares the view's lots with the ledger's, and with what is known of them:
// how many are known of the first hours, and how much is issued and held of those.
func (w *town) alike(when string, lots int64, issued, held quantity.Energy) {
	w.t.Helper()
	w.block(operator, metering.LapseKind.Encode(metering.Lapse{Microgrid: town1, Until: w.now})) // Closes what is due.
	type holding struct {
		lot     certificate.LotID
		account tx.AccountID
	}
	has := map[holding]quantity.Energy{}
	var reserved quantity.Energy
	for id, l := range certificate.Lots(w.machine.Rows()) {
		reserved += l.Reserved
		for account, e := range certificate.Holders(w.machine.Rows(), id) {
			has[holding{id, account}] = e
		}
	}
	read(w.t, fed(w.t, w.records, 3), func(r *Reader) error {
		l, err := r.Certified(town1, Period{From: noon, Until: noon + 2*hour})
		if err != nil {
			return err
		}
		if l.Count != lots || l.Issued != issued || l.Held() != held {
			w.t.Errorf("%s: %+v, want %d lots, %d issued and %d held", when, l, lots, issued, held)
		}
		for a := operator; a <= dot; a++ {
			err := r.Holdings(a, func(h HeldLot) error {
				k := holding{h.Lot, a}
				l, _ := certificate.LotAt(w.machine.Rows(), h.Lot)
				if first := firstOf(w, h.Lot, l, a); first != h.First {
					w.t.Errorf("%s: account %d has %+v from serial %d on, the view says %d", when, a, h.Lot, first, h.First)
				}
				if has[k] != h.Energy {
					w.t.Errorf("%s: account %d has %d Wh of %+v, the ledger says %d", when, a, h.Energy, h.Lot, has[k])
				}
				delete(has, k)
				return nil
			})
			if err != nil {
				return err
			}
			err = r.Reservations(a, func(l ReservedLot) error {
				k := certificate.Reservation{Lot: l.Lot, Holder: l.Holder, For: l.For}
				if aside, _ := certificate.AsideAt(w.machine.Rows(), k); aside != (certificate.Aside{Energy: l.Energy, Until: l.Until}) {
					w.t.Errorf("%s: %+v is set aside, the ledger says %+v", when, l, aside)
				}
				if l.Holder == a {
					reserved -= l.Energy
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if reserved != 0 {
		w.t.Errorf("%s: of what is set aside the view misses %d Wh", when, reserved)
	}
	if len(has) > 0 {
		w.t.Errorf("%s: the view misses %v", when, has)
	}
}

// firstOf is the serial that an account's first Wh of a lot would get if the accounts
// used theirs up in order.
func firstOf(w *town, id certificate.LotID, l certificate.Lot, account tx.AccountID) quantity.Energy {
	first := l.Gone()
	for a, e := range certificate.Holders(w.machine.Rows(), id) {
		if a < account {
			first += e
		}
	}
	return first
}
