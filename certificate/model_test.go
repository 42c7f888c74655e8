package certificate

import (
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// random is a world that somebody plays with who wishes it no good.
type random struct {
	*rand.Rand
	w       *optest.World
	a       *auditor
	open    interval.Time
	hours   map[interval.Time]Cleared // That may still be corrected.
	version map[interval.Time]uint32
	aside   []Take         // What somebody might take.
	taken   map[uint32]int // How often each kind of operation was.
}

// correctable is how long the town's hours may be corrected, and one more.
const correctable = 6 * hour

// try applies an operation and reports whether it was taken; then the auditor reads
// its receipts.
func (r *random) try(signer tx.AccountID, o tx.Operation) bool {
	receipts, err := r.w.Try(signer, o)
	if err != nil {
		r.taken[o.Kind] += 0
		return false
	}
	r.w.Keep()
	r.taken[o.Kind]++
	r.a.read(receipts)
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
	if len(trades) == 0 || trades[len(trades)-1].Seller != 1 {
		if sold := min(list[1].exported, list[0].imported); sold > 0 {
			trades = append(trades, green(1, 0, sold))
		}
	}
	return hourOf(list[0], list[1], list[2], trades...)
}

// step does one thing.
func (r *random) step() {
	switch r.IntN(12) {
	case 0:
		r.close()
	case 1:
		r.correct()
	case 2:
		if r.IntN(30) == 0 { // People seldom change their mind.
			r.change()
		}
	default:
		r.use()
	}
}

// close closes the first open hour.
func (r *random) close() {
	c := r.hour()
	r.hours[r.open], r.version[r.open] = c, 1
	r.a.measured(r.open, c)
	_, receipts := closedWith(r.w, c)
	r.a.read(receipts)
	r.open += hour
	r.w.Ctx.Time += hour
	for at := range r.hours {
		if at < r.open-correctable {
			delete(r.hours, at)
		}
	}
}

// correct closes an hour again that may still be corrected.
func (r *random) correct() {
	at := r.open - hour*interval.Time(1+r.IntN(correctable/hour))
	was, ok := r.hours[at]
	if !ok {
		return
	}
	is := r.hour()
	r.version[at]++
	Reissue(&r.w.Ctx, r.w, town, interval.Interval{Start: at, Length: interval.Minutes60}, was, is, r.version[at])
	r.w.Keep()
	r.hours[at] = is
	r.a.measured(at, is)
	r.a.read(r.w.Ctx.Take())
}

// change is what people seldom do: they choose what becomes of their certificates.
func (r *random) change() {
	account := r.account()
	switch r.IntN(3) {
	case 0:
		m, _ := grid.At(r.w, town)
		point := grid.PointID(31 + r.IntN(3))
		r.try(operator, ChooseKind.Encode(Choose{Microgrid: town, Point: point, From: m.Open, Choice: Choice{Keep: r.IntN(2) == 0, Own: r.IntN(2) == 0, By: [...]tx.AccountID{0, ann, bob}[r.IntN(3)]}}))
		return
	case 1:
		rules := make([]Rule, r.IntN(4))
		for n := range rules {
			rules[n] = r.rule()
		}
		r.try(account, SetRulesKind.Encode(SetRules{Account: account, From: r.open - hour*interval.Time(r.IntN(9)-4), Rules: rules}))
		return
	}
	list := Whitelist{Account: account, Everybody: r.IntN(3) > 0}
	if !list.Everybody {
		list.From = []tx.AccountID{r.account()}
	}
	r.try(account, WhitelistKind.Encode(list))
}

// rule is a rule as somebody might set it.
func (r *random) rule() Rule {
	var rule Rule
	if r.IntN(2) == 0 {
		rule.SharePPM = r.Uint32N(million + 10)
	} else {
		rule.Most = r.some()
	}
	if r.IntN(3) == 0 {
		rule.Purpose, rule.Beneficiary = Disclosure, make([]byte, sha256.Size)
	} else {
		rule.To = r.anybody()
	}
	return rule
}

// account is one of the three homes'.
func (r *random) account() tx.AccountID { return [...]tx.AccountID{ann, bob, cy}[r.IntN(3)] }

// anybody is one of them, and seldom the operator.
func (r *random) anybody() tx.AccountID {
	if r.IntN(5) == 0 {
		return operator
	}
	return r.account()
}

// parts are some of a lot or two, of any age, and often more than there is.
func (r *random) parts() []Part {
	at := r.open - hour*interval.Time(r.IntN(60))
	parts := []Part{{Microgrid: town, Start: at, Device: [...]grid.DeviceID{panels, turbine, battery}[r.IntN(3)], Energy: r.some()}}
	if r.IntN(3) == 0 {
		parts = append(parts, Part{Microgrid: town, Start: at + hour, Device: parts[0].Device, Energy: r.some()})
	}
	return parts
}

// somebodys makes the first of some parts one that an account has, if any has, and
// returns the account.
func (r *random) somebodys(parts []Part) tx.AccountID {
	account := r.account()
	if has := r.a.has[parts[0].lot()][account]; has > 0 {
		parts[0].Energy = 1 + quantity.Energy(r.Int64N(int64(has)))
	}
	return account
}

// use passes some of a lot on, cancels, withdraws it or sets it aside, of anybody.
func (r *random) use() {
	from, to, parts, hash := r.account(), r.anybody(), r.parts(), make([]byte, sha256.Size)
	if r.IntN(2) == 0 {
		from = r.somebodys(parts)
	}
	signer := from
	if r.IntN(10) == 0 {
		signer = r.account()
	}
	switch r.IntN(11) {
	case 9, 10:
		r.match(signer, from)
	case 0, 1:
		r.try(signer, CancelKind.Encode(Cancel{Account: from, Parts: parts, Purpose: Purpose(r.IntN(5)), Beneficiary: hash}))
	case 2:
		r.try(operator, WithdrawKind.Encode(Withdraw{Account: from, Parts: parts, Evidence: hash}))
	case 3, 4:
		until := r.w.Ctx.Time + hour*interval.Time(r.IntN(20)-1)
		if r.try(signer, ReserveKind.Encode(Reserve{Holder: from, For: to, Until: until, Parts: parts})) {
			r.aside = append(r.aside, Take{Holder: from, For: to, Parts: parts})
		}
	case 5, 6:
		r.settleAside()
	default:
		r.try(signer, TransferKind.Encode(Transfer{From: from, To: to, Parts: parts}))
	}
}

// match matches what an account has of some hours with use, its own or anybody's.
func (r *random) match(signer, account tx.AccountID) {
	o := Match{Account: account, Microgrid: town, From: r.open - hour*interval.Time(r.IntN(40)), Zone: [...]grid.ZoneID{0, 20, 21}[r.IntN(3)]}
	o.Until = o.From + hour*interval.Time(r.IntN(10))
	if o.Zone == 0 && r.IntN(2) == 0 {
		o.Points = []grid.PointID{grid.PointID(31 + r.IntN(4))}
	}
	if r.IntN(4) == 0 {
		o.Account, signer = operator, operator
	}
	r.try(signer, MatchKind.Encode(o))
}

// settleAside takes or releases what somebody set aside, or tries to.
func (r *random) settleAside() {
	if len(r.aside) == 0 {
		return
	}
	n := r.IntN(len(r.aside))
	t := r.aside[n]
	t.Parts = slices.Clone(t.Parts)
	if r.IntN(4) == 0 {
		t.Parts[0].Energy = r.some()
	}
	if r.IntN(2) == 0 {
		r.try(r.account(), TakeKind.Encode(t))
	} else {
		r.try(r.account(), ReleaseKind.Encode(Release(t)))
	}
	if r.IntN(4) == 0 {
		r.aside = slices.Delete(r.aside, n, n+1)
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
		Rand: rand.New(rand.NewPCG(seed, 0)), w: newTown(t, correctable-hour), a: newAuditor(t),
		hours: map[interval.Time]Cleared{}, version: map[interval.Time]uint32{}, taken: map[uint32]int{},
	}
	r.try(operator, RegisterStoreKind.Encode(RegisterStore{Microgrid: town, Device: battery, EfficiencyPPM: efficiency, Method: FIFO + Method(seed%3)}))
	lots := 0 // That the auditor has forgotten.
	for n := range steps {
		r.step()
		if n%1000 == 999 {
			r.a.check(r.w, r.open-100*hour)
		}
		if n%100_000 == 99_999 {
			lots += len(r.a.produced)
			r.a.retire(r.w, r.open-Lifetime-2*correctable)
			lots -= len(r.a.produced)
		}
	}
	r.a.check(r.w, 0)
	if err := Audit(r.w); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for kind, n := range r.taken {
		sum += n
		if n == 0 {
			t.Errorf("of %d things, operation %d was never taken: too few to tell", steps, kind)
		}
	}
	if sum < steps/100 { // Mostly one in twenty; it depends on who keeps what.
		t.Errorf("of %d things %d were taken: too few to tell", steps, sum)
	}
	t.Logf("%d operations taken, %d lots", sum, lots+len(r.a.produced))
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
