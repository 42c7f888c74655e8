package certificate

import (
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// auditor is what somebody knows who read nothing but readings and receipts: what
// was produced, who has how much of it, and which serials are used up.
type auditor struct {
	t        testing.TB
	produced map[LotID]quantity.Energy
	has      map[LotID]map[tx.AccountID]quantity.Energy
	gone     map[LotID]quantity.Energy // Serials used up so far.
}

// told takes what an hour's readings make of it.
func (a *auditor) told(at interval.Time, c Cleared, origins [][]Origin) {
	for _, p := range c.Positions {
		for _, d := range p.Devices {
			if d.Kind.Renewable() {
				id := LotID{town, at, d.Device}
				a.produced[id], a.has[id], a.gone[id] = d.Export, map[tx.AccountID]quantity.Energy{}, 0
			}
		}
	}
	for n, list := range origins {
		for _, o := range list {
			id := LotID{town, at, o.Device}
			if o.Claimed {
				a.gone[id] += o.Energy
			} else {
				a.has[id][c.Positions[n].Account] += o.Energy
			}
		}
	}
}

// leave takes what an operation used up.
func (a *auditor) leave(account tx.AccountID, parts []Part, serials []quantity.Energy) {
	for n, p := range parts {
		id := p.lot()
		if serials[n] != a.gone[id] {
			a.t.Fatalf("%d Wh of %+v have the serials from %d, but those up to %d are used up", p.Energy, id, serials[n], a.gone[id])
		}
		a.gone[id] += p.Energy
		a.has[id][account] -= p.Energy
	}
}

// check holds the ledger to what the auditor knows of the hours from a moment on.
func (a *auditor) check(w *optest.World, from interval.Time) {
	a.t.Helper()
	for id, produced := range a.produced {
		if id.Start < from {
			continue
		}
		l, there := LotAt(w, id)
		sum := a.gone[id]
		for account, e := range a.has[id] {
			if Held(w, id, account) != e {
				a.t.Fatalf("account %d has %d Wh of %+v, the auditor knows of %d", account, Held(w, id, account), id, e)
			}
			sum += e
		}
		if there != (produced > 0) || l.Issued != produced || l.Gone() != a.gone[id] || sum != produced {
			a.t.Fatalf("%d Wh were produced, the auditor knows of %d: %+v is %+v", produced, sum, id, l)
		}
	}
}

// random is a world that somebody plays with who wishes it no good.
type random struct {
	*rand.Rand
	w       *optest.World
	a       *auditor
	open    interval.Time
	hours   map[interval.Time]Cleared // That may still be corrected.
	version map[interval.Time]uint32
	last    op.Receipt // The first one of the last operation that was taken.
	taken   int
}

// correctable is how long the town's hours may be corrected, and one more.
const correctable = 6 * hour

// try applies an operation and reports whether it was taken.
func (r *random) try(signer tx.AccountID, o tx.Operation) bool {
	receipts, err := r.w.Try(signer, o)
	if err != nil {
		return false
	}
	r.w.Keep()
	r.last = receipts[0]
	r.taken++
	return true
}

// energy is some energy, often none.
func (r *random) energy(most int64) quantity.Energy {
	if r.IntN(3) == 0 {
		return 0
	}
	return quantity.Energy(r.Int64N(most) + 1)
}

// some is some energy of a lot, seldom none, and often more than anybody has.
func (r *random) some() quantity.Energy {
	if r.IntN(20) == 0 {
		return 0
	}
	return quantity.Energy(1 + r.Int64N(1<<r.IntN(11)))
}

// hour is an hour of the three homes, as meters might have it.
func (r *random) hour() Cleared {
	var list [3]home
	for n := range list[:2] {
		h := &list[n]
		h.made, h.imported = r.energy(1000), r.energy(500)
		h.exported = quantity.Energy(r.Int64N(int64(h.made) + 1))
	}
	list[0].charged, list[0].discharged = r.energy(300), r.energy(300)
	list[2].imported = r.energy(1500)
	var trades []market.Trade
	for seller := range int32(2) {
		if sold := min(list[seller].exported, list[2].imported/2); sold > 0 && r.IntN(4) > 0 {
			trades = append(trades, green(seller, 2, sold))
		}
	}
	return hourOf(list[0], list[1], list[2], trades...)
}

// step does one thing.
func (r *random) step() {
	switch r.IntN(12) {
	case 0:
		c := r.hour()
		r.hours[r.open], r.version[r.open] = c, 1
		origins, receipts := closedWith(r.w, c)
		r.a.told(r.open, c, origins)
		for _, said := range receipts {
			if said.Kind == ExpiredReceipt.Kind {
				e := ExpiredReceipt.Read(said)
				r.a.leave(e.Account, []Part{{Microgrid: town, Start: e.Start, Device: e.Device, Energy: e.Energy}}, []quantity.Energy{e.Serial})
			}
		}
		r.open += hour
		for at := range r.hours {
			if at < r.open-correctable {
				delete(r.hours, at)
			}
		}
	case 1:
		at := r.open - hour*interval.Time(1+r.IntN(correctable/hour))
		if was, ok := r.hours[at]; ok {
			is := r.hour()
			r.version[at]++
			_, origins := Reissue(&r.w.Ctx, r.w, town, interval.Interval{Start: at, Length: interval.Minutes60}, was, is, r.version[at])
			r.w.Ctx.Take()
			r.w.Keep()
			r.hours[at] = is
			r.a.told(at, is, origins)
		}
	case 2:
		if r.IntN(100) > 0 {
			return // People seldom change their mind.
		}
		m, _ := grid.At(r.w, town)
		point := grid.PointID(31 + r.IntN(3))
		r.try(operator, ChooseKind.Encode(Choose{Microgrid: town, Point: point, From: m.Open, Choice: Choice{Keep: r.IntN(2) == 0}}))
	default:
		r.use()
	}
}

// use passes some of a lot on, cancels or withdraws it: of any age, of anybody, and
// often more than there is.
func (r *random) use() {
	accounts := [...]tx.AccountID{ann, bob, cy}
	from, to := accounts[r.IntN(3)], accounts[r.IntN(3)]
	at := r.open - hour*interval.Time(r.IntN(60))
	parts := []Part{{Microgrid: town, Start: at, Device: [...]grid.DeviceID{panels, turbine, panels, turbine, battery}[r.IntN(5)], Energy: r.some()}}
	if r.IntN(3) == 0 {
		parts = append(parts, Part{Microgrid: town, Start: at + hour, Device: parts[0].Device, Energy: r.some()})
	}
	signer := from
	if r.IntN(10) == 0 {
		signer = accounts[r.IntN(3)]
	}
	hash := make([]byte, sha256.Size)
	switch r.IntN(4) {
	case 0:
		if r.try(signer, CancelKind.Encode(Cancel{Account: from, Parts: parts, Purpose: Purpose(r.IntN(5)), Beneficiary: hash})) {
			r.a.leave(from, parts, CancelledReceipt.Read(r.last).Serials)
		}
	case 1:
		if r.try(operator, WithdrawKind.Encode(Withdraw{Account: from, Parts: parts, Evidence: hash})) {
			r.a.leave(from, parts, WithdrawnReceipt.Read(r.last).Serials)
		}
	default:
		if r.try(signer, TransferKind.Encode(Transfer{From: from, To: to, Parts: parts})) {
			for _, p := range parts {
				r.a.has[p.lot()][from] -= p.Energy
				r.a.has[p.lot()][to] += p.Energy
			}
		}
	}
}

// TestModel does random things to lots, COMMONWATT_CERTIFICATES of them, beside an
// auditor who reads receipts alone.
func TestModel(t *testing.T) {
	steps := 20_000
	if text := os.Getenv("COMMONWATT_CERTIFICATES"); text != "" {
		var err error
		if steps, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := &random{
		Rand: rand.New(rand.NewPCG(seed, 0)), w: newTown(t, correctable-hour),
		a:     &auditor{t, map[LotID]quantity.Energy{}, map[LotID]map[tx.AccountID]quantity.Energy{}, map[LotID]quantity.Energy{}},
		hours: map[interval.Time]Cleared{}, version: map[interval.Time]uint32{},
	}
	for n := range steps {
		r.step()
		if n%1000 == 999 {
			r.a.check(r.w, r.open-100*hour)
		}
	}
	r.a.check(r.w, 0)
	if err := Audit(r.w); err != nil {
		t.Fatal(err)
	}
	if r.taken < steps/100 { // Mostly one in twenty; it depends on who keeps what.
		t.Errorf("of %d things %d were taken: too few to tell", steps, r.taken)
	}
	t.Logf("%d operations taken, %d lots", r.taken, len(r.a.produced))
}

// BenchmarkIssue issues a lot for each of 10,000 panels in an hour.
func BenchmarkIssue(b *testing.B) {
	w := newTown(b, 0)
	var c Cleared
	for n := range 10_000 {
		point, device := grid.PointID(1000+n), grid.DeviceID(1000+n)
		w.Must(b, operator, grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: point, Zone: 20, Account: ann}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: device, Point: point, Kind: grid.Solar}), RegisterKind.Encode(Register{Microgrid: town, Device: device}))
		c.Positions = append(c.Positions, metering.Position{Point: point, Account: ann, Export: 200, Produced: 500, Devices: []metering.Measured{{Device: device, Kind: grid.Solar, Export: 500}}})
	}
	count := 0
	for b.Loop() {
		closed(w, c)
		count += len(c.Positions)
	}
	b.ReportMetric(float64(count)/b.Elapsed().Seconds(), "issued/s")
}
