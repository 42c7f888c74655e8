package pages

import (
	"cmp"
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// whShown is how many Wh a shown hundredth of a kWh is.
const whShown = 10

// apportion rounds parts to multiples of unit so that they sum to what their sum
// is rounded to, half away from zero: the parts that lose most by rounding down
// are rounded up (largest remainder). A part of zero shows zero.
func apportion(parts []int64, unit int64) (total int64, shown []int64) {
	var sum int64
	shown = make([]int64, len(parts))
	order := make([]int, len(parts))
	for i, p := range parts {
		sum += p
		shown[i], order[i] = floor(p, unit), i
	}
	total = round(sum, unit)
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(parts[b]-shown[b]*unit, parts[a]-shown[a]*unit)
	})
	left := total
	for _, s := range shown {
		left -= s
	}
	for _, i := range order[:left] {
		shown[i]++
	}
	return total, shown
}

// floor divides downwards; the unit is above zero.
func floor(a, unit int64) int64 {
	q := a / unit
	if a%unit < 0 {
		q--
	}
	return q
}

// round divides to the nearest, half away from zero; the unit is above zero.
func round(a, unit int64) int64 {
	if a < 0 {
		return -round(-a, unit)
	}
	q, rest := a/unit, a%unit
	if rest >= unit-rest {
		q++
	}
	return q
}

// shownParts shows parts of an energy of which it is decided what is shown.
func shownParts(total int64, of []quantity.Energy) []Energy {
	wh, shown := make([]int64, len(of)), make([]Energy, len(of))
	for i, e := range of {
		wh[i] = int64(e)
	}
	for i, hundredths := range split(total, wh, whShown) {
		shown[i] = Energy{wh[i], hundredths}
	}
	return shown
}

// energy shows one energy by itself.
func energy(e quantity.Energy) Energy { return Energy{int64(e), round(int64(e), whShown)} }

// ShownEnergy shows one energy by itself, for who computes outside of a page.
func ShownEnergy(e quantity.Energy) Energy { return energy(e) }

// shares are the parts of a total in tenths of a per cent; they sum to 1000.
func shares(parts []int64) []int64 {
	var total int64
	scaled := make([]int64, len(parts))
	for i, p := range parts {
		total += p
		scaled[i] = p * 1000
	}
	if total == 0 {
		return scaled
	}
	_, shown := apportion(scaled, total)
	return shown
}

// money knows how a currency is shown.
type money struct{ decimals int }

// cent is a hundredth of the currency in its smallest units.
func (m money) cent() int64 { return power10(m.decimals - 2) }

// power10 is a power of ten, 1 for what is below zero.
func power10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// coarse makes hundredths of currencies that have fewer than two decimals.
func (m money) coarse() int64 { return power10(2 - m.decimals) }

// amount shows what the ledger says is owed, from the reader's side.
func (m money) amount(owed quantity.Money) Money {
	return Money{-int64(owed), round(-int64(owed), m.cent()) * m.coarse()}
}

// less is one shown amount less another, so that what is shown adds up.
func less(a, b Money) Money { return Money{a.Units - b.Units, a.Shown - b.Shown} }

// price shows a price per Wh: a Wh's units are a thousandth of a kWh's.
func (m money) price(p quantity.Price) Price {
	return Price{int64(p), round(int64(p)*10_000*m.coarse(), m.cent())}
}

// average shows the price that an amount is of an energy. The exact one is in the
// amount; what is given per Wh is rounded.
func (m money) average(amount quantity.Money, e quantity.Energy) Price {
	if e == 0 {
		return Price{}
	}
	a := int64(amount)
	if a < 0 {
		a = -a
	}
	// In steps, so that large months stay within 64 bits.
	whole, rest := a/int64(e), a%int64(e)
	unit := m.cent()
	shown := whole*10_000*m.coarse()*unit + rest*10_000*m.coarse()*unit/int64(e)
	return Price{round(a, int64(e)), round(shown, unit*unit)}
}

// split shows parts of a total of which it is decided already what is shown. It
// differs from what apportion would decide by a few hundredths, since the total is
// itself a rounded part of something; those go to the largest parts.
func split(total int64, parts []int64, unit int64) []int64 {
	own, shown := apportion(parts, unit)
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(max(parts[b], -parts[b]), max(parts[a], -parts[a])) })
	for n := 0; own != total && len(order) > 0; n++ {
		step := int64(cmp.Compare(total, own))
		shown[order[n%len(order)]] += step
		own += step
	}
	return shown
}
