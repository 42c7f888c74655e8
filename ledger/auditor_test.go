package ledger

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

const coin AssetID = 2 // Another asset.

// auditor is a second ledger, written without a look at the first: it keeps
// nothing but what happened, and adds it up anew for every question.
type auditor struct {
	movements []movement
	promises  []promise
}

// movement is an amount that came to an account or, below zero, left it.
type movement struct {
	account tx.AccountID
	asset   AssetID
	amount  quantity.Money
}

// promise is a hold; it ends when it is posted or voided.
type promise struct {
	payer, to tx.AccountID
	number    uint64
	asset     AssetID
	amount    quantity.Money
	deadline  interval.Time
	ended     bool
}

func (a *auditor) move(account tx.AccountID, asset AssetID, amount quantity.Money) {
	a.movements = append(a.movements, movement{account, asset, amount})
}

// has is what an account has, and of that, what it promised.
func (a *auditor) has(account tx.AccountID, asset AssetID) Balance {
	var b Balance
	for _, m := range a.movements {
		if m.account == account && m.asset == asset {
			b.Posted += m.amount
		}
	}
	for _, p := range a.promises {
		if p.payer == account && p.asset == asset && !p.ended {
			b.Held += p.amount
		}
	}
	return b
}

func (a *auditor) spendable(account tx.AccountID, asset AssetID, amount quantity.Money) bool {
	b := a.has(account, asset)
	return b.Posted-b.Held >= amount
}

// circulating is what was issued less what was redeemed; all else cancels out.
func (a *auditor) circulating(asset AssetID) (sum quantity.Money) {
	for _, m := range a.movements {
		if m.asset == asset {
			sum += m.amount
		}
	}
	return sum
}

// open finds a hold that was not ended.
func (a *auditor) open(payer tx.AccountID, number uint64) *promise {
	i := slices.IndexFunc(a.promises, func(p promise) bool { return p.payer == payer && p.number == number && !p.ended })
	if i < 0 {
		return nil
	}
	return &a.promises[i]
}

// pick draws from small ranges, so that operations meet.
type pick struct{ *rapid.T }

func (p pick) account() tx.AccountID {
	return rapid.SampledFrom([]tx.AccountID{bank, ann, bob, cat}).Draw(p.T, "account")
}

func (p pick) asset() AssetID {
	return rapid.SampledFrom([]AssetID{euro, euro, coin, 3}).Draw(p.T, "asset")
}

func (p pick) amount() quantity.Money {
	return quantity.Money(rapid.Int64Range(-1, 80).Draw(p.T, "amount"))
}

func (p pick) number() uint64 { return rapid.Uint64Range(0, 2).Draw(p.T, "number") }

// TestAgainstAuditor plays random operations on the ledger and tells the auditor
// of them, who says beforehand whether each is good. After each, both have the
// same balances, and the ledger passes its own audit.
func TestAgainstAuditor(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b, a, p := newBook(t), &auditor{}, pick{rt}
		b.Must(t, bank, DefineKind.Encode(Define{Asset: euro, Symbol: "EUR"}), DefineKind.Encode(Define{Asset: coin, Symbol: "COIN"}))
		// attempt holds what the ledger does against what the auditor says.
		attempt := func(good bool, signer tx.AccountID, sent tx.Operation, then func()) {
			if err := b.try(signer, sent); good != (err == nil) {
				rt.Fatalf("the auditor says %v, the ledger %v", good, err)
			}
			if good {
				then()
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"issue": func(*rapid.T) {
				signer, to, asset, n := p.account(), p.account(), p.asset(), p.amount()
				sent := Issue{Asset: asset, To: to, Amount: n, Deposit: make([]byte, 32)}
				attempt(signer == bank && asset != 3 && n > 0, signer, IssueKind.Encode(sent), func() { a.move(to, asset, n) })
			},
			"redeem": func(*rapid.T) {
				signer, asset, n := p.account(), p.asset(), p.amount()
				good := n > 0 && a.spendable(signer, asset, n) && a.circulating(asset) >= n
				attempt(good, signer, RedeemKind.Encode(Redeem{asset, n}), func() { a.move(signer, asset, -n) })
			},
			"transfer": func(*rapid.T) {
				from, to, asset, n := p.account(), p.account(), p.asset(), p.amount()
				good := n > 0 && from != to && a.spendable(from, asset, n)
				attempt(good, from, TransferKind.Encode(Transfer{asset, to, n}), func() {
					a.move(from, asset, -n)
					a.move(to, asset, n)
				})
			},
			"hold": func(*rapid.T) {
				h := promise{payer: p.account(), to: p.account(), number: p.number(), asset: p.asset(), amount: p.amount(), deadline: b.Ctx.Time + 3}
				good := h.amount > 0 && h.payer != h.to && a.open(h.payer, h.number) == nil && a.spendable(h.payer, h.asset, h.amount)
				attempt(good, h.payer, HoldKind.Encode(Hold{h.number, h.asset, h.to, h.amount, h.deadline}), func() { a.promises = append(a.promises, h) })
			},
			"post": func(*rapid.T) {
				payer, signer, number, n := p.account(), p.account(), p.number(), p.amount()
				h := a.open(payer, number)
				good := n > 0 && h != nil && h.to == signer && b.Ctx.Time < h.deadline && n <= h.amount
				attempt(good, signer, PostKind.Encode(Post{payer, number, n}), func() {
					h.ended = true
					a.move(payer, h.asset, -n)
					a.move(signer, h.asset, n)
				})
			},
			"void": func(*rapid.T) {
				payer, signer, number := p.account(), p.account(), p.number()
				h := a.open(payer, number)
				good := h != nil && (signer == h.to || signer == payer && b.Ctx.Time >= h.deadline)
				attempt(good, signer, VoidKind.Encode(Void{payer, number}), func() { h.ended = true })
			},
			"settle": func(*rapid.T) { // What is owed may be more than there is.
				from, to, n := p.account(), p.account(), p.amount()
				if no := Settle(b, euro, []Entry{{Account: from, Amount: -n}, {Account: to, Amount: n}}); no != nil {
					rt.Fatal(no)
				}
				b.Keep()
				a.move(from, euro, -n)
				a.move(to, euro, n)
			},
			"wait": func(*rapid.T) { b.Ctx.Time++ },
			"":     func(rt *rapid.T) { b.agrees(rt, a) },
		})
	})
}

// agrees compares every balance, and what is in circulation, with the auditor's.
func (b book) agrees(rt *rapid.T, a *auditor) {
	for _, asset := range []AssetID{euro, coin, 3} {
		for _, account := range []tx.AccountID{bank, ann, bob, cat} {
			if got, want := BalanceOf(b, account, asset), a.has(account, asset); got != want {
				rt.Fatalf("account %d has %+v of asset %d, the auditor says %+v", account, got, asset, want)
			}
		}
		if row, _ := AssetAt(b, asset); row.Issued != a.circulating(asset) {
			rt.Fatalf("%d of asset %d are in circulation, the auditor says %d", row.Issued, asset, a.circulating(asset))
		}
	}
	if err := Audit(b); err != nil {
		rt.Fatal(err)
	}
}
