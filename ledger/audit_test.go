package ledger

import (
	"strings"
	"testing"
)

// TestAudit breaks each invariant behind the ledger's back.
func TestAudit(t *testing.T) {
	for _, c := range []struct {
		want  string
		wreck func(book)
	}{
		{"sum to 151, 150 are in circulation", func(b book) { add(b, ann, euro, 1) }},
		{"account 2 has 5 of asset 978 held, its holds sum to 0", func(b book) {
			balances.Put(b, Holding{ann, euro}, Balance{Posted: 100, Held: 5})
		}},
		{"1 holds are on no balance", func(b book) { holds.Put(b, HoldID{cat, 1}, Reservation{euro, bob, 1, 1}) }},
		{"balances of 1 assets that are not defined", func(b book) { add(b, ann, 1, 1) }},
	} {
		b := opened(t)
		c.wreck(b)
		if err := Audit(b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("audit says %v, want %q", err, c.want)
		}
	}
}
