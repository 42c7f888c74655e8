package certificate

import (
	"crypto/sha256"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/tx"
)

func TestTrustRefuses(t *testing.T) {
	east, west := newLedger(t, "east"), newLedger(t, "west")
	trust := west.Trust()
	good := Trust{Microgrid: town, Registry: "west", Height: trust.Height, Hash: trust.Hash[:], Proof: west.Prove()}
	other := good
	optest.Precedence(t, east.World, operator, TrustKind, good, []optest.Broken[Trust]{
		{ErrTrustHolds, func(_ *optest.World, _ *tx.AccountID, o *Trust) { o.Hash = make([]byte, sha256.Size) }},
		{ErrTrustKnown, func(w *optest.World, _ *tx.AccountID, _ *Trust) { w.Must(t, operator, TrustKind.Encode(other)) }},
		{ErrTrustEvidence, func(w *optest.World, _ *tx.AccountID, _ *Trust) { registries.Put(w, idOf("west"), how{"west", true}) }},
		{ErrTrustSelf, func(_ *optest.World, _ *tx.AccountID, o *Trust) { o.Registry = "east" }},
		{ErrTrustSigner, func(_ *optest.World, signer *tx.AccountID, _ *Trust) { *signer = ann }},
		{ErrTrustProof, func(_ *optest.World, _ *tx.AccountID, o *Trust) { o.Proof = make([]byte, proofMax+1) }},
		{ErrTrustHash, func(_ *optest.World, _ *tx.AccountID, o *Trust) { o.Height = 0 }},
		{ErrTrustRegistry, func(_ *optest.World, _ *tx.AccountID, o *Trust) { o.Registry = "-east" }},
	})
}

// A peer is vouched for again once its last block is too old to be believed.
func TestTrustAgain(t *testing.T) {
	east, west := newPair(t)
	east.Next(now + 400*24*hour)
	west.Next(now + 400*24*hour)
	trust := west.Trust()
	again := Trust{Microgrid: town, Registry: "west", Height: trust.Height, Hash: trust.Hash[:], Proof: west.Prove()}
	if _, err := east.Try(operator, TrustKind.Encode(again)); err != nil {
		t.Error(err)
	}
}

func TestExportRefuses(t *testing.T) {
	east, west := newPair(t)
	good := Export{Account: ann, Parts: some(200), Registry: west.Chain, Microgrid: town, To: cy, Deadline: east.Ctx.Time + 100}
	optest.Precedence(t, east.World, ann, ExportKind, good, spoilt(
		func(o *Export) *[]Part { return &o.Parts },
		ErrExportShort, ErrExportOpen, ErrExportLot, ErrExportOrder, ErrExportEnergy, ErrExportParts,
		optest.Broken[Export]{ErrExportDeadline, func(_ *optest.World, _ *tx.AccountID, o *Export) { o.Deadline = east.Ctx.Time }},
		optest.Broken[Export]{ErrExportPeer, func(_ *optest.World, _ *tx.AccountID, o *Export) { o.Registry = "north" }},
		optest.Broken[Export]{ErrExportSigner, func(_ *optest.World, signer *tx.AccountID, _ *Export) { *signer = bob }},
		optest.Broken[Export]{ErrExportTo, func(_ *optest.World, _ *tx.AccountID, o *Export) { o.To = 0 }},
		optest.Broken[Export]{ErrExportRegistry, func(_ *optest.World, _ *tx.AccountID, o *Export) { o.Registry = "no rth" }},
	))
	for _, c := range []struct {
		want  error
		spoil func(*Export)
	}{
		{ErrExportDeadline, func(o *Export) { o.Deadline += MaxDeadline }},
		{ErrExportParts, func(o *Export) { o.Parts = make([]Part, maxExport+1) }},
		{ErrExportEnergy, func(o *Export) { o.Parts = some(maxArrival + 1) }},
		{ErrExportOrder, func(o *Export) { o.Parts = append(some(1), Part{Microgrid: town + 1, Device: panels, Energy: 1}) }},
		{ErrExportTo, func(o *Export) { o.Microgrid = 0 }},
		{ErrExportRegistry, func(o *Export) { o.Registry, o.Microgrid, o.To, o.Deadline = "M-RETS", 0, 0, 0 }},
	} {
		o := good
		c.spoil(&o)
		if _, err := east.Try(ann, ExportKind.Encode(o)); err != c.want { //nolint:errorlint // This very refusal.
			t.Errorf("got %v, want %v", err, c.want)
		}
	}
	for _, registry := range []string{"east", "west"} { // Ledgers: this one, and one that is trusted.
		if _, err := east.Try(operator, ExportKind.Encode(Export{Account: ann, Parts: some(1), Registry: registry})); err != ErrExportPeer { //nolint:errorlint // This very refusal.
			t.Errorf("by evidence to %s: %v", registry, err)
		}
	}
}

