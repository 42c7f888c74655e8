package homeassistant

import (
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/pages"
)

// What is not known is left out, and numbers are written without floats.
func TestState(t *testing.T) {
	if got := string(State(&pages.Home{})); got != "{}" {
		t.Errorf("nothing is settled: %s", got)
	}
	home := pages.Home{
		Settled: 1_781_956_800, Day: pages.Day{TimeZone: "Europe/Berlin", Start: 1_781_906_400},
		Taken: pages.Energy{Wh: 5}, Given: pages.Energy{Wh: 12_340}, Balance: pages.Money{Shown: -7}, Month: pages.Money{Shown: -12_345},
		Utility: &pages.Price{Shown: 312}, Estimated: true,
	}
	const want = `{"day":"2026-06-20T00:00:00+02:00","month":"2026-06-01T00:00:00+02:00","imported":0.005,"exported":12.340,` +
		`"balance":-0.07,"balance_month":-123.45,"price_utility":0.312,"settled":"2026-06-20T14:00:00+02:00","estimated":"ON"}`
	if got := string(State(&home)); got != want {
		t.Errorf("%s\nand not\n%s", got, want)
	}
}

// Two homes have no name in common, and two meters of one home tell of one.
func TestConfig(t *testing.T) {
	home := pages.Home{Community: "Elm Street", Name: "anna", Currency: pages.Currency{Code: "EUR"}}
	a, b := string(Config(&home, ID(7, 1000), "commonwatt/7/1/homeassistant", "")), string(Config(&home, ID(7, 1001), "commonwatt/7/2/homeassistant", ""))
	for _, word := range []string{`"commonwatt_7_1000"`, `"commonwatt_7_1000_balance"`, `"commonwatt/7/1/homeassistant/state"`} {
		if !strings.Contains(a, word) || strings.Contains(b, word) {
			t.Errorf("%s: %s\n%s", word, a, b)
		}
	}
}
