package certificate

import (
	"maps"
	"testing"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// auditor is what somebody knows who read nothing but readings and receipts: what
// was produced and used, who has how much of it, what is in the battery, and which
// serials are used up.
type auditor struct {
	t        testing.TB
	produced map[LotID]quantity.Energy                  // By meters.
	has      map[LotID]map[tx.AccountID]quantity.Energy // Free to be passed on.
	aside    map[Reservation]quantity.Energy
	gone     map[LotID]quantity.Energy                  // Serials used up so far.
	used     map[wanted]quantity.Energy                 // By meters.
	claimed  map[LotID]map[tx.AccountID]quantity.Energy // For use, as lots are issued.
	later    map[wanted]quantity.Energy                 // For use, by matching.
	matching map[interval.Time]quantity.Energy          // By the operation at hand: of lots, less of use.
	holds    quantity.Energy                            // In the battery.
}

// wanted is the use of an account in an hour.
type wanted struct {
	at      interval.Time
	account tx.AccountID
}

func newAuditor(t testing.TB) *auditor {
	return &auditor{
		t: t, produced: map[LotID]quantity.Energy{}, has: map[LotID]map[tx.AccountID]quantity.Energy{},
		aside: map[Reservation]quantity.Energy{}, gone: map[LotID]quantity.Energy{},
		used: map[wanted]quantity.Energy{}, claimed: map[LotID]map[tx.AccountID]quantity.Energy{},
		later: map[wanted]quantity.Energy{}, matching: map[interval.Time]quantity.Energy{},
	}
}

// measured takes what an hour's readings say.
func (a *auditor) measured(at interval.Time, c Cleared) {
	for _, p := range c.Positions {
		home := p.Import - p.Export
		for _, d := range p.Devices {
			if d.Kind.Renewable() {
				a.produced[LotID{town, at, d.Device}] = d.Export
			}
			home += d.Export - d.Import
		}
		a.used[wanted{at, p.Account}] = max(home, 0)
	}
}

// reads is how the auditor reads each kind of receipt.
var reads = map[uint32]func(*auditor, op.Receipt){
	Chosen.Kind:          func(*auditor, op.Receipt) {}, // Nothing moves by what somebody wishes.
	Whitelisted.Kind:     func(*auditor, op.Receipt) {},
	RulesSet.Kind:        func(*auditor, op.Receipt) {},
	StoreRegistered.Kind: func(*auditor, op.Receipt) {},

	IssuedReceipt.Kind: func(a *auditor, said op.Receipt) { a.issued(IssuedReceipt.Read(said)) },
	Transferred.Kind: func(a *auditor, said op.Receipt) {
		if r := Transferred.Read(said); said.Audience == r.From {
			a.move(r.From, -1, r.Parts)
			a.move(r.To, 1, r.Parts)
		}
	},
	CancelledReceipt.Kind: func(a *auditor, said op.Receipt) {
		r := CancelledReceipt.Read(said)
		a.move(r.Cancel.Account, -1, r.Cancel.Parts)
		a.leave(r.Cancel.Parts, r.Serials)
	},
	WithdrawnReceipt.Kind: func(a *auditor, said op.Receipt) {
		if r := WithdrawnReceipt.Read(said); said.Audience == r.Withdraw.Account {
			a.move(r.Withdraw.Account, -1, r.Withdraw.Parts)
			a.leave(r.Withdraw.Parts, r.Serials)
		}
	},
	ExpiredReceipt.Kind:    func(a *auditor, said op.Receipt) { a.expired(ExpiredReceipt.Read(said)) },
	MatchedReceipt.Kind:    func(a *auditor, said op.Receipt) { a.matched(MatchedReceipt.Read(said)) },
	UseMatchedReceipt.Kind: func(a *auditor, said op.Receipt) { a.useMatched(UseMatchedReceipt.Read(said)) },
	StoredReceipt.Kind:     func(a *auditor, said op.Receipt) { a.stored(StoredReceipt.Read(said)) },
	ReservedReceipt.Kind: func(a *auditor, said op.Receipt) {
		if r := ReservedReceipt.Read(said); said.Audience == r.Holder {
			a.move(r.Holder, -1, r.Parts)
			a.setAside(r.Holder, r.For, 1, r.Parts)
		}
	},
	Released.Kind: func(a *auditor, said op.Receipt) {
		if r := Released.Read(said); said.Audience == r.Holder {
			a.setAside(r.Holder, r.For, -1, r.Parts)
			a.move(r.Holder, 1, r.Parts)
		}
	},
	Taken.Kind: func(a *auditor, said op.Receipt) {
		if r := Taken.Read(said); said.Audience == r.Holder {
			a.setAside(r.Holder, r.For, -1, r.Parts)
			a.move(r.For, 1, r.Parts)
		}
	},
}

// read takes what receipts say. What an operation matches it matches on both sides.
func (a *auditor) read(receipts []op.Receipt) {
	for _, said := range receipts {
		read, ok := reads[said.Kind]
		if !ok {
			a.t.Fatalf("a receipt of kind %d, which the auditor cannot read", said.Kind)
		}
		read(a, said)
	}
	for at, e := range a.matching {
		if e != 0 {
			a.t.Fatalf("at %d %d Wh more of lots are matched than of use", at, e)
		}
	}
	clear(a.matching)
}

func (a *auditor) matched(r Matched) {
	var sum quantity.Energy
	for _, c := range r.Claims {
		parts := []Part{{Microgrid: r.Microgrid, Start: r.Start, Device: c.Device, Energy: c.Energy}}
		a.move(r.Account, -1, parts)
		a.leave(parts, []quantity.Energy{c.Serial})
		sum += c.Energy
	}
	if sum != r.Energy {
		a.t.Fatalf("%d Wh are %+v", sum, r)
	}
	a.matching[r.Start] += sum
}

func (a *auditor) useMatched(r UseMatched) {
	account := [...]tx.AccountID{ann, bob, cy}[r.Point-31]
	a.later[wanted{r.Start, account}] += r.Energy
	a.matching[r.Start] -= r.Energy
}

// issued takes a lot, in place of that of the revision before.
func (a *auditor) issued(r Issued) {
	id := LotID{r.Microgrid, r.Start, r.Device}
	if _, twice := a.has[id]; twice && r.Revision == 1 {
		a.t.Fatalf("%+v is issued twice", id)
	}
	a.has[id], a.gone[id], a.claimed[id] = map[tx.AccountID]quantity.Energy{}, 0, map[tx.AccountID]quantity.Energy{}
	for _, s := range r.Shares {
		if s.Claimed {
			a.gone[id] += s.Energy
			a.claimed[id][s.Account] += s.Energy
		} else {
			a.has[id][s.Account] += s.Energy
		}
	}
}

// stored takes what the battery took and gave. Its lot comes of what was in it, and of
// that alone.
func (a *auditor) stored(r Stored) {
	var in, used quantity.Energy
	for _, p := range r.Parts {
		in += p.Energy
	}
	for _, source := range r.Sources {
		used += source.Energy
		if source.Start >= r.Start {
			a.t.Fatalf("it gives of what it took in the same hour or later: %+v", r)
		}
	}
	if r.Out*million > used*efficiency || r.Out > r.Discharged || in > r.Charged || used+r.Spoilt > a.holds {
		a.t.Fatalf("the battery had %d Wh, and then %+v", a.holds, r)
	}
	if a.holds += in - used - r.Spoilt; a.holds != r.Holds {
		a.t.Fatalf("the battery has %d Wh: %+v", a.holds, r)
	}
	a.move(r.Account, -1, r.Parts)
	a.leave(r.Parts, r.Serials)
	if r.Out > 0 {
		a.produced[LotID{r.Microgrid, r.Start, r.Device}] = r.Out
	}
}

// efficiency is the battery's, in millionths.
const efficiency = 900_000

// move adds parts, with a sign, to what an account has.
func (a *auditor) move(account tx.AccountID, sign quantity.Energy, parts []Part) {
	for _, p := range parts {
		if a.has[p.lot()] == nil {
			a.t.Fatalf("%+v is moved and was never issued", p)
		}
		a.has[p.lot()][account] += sign * p.Energy
		if a.has[p.lot()][account] < 0 {
			a.t.Fatalf("account %d gave %+v, which it had not", account, p)
		}
	}
}

// setAside adds parts, with a sign, to what an account set aside for another.
func (a *auditor) setAside(holder, taker tx.AccountID, sign quantity.Energy, parts []Part) {
	for _, p := range parts {
		k := Reservation{p.lot(), holder, taker}
		a.aside[k] += sign * p.Energy
		if a.aside[k] < 0 {
			a.t.Fatalf("%+v was not set aside by %d for %d", p, holder, taker)
		}
	}
}

// leave takes what is used up: its serials follow those before.
func (a *auditor) leave(parts []Part, serials []quantity.Energy) {
	for n, p := range parts {
		if serials[n] != a.gone[p.lot()] {
			a.t.Fatalf("%+v has the serials from %d, but those up to %d are used up", p, serials[n], a.gone[p.lot()])
		}
		a.gone[p.lot()] += p.Energy
	}
}

func (a *auditor) expired(r Expired) {
	parts := []Part{{Microgrid: r.Microgrid, Start: r.Start, Device: r.Device, Energy: r.Energy}}
	if r.For != 0 {
		a.setAside(r.Account, r.For, -1, parts)
	} else {
		a.move(r.Account, -1, parts)
	}
	a.leave(parts, []quantity.Energy{r.Serial})
}

// check holds the ledger to what the auditor knows of the hours from a moment on.
func (a *auditor) check(w *optest.World, from interval.Time) {
	a.t.Helper()
	a.checkUse(from)
	aside := map[LotID]quantity.Energy{}
	for k, e := range a.aside {
		if r, _ := AsideAt(w, k); r.Energy != e {
			a.t.Fatalf("%d Wh are set aside as %+v, the auditor knows of %d", r.Energy, k, e)
		}
		aside[k.Lot] += e
	}
	for id, produced := range a.produced {
		if id.Start < from {
			continue
		}
		l, there := LotAt(w, id)
		sum := a.gone[id] + aside[id]
		for account, e := range a.has[id] {
			if Held(w, id, account) != e {
				a.t.Fatalf("account %d has %d Wh of %+v, the auditor knows of %d", account, Held(w, id, account), id, e)
			}
			sum += e
		}
		if there != (produced > 0) || l.Issued != produced || l.Gone() != a.gone[id] || l.Reserved != aside[id] || sum != produced {
			a.t.Fatalf("%d Wh were produced, the auditor knows of %d: %+v is %+v", produced, sum, id, l)
		}
	}
}

// retire forgets the hours before a moment, of which nobody can have anything any more,
// after a last look.
func (a *auditor) retire(w *optest.World, before interval.Time) {
	a.check(w, 0)
	for id, produced := range a.produced {
		if id.Start >= before {
			continue
		}
		if a.gone[id] != produced {
			a.t.Fatalf("of %d Wh of %+v %d are used up or expired, long after its time", produced, id, a.gone[id])
		}
		delete(a.produced, id)
		delete(a.has, id)
		delete(a.gone, id)
		delete(a.claimed, id)
	}
	for k := range a.used {
		if k.at < before {
			delete(a.used, k)
			delete(a.later, k)
		}
	}
	for k, e := range a.aside {
		if e == 0 {
			delete(a.aside, k)
		}
	}
}

// checkUse holds what is claimed to what was used, of the hours from a moment on.
func (a *auditor) checkUse(from interval.Time) {
	a.t.Helper()
	sum := maps.Clone(a.later)
	for id := range a.has {
		if _, known := a.produced[id]; !known {
			a.t.Fatalf("%+v is issued, and no meter says so", id)
		}
		for account, e := range a.claimed[id] {
			sum[wanted{id.Start, account}] += e
		}
	}
	for k, e := range sum {
		if k.at >= from && e > a.used[k] {
			a.t.Fatalf("account %d claims %d Wh at %d and used %d", k.account, e, k.at, a.used[k])
		}
	}
}
