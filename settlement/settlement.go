// Package settlement turns the positions of an interval into what everybody
// pays and gets, and books it.
//
// Its promise: every Wh that was taken or given is settled exactly once, with a
// neighbour or with the utility; what members pay is what utility, network and
// levy receive, to the unit; and a member who set no wish of its own is never
// worse off than with the utility alone. A correction is the difference between
// two such settlements, so a community ends where it would have been had every
// reading come in time.
package settlement

import (
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// Ops is every operation and receipt of this domain.
var Ops = op.NewSet("settlement", 7000)

// Line is what an amount on a bill is for.
type Line uint8

// Lines of a bill. Numbers are part of the protocol.
const (
	NeighbourBought Line = 1 // From neighbours, charges of the path included.
	NeighbourSold   Line = 2 // To neighbours.
	UtilityBought   Line = 3 // From the utility, at its retail price.
	UtilitySold     Line = 4 // To the utility, at its feed-in price.
	NetworkCharge   Line = 5 // For the path between utility and member, losses included.
	Levy            Line = 6 // On everything that was used.
)

// Item is one line of a statement. An amount above zero is owed, below zero
// earned.
type Item struct {
	_      struct{} `cbor:",toarray"`
	Line   Line
	Energy quantity.Energy
	Amount quantity.Money
}

// Deal is a member's side of one trade.
type Deal struct {
	_       struct{}     `cbor:",toarray"`
	Bought  bool         // Else sold.
	Partner tx.AccountID // Of the other side.
	Class   market.Class
	Energy  quantity.Energy
	Price   quantity.Price // What this side pays or gets per Wh.
}

// Statement is the receipt of one connection point's settlement in one interval.
// A later revision replaces an earlier one.
type Statement struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Start     interval.Time    `cbor:"2,keyasint" json:"start"`
	Revision  uint32           `cbor:"3,keyasint" json:"revision"`
	Point     grid.PointID     `cbor:"4,keyasint" json:"point"`
	Account   tx.AccountID     `cbor:"5,keyasint" json:"account"`
	Zone      grid.ZoneID      `cbor:"6,keyasint" json:"zone"`
	Import    quantity.Energy  `cbor:"7,keyasint" json:"import_wh"`
	Export    quantity.Energy  `cbor:"8,keyasint" json:"export_wh"`
	Produced  quantity.Energy  `cbor:"9,keyasint" json:"produced_wh"`
	Estimated bool             `cbor:"10,keyasint" json:"estimated"`
	Items     []Item           `cbor:"11,keyasint" json:"items"`
	Deals     []Deal           `cbor:"12,keyasint" json:"deals"`
	Alone     quantity.Money   `cbor:"13,keyasint" json:"alone"` // What it would owe with the utility alone.
	Devices   []DeviceEnergy   `cbor:"14,keyasint,omitempty" json:"devices,omitempty"`
	// Origins is the certificates that came to the point: of what it produced, and with
	// what it bought as green.
	Origins []certificate.Origin `cbor:"15,keyasint,omitempty" json:"origins,omitempty"`
}

// DeviceEnergy is what one device behind the connection point took and gave.
type DeviceEnergy struct {
	_         struct{} `cbor:",toarray"`
	Device    grid.DeviceID
	Import    quantity.Energy
	Export    quantity.Energy
	Estimated bool
}

// Owed is what the statement sums to.
func (s *Statement) Owed() quantity.Money {
	var sum quantity.Money
	for _, i := range s.Items {
		sum = quantity.MustAdd(sum, i.Amount)
	}
	return sum
}

// ZoneTotal is what happened in one zone.
type ZoneTotal struct {
	_      struct{} `cbor:",toarray"`
	Zone   grid.ZoneID
	Priced bool            // Neighbours traded here, so there is a price.
	Price  quantity.Price  // Of energy of any class.
	Supply quantity.Energy // Given by the zone's points.
	Demand quantity.Energy // Taken by the zone's points.
	Traded quantity.Energy // Bought from neighbours by the zone's points.
	Bought quantity.Energy // From the utility.
	Sold   quantity.Energy // To the utility.
}

// Settled is the receipt of a microgrid's interval: aggregates. Anyone may see them
// unless they are of fewer than Fewest homes somewhere: then they are the
// operator's, and Disclosed is for anyone. A later revision replaces an earlier one.
type Settled struct {
	Microgrid   grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Start       interval.Time    `cbor:"2,keyasint" json:"start"`
	Revision    uint32           `cbor:"3,keyasint" json:"revision"`
	Zones       []ZoneTotal      `cbor:"4,keyasint" json:"zones"`
	UtilitySold quantity.Money   `cbor:"5,keyasint" json:"utility_sold"` // What the utility got for its energy.
	UtilityPaid quantity.Money   `cbor:"6,keyasint" json:"utility_paid"` // What it paid for the members'.
	Network     quantity.Money   `cbor:"7,keyasint" json:"network"`      // Charges, prices of losses and congestion rent.
	Levy        quantity.Money   `cbor:"8,keyasint" json:"levy"`
	LostEnergy  quantity.Energy  `cbor:"9,keyasint,omitempty" json:"lost_wh,omitempty"`    // On all lines.
	LossCost    quantity.Money   `cbor:"10,keyasint,omitempty" json:"loss_cost,omitempty"` // What the network pays the utility for it.
}

// Disclosed is what anyone may see of a Settled that is not for everyone. A zone that
// is missing is told within its parent. What depends on lines is left out: charges
// and losses would tell apart what the sums do not.
type Disclosed struct {
	Microgrid   grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Start       interval.Time    `cbor:"2,keyasint" json:"start"`
	Revision    uint32           `cbor:"3,keyasint" json:"revision"`
	Zones       []ZoneTotal      `cbor:"4,keyasint" json:"zones"`
	UtilitySold quantity.Money   `cbor:"5,keyasint" json:"utility_sold"`
	UtilityPaid quantity.Money   `cbor:"6,keyasint" json:"utility_paid"`
	Levy        quantity.Money   `cbor:"7,keyasint" json:"levy"`
}

// Overload is the receipt of a line over which more flowed than its limit, in an
// interval. The energy is settled all the same; somebody should look at the line.
// Each revision of Settled has its own.
type Overload struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Zone      grid.ZoneID      `cbor:"2,keyasint" json:"zone"` // Whose line to its parent it is.
	Start     interval.Time    `cbor:"3,keyasint" json:"start"`
	Revision  uint32           `cbor:"4,keyasint" json:"revision"`
	Flow      quantity.Energy  `cbor:"5,keyasint" json:"flow_wh"`  // Above zero to the parent, below zero from it.
	Limit     quantity.Energy  `cbor:"6,keyasint" json:"limit_wh"` // In that direction.
}

// Receipts of a close.
var (
	StatementReceipt = op.DefineReceipt[Statement](Ops, 1, "statement", "What one connection point owes for one interval.")
	SettledReceipt   = op.DefineReceipt[Settled](Ops, 2, "settled", "The aggregates of a microgrid's interval.")
	OverloadReceipt  = op.DefineReceipt[Overload](Ops, 3, "overload", "More flowed over a line than its limit.")
	DisclosedReceipt = op.DefineReceipt[Disclosed](Ops, 4, "disclosed", "What anyone may see of aggregates that are of too few homes.")
)
