package certificate

import (
	"crypto/sha256"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/tx"
)

// kept is a town in which ann has 500 Wh of a lot that is final, and 500 of one that
// may still be corrected.
func kept(t testing.TB) *optest.World {
	t.Helper()
	w := newTown(t, 2*hour)
	w.Must(t, ann, ChooseKind.Encode(Choose{Microgrid: town, Point: 31, Choice: Choice{Keep: true}}))
	for range 5 {
		closed(w, hourOf(home{made: 500}, home{}, home{}))
	}
	return w
}

func TestRegisterRefuses(t *testing.T) {
	good := Register{Microgrid: town, Device: panels}
	optest.Precedence(t, newTown(t, 0), operator, RegisterKind, good, []optest.Broken[Register]{
		{ErrRegisterKind, func(_ *optest.World, _ *tx.AccountID, o *Register) { o.Device = battery }},
		{ErrRegisterDevice, func(_ *optest.World, _ *tx.AccountID, o *Register) { o.Device = 99 }},
		{grid.ErrFromAligned, func(_ *optest.World, _ *tx.AccountID, o *Register) { o.From = 1 }},
		{grid.ErrSettled, func(_ *optest.World, _ *tx.AccountID, o *Register) { o.From = -hour }},
		{grid.ErrNotOperator, func(_ *optest.World, signer *tx.AccountID, _ *Register) { *signer = ann }},
		{grid.ErrNoMicrogrid, func(_ *optest.World, _ *tx.AccountID, o *Register) { o.Microgrid = 11 }},
	})
}

func TestChooseRefuses(t *testing.T) {
	good := Choose{Microgrid: town, Point: 31}
	optest.Precedence(t, newTown(t, 0), ann, ChooseKind, good, []optest.Broken[Choose]{
		{ErrChooseSettled, func(_ *optest.World, _ *tx.AccountID, o *Choose) { o.From = -hour }},
		{ErrChooseSigner, func(_ *optest.World, signer *tx.AccountID, _ *Choose) { *signer = bob }},
		{ErrChoosePoint, func(_ *optest.World, _ *tx.AccountID, o *Choose) { o.Point = 99 }},
		{ErrChooseGrid, func(_ *optest.World, _ *tx.AccountID, o *Choose) { o.Microgrid = 11 }},
	})
}

// spoilt are the ways in which parts can be bad, the last in precedence first.
func spoilt[O any](parts func(*O) *[]Part, short, open, lot, order, energy, none *op.Refusal, between ...optest.Broken[O]) []optest.Broken[O] {
	rules := []optest.Broken[O]{
		{short, func(_ *optest.World, _ *tx.AccountID, o *O) { (*parts(o))[0].Energy = 501 }},
		{open, func(_ *optest.World, _ *tx.AccountID, o *O) { (*parts(o))[0].Start = 4 * hour }},
		{lot, func(_ *optest.World, _ *tx.AccountID, o *O) { (*parts(o))[0].Device = turbine }},
	}
	rules = append(rules, between...)
	return append(rules,
		optest.Broken[O]{order, func(_ *optest.World, _ *tx.AccountID, o *O) { *parts(o) = append(*parts(o), (*parts(o))[0]) }},
		optest.Broken[O]{energy, func(_ *optest.World, _ *tx.AccountID, o *O) { (*parts(o))[0].Energy = 0 }},
		optest.Broken[O]{none, func(_ *optest.World, _ *tx.AccountID, o *O) { *parts(o) = nil }})
}

func one() []Part { return []Part{{Microgrid: town, Device: panels, Energy: 200}} }

func TestTransferRefuses(t *testing.T) {
	optest.Precedence(t, kept(t), ann, TransferKind, Transfer{From: ann, To: cy, Parts: one()}, spoilt(
		func(o *Transfer) *[]Part { return &o.Parts },
		ErrTransferShort, ErrTransferOpen, ErrTransferLot, ErrTransferOrder, ErrTransferEnergy, ErrTransferParts,
		optest.Broken[Transfer]{ErrTransferListed, func(w *optest.World, _ *tx.AccountID, _ *Transfer) {
			w.Must(t, cy, WhitelistKind.Encode(Whitelist{Account: cy, From: []tx.AccountID{bob}}))
		}},
		optest.Broken[Transfer]{ErrTransferTo, func(_ *optest.World, _ *tx.AccountID, o *Transfer) { o.To = 99 }},
		optest.Broken[Transfer]{ErrTransferSigner, func(_ *optest.World, signer *tx.AccountID, _ *Transfer) { *signer = bob }},
		optest.Broken[Transfer]{ErrTransferSelf, func(_ *optest.World, _ *tx.AccountID, o *Transfer) { o.To = o.From }},
	))
}

func TestCancelRefuses(t *testing.T) {
	good := Cancel{Account: ann, Parts: one(), Purpose: Disclosure, Beneficiary: make([]byte, sha256.Size)}
	optest.Precedence(t, kept(t), ann, CancelKind, good, spoilt(
		func(o *Cancel) *[]Part { return &o.Parts },
		ErrCancelShort, ErrCancelOpen, ErrCancelLot, ErrCancelOrder, ErrCancelEnergy, ErrCancelParts,
		optest.Broken[Cancel]{ErrCancelSigner, func(_ *optest.World, signer *tx.AccountID, _ *Cancel) { *signer = bob }},
		optest.Broken[Cancel]{ErrCancelBeneficiary, func(_ *optest.World, _ *tx.AccountID, o *Cancel) { o.Beneficiary = nil }},
		optest.Broken[Cancel]{ErrCancelPurpose, func(_ *optest.World, _ *tx.AccountID, o *Cancel) { o.Purpose = 4 }},
	))
}

func TestWithdrawRefuses(t *testing.T) {
	good := Withdraw{Account: ann, Parts: one(), Evidence: make([]byte, sha256.Size)}
	optest.Precedence(t, kept(t), operator, WithdrawKind, good, spoilt(
		func(o *Withdraw) *[]Part { return &o.Parts },
		ErrWithdrawShort, ErrWithdrawOpen, ErrWithdrawLot, ErrWithdrawOrder, ErrWithdrawEnergy, ErrWithdrawParts,
		optest.Broken[Withdraw]{ErrWithdrawSigner, func(_ *optest.World, signer *tx.AccountID, _ *Withdraw) { *signer = ann }},
		optest.Broken[Withdraw]{ErrWithdrawEvidence, func(_ *optest.World, _ *tx.AccountID, o *Withdraw) { o.Evidence = nil }},
		optest.Broken[Withdraw]{ErrWithdrawOrder, func(_ *optest.World, _ *tx.AccountID, o *Withdraw) {
			o.Parts = append(o.Parts, Part{Microgrid: town + 1, Device: panels, Energy: 1})
		}},
	))
}

// An account that was opened for somebody is acted for by who opened it.
func TestGuardian(t *testing.T) {
	w := kept(t)
	w.Must(t, operator, TransferKind.Encode(Transfer{From: ann, To: bob, Parts: one()}))
	if a, _ := party.At(w, ann); a.Guardian != operator {
		t.Fatalf("ann's guardian is %d", a.Guardian)
	}
	if Held(w, one()[0].lot(), bob) != 200 {
		t.Error("bob has nothing")
	}
}
