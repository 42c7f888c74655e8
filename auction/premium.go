package auction

import "github.com/commonwatt/commonwatt/quantity"

// optimum finds the least premium with which green bids filled need not exceed
// green offers filled, and an allocation that supports it; a.price and premium
// support every optimum.
func (w *sweep) optimum(places []uint64) (a *allocation) {
	a = newAllocation(len(w.nodes))
	at := func(premium int64) quantity.Energy {
		w.up(premium)
		w.settle(a, places)
		return a.surplus()
	}
	highest, short := w.highestPremium()
	if !short {
		at(0)
		return a
	}
	// Between two even premiums nothing changes, so the odd one above decides.
	least, most := int64(0), highest/2+1
	for least < most {
		middle := least + (most-least)/2
		if at(2*middle+1) >= 0 {
			most = middle
		} else {
			least = middle + 1
		}
	}
	return w.balance(2*least, at, a, places)
}

// balance picks, at the least premium, among its optima one whose green bids
// are served: with a premium both sides are equal.
func (w *sweep) balance(premium int64, at func(int64) quantity.Energy, a *allocation, places []uint64) *allocation {
	surplus := at(premium)
	if surplus == 0 || premium == 0 && surplus > 0 {
		return a
	}
	short, long := newAllocation(len(w.nodes)), newAllocation(len(w.nodes))
	short.takeEnergies(a)
	if premium > 0 {
		at(premium - 1)
		short.takeEnergies(a)
	}
	at(premium + 1)
	long.takeEnergies(a)
	at(premium)
	a.blend(short, long, w.tree)
	return a
}

// highestPremium is a premium at which no energy but green serves a green bid,
// and whether there is a green bid at all.
func (w *sweep) highestPremium() (highest int64, short bool) {
	bid, offer := -never, never
	if w.elastic {
		offer = w.retail
	}
	for l, ladder := range w.ladders {
		if ladder.first == ladder.last {
			continue
		}
		switch best := fine(w.levels[ladder.first].limit); {
		case Class(l>>1&1) == Green && Side(l&1) == Buy:
			bid = max(bid, best+nudge)
		case Class(l>>1&1) == Any && Side(l&1) == Sell:
			offer = min(offer, best-nudge)
		}
	}
	if bid == -never || offer == never {
		return 0, false
	}
	return max(0, bid-offer), true
}
