package auction

import "github.com/commonwatt/commonwatt/quantity"

// optimum finds the least premium with which green bids filled need not exceed
// green offers filled, and an allocation that supports it; a.price and premium
// support every optimum.
func (w *sweep) optimum(places []uint64) *allocation {
	a := newAllocation(len(w.nodes))
	highest, short := w.highestPremium()
	if !short {
		w.at(0, a, places)
		return a
	}
	// Between two even premiums nothing changes, so the odd one above decides.
	least, most := int64(0), highest/2+1
	if w.at(1, a, nil) >= 0 { // Most often green is not scarce.
		most = 0
	}
	for least < most {
		middle := least + (most-least)/2
		if w.at(2*middle+1, a, nil) >= 0 {
			most = middle
		} else {
			least = middle + 1
		}
	}
	w.balance(2*least, a, places)
	return a
}

// at settles a premium and returns the surplus of green.
func (w *sweep) at(premium int64, a *allocation, places []uint64) quantity.Energy {
	w.up(premium)
	w.settle(a, places)
	return a.surplus()
}

// balance picks, at the least premium, among its optima one whose green bids
// are served: with a premium both sides are equal.
func (w *sweep) balance(premium int64, a *allocation, places []uint64) {
	surplus := w.at(premium, a, places)
	if surplus == 0 || premium == 0 && surplus > 0 {
		return
	}
	short, long := newAllocation(len(w.nodes)), newAllocation(len(w.nodes))
	if premium > 0 {
		w.at(premium-1, short, places)
	} else {
		short.takeEnergies(a)
	}
	w.at(premium+1, long, places)
	w.up(premium)
	a.blend(short, long, w.tree, places)
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