func TestImportRefuses(t *testing.T) {
	east, west := newPair(t)
	id := export(t, east, west, 200)
	optest.Precedence(t, west.World, cy, ImportKind, bring(east, id), []optest.Broken[Import]{
		{ErrImportDevice, func(w *optest.World, _ *tx.AccountID, _ *Import) {
			d, _ := known(w, town, "east", Provenance{Registry: "east", Microgrid: town, Device: panels, Kind: grid.Solar, Length: hour})
			w.Undo()
			w.Must(t, operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: d.Device, Point: 32, Kind: grid.Load}))
		}},
		{ErrImportExpired, func(w *optest.World, _ *tx.AccountID, _ *Import) {
			for range 366 * 24 {
				grid.Advance(w, town)
			}
		}},
		{ErrImportLate, func(w *optest.World, _ *tx.AccountID, _ *Import) { w.Ctx.Time += 200 }},
		{ErrImportLock, func(_ *optest.World, signer *tx.AccountID, o *Import) { *signer, o.Account = operator, ann }},
		{ErrImportHolds, func(_ *optest.World, _ *tx.AccountID, o *Import) { o.Proof = east.Prove(LockKey(ExportID{town, 2})) }},
		{ErrImportAgain, func(w *optest.World, _ *tx.AccountID, _ *Import) {
			w.Must(t, operator, DeclineKind.Encode(Decline{Microgrid: town, Registry: "east", From: town, Number: id.Number}))
		}},
		{ErrImportAccount, func(_ *optest.World, _ *tx.AccountID, o *Import) { o.Account = 99 }},
		{ErrImportSigner, func(_ *optest.World, signer *tx.AccountID, _ *Import) { *signer = bob }},
		{ErrImportProof, func(_ *optest.World, _ *tx.AccountID, o *Import) { o.Proof = nil }},
	})
}

