package ledger

import (
	"errors"
	"fmt"
	"testing"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// The accounts and the asset of these tests.
const (
	bank tx.AccountID = 1
	ann  tx.AccountID = 2
	bob  tx.AccountID = 3
	cat  tx.AccountID = 4

	euro AssetID = 978 // ISO 4217.
)

// book is a ledger that operations are tried on. Its clock stands at 1,000 s.
type book struct{ *optest.World }

func newBook(t testing.TB) book {
	t.Helper()
	b := book{optest.NewWorld(t, Ops)}
	b.Ctx.Time = 1000
	for account := range tx.AccountID(16) {
		if no := party.Genesis(b, account+1, nil); no != nil {
			t.Fatal(no)
		}
	}
	b.Keep()
	return b
}

// try tries an operation and keeps what it changed.
func (b book) try(signer tx.AccountID, sent tx.Operation) error {
	_, err := b.Try(signer, sent)
	b.Keep()
	return err
}

// opened is a book on which the bank issued 100 to ann and 50 to bob.
func opened(t *testing.T) book {
	t.Helper()
	b := newBook(t)
	b.Must(t, bank,
		DefineKind.Encode(Define{Asset: euro, Symbol: "EUR", Decimals: 6}),
		IssueKind.Encode(issue(ann, 100)),
		IssueKind.Encode(issue(bob, 50)))
	return b
}

func issue(to tx.AccountID, amount quantity.Money) Issue {
	return Issue{Asset: euro, To: to, Amount: amount, Deposit: make([]byte, 32)}
}

// has checks balances, written "posted/held", and the domain's invariants.
func (b book) has(t *testing.T, want map[tx.AccountID]string) {
	t.Helper()
	for account, balance := range want {
		got := BalanceOf(b, account, euro)
		if s := fmt.Sprintf("%d/%d", got.Posted, got.Held); s != balance {
			t.Errorf("account %d has %s, want %s", account, s, balance)
		}
	}
	if err := Audit(b); err != nil {
		t.Error(err)
	}
}

func TestTransfer(t *testing.T) {
	b := opened(t)
	b.Must(t, ann, TransferKind.Encode(Transfer{euro, bob, 30}))
	b.has(t, map[tx.AccountID]string{ann: "70/0", bob: "80/0"})
	b.Must(t, ann, TransferKind.Encode(Transfer{euro, cat, 70}))
	b.has(t, map[tx.AccountID]string{ann: "0/0", cat: "70/0"})
}

func TestIssueAndRedeem(t *testing.T) {
	b := opened(t)
	b.Must(t, ann, RedeemKind.Encode(Redeem{euro, 100}))
	b.Must(t, bank, IssueKind.Encode(issue(bob, 1)))
	b.has(t, map[tx.AccountID]string{ann: "0/0", bob: "51/0"})
	if a, _ := AssetAt(b, euro); a.Issued != 51 {
		t.Errorf("%d are in circulation, want 51", a.Issued)
	}
}

// TestHoldPostVoid follows the two phases: reserve, then post or void.
func TestHoldPostVoid(t *testing.T) {
	b := opened(t)
	hold := func(number uint64, amount quantity.Money) tx.Operation {
		return HoldKind.Encode(Hold{Number: number, Asset: euro, To: bob, Amount: amount, Deadline: 2000})
	}
	b.Must(t, ann, hold(1, 60), hold(2, 40))
	b.has(t, map[tx.AccountID]string{ann: "100/100", bob: "50/0"})
	b.Must(t, bob, PostKind.Encode(Post{ann, 1, 25})) // The other 35 go back.
	b.has(t, map[tx.AccountID]string{ann: "75/40", bob: "75/0"})
	b.Must(t, bob, VoidKind.Encode(Void{ann, 2}))
	b.has(t, map[tx.AccountID]string{ann: "75/0", bob: "75/0"})

	b.Must(t, ann, hold(2, 10)) // The number is free again.
	b.Ctx.Time = 2000
	b.Must(t, ann, VoidKind.Encode(Void{ann, 2}))
	b.has(t, map[tx.AccountID]string{ann: "75/0", bob: "75/0"})
}

// TestRefusals tries each refusal with everything after it wrong, too, where
// that can be: the first one that applies is given.
func TestRefusals(t *testing.T) {
	held := Hold{Number: 7, Asset: euro, To: bob, Amount: 60, Deadline: 2000}
	const none AssetID = 1
	const most = MaxBalance
	for _, c := range []struct {
		want   *op.Refusal
		signer tx.AccountID
		sent   tx.Operation
		at     interval.Time
	}{
		{ErrNoAssetID, ann, DefineKind.Encode(Define{0, "", 19}), 0},
		{ErrSymbol, ann, DefineKind.Encode(Define{euro, "", 19}), 0},
		{ErrSymbol, ann, DefineKind.Encode(Define{euro, "thirteenbytes", 19}), 0},
		{ErrDecimals, ann, DefineKind.Encode(Define{euro, "EUR", 19}), 0},
		{ErrDefined, ann, DefineKind.Encode(Define{euro, "EUR", 18}), 0},

		{ErrIssueAmount, ann, IssueKind.Encode(Issue{none, ann, 0, nil}), 0},
		{ErrIssueAmount, ann, IssueKind.Encode(Issue{none, ann, -1, nil}), 0},
		{ErrIssueDeposit, ann, IssueKind.Encode(Issue{none, 0, most, make([]byte, 31)}), 0},
		{ErrIssueTo, ann, IssueKind.Encode(Issue{none, 0, most, make([]byte, 32)}), 0},
		{ErrIssueTo, ann, IssueKind.Encode(Issue{none, 0, most, make([]byte, 32)}), 0},
		{ErrIssueAsset, ann, IssueKind.Encode(Issue{none, ann, most, make([]byte, 32)}), 0},
		{ErrNotIssuer, ann, IssueKind.Encode(issue(ann, most)), 0},
		{ErrIssueOpen, bank, IssueKind.Encode(issue(99, most)), 0},
		{ErrIssueTooMuch, bank, IssueKind.Encode(issue(ann, most-149)), 0},

		{ErrRedeemAmount, ann, RedeemKind.Encode(Redeem{none, 0}), 0},
		{ErrRedeemAsset, ann, RedeemKind.Encode(Redeem{none, 101}), 0},
		{ErrRedeemFunds, ann, RedeemKind.Encode(Redeem{euro, 41}), 0}, // 60 of 100 are held.

		{ErrTransferAmount, ann, TransferKind.Encode(Transfer{none, 0, 0}), 0},
		{ErrTransferAmount, ann, TransferKind.Encode(Transfer{euro, bob, -1}), 0},
		{ErrTransferTo, ann, TransferKind.Encode(Transfer{none, 0, 1}), 0},
		{ErrTransferAsset, ann, TransferKind.Encode(Transfer{none, ann, 1}), 0},
		{ErrTransferOpen, ann, TransferKind.Encode(Transfer{euro, 99, 101}), 0},
		{ErrTransferSelf, ann, TransferKind.Encode(Transfer{euro, ann, 101}), 0},
		{ErrTransferFunds, ann, TransferKind.Encode(Transfer{euro, bob, 41}), 0},

		{ErrHoldAmount, ann, HoldKind.Encode(Hold{7, none, 0, 0, 0}), 0},
		{ErrHoldTo, ann, HoldKind.Encode(Hold{7, none, 0, 101, 0}), 0},
		{ErrHoldAsset, ann, HoldKind.Encode(Hold{7, none, ann, 101, 0}), 0},
		{ErrHoldOpen, ann, HoldKind.Encode(Hold{7, euro, 99, 101, 0}), 0},
		{ErrHoldSelf, ann, HoldKind.Encode(Hold{7, euro, ann, 101, 0}), 0},
		{ErrHoldDeadline, ann, HoldKind.Encode(Hold{7, euro, bob, 101, 1000}), 0},
		{ErrHoldExists, ann, HoldKind.Encode(Hold{7, euro, bob, 101, 1001}), 0},
		{ErrHoldFunds, ann, HoldKind.Encode(Hold{8, euro, bob, 41, 1001}), 0},

		{ErrPostAmount, cat, PostKind.Encode(Post{ann, 8, 0}), 2000},
		{ErrPostNoHold, cat, PostKind.Encode(Post{ann, 8, 61}), 2000},
		{ErrPostSigner, ann, PostKind.Encode(Post{ann, 7, 61}), 2000},
		{ErrPostDeadline, bob, PostKind.Encode(Post{ann, 7, 61}), 2000},
		{ErrPostTooMuch, bob, PostKind.Encode(Post{ann, 7, 61}), 1999},

		{ErrVoidNoHold, cat, VoidKind.Encode(Void{ann, 8}), 1999},
		{ErrVoidSigner, cat, VoidKind.Encode(Void{ann, 7}), 1999},
		{ErrVoidDeadline, ann, VoidKind.Encode(Void{ann, 7}), 1999},
	} {
		b := opened(t)
		b.Must(t, ann, HoldKind.Encode(held))
		if c.at != 0 {
			b.Ctx.Time = c.at
		}
		if err := b.try(c.signer, c.sent); !errors.Is(err, c.want) {
			t.Errorf("%v: got %v", c.want, err)
		}
		b.has(t, map[tx.AccountID]string{ann: "100/60", bob: "50/0"})
	}
}

func TestSettle(t *testing.T) {
	b := opened(t)
	if no := Settle(b, euro, []Entry{{Account: ann, Amount: -130}, {Account: bob, Amount: 100}, {Account: cat, Amount: 30}}); no != nil {
		t.Fatal(no)
	}
	b.has(t, map[tx.AccountID]string{ann: "-30/0", bob: "150/0", cat: "30/0"})
	if err := b.try(ann, TransferKind.Encode(Transfer{euro, bob, 1})); !errors.Is(err, ErrTransferFunds) {
		t.Errorf("whoever owes transfers: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("entries that do not sum to zero were booked")
		}
	}()
	_ = Settle(b, euro, []Entry{{Account: ann, Amount: -2}, {Account: bob, Amount: 1}})
}

// TestEmptyBalancesLeaveNoRow keeps the state from growing with accounts that
// hold nothing.
func TestEmptyBalancesLeaveNoRow(t *testing.T) {
	b := opened(t)
	b.Must(t, ann, TransferKind.Encode(Transfer{euro, bob, 100}))
	if balances.Has(b, Holding{ann, euro}) {
		t.Error("an empty balance has a row")
	}
}
