package auction

import (
	"math"
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// The sweep counts prices in sixteenths. A bid counts two sixteenths above its
// limit and an offer two below, so of two trades with the same welfare the
// larger wins: no cycle of trades changes more than four such nudges, which is
// less than one unit of price. What is left tied is tied in volume too. Premiums
// are even; an odd one lies strictly between two premiums at which anything
// changes.
const (
	fineBits = 4
	nudge    = 2
)

// never is beyond every price of the sweep.
const never int64 = math.MaxInt64 / 4

// boundless is the room of a line without a limit.
const boundless quantity.Energy = math.MaxInt64 / 4

func fine[P ~int32 | ~int64](p P) int64 { return int64(p) << fineBits }

// node is a zone in the sweep. What it could export at prices just below q, its
// own orders and the zones under it together, grows with q; the node remembers
// where it changes regime.
type node struct {
	charge    int64
	export    quantity.Energy
	imports   quantity.Energy
	low, high int64 // Below low and above high nothing changes.
	wet       int64 // The least q that does not fill the import limit.
	balanced  int64 // The least q with nothing to import.
	surplus   int64 // The least q with something to export.
	full      int64 // The least q that fills the export limit.
}

// sweep finds the optimum for one premium: MARKET.md, "The sweep".
type sweep struct {
	tree    *tree
	ladders []ladder
	levels  []level
	nodes   []node
	premium int64
	swept   bool  // Whether the nodes know their regimes at some premium.
	risen   int64 // The premium less the one before.

	scratch []claim

	elastic        bool // Whether a utility stands at the root.
	feedIn, retail int64
}

// newSweep prepares the sweep of a stage.
func newSweep(s *stage, r *ranking, scratch []level) *sweep {
	w := &sweep{tree: s.tree, nodes: make([]node, len(s.book.Zones))}
	w.ladders, w.levels = s.ladders(r, scratch)
	for z := range w.nodes {
		w.nodes[z] = node{charge: fine(s.book.Zones[z].Charge), export: s.lines[z].export, imports: s.lines[z].imports, wet: -never, full: never}
	}
	if s.utility != nil {
		w.elastic, w.feedIn, w.retail = true, fine(s.utility.FeedIn), fine(s.utility.Retail)
		if w.feedIn < w.retail {
			w.feedIn, w.retail = w.feedIn+nudge, w.retail-nudge
		}
	}
	return w
}

// own is the net supply of a zone's own orders of a class at prices just below q.
func (w *sweep) own(zone int32, class Class, q int64) quantity.Energy {
	if class == Green {
		q += w.premium
	}
	offers := w.ladders[rung(zone, class, Sell)]
	bids := w.ladders[rung(zone, class, Buy)]
	return w.through(offers, w.offeredBelow(offers, q)) - w.through(bids, w.bidFrom(bids, q))
}

// net is what a zone and those under it supply at prices just below q.
func (w *sweep) net(zone int32, q int64) quantity.Energy {
	net := w.own(zone, Any, q) + w.own(zone, Green, q)
	for c := w.tree.child[zone]; c != NoParent; c = w.tree.sibling[c] {
		net += w.shown(c, q)
	}
	return net
}

// shown is what a zone shows its parent at the parent's prices just below q.
func (w *sweep) shown(zone int32, q int64) quantity.Energy {
	n := &w.nodes[zone]
	switch export, imports := q-n.charge, q+n.charge; {
	case export >= n.full:
		return n.export
	case export >= n.surplus:
		return w.net(zone, export)
	case imports < n.wet:
		return -n.imports
	case imports < n.balanced:
		return w.net(zone, imports)
	default:
		return 0
	}
}

// up finds where each zone changes regime, children first.
func (w *sweep) up(premium int64) {
	w.premium, w.risen = premium, premium-w.premium
	for _, zone := range slices.Backward(w.tree.order) {
		w.regimes(zone)
	}
	w.swept = true
}

func (w *sweep) regimes(zone int32) {
	n := &w.nodes[zone]
	n.low, n.high = w.span(zone)
	if n.low > n.high {
		n.wet, n.balanced, n.surplus, n.full = -never, -never, never, never
		return
	}
	n.surplus = w.reach(zone, n.surplus, 1)
	if n.surplus != never && w.net(zone, n.surplus-1) < 0 {
		n.balanced = n.surplus
	} else {
		n.balanced = w.reach(zone, n.balanced, 0)
	}
	if n.export < boundless {
		n.full = w.reach(zone, n.full, max(n.export, 1))
	}
	if n.imports < boundless {
		n.wet = w.reach(zone, n.wet, 1-max(n.imports, 1))
	}
}

// span is the range of q outside which the net supply of a zone is constant.
func (w *sweep) span(zone int32) (low, high int64) {
	low, high = never, -never
	for class := Any; class <= Green; class++ {
		shift := int64(0)
		if class == Green {
			shift = w.premium
		}
		for side := Buy; side <= Sell; side++ {
			l := w.ladders[rung(zone, class, side)]
			if l.first == l.last {
				continue
			}
			best, worst := fine(w.levels[l.first].limit)-shift, fine(w.levels[l.last-1].limit)-shift
			low, high = min(low, best-nudge, worst-nudge), max(high, best+nudge+1, worst+nudge+1)
		}
	}
	for c := w.tree.child[zone]; c != NoParent; c = w.tree.sibling[c] {
		if n := &w.nodes[c]; n.low <= n.high {
			low, high = min(low, n.low-n.charge), max(high, n.high+n.charge)
		}
	}
	return low, high
}

// reach is the least q at which a zone supplies at least want, never if there is
// none and -never if there is no least. From one premium to a higher one it falls,
// by no more than the premium rises, which leaves little to search from where it
// was; most often it is where it was or fell as far as it could.
func (w *sweep) reach(zone int32, was int64, want quantity.Energy) int64 {
	low, high := w.nodes[zone].low, w.nodes[zone].high
	if w.swept {
		if was == never || was == -never {
			return was
		}
		low, high = was-max(0, w.risen), was+max(0, -w.risen)
	}
	if low == high && w.swept {
		return low
	}
	if w.net(zone, low) >= want {
		if !w.swept {
			return -never
		}
		return low
	}
	if w.net(zone, high-1) < want {
		if !w.swept && w.net(zone, high) < want {
			return never
		}
		return high
	}
	for low, high = low+1, high-1; low < high; {
		if middle := low + (high-low)>>1; w.net(zone, middle) >= want {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}