// What a bundle shows has to be an export to here that is locked: none for another
// ledger, another microgrid or another account, none that ended, and no row of another
// kind.
func TestImportLock(t *testing.T) {
	east, west := newPair(t)
	id := export(t, east, west, 200)
	good, _ := LockAt(east, id)
	for name, spoil := range map[string]func(*Lock){
		"another ledger":   func(l *Lock) { l.Registry = "north" },
		"another town":     func(l *Lock) { l.Microgrid++ },
		"another account":  func(l *Lock) { l.To = bob },
		"it came back":     func(l *Lock) { l.Phase = Returned },
		"it is gone":       func(l *Lock) { l.Phase = Exported },
		"no parts":         func(l *Lock) { l.Parts = nil },
		"less than none":   func(l *Lock) { l.Parts[0].Energy = -1 },
		"more than any":    func(l *Lock) { l.Parts[0].Energy = maxArrival + 1 },
		"no source":        func(l *Lock) { l.Parts[0].Source = 1 },
		"a heat pump":      func(l *Lock) { l.Sources[0].Kind = grid.HeatPump },
		"no length":        func(l *Lock) { l.Sources[0].Length = 0 },
		"no registry":      func(l *Lock) { l.Sources[0].Registry = "" },
		"before all times": func(l *Lock) { l.Parts[0].Start = -1 },
	} {
		bad := good
		bad.Parts, bad.Sources = append([]LockedPart(nil), good.Parts...), append([]Provenance(nil), good.Sources...)
		spoil(&bad)
		locks.Put(east, id, bad)
		east.Next(east.Ctx.Time + 1)
		if _, err := west.Try(cy, ImportKind.Encode(bring(east, id))); err != ErrImportLock { //nolint:errorlint // This very refusal.
			t.Errorf("%s: %v", name, err)
		}
	}
	locks.Put(east, id, good)
	east.Next(east.Ctx.Time + 1)
	if _, err := west.Try(cy, ImportKind.Encode(bring(east, id))); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// No byte of a bundle can be another, and no other ledger speaks for the peer.
func TestProofsOfOthers(t *testing.T) {
	east, west := newPair(t)
	id := export(t, east, west, 200)
	good := bring(east, id)
	for n := range good.Proof {
		bad := good
		bad.Proof = append([]byte(nil), good.Proof...)
		bad.Proof[n] ^= 1
		if _, err := west.Try(cy, ImportKind.Encode(bad)); err != ErrImportHolds { //nolint:errorlint // This very refusal.
			t.Fatalf("byte %d: %v", n, err)
		}
	}
	north := newLedger(t, "north")
	locks.Put(north, id, Lock{})
	north.Next(north.Ctx.Time + 1)
	bad := good
	bad.Proof = north.Prove(LockKey(id))
	if _, err := west.Try(cy, ImportKind.Encode(bad)); err != ErrImportHolds { //nolint:errorlint // This very refusal.
		t.Errorf("another ledger: %v", err)
	}
}

func TestSettleRefuses(t *testing.T) {
	east, west := newPair(t)
	id := export(t, east, west, 200)
	early := answer(west, "east", id)
	west.Must(t, cy, ImportKind.Encode(bring(east, id)))
	west.Next(west.Ctx.Time + 1)
	optest.Precedence(t, east.World, ann, SettleKind, answer(west, "east", id), []optest.Broken[Settle]{
		{ErrSettleEarly, func(_ *optest.World, _ *tx.AccountID, o *Settle) { o.Proof = early.Proof }},
		{ErrSettleHolds, func(_ *optest.World, _ *tx.AccountID, o *Settle) {
			o.Proof = west.Prove(ArrivalKey(town, "east", ExportID{town, 9}))
		}},
		{ErrSettleAgain, func(w *optest.World, _ *tx.AccountID, _ *Settle) {
			l, _ := locks.Get(w, id)
			l.Phase = Returned
			locks.Put(w, id, l)
		}},
		{ErrSettleSigner, func(_ *optest.World, signer *tx.AccountID, _ *Settle) { *signer = bob }},
		{ErrSettleExport, func(_ *optest.World, _ *tx.AccountID, o *Settle) { o.Number = 9 }},
		{ErrSettleProof, func(_ *optest.World, _ *tx.AccountID, o *Settle) { o.Proof = nil }},
	})
}

func TestDeclineRefuses(t *testing.T) {
	_, west := newPair(t)
	good := Decline{Microgrid: town, Registry: "east", From: town, Number: 1}
	optest.Precedence(t, west.World, operator, DeclineKind, good, []optest.Broken[Decline]{
		{ErrDeclineAgain, func(w *optest.World, _ *tx.AccountID, _ *Decline) { w.Must(t, operator, DeclineKind.Encode(good)) }},
		{ErrDeclinePeer, func(_ *optest.World, _ *tx.AccountID, o *Decline) { o.Registry = "north" }},
		{ErrDeclineSigner, func(_ *optest.World, signer *tx.AccountID, _ *Decline) { *signer = cy }},
	})
}

func TestConcludeRefuses(t *testing.T) {
	w := kept(t)
	w.Must(t, operator, ExportKind.Encode(Export{Account: ann, Parts: some(200), Registry: "m-rets"}))
	good := Conclude{Microgrid: town, Number: 1, Evidence: make([]byte, sha256.Size)}
	optest.Precedence(t, w, operator, ConcludeKind, good, []optest.Broken[Conclude]{
		{ErrConcludeAgain, func(w *optest.World, _ *tx.AccountID, _ *Conclude) { w.Must(t, operator, ConcludeKind.Encode(good)) }},
		{ErrConcludeExport, func(_ *optest.World, _ *tx.AccountID, o *Conclude) { o.Number = 2 }},
		{ErrConcludeSigner, func(_ *optest.World, signer *tx.AccountID, _ *Conclude) { *signer = ann }},
		{ErrConcludeEvidence, func(_ *optest.World, _ *tx.AccountID, o *Conclude) { o.Evidence = nil }},
	})
}

// An export to a ledger is not concluded by evidence, and one by evidence not by proof.
func TestConcludeNoLedger(t *testing.T) {
	east, west := newPair(t)
	id := export(t, east, west, 200)
	if _, err := east.Try(operator, ConcludeKind.Encode(Conclude{Microgrid: town, Number: id.Number, Evidence: make([]byte, sha256.Size)})); err != ErrConcludeExport { //nolint:errorlint // This very refusal.
		t.Error(err)
	}
	east.Must(t, operator, ExportKind.Encode(Export{Account: ann, Parts: some(1), Registry: "m-rets"}))
	if _, err := east.Try(operator, SettleKind.Encode(Settle{Microgrid: town, Number: id.Number + 1, Proof: west.Prove()})); err != ErrSettleExport { //nolint:errorlint // This very refusal.
		t.Error(err)
	}
}

func TestAdmitRefuses(t *testing.T) {
	w := kept(t)
	run := Run{Issuance: "A", Count: 3, Unit: 1_000_000, Device: "M805", Kind: grid.Wind, Start: hour, Length: hour}
	good := Admit{Microgrid: town, Account: cy, Registry: "m-rets", Runs: []Run{run}, Evidence: make([]byte, sha256.Size)}
	first := func(o *Admit) *Run { return &o.Runs[0] }
	optest.Precedence(t, w, operator, AdmitKind, good, []optest.Broken[Admit]{
		{ErrAdmitDevice, func(w *optest.World, _ *tx.AccountID, _ *Admit) {
			d, _ := known(w, town, "m-rets", Provenance{Registry: "m-rets", Label: "M805", Kind: grid.Wind, Length: hour})
			w.Undo()
			w.Must(t, operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: d.Device, Point: 32, Kind: grid.Load, From: 5 * hour}))
		}},
		{ErrAdmitExpired, func(w *optest.World, _ *tx.AccountID, _ *Admit) {
			for range 367 * 24 {
				grid.Advance(w, town)
			}
		}},
		{ErrAdmitTwice, func(_ *optest.World, _ *tx.AccountID, o *Admit) {
			later := run
			later.Start, later.Device = 400*24*hour, "M806"
			o.Runs = []Run{later, run}
		}},
		{ErrAdmitPeer, func(w *optest.World, _ *tx.AccountID, _ *Admit) {
			registries.Put(w, idOf("m-rets"), how{"m-rets", false})
		}},
		{ErrAdmitAccount, func(_ *optest.World, _ *tx.AccountID, o *Admit) { o.Account = 99 }},
		{ErrAdmitSigner, func(_ *optest.World, signer *tx.AccountID, _ *Admit) { *signer = ann }},
		{ErrAdmitEvidence, func(_ *optest.World, _ *tx.AccountID, o *Admit) { o.Evidence = nil }},
		{ErrAdmitRun, func(_ *optest.World, _ *tx.AccountID, o *Admit) { first(o).Count = 0 }},
		{ErrAdmitRuns, func(_ *optest.World, _ *tx.AccountID, o *Admit) { o.Runs = nil }},
		{ErrAdmitRegistry, func(_ *optest.World, _ *tx.AccountID, o *Admit) { o.Registry = "M-RETS" }},
	})
	for name, spoil := range map[string]func(*Run){
		"small letters": func(r *Run) { r.Issuance = "m805" },
		"no device":     func(r *Run) { r.Device = "" },
		"a battery":     func(r *Run) { r.Kind = grid.Battery },
		"no energy":     func(r *Run) { r.Unit = 0 },
		"too much":      func(r *Run) { r.Unit = maxArrival },
		"two years":     func(r *Run) { r.Length = 2 * maxPeriod },
	} {
		r := run
		spoil(&r)
		bad := good
		bad.Runs = []Run{r}
		if _, err := w.Try(operator, AdmitKind.Encode(bad)); err != ErrAdmitRun { //nolint:errorlint // This very refusal.
			t.Errorf("%s: %v", name, err)
		}
	}
}
