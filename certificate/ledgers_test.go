package certificate

import (
	"crypto/sha256"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
)

// now is when the ledgers of these tests begin.
const now interval.Time = 1_800_000_000

// newLedger is the town on a ledger of its own, where ann keeps what she makes.
func newLedger(t testing.TB, chain string) *optest.Ledger {
	t.Helper()
	l := optest.NewLedger(t, chain, now, party.Ops, ledger.Ops, grid.Ops, Ops)
	foundTown(t, l.World, 2*hour)
	l.Must(t, ann, ChooseKind.Encode(Choose{Microgrid: town, Point: 31, Choice: Choice{Keep: true}}))
	l.Next(now + 1)
	return l
}

// trusts makes one ledger trust another, as of the block at hand there.
func trusts(t testing.TB, a, b *optest.Ledger) {
	t.Helper()
	trust := b.Trust()
	a.Must(t, operator, TrustKind.Encode(Trust{Microgrid: town, Registry: b.Chain, Height: trust.Height, Hash: trust.Hash[:], Proof: b.Prove()}))
	a.Next(a.Ctx.Time + 1)
}

// newPair is two ledgers that trust one another. On east, ann has 500 Wh of each of
// the first three hours.
func newPair(t testing.TB) (east, west *optest.Ledger) {
	t.Helper()
	east, west = newLedger(t, "east"), newLedger(t, "west")
	trusts(t, east, west)
	trusts(t, west, east)
	for range 5 {
		closed(east.World, hourOf(home{made: 500}, home{}, home{}))
	}
	return east, west
}

// lot0 is the lot of ann's first hour.
var lot0 = LotID{Microgrid: town, Device: panels}

func some(e quantity.Energy) []Part { return []Part{{Microgrid: town, Device: panels, Energy: e}} }

// export locks energy of ann's first lot for cy on west.
func export(t testing.TB, east, west *optest.Ledger, e quantity.Energy) ExportID {
	t.Helper()
	receipts := east.Must(t, ann, ExportKind.Encode(Export{
		Account: ann, Parts: some(e), Registry: west.Chain, Microgrid: town, To: cy, Deadline: east.Ctx.Time + 100,
	}))
	east.Next(east.Ctx.Time + 1)
	said := LockedReceipt.Read(receipts[0])
	return ExportID{said.Microgrid, said.Number}
}

// bring is the operation by which an export arrives.
func bring(from *optest.Ledger, id ExportID) Import {
	return Import{Microgrid: town, Account: cy, Registry: from.Chain, From: id.Microgrid, Number: id.Number, Proof: from.Prove(LockKey(id))}
}

// answer is the operation that settles it.
func answer(to *optest.Ledger, from string, id ExportID) Settle {
	return Settle{Microgrid: id.Microgrid, Number: id.Number, Proof: to.Prove(ArrivalKey(town, from, id))}
}

// stands fails unless a lot is as it should be, and holders and exports with it.
func stands(t testing.TB, l *optest.Ledger, want Lot) {
	t.Helper()
	got, _ := LotAt(l, lot0)
	want.Owner, want.Revision = ann, 1
	if got != want {
		t.Errorf("%s: got  %+v\nwant %+v", l.Chain, got, want)
	}
	if err := Audit(l); err != nil {
		t.Error(err)
	}
}

// An export locks, arrives, is acknowledged, and then it is gone for good: the serials
// are those of what left the lot next.
func TestExport(t *testing.T) {
	east, west := newPair(t)
	id := export(t, east, west, 200)
	stands(t, east, Lot{Issued: 500, Held: 300, Locked: 200})

	receipts := west.Must(t, cy, ImportKind.Encode(bring(east, id)))
	west.Next(west.Ctx.Time + 1)
	said := ImportedReceipt.Read(receipts[0])
	here := LotID{Microgrid: town, Device: said.Parts[0].Device}
	if p, via, ok := ProvenanceOf(west, here); !ok || via != "east" || p != (Provenance{Registry: "east", Microgrid: town, Device: panels, Kind: grid.Solar, Length: hour}) {
		t.Errorf("it came from %+v by %q, %t", p, via, ok)
	}
	if Held(west, here, cy) != 200 {
		t.Errorf("cy has %d Wh", Held(west, here, cy))
	}
	east.Must(t, ann, CancelKind.Encode(Cancel{Account: ann, Parts: some(50), Purpose: Disclosure, Beneficiary: make([]byte, sha256.Size)}))
	receipts = east.Must(t, operator, SettleKind.Encode(answer(west, "east", id)))
	stands(t, east, Lot{Issued: 500, Held: 250, Cancelled: 50, Exported: 200})
	if gone := ExportedReceipt.Read(receipts[0]); gone.Serials[0] != 50 || gone.Account != ann || gone.Registry != "west" {
		t.Errorf("exported: %+v", gone)
	}

	// On west it is like any other lot: passed on, used up, and exported back.
	part := []Part{{Microgrid: town, Device: here.Device, Energy: 80}}
	west.Must(t, cy, TransferKind.Encode(Transfer{From: cy, To: bob, Parts: part}),
		CancelKind.Encode(Cancel{Account: cy, Parts: part, Purpose: Disclosure, Beneficiary: make([]byte, sha256.Size)}),
		ExportKind.Encode(Export{Account: cy, Parts: []Part{{Microgrid: town, Device: here.Device, Energy: 40}}, Registry: "east", Microgrid: town, To: cy, Deadline: west.Ctx.Time + 9}))
	west.Next(west.Ctx.Time + 1)
	back := ExportID{town, 1}
	receipts = east.Must(t, cy, ImportKind.Encode(bring(west, back)))
	if from := ImportedReceipt.Read(receipts[0]); from.Sources[0].Registry != "east" || from.Registry != "west" || from.Sources[0].Device != panels {
		t.Errorf("what came back: %+v", from)
	}
	for _, l := range []*optest.Ledger{east, west} {
		if err := Audit(l); err != nil {
			t.Error(err)
		}
	}
}

