package ledger

import (
	"errors"
	"testing"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// TestBounds tries to take a balance past 2^62 units, in every way that there is.
func TestBounds(t *testing.T) {
	const rest = MaxBalance - 50 // What bob lacks of the most.
	lend := func(t *testing.T, b book) {
		t.Helper()
		if no := Settle(b, euro, []Entry{{Account: cat, Amount: -rest}, {Account: bob, Amount: rest}}); no != nil {
			t.Fatal(no)
		}
		b.Keep()
	}
	for _, c := range []struct {
		what string
		want error
		try  func(book) error
	}{
		{"an issue", ErrIssueTooMuch, func(b book) error { return b.try(bank, IssueKind.Encode(issue(bob, 1))) }},
		{"a transfer", ErrTransferTooBig, func(b book) error { return b.try(ann, TransferKind.Encode(Transfer{euro, bob, 1})) }},
		{"a post", ErrPostTooBig, func(b book) error {
			if err := b.try(ann, HoldKind.Encode(Hold{7, euro, bob, 1, b.Ctx.Time + 1})); err != nil {
				return err
			}
			return b.try(bob, PostKind.Encode(Post{ann, 7, 1}))
		}},
		{"a settlement's credit", ErrSettleTooBig, func(b book) error {
			return refusal(Settle(b, euro, []Entry{{Account: ann, Amount: -1}, {Account: bob, Amount: 1}}))
		}},
		{"a settlement's debit", ErrSettleTooBig, func(b book) error {
			return refusal(Settle(b, euro, []Entry{{Account: ann, Amount: 51}, {Account: cat, Amount: -51}}))
		}},
	} {
		b := opened(t)
		lend(t, b)
		if err := c.try(b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

// TestRedeemNoMoreThanIssued keeps the issuer from paying out what was never
// paid in: ann earned 70 that bob owes, and only 10 more are in circulation.
func TestRedeemNoMoreThanIssued(t *testing.T) {
	b := opened(t)
	b.Must(t, bob, RedeemKind.Encode(Redeem{euro, 50}))
	b.Must(t, ann, RedeemKind.Encode(Redeem{euro, 90}))
	if no := Settle(b, euro, []Entry{{Account: ann, Amount: 70}, {Account: bob, Amount: -70}}); no != nil {
		t.Fatal(no)
	}
	b.Keep()
	if err := b.try(ann, RedeemKind.Encode(Redeem{euro, 11})); !errors.Is(err, ErrRedeemIssued) {
		t.Errorf("redeeming what others owe: %v, want %v", err, ErrRedeemIssued)
	}
	b.Must(t, ann, RedeemKind.Encode(Redeem{euro, 10}))
	b.has(t, map[tx.AccountID]string{ann: "70/0", bob: "-70/0"})
}

// TestAuditOfLargeBalances sums balances that do not fit into 64 bits together
// before they cancel out.
func TestAuditOfLargeBalances(t *testing.T) {
	b := opened(t)
	const most = MaxBalance - 100
	for _, debtor := range []tx.AccountID{90, 91, 92} {
		creditor := debtor - 80 // So that all creditors are summed first.
		if no := Settle(b, euro, []Entry{{Account: debtor, Amount: -most}, {Account: creditor, Amount: most}}); no != nil {
			t.Fatal(no)
		}
	}
	if err := Audit(b); err != nil {
		t.Error(err)
	}
	balances.Put(b, Holding{90, euro}, Balance{Posted: quantity.Money(1) - most})
	if err := Audit(b); err == nil {
		t.Error("an audit misses a unit")
	}
}

// refusal is no as an error that is nil when no is.
func refusal(no *op.Refusal) error {
	if no == nil {
		return nil
	}
	return no
}
