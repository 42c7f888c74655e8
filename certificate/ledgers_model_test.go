package certificate

import (
	"crypto/sha256"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// crossing is an export as somebody knows it who read the receipts of both ledgers.
type crossing struct {
	from     int // Which ledger.
	id       ExportID
	to       tx.AccountID
	energy   quantity.Energy
	deadline interval.Time
	arrived  bool
	declined bool
	ended    Phase // Locked until it is settled.
}

// message is what one operator mails to the other: an operation with a bundle. It may be
// lost, come again, and come after later ones.
type message struct {
	to     int
	of     *crossing
	signer tx.AccountID
	what   tx.Operation
}

// fight is two ledgers and somebody between them who loses, repeats, reorders and
// forges what they send one another.
type fight struct {
	*rand.Rand
	t         testing.TB
	ledgers   [2]*optest.Ledger
	crossings []*crossing
	post      []message // That somebody still has.
	made      map[Provenance]map[interval.Time]quantity.Energy
	outside   [2]map[uint64]bool // MWh of another registry that were brought in, by serial.
	tried     map[string]int
	taken     map[string]int
}

// postMax bounds the mail that is remembered; what is pushed out is lost, if it was not
// delivered before.
const postMax = 60

func newFight(t testing.TB, seed uint64) *fight {
	f := &fight{
		Rand: rand.New(rand.NewPCG(seed, 0)), t: t, made: map[Provenance]map[interval.Time]quantity.Energy{},
		tried: map[string]int{}, taken: map[string]int{},
	}
	for n, chain := range []string{"east", "west"} {
		f.ledgers[n], f.outside[n] = newLedger(t, chain), map[uint64]bool{}
	}
	trusts(t, f.ledgers[0], f.ledgers[1])
	trusts(t, f.ledgers[1], f.ledgers[0])
	return f
}

// try applies an operation and returns its receipts, nil when it is refused.
func (f *fight) try(name string, l *optest.Ledger, signer tx.AccountID, o tx.Operation) []op.Receipt {
	f.tried[name]++
	receipts, err := l.Try(signer, o)
	if err != nil {
		if _, refused := errors.AsType[*op.Refusal](err); !refused {
			f.t.Fatalf("%s: %v", name, err)
		}
		return nil
	}
	l.Keep()
	f.taken[name]++
	return receipts
}

// step does one thing on one of the ledgers.
func (f *fight) step() {
	n := f.IntN(2)
	l := f.ledgers[n]
	switch f.IntN(20) {
	case 0:
		f.close(l)
	case 1, 2:
		f.next(n)
	case 3, 4, 5:
		f.export(n)
	case 6, 7, 8, 9, 10, 11:
		f.deliver()
	case 12, 13:
		f.ask(n)
	case 14:
		f.decline(n)
	case 15:
		f.outsider(n)
	default:
		f.use(l)
	}
}

// close issues what was made in an hour.
func (f *fight) close(l *optest.Ledger) {
	m, _ := grid.At(l, town)
	made := quantity.Energy(1 + f.Int64N(1000))
	closed(l.World, hourOf(home{made: made}, home{}, home{}))
	f.issued(Provenance{Registry: l.Chain, Microgrid: town, Device: panels, Kind: grid.Solar, Length: hour}, m.Open, made)
}

func (f *fight) issued(p Provenance, start interval.Time, e quantity.Energy) {
	if f.made[p] == nil {
		f.made[p] = map[interval.Time]quantity.Energy{}
	}
	f.made[p][start] += e
}

// next ends a block. The clocks of the ledgers go at their own speed, not far apart.
func (f *fight) next(n int) {
	l := f.ledgers[n]
	behind := max(f.ledgers[1-n].Ctx.Time-l.Ctx.Time, 0)
	l.Next(l.Ctx.Time + 1 + interval.Time(f.IntN(8)) + behind/2)
}

// anyLot is a lot that is not too young, of the ledger's own device or of another's.
func (f *fight) anyLot(l *optest.Ledger) (LotID, bool) {
	m, _ := grid.At(l, town)
	from := m.Open - hour*interval.Time(3+f.IntN(40))
	for id := range lots.Range(l, LotID{town, from, 0}, LotID{town, m.Open, 0}) {
		if f.IntN(3) > 0 {
			return id, true
		}
	}
	return LotID{}, false
}

// parts is some of one lot or of two, often more than anybody has.
func (f *fight) parts(l *optest.Ledger) []Part {
	id, ok := f.anyLot(l)
	if !ok {
		return nil
	}
	parts := []Part{{Microgrid: town, Start: id.Start, Device: id.Device, Energy: quantity.Energy(f.Int64N(1 << f.IntN(10)))}}
	if more, ok := f.anyLot(l); ok && parts[0].before(Part{Microgrid: town, Start: more.Start, Device: more.Device}) && f.IntN(3) == 0 {
		parts = append(parts, Part{Microgrid: town, Start: more.Start, Device: more.Device, Energy: quantity.Energy(1 + f.Int64N(100))})
	}
	return parts
}

// people have certificates on either ledger.
var people = [...]tx.AccountID{ann, bob, cy}

// export locks something for the other ledger, for long or for a moment.
func (f *fight) export(n int) {
	l, parts, from := f.ledgers[n], f.parts(f.ledgers[n]), people[f.IntN(3)]
	c := &crossing{from: n, to: people[f.IntN(3)], deadline: l.Ctx.Time + interval.Time(f.IntN(200)), ended: Locked}
	receipts := f.try("export", l, from, ExportKind.Encode(Export{
		Account: from, Parts: parts, Registry: f.ledgers[1-n].Chain, Microgrid: town, To: c.to, Deadline: c.deadline,
	}))
	if receipts == nil {
		return
	}
	said := LockedReceipt.Read(receipts[0])
	c.id = ExportID{said.Microgrid, said.Number}
	for _, p := range parts {
		c.energy += p.Energy
	}
	f.crossings = append(f.crossings, c)
}

// any is an export, mostly a late one.
func (f *fight) any() *crossing {
	if len(f.crossings) == 0 {
		return nil
	}
	if f.IntN(10) == 0 {
		return f.crossings[f.IntN(len(f.crossings))]
	}
	return f.crossings[max(0, len(f.crossings)-1-f.IntN(30))]
}

// mail puts a message into the post. When that is full, another one is lost.
func (f *fight) mail(m message) {
	if len(f.post) == postMax {
		f.post[f.IntN(postMax)] = m
		return
	}
	f.post = append(f.post, m)
}

// ask has a ledger prove something: an export of its own, or what became of one of the
// other's.
func (f *fight) ask(n int) {
	c := f.any()
	if c == nil {
		return
	}
	l := f.ledgers[n]
	if c.from == n {
		account := c.to
		if f.IntN(10) == 0 {
			account = people[f.IntN(3)]
		}
		proof := f.forged(l.Prove(LockKey(c.id)))
		f.mail(message{1 - n, c, operator, ImportKind.Encode(Import{
			Microgrid: town, Account: account, Registry: l.Chain, From: c.id.Microgrid, Number: c.id.Number, Proof: proof,
		})})
		return
	}
	proof := f.forged(l.Prove(ArrivalKey(town, f.ledgers[c.from].Chain, c.id)))
	f.mail(message{c.from, c, operator, SettleKind.Encode(Settle{Microgrid: c.id.Microgrid, Number: c.id.Number, Proof: proof})})
}

// forged changes one byte of one bundle in ten.
func (f *fight) forged(raw []byte) []byte {
	if f.IntN(10) == 0 {
		raw[f.IntN(len(raw))] ^= byte(1 + f.IntN(255))
	}
	return raw
}

// deliver hands a message over; it may be handed over again.
func (f *fight) deliver() {
	if len(f.post) == 0 {
		return
	}
	m := f.post[f.IntN(len(f.post))]
	l := f.ledgers[m.to]
	if m.what.Kind == ImportKind.Number {
		if receipts := f.try("import", l, m.signer, m.what); receipts != nil {
			f.arrived(m.of, l)
		}
		return
	}
	for _, said := range f.try("settle", l, m.signer, m.what) {
		switch said.Kind {
		case ExportedReceipt.Kind:
			f.ended(m.of, Exported)
		case ReturnedReceipt.Kind:
			f.ended(m.of, Returned)
		}
	}
}

// arrived is told that certificates are on the other ledger: once, in time, and not when
// they came back before.
func (f *fight) arrived(c *crossing, l *optest.Ledger) {
	if c.arrived || c.declined || c.ended == Returned || l.Ctx.Time > c.deadline {
		f.t.Fatalf("export %+v arrived on %s at %d", c, l.Chain, l.Ctx.Time)
	}
	c.arrived = true
}

// ended is told what became of an export where it came from: once, and what is so.
func (f *fight) ended(c *crossing, phase Phase) {
	if c.ended != Locked || (phase == Exported) != c.arrived {
		f.t.Fatalf("export %+v ended as %d", c, phase)
	}
	if phase == Returned && !c.declined && f.ledgers[1-c.from].Ctx.Time <= c.deadline {
		f.t.Fatalf("export %+v came back while it might still arrive", c)
	}
	c.ended = phase
}

// decline refuses an export on the ledger that it goes to.
func (f *fight) decline(n int) {
	c := f.any()
	if c == nil || c.from == n || f.IntN(4) > 0 {
		return
	}
	l := f.ledgers[n]
	receipts := f.try("decline", l, operator, DeclineKind.Encode(Decline{Microgrid: town, Registry: f.ledgers[c.from].Chain, From: c.id.Microgrid, Number: c.id.Number}))
	if receipts == nil {
		return
	}
	if c.arrived || c.declined {
		f.t.Fatalf("export %+v is declined", c)
	}
	c.declined = true
}

// outsider brings in MWh of a registry without blocks, of serials that are often here
// already, and concludes exports to it.
func (f *fight) outsider(n int) {
	l := f.ledgers[n]
	if f.IntN(2) == 0 {
		f.concluded(l)
		return
	}
	m, _ := grid.At(l, town)
	first, count := uint64(len(f.outside[n])+f.IntN(8)), uint64(1+f.IntN(4))
	run := Run{Issuance: "A", First: first, Count: count, Unit: 1_000_000, Device: "M805", Kind: grid.Wind, Start: m.Open, Length: hour}
	receipts := f.try("admit", l, operator, AdmitKind.Encode(Admit{
		Microgrid: town, Account: people[f.IntN(3)], Registry: "m-rets", Runs: []Run{run}, Evidence: make([]byte, sha256.Size),
	}))
	if receipts == nil {
		return
	}
	for k := first; k < first+count; k++ {
		if f.outside[n][k] {
			f.t.Fatalf("MWh %d of M-RETS is twice on %s", k, l.Chain)
		}
		f.outside[n][k] = true
	}
	f.issued(Provenance{Registry: "m-rets", Label: "M805", Kind: grid.Wind, Length: hour}, m.Open, quantity.Energy(count)*1_000_000)
}

// concluded sends something to a registry without blocks, or says what became of it.
func (f *fight) concluded(l *optest.Ledger) {
	if f.IntN(2) == 0 {
		from := people[f.IntN(3)]
		f.try("send", l, operator, ExportKind.Encode(Export{Account: from, Parts: f.parts(l), Registry: "m-rets"}))
		return
	}
	last, _ := exports.Get(l, town)
	number := last.Last - min(last.Last, uint64(f.IntN(20)))
	f.try("conclude", l, operator, ConcludeKind.Encode(Conclude{Microgrid: town, Number: number, Back: f.IntN(3) == 0, Evidence: make([]byte, sha256.Size)}))
}

// use passes certificates on, uses them up or withdraws them, wherever they came from.
func (f *fight) use(l *optest.Ledger) {
	parts, from, to, hash := f.parts(l), people[f.IntN(3)], people[f.IntN(3)], make([]byte, sha256.Size)
	switch f.IntN(4) {
	case 0:
		f.try("cancel", l, from, CancelKind.Encode(Cancel{Account: from, Parts: parts, Purpose: Disclosure, Beneficiary: hash}))
	case 1:
		f.try("withdraw", l, operator, WithdrawKind.Encode(Withdraw{Account: from, Parts: parts, Evidence: hash}))
	default:
		f.try("transfer", l, from, TransferKind.Encode(Transfer{From: from, To: to, Parts: parts}))
	}
}

// check counts every Wh of every lot over both ledgers: what is held, locked and used up,
// where it is, is what was made; no more, and no less.
func (f *fight) check() {
	f.t.Helper()
	left := map[Provenance]map[interval.Time]quantity.Energy{}
	for p, starts := range f.made {
		left[p] = maps.Clone(starts)
	}
	count := func(l *optest.Ledger, id LotID, e quantity.Energy) {
		p := sourceOf(l, l.Chain, id)
		if _, made := left[p][id.Start]; !made && e != 0 {
			f.t.Fatalf("%s has a lot of %+v at %d, which nothing made", l.Chain, p, id.Start)
		}
		left[p][id.Start] -= e
	}
	for _, l := range f.ledgers {
		for id, lot := range lots.All(l) {
			count(l, id, lot.Held+lot.Reserved+lot.Cancelled+lot.Expired+lot.Withdrawn+lot.Stored)
		}
		for id, lock := range locks.All(l) {
			outside := lock.Registry == "m-rets"
			if outside && lock.Phase == Returned || !outside && (lock.Phase != Locked || f.there(l, id)) {
				continue
			}
			for _, p := range lock.parts(id.Microgrid) {
				count(l, p.lot(), p.Energy)
			}
		}
		if err := Audit(l); err != nil {
			f.t.Fatal(err)
		}
	}
	for p, starts := range left {
		for start, e := range starts {
			if e != 0 {
				f.t.Fatalf("of what %+v made at %d both ledgers have %d Wh less than there were", p, start, e)
			}
		}
	}
}

// there reports whether an export of a ledger is on the other one.
func (f *fight) there(l *optest.Ledger, id ExportID) bool {
	to := f.ledgers[0]
	if to == l {
		to = f.ledgers[1]
	}
	a, _ := ArrivalAt(to, town, l.Chain, id)
	return a.Taken
}

// TestLedgersModel does random things on two ledgers, COMMONWATT_LEDGERS of them.
func TestLedgersModel(t *testing.T) {
	steps := 15_000
	if text := os.Getenv("COMMONWATT_LEDGERS"); text != "" {
		var err error
		if steps, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f := newFight(t, seed)
	for n := range steps {
		f.step()
		if n%(steps/10) == steps/10-1 {
			f.check()
		}
	}
	ends := map[Phase]int{}
	for _, c := range f.crossings {
		ends[c.ended]++
	}
	t.Logf("tried %v, taken %v; of %d exports %d arrived for good, %d came back", f.tried, f.taken, len(f.crossings), ends[Exported], ends[Returned])
	for _, name := range []string{"export", "import", "settle", "decline", "admit", "send", "conclude", "cancel", "withdraw", "transfer"} {
		if f.taken[name] < steps/5000 {
			t.Errorf("%s was taken %d times of %d: too few to tell", name, f.taken[name], f.tried[name])
		}
	}
	if min(ends[Exported], ends[Returned]) < steps/2000 {
		t.Errorf("of %d exports %d arrived and %d came back: too few to tell", len(f.crossings), ends[Exported], ends[Returned])
	}
}