// What came from elsewhere is matched like what was made here, unless it is of a longer
// period than an interval.
func TestMatchForeign(t *testing.T) {
	east, west := newPair(t)
	for range 5 {
		closed(west.World, hourOf(home{made: 1}, home{}, home{imported: 300}))
	}
	here := ImportedReceipt.Read(west.Must(t, cy, ImportKind.Encode(bring(east, export(t, east, west, 200))))[0]).Parts[0].Device
	month := Run{Issuance: "A", Count: 1, Unit: 1_000_000, Device: "M805", Kind: grid.Wind, Length: 30 * 24 * hour}
	west.Must(t, operator, AdmitKind.Encode(Admit{Microgrid: town, Account: cy, Registry: "m-rets", Runs: []Run{month}, Evidence: make([]byte, sha256.Size)}))
	receipts := west.Must(t, cy, MatchKind.Encode(Match{Account: cy, Microgrid: town, Until: hour}))
	if said := MatchedReceipt.Read(receipts[0]); said.Energy != 200 || len(said.Claims) != 1 || said.Claims[0].Device != here {
		t.Errorf("matched: %+v", said)
	}
	if err := Audit(west); err != nil {
		t.Error(err)
	}
}

// A device whose certificates came from elsewhere is none that certificates are issued
// for.
func TestRegisterRefusesForeign(t *testing.T) {
	east, west := newPair(t)
	receipts := west.Must(t, cy, ImportKind.Encode(bring(east, export(t, east, west, 200))))
	device := ImportedReceipt.Read(receipts[0]).Parts[0].Device
	west.Must(t, operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: device, Point: 32, Kind: grid.Solar}))
	if _, err := west.Try(operator, RegisterKind.Encode(Register{Microgrid: town, Device: device})); err != ErrRegisterTaken { //nolint:errorlint // This very refusal.
		t.Errorf("it is registered: %v", err)
	}
}

// What did not arrive in time comes back, with the proof that it is not there and never
// will be. Until then nothing gives it back, whatever the clock says.
func TestExportComesBack(t *testing.T) {
	east, west := newPair(t)
	id := export(t, east, west, 200)
	deadline := east.Ctx.Time - 1 + 100
	try := func() error {
		t.Helper()
		_, err := east.Try(ann, SettleKind.Encode(answer(west, "east", id)))
		return err
	}
	east.Next(now + 2000)
	west.Next(deadline)
	if err := try(); err != ErrSettleEarly { //nolint:errorlint // This very refusal.
		t.Errorf("at the deadline: %v", err)
	}
	last := bring(east, id)
	if _, err := west.Try(cy, ImportKind.Encode(last)); err != nil { // It might still come.
		t.Errorf("at the deadline: %v", err)
	}
	west.Undo()
	west.Next(deadline + 1)
	if _, err := west.Try(cy, ImportKind.Encode(last)); err != ErrImportLate { //nolint:errorlint // This very refusal.
		t.Errorf("after the deadline: %v", err)
	}
	if err := try(); err != nil {
		t.Errorf("after the deadline: %v", err)
	}
	stands(t, east, Lot{Issued: 500, Held: 500})
}

// What is declined comes back at once, and never arrives.
func TestDecline(t *testing.T) {
	east, west := newPair(t)
	id := export(t, east, west, 200)
	west.Must(t, operator, DeclineKind.Encode(Decline{Microgrid: town, Registry: "east", From: town, Number: id.Number}))
	west.Next(west.Ctx.Time + 1)
	if _, err := west.Try(cy, ImportKind.Encode(bring(east, id))); err != ErrImportAgain { //nolint:errorlint // This very refusal.
		t.Errorf("it arrives: %v", err)
	}
	east.Must(t, ann, SettleKind.Encode(answer(west, "east", id)))
	stands(t, east, Lot{Issued: 500, Held: 500})
}

