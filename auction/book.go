package auction

import "github.com/commonwatt/commonwatt/quantity"

// Side says whether an order buys or sells.
type Side uint8

// Sides of an order.
const (
	Buy Side = iota
	Sell
)

// Class says which energy an order is about.
type Class uint8

// Classes. Green energy may serve an Any bid, never the other way round.
const (
	Any Class = iota
	Green
)

// Stage says which clearing a price or a fill comes from.
type Stage uint8

// Stages: members trade among themselves first, the rest with the utility.
const (
	Members Stage = iota
	WithUtility
)

// Mode is how a microgrid clears.
type Mode uint8

// Modes.
const (
	Uniform Mode = iota
	PayAsBid
	MidMarket
)

// PriceRule says which of the prices that fit the trades is paid.
type PriceRule uint8

// Price rules; MARKET.md, "At what price".
const (
	SplitRule PriceRule = iota
	ClearingRule
)

// Bounds of a valid book. Within them no amount of money that a clearing adds
// up exceeds 2^62: a filled order's price lies within its own limit and that of
// the order it trades with, and no energy trades twice.
const (
	// MaxPrice bounds the size of each limit, of the utility's prices and of
	// the charges of each path to the root, summed.
	MaxPrice quantity.Price = 1 << 26
	// MaxEnergy bounds the energy of all orders of a book together, and each
	// line limit.
	MaxEnergy quantity.Energy = 1 << 35
)

// NoLimit stands for a line without a limit.
const NoLimit quantity.Energy = -1

// NoParent marks the root of the zone tree.
const NoParent int32 = -1

// Zone is a node of the tree. Its edge is the line to its parent; the root has none.
type Zone struct {
	ID          string
	Parent      int32           // Index into Book.Zones, or NoParent.
	Charge      quantity.Price  // What a Wh pays on the edge, either way; ≥ 0.
	ExportLimit quantity.Energy // Most that may flow to the parent, or NoLimit.
	ImportLimit quantity.Energy // Most that may flow from the parent, or NoLimit.
}

// Utility is the supplier at the root: it sells any amount at Retail and buys
// any amount at FeedIn ≤ Retail.
type Utility struct {
	Retail, FeedIn quantity.Price
}

// Order is a wish to buy or sell up to Energy at Limit or better.
type Order struct {
	ID     string
	Owner  uint32 // Index into Book.Owners.
	Zone   uint32 // Index into Book.Zones.
	Side   Side
	Class  Class
	Energy quantity.Energy
	Limit  quantity.Price
}

// Book is everything that one clearing depends on.
type Book struct {
	Zones        []Zone
	Owners       []string
	Utility      *Utility // nil: islanded.
	Mode         Mode
	Rule         PriceRule
	MembersFirst bool
	Seed         []byte // Ties at the margin go by SHA-256(Seed ‖ order id), ascending.
	Orders       []Order
}

// ZonePrice is the price of one zone, class and stage that has a fill.
type ZonePrice struct {
	Zone  uint32
	Class Class
	Stage Stage
	Price quantity.Price
}

// Fill is what one order got in one stage.
type Fill struct {
	Order  uint32 // Index into Book.Orders.
	Stage  Stage
	Energy quantity.Energy // > 0
	Price  quantity.Price
	Amount quantity.Money // Energy × Price; in PayAsBid what the pairs come to, Price being that per Wh, floored.
}

// Flow is what went over a zone's edge, summed over the stages per direction.
type Flow struct {
	Zone           uint32
	Import, Export quantity.Energy
}

// Result is the outcome of a clearing: the trades, what they pay, and what is
// needed to check in O(n) that no better outcome exists.
type Result struct {
	Prices         []ZonePrice // By stage, zone, class; none in PayAsBid.
	Fills          []Fill      // By order, stage.
	Flows          []Flow      // One per zone but the root, by zone.
	UtilitySold    quantity.Energy
	UtilityBought  quantity.Energy
	Welfare        quantity.Money
	NetworkRevenue quantity.Money
	Stages         []StageProof // What Check needs beyond the above.
}

// StageProof holds the clearing (supporting) prices of one stage.
type StageProof struct {
	Stage   Stage
	Prices  []quantity.Price // Per zone, the price that supports the optimum.
	Premium quantity.Price   // What green is worth above any, ≥ 0.
	Flows   []Flow           // The flows of this stage alone, one per zone but the root.
	Bought  quantity.Energy  // By the utility, in this stage.
	Sold    quantity.Energy  // By the utility, in this stage.
}
