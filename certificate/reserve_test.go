package certificate

import (
	"crypto/sha256"
	"testing"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// aside is a town in which ann, who has 500 Wh of a lot, set 300 aside for cy until
// an hour from now.
func aside(t testing.TB) *optest.World {
	t.Helper()
	w := kept(t)
	w.Must(t, ann, ReserveKind.Encode(Reserve{Holder: ann, For: cy, Until: w.Ctx.Time + hour, Parts: part(300)}))
	return w
}

// refused expects one refusal.
func refused(t *testing.T, w *optest.World, signer tx.AccountID, o tx.Operation, want *op.Refusal) {
	t.Helper()
	if _, err := w.Try(signer, o); err != want { //nolint:errorlint // This very refusal.
		t.Errorf("got %v, want %v", err, want)
	}
	w.Undo()
}

// What is set aside is neither passed on, nor used up, nor set aside again.
func TestReserve(t *testing.T) {
	w := aside(t)
	hash := make([]byte, sha256.Size)
	refused(t, w, ann, TransferKind.Encode(Transfer{From: ann, To: bob, Parts: part(201)}), ErrTransferShort)
	refused(t, w, ann, CancelKind.Encode(Cancel{Account: ann, Parts: part(201), Purpose: Disclosure, Beneficiary: hash}), ErrCancelShort)
	refused(t, w, ann, ReserveKind.Encode(Reserve{Holder: ann, For: bob, Until: w.Ctx.Time + hour, Parts: part(201)}), ErrReserveShort)
	refused(t, w, operator, WithdrawKind.Encode(Withdraw{Account: ann, Parts: part(201), Evidence: hash}), ErrWithdrawShort)
	w.Must(t, cy, TakeKind.Encode(Take{Holder: ann, For: cy, Parts: part(100)}))
	w.Must(t, cy, ReleaseKind.Encode(Release{Holder: ann, For: cy, Parts: part(150)}))
	id := part(1)[0].lot()
	l, _ := LotAt(w, id)
	r, _ := AsideAt(w, Reservation{id, ann, cy})
	if Held(w, id, ann) != 350 || Held(w, id, cy) != 100 || r.Energy != 50 || l.Reserved != 50 || l.Held != 450 {
		t.Errorf("ann has %d, cy %d, %d are set aside: %+v", Held(w, id, ann), Held(w, id, cy), r.Energy, l)
	}
	w.Ctx.Time += hour
	refused(t, w, cy, TakeKind.Encode(Take{Holder: ann, For: cy, Parts: part(50)}), ErrTakeLate)
	w.Must(t, operator, ReleaseKind.Encode(Release{Holder: ann, For: cy, Parts: part(20)}))
	w.Must(t, ann, ReleaseKind.Encode(Release{Holder: ann, For: cy, Parts: part(30)}))
	if _, still := AsideAt(w, Reservation{id, ann, cy}); still || Held(w, id, ann) != 400 {
		t.Errorf("ann has %d after her reservation ended", Held(w, id, ann))
	}
	audit(t, w)
}

// What is set aside expires with its lot.
func TestReservedExpires(t *testing.T) {
	w := aside(t)
	var gone quantity.Energy
	for range Lifetime/hour + 1 {
		_, receipts := closedWith(w, hourOf(home{}, home{}, home{}))
		for _, said := range receipts {
			if said.Kind == ExpiredReceipt.Kind {
				if e := ExpiredReceipt.Read(said); e.Start == 0 && e.For == cy {
					gone += e.Energy
				}
			}
		}
	}
	if l, _ := LotAt(w, part(1)[0].lot()); l.Expired != 500 || l.Reserved != 0 || gone != 300 {
		t.Errorf("%d that were set aside expired: %+v", gone, l)
	}
	audit(t, w)
}

func TestReserveRefuses(t *testing.T) {
	w := kept(t)
	good := Reserve{Holder: ann, For: cy, Until: w.Ctx.Time + hour, Parts: one()}
	optest.Precedence(t, w, ann, ReserveKind, good, append([]optest.Broken[Reserve]{
		{ErrReserveAgain, func(w *optest.World, _ *tx.AccountID, o *Reserve) {
			first := *o
			first.Parts = part(1)
			w.Must(t, ann, ReserveKind.Encode(first))
		}},
	}, spoilt(
		func(o *Reserve) *[]Part { return &o.Parts },
		ErrReserveShort, ErrReserveOpen, ErrReserveLot, ErrReserveOrder, ErrReserveEnergy, ErrReserveParts,
		optest.Broken[Reserve]{ErrReserveUntil, func(w *optest.World, _ *tx.AccountID, o *Reserve) { o.Until = w.Ctx.Time }},
		optest.Broken[Reserve]{ErrReserveUntil, func(w *optest.World, _ *tx.AccountID, o *Reserve) { o.Until = w.Ctx.Time + MaxReserve + 1 }},
		optest.Broken[Reserve]{ErrReserveFor, func(_ *optest.World, _ *tx.AccountID, o *Reserve) { o.For = 99 }},
		optest.Broken[Reserve]{ErrReserveSigner, func(_ *optest.World, signer *tx.AccountID, _ *Reserve) { *signer = bob }},
		optest.Broken[Reserve]{ErrReserveSelf, func(_ *optest.World, _ *tx.AccountID, o *Reserve) { o.For = o.Holder }},
	)...))
}

func TestReleaseRefuses(t *testing.T) {
	good := Release{Holder: ann, For: cy, Parts: one()}
	optest.Precedence(t, aside(t), cy, ReleaseKind, good, []optest.Broken[Release]{
		{ErrReleaseEarly, func(_ *optest.World, signer *tx.AccountID, _ *Release) { *signer = ann }},
		{ErrReleaseSigner, func(_ *optest.World, signer *tx.AccountID, _ *Release) { *signer = bob }},
		{ErrReleaseShort, func(_ *optest.World, _ *tx.AccountID, o *Release) { o.Parts[0].Energy = 301 }},
		{ErrReleaseShort, func(_ *optest.World, _ *tx.AccountID, o *Release) { o.Holder = bob }},
		{ErrReleaseOrder, func(_ *optest.World, _ *tx.AccountID, o *Release) { o.Parts = append(o.Parts, o.Parts[0]) }},
		{ErrReleaseEnergy, func(_ *optest.World, _ *tx.AccountID, o *Release) { o.Parts[0].Energy = 0 }},
		{ErrReleaseParts, func(_ *optest.World, _ *tx.AccountID, o *Release) { o.Parts = nil }},
	})
}

func TestTakeRefuses(t *testing.T) {
	good := Take{Holder: ann, For: cy, Parts: one()}
	optest.Precedence(t, aside(t), cy, TakeKind, good, []optest.Broken[Take]{
		{ErrTakeLate, func(w *optest.World, _ *tx.AccountID, _ *Take) { w.Ctx.Time += hour }},
		{ErrTakeShort, func(_ *optest.World, _ *tx.AccountID, o *Take) { o.Parts[0].Energy = 301 }},
		{ErrTakeSigner, func(_ *optest.World, signer *tx.AccountID, _ *Take) { *signer = ann }},
		{ErrTakeOrder, func(_ *optest.World, _ *tx.AccountID, o *Take) { o.Parts = append(o.Parts, o.Parts[0]) }},
		{ErrTakeEnergy, func(_ *optest.World, _ *tx.AccountID, o *Take) { o.Parts[0].Energy = 0 }},
		{ErrTakeParts, func(_ *optest.World, _ *tx.AccountID, o *Take) { o.Parts = nil }},
	})
}

// Who has a list is passed certificates on by the accounts on it only.
func TestWhitelist(t *testing.T) {
	w := kept(t)
	w.Must(t, cy, WhitelistKind.Encode(Whitelist{Account: cy, From: []tx.AccountID{bob}}))
	pass := TransferKind.Encode(Transfer{From: ann, To: cy, Parts: part(100)})
	refused(t, w, ann, pass, ErrTransferListed)
	w.Must(t, cy, WhitelistKind.Encode(Whitelist{Account: cy, From: []tx.AccountID{ann, bob}}))
	w.Must(t, ann, pass)
	w.Must(t, cy, WhitelistKind.Encode(Whitelist{Account: cy}))
	refused(t, w, ann, pass, ErrTransferListed)
	w.Must(t, cy, WhitelistKind.Encode(Whitelist{Account: cy, Everybody: true}))
	w.Must(t, ann, pass)
	if Held(w, part(1)[0].lot(), cy) != 200 {
		t.Error("cy has something else than what was accepted")
	}
}

func TestWhitelistRefuses(t *testing.T) {
	good := Whitelist{Account: cy, From: []tx.AccountID{ann}}
	optest.Precedence(t, kept(t), cy, WhitelistKind, good, []optest.Broken[Whitelist]{
		{ErrWhitelistFrom, func(_ *optest.World, _ *tx.AccountID, o *Whitelist) { o.From = []tx.AccountID{98, 99} }},
		{ErrWhitelistSigner, func(_ *optest.World, signer *tx.AccountID, _ *Whitelist) { *signer = ann }},
		{ErrWhitelistOrder, func(_ *optest.World, _ *tx.AccountID, o *Whitelist) { o.From[1] = 98 }},
		{ErrWhitelistLong, func(_ *optest.World, _ *tx.AccountID, o *Whitelist) { o.Everybody = true }},
		{ErrWhitelistLong, func(_ *optest.World, _ *tx.AccountID, o *Whitelist) {
			o.Everybody, o.From = false, make([]tx.AccountID, maxListed+1)
		}},
	})
}