// What would have expired while it was locked does so as it comes back.
func TestExportComesBackTooOld(t *testing.T) {
	east, west := newPair(t)
	id := export(t, east, west, 200)
	for range 366 * 24 {
		closed(east.World, hourOf(home{}, home{}, home{}))
	}
	west.Must(t, operator, DeclineKind.Encode(Decline{Microgrid: town, Registry: "east", From: town, Number: id.Number}))
	west.Next(west.Ctx.Time + 1)
	receipts := east.Must(t, ann, SettleKind.Encode(answer(west, "east", id)))
	stands(t, east, Lot{Issued: 500, Expired: 500})
	if e := ExpiredReceipt.Read(receipts[1]); e.Account != ann || e.Energy != 200 || e.Serial != 300 {
		t.Errorf("expired: %+v", e)
	}
}

// A block is believed by bundles that start from one of the last sixteen.
func TestPeerMovesForward(t *testing.T) {
	east, west := newPair(t)
	first := bring(east, export(t, east, west, 1))
	for range headersMax + 3 {
		west.Must(t, cy, ImportKind.Encode(bring(east, export(t, east, west, 1))))
	}
	count := 0
	for range headers.All(west) {
		count++
	}
	if newestTrust, _ := Peer(west, town, "east"); count != headersMax || newestTrust.Height != east.Ctx.Height {
		t.Errorf("%d blocks are believed, the newest at %d of %d", count, newestTrust.Height, east.Ctx.Height)
	}
	if _, err := west.Try(cy, ImportKind.Encode(first)); err != ErrImportHolds { //nolint:errorlint // This very refusal.
		t.Errorf("a bundle from before all of them: %v", err)
	}
	first.Proof = east.Prove(LockKey(ExportID{town, first.Number}))
	if _, err := west.Try(cy, ImportKind.Encode(first)); err != nil {
		t.Errorf("made anew: %v", err)
	}
}

// By evidence: serials of a registry are here once, in whichever microgrid and in
// whichever cut.
func TestAdmitSerialsOnce(t *testing.T) {
	w := kept(t)
	run := Run{Issuance: "M805-MN-06-2026-7F", First: 100, Count: 50, Unit: 1_000_000, Device: "M805", Kind: grid.Wind, Start: hour, Length: 30 * 24 * hour}
	bringIn := func(registry string, first, count uint64) error {
		r := run
		r.First, r.Count = first, count
		_, err := w.Try(operator, AdmitKind.Encode(Admit{Microgrid: town, Account: cy, Registry: registry, Runs: []Run{r}, Evidence: make([]byte, sha256.Size)}))
		w.Keep()
		return err
	}
	for _, c := range []struct {
		registry     string
		first, count uint64
		want         error
	}{
		{"m-rets", 100, 50, nil},
		{"m-rets", 100, 50, ErrAdmitTwice},
		{"m-rets", 149, 1, ErrAdmitTwice},
		{"m-rets", 150, 10, nil},
		{"m-rets", 90, 11, ErrAdmitTwice},
		{"m-rets", 90, 200, ErrAdmitTwice},
		{"m-rets", 90, 10, nil},
		{"m-rets", 120, 1, ErrAdmitTwice},
		{"m-rets", 160, 1, nil},
		{"i-rec", 100, 50, nil},
	} {
		if err := bringIn(c.registry, c.first, c.count); err != c.want { //nolint:errorlint // This very refusal.
			t.Errorf("%s [%d,%d): %v, want %v", c.registry, c.first, c.first+c.count, err, c.want)
		}
	}
	var got quantity.Energy
	for id := range Lots(w) {
		if p, _, ok := ProvenanceOf(w, id); ok && p.Registry == "m-rets" {
			got += Held(w, id, cy)
		}
	}
	if got != 71*1_000_000 {
		t.Errorf("cy has %d Wh of M-RETS", got)
	}
	if err := Audit(w); err != nil {
		t.Error(err)
	}
}

// By evidence: the operator locks, and says with evidence what became of it.
func TestConclude(t *testing.T) {
	w := kept(t)
	send := Export{Account: ann, Parts: some(200), Registry: "m-rets"}
	w.Must(t, operator, ExportKind.Encode(send), ExportKind.Encode(send))
	done := Conclude{Microgrid: town, Number: 1, Evidence: make([]byte, sha256.Size)}
	w.Must(t, operator, ConcludeKind.Encode(done))
	done.Number, done.Back = 2, true
	w.Must(t, operator, ConcludeKind.Encode(done))
	if l, _ := LotAt(w, lot0); l.Held != 300 || l.Exported != 200 || l.Locked != 0 || Held(w, lot0, ann) != 300 {
		t.Errorf("ann's lot is %+v", l)
	}
	if err := Audit(w); err != nil {
		t.Error(err)
	}
}
