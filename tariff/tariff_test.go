package tariff

import (
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/tx"
)

const (
	operator tx.AccountID     = 1
	town     grid.MicrogridID = 10
	euro     ledger.AssetID   = 978 // ISO 4217.

	hour  = interval.Time(interval.Minutes60)
	start = 27 * hour
	open  = start + hour // The first open interval.
)

// founded is a world with a town whose first interval is settled.
func founded(t testing.TB) *optest.World {
	t.Helper()
	w := optest.NewWorld(t, party.Ops, ledger.Ops, grid.Ops, Ops)
	for a := operator; a < 5; a++ {
		w.Must(t, operator, party.OpenKind.Encode(party.Open{Account: a}))
	}
	w.Must(t, operator,
		ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: town, Root: 20, Currency: euro, Gateway: operator, Utility: 2, Network: 3, Levy: 4,
			Length: interval.Minutes60, Start: start,
		}))
	grid.Advance(w, town)
	w.Keep()
	return w
}

func TestSetPrecedence(t *testing.T) {
	good := Set{town, []Step{{open, Prices{320, 80, 10}}, {open + hour, Prices{MaxPrice, -MaxPrice, MaxPrice}}}}
	optest.Precedence(t, founded(t), operator, SetKind, good, []optest.Broken[Set]{
		{grid.ErrFromAligned, func(_ *optest.World, _ *tx.AccountID, o *Set) { o.Steps[1].From++ }},
		{grid.ErrSettled, func(_ *optest.World, _ *tx.AccountID, o *Set) { o.Steps[0].From -= hour }},
		{grid.ErrNotOperator, func(_ *optest.World, signer *tx.AccountID, _ *Set) { *signer = 2 }},
		{grid.ErrNoMicrogrid, func(_ *optest.World, _ *tx.AccountID, o *Set) { o.Microgrid++ }},
		{ErrFeedIn, func(_ *optest.World, _ *tx.AccountID, o *Set) { o.Steps[1].Prices = Prices{80, 81, 0} }},
		{ErrPrice, func(_ *optest.World, _ *tx.AccountID, o *Set) {
			o.Steps[1].Prices = Prices{MaxPrice + 1, MaxPrice + 2, 0}
		}},
		{ErrPrice, func(_ *optest.World, _ *tx.AccountID, o *Set) { o.Steps[1].Prices = Prices{0, -MaxPrice - 1, 0} }},
		{ErrPrice, func(_ *optest.World, _ *tx.AccountID, o *Set) { o.Steps[1].Prices = Prices{0, 1, -1} }},
		{ErrPrice, func(_ *optest.World, _ *tx.AccountID, o *Set) { o.Steps[1].Prices = Prices{0, 1, MaxPrice + 1} }},
		{ErrOrder, func(_ *optest.World, _ *tx.AccountID, o *Set) { o.Steps[1].From = o.Steps[0].From }},
		{ErrNoSteps, func(_ *optest.World, _ *tx.AccountID, o *Set) { o.Steps = make([]Step, MaxSteps+1) }},
		{ErrNoSteps, func(_ *optest.World, _ *tx.AccountID, o *Set) { o.Steps = nil }},
	})
}

// TestTimeOfUse asks for the prices at the edges of steps; before the first there
// are none.
func TestTimeOfUse(t *testing.T) {
	w := founded(t)
	night, day := Prices{200, 80, 5}, Prices{320, 60, 5}
	w.Must(t, operator, SetKind.Encode(Set{town, []Step{{open + hour, night}, {open + 7*hour, day}, {open + 22*hour, night}}}))
	for at, want := range map[interval.Time]Prices{
		open: {}, open + hour - 1: {}, open + hour: night, open + 7*hour - 1: night, open + 7*hour: day, open + 22*hour: night, open + 99*hour: night,
	} {
		if got, ok := At(w, town, at); got != want || ok != (want != Prices{}) {
			t.Errorf("at %d: %v (%v), want %v", at, got, ok, want)
		}
	}
	if _, ok := At(w, town+1, open+9*hour); ok {
		t.Error("another town has prices")
	}
}
