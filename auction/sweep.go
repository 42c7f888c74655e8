package auction

import (
	"math"

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

func fine(p quantity.Price) int64 { return int64(p) << fineBits }

// node is a zone in the sweep. What it could export at prices just below q, its
// own orders and the zones under it together, grows with q; the node remembers
// where it changes regime.
type node struct {
	charge    int64
	export    quantity.Energy
	imports   quantity.Energy
	low, high int64 // Below low and above high nothing changes.
	surplus   int64 // The least q with something to export, or never.
	full      int64 // The least q, from surplus on, that fills the export limit, or never.
	shortage  int64 // The greatest q with something to import, or -never.
	dry       int64 // The greatest q, from shortage on, that fills the import limit, or -never.
}

// sweep finds the optimum for one premium: MARKET.md, "The sweep".
type sweep struct {
	tree    *tree
	ladders []ladder
	levels  []level
	nodes   []node
	premium int64

	elastic        bool // Whether a utility stands at the root.
	feedIn, retail int64
}

// newSweep prepares the sweep of a stage.
func newSweep(s *stage, r *ranking, scratch []level) *sweep {
	w := &sweep{tree: s.tree, nodes: make([]node, len(s.book.Zones))}
	w.ladders, w.levels = s.ladders(r, scratch)
	for z := range w.nodes {
		w.nodes[z] = node{charge: fine(s.book.Zones[z].Charge), export: s.lines[z].export, imports: s.lines[z].imports}
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
	case imports <= n.dry:
		return -n.imports
	case imports <= n.shortage:
		return w.net(zone, imports)
	default:
		return 0
	}
}

// up finds where each zone changes regime, children first.
func (w *sweep) up(premium int64) {
	w.premium = premium
	for i := len(w.tree.order) - 1; i >= 0; i-- {
		w.regimes(w.tree.order[i])
	}
}

func (w *sweep) regimes(zone int32) {
	n := &w.nodes[zone]
	n.low, n.high = w.span(zone)
	n.surplus, n.full, n.shortage, n.dry = never, never, -never, -never
	if n.low > n.high {
		return
	}
	positive := w.reach(zone, n.low, n.high, 1)
	balanced := positive
	if positive == n.low || w.net(zone, positive-1) >= 0 {
		balanced = w.reach(zone, n.low, positive-1, 0)
	}
	if positive <= n.high {
		n.surplus = positive
	}
	if balanced > n.low {
		n.shortage = balanced - 1
	}
	if n.surplus != never && n.export < boundless {
		if full := w.reach(zone, n.surplus, n.high, n.export); full <= n.high {
			n.full = full
		}
	}
	if n.shortage != -never && n.imports < boundless {
		if dry := w.reach(zone, n.low, n.shortage, 1-n.imports) - 1; dry >= n.low {
			n.dry = dry
		}
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

// reach is the least q in [low, high] at which a zone supplies at least want,
// or high + 1.
func (w *sweep) reach(zone int32, low, high int64, want quantity.Energy) int64 {
	for low <= high {
		middle := low + (high-low)/2
		if w.net(zone, middle) >= want {
			high = middle - 1
		} else {
			low = middle + 1
		}
	}
	return low
}
