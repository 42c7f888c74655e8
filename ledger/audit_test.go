package ledger

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// TestAudit breaks each invariant behind the ledger's back.
func TestAudit(t *testing.T) {
	for _, c := range []struct {
		want  string
		wreck func(*book)
	}{
		{"sum to 151, 150 are in circulation", func(b *book) { add(b, ann, euro, 1) }},
		{"account 2 has 5 of asset 978 held, its holds sum to 0", func(b *book) {
			balances.Put(b, Holding{ann, euro}, Balance{Posted: 100, Held: 5})
		}},
		{"1 holds are on no balance", func(b *book) { holds.Put(b, HoldID{cat, 1}, Reservation{euro, bob, 1, 1}) }},
		{"balances of 1 assets that are not defined", func(b *book) { add(b, ann, 1, 1) }},
	} {
		b := opened(t)
		c.wreck(b)
		if err := Audit(b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("audit says %v, want %q", err, c.want)
		}
	}
}

// auditor is a naive second ledger: it knows what each account may spend.
type auditor struct {
	free  map[tx.AccountID]quantity.Money
	holds map[HoldID]Reservation
}

// TestAgainstAuditor plays random operations on the ledger and on the auditor,
// and checks all balances and invariants after each.
func TestAgainstAuditor(t *testing.T) {
	accounts := []tx.AccountID{ann, bob, cat}
	rapid.Check(t, func(rt *rapid.T) {
		b := opened(t)
		a := auditor{map[tx.AccountID]quantity.Money{ann: 100, bob: 50}, map[HoldID]Reservation{}}
		someone := func(rt *rapid.T, who string) tx.AccountID { return rapid.SampledFrom(accounts).Draw(rt, who) }
		amount := func(rt *rapid.T) quantity.Money { return quantity.Money(rapid.Int64Range(1, 80).Draw(rt, "amount")) }
		id := func(rt *rapid.T) HoldID {
			return HoldID{someone(rt, "payer"), rapid.Uint64Range(0, 3).Draw(rt, "number")}
		}
		agree := func(rt *rapid.T, good bool, err error, then func()) {
			if good != (err == nil) {
				rt.Fatalf("the auditor says %v, the ledger %v", good, err)
			}
			if good {
				then()
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"transfer": func(rt *rapid.T) {
				from, to, n := someone(rt, "from"), someone(rt, "to"), amount(rt)
				agree(rt, from != to && a.free[from] >= n, b.try(from, TransferKind.Encode(Transfer{euro, to, n})), func() {
					a.free[from] -= n
					a.free[to] += n
				})
			},
			"issue": func(rt *rapid.T) {
				to, n := someone(rt, "to"), amount(rt)
				agree(rt, true, b.try(bank, IssueKind.Encode(issue(to, n))), func() { a.free[to] += n })
			},
			"redeem": func(rt *rapid.T) {
				from, n := someone(rt, "from"), amount(rt)
				agree(rt, a.free[from] >= n, b.try(from, RedeemKind.Encode(Redeem{euro, n})), func() { a.free[from] -= n })
			},
			"hold": func(rt *rapid.T) {
				h, to, n := id(rt), someone(rt, "to"), amount(rt)
				_, taken := a.holds[h]
				sent := HoldKind.Encode(Hold{h.Number, euro, to, n, b.now + 5})
				agree(rt, h.Payer != to && !taken && a.free[h.Payer] >= n, b.try(h.Payer, sent), func() {
					a.free[h.Payer] -= n
					a.holds[h] = Reservation{euro, to, n, b.now + 5}
				})
			},
			"post": func(rt *rapid.T) {
				h, signer, n := id(rt), someone(rt, "signer"), amount(rt)
				r, ok := a.holds[h]
				good := ok && r.To == signer && b.now < r.Deadline && n <= r.Amount
				agree(rt, good, b.try(signer, PostKind.Encode(Post{h.Payer, h.Number, n})), func() {
					a.free[signer] += n
					a.free[h.Payer] += r.Amount - n
					delete(a.holds, h)
				})
			},
			"void": func(rt *rapid.T) {
				h, signer := id(rt), someone(rt, "signer")
				r, ok := a.holds[h]
				good := ok && (signer == r.To || signer == h.Payer && b.now >= r.Deadline)
				agree(rt, good, b.try(signer, VoidKind.Encode(Void(h))), func() {
					a.free[h.Payer] += r.Amount
					delete(a.holds, h)
				})
			},
			"wait": func(*rapid.T) { b.now++ },
			"": func(rt *rapid.T) {
				for _, account := range accounts {
					if got := BalanceOf(b, account, euro).Available(); got != a.free[account] {
						rt.Fatalf("account %d may spend %d, the auditor says %d", account, got, a.free[account])
					}
				}
				if err := Audit(b); err != nil {
					rt.Fatal(err)
				}
			},
		})
	})
}
