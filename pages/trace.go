package pages

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
)

// Trace is where the energy of one household's interval came from and went: made,
// delivered, matched, paid, certified, each step with the receipts that say so. What
// is traced is the allocation, by meters and rules; electrons have no owner.
type Trace struct {
	Account   tx.AccountID     `json:"account,string"`
	Name      string           `json:"name" doc:"as in the community file"`
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Community string           `json:"community"`
	Start     interval.Time    `json:"start"`
	Local     string           `json:"local" doc:"the start by the community's clock, which names an hour that comes twice" example:"2026-10-25T02:15+01:00"`
	Length    int64            `json:"length" doc:"in seconds"`
	TimeZone  string           `json:"time_zone"`
	Currency  Currency         `json:"currency"`
	Height    int64            `json:"height" doc:"of the block up to which this is told"`
	Revision  uint32           `json:"revision" doc:"above 1: it was corrected, and before says what it was"`
	Block     int64            `json:"block" doc:"that settled this revision"`
	Estimated bool             `json:"estimated"`
	Final     bool             `json:"final" doc:"no reading can change it any more"`

	Used     Energy `json:"used"`
	Produced Energy `json:"produced" doc:"by the household's own plants"`
	Sources  []Part `json:"sources" doc:"of what was used: roof, battery, neighbours, grid"`
	Sinks    []Part `json:"sinks" doc:"of what the roof made: home, battery, neighbours, grid"`

	Made      []TraceDevice   `json:"made"`
	Delivered TraceWays       `json:"delivered"`
	Matched   TraceMatch      `json:"matched"`
	Paid      TracePaid       `json:"paid"`
	Certified TraceCertified  `json:"certified"`
	Before    []TraceRevision `json:"before" doc:"what the interval was before it was corrected, the latest first"`
}

// ReceiptRef is where a receipt stands.
type ReceiptRef struct {
	Height   int64  `json:"height"`
	Position int    `json:"position"`
	N        int    `json:"n"`
	Name     string `json:"name" example:"settlement.statement"`
	Leaf     string `json:"leaf" doc:"its salted hash, hex, as it stands in the receipt log"`
	Sealed   bool   `json:"sealed" doc:"it is not for the viewer: that it is there is all that is told"`
	Proof    string `json:"proof,omitempty" doc:"address of its public page: whoever has it sees this receipt; absent where it is sealed"`
}

// TraceDevice is what one device of the household measured, and how we know.
type TraceDevice struct {
	Device    grid.DeviceID   `json:"device,string"`
	Meter     string          `json:"meter"`
	Kind      string          `json:"kind"`
	Import    int64           `json:"import_wh"`
	Export    int64           `json:"export_wh"`
	Estimated bool            `json:"estimated"`
	How       How             `json:"how" enum:"signed,bridged,gateway,estimate,unknown" doc:"signed: the device signed its registers; bridged: the gateway of the home did; gateway: handed in by the community's gateway, live or as a file; estimate: there was no reading; unknown: the reading lies too far back to be looked for"`
	Sequence  uint64          `json:"sequence,omitempty" doc:"of the device's message"`
	Epoch     uint32          `json:"epoch,omitempty" doc:"of the key that signed the message"`
	Registers *TraceRegisters `json:"registers,omitempty" doc:"as the device signed them"`
	Quality   string          `json:"quality,omitempty" doc:"as in NEM12: A actual, E estimated, F final substitute, S substitute"`
	Way       string          `json:"way,omitempty" doc:"how an estimate came about: interpolated, like_day, interval_before, nothing_known, evenly, like_days"`
	Days      int64           `json:"days,omitempty" doc:"how many days before the like day was"`
	Receipts  []ReceiptRef    `json:"receipts"`
}

// How is how a reading came to the ledger.
type How string

// Ways that a reading comes.
const (
	BySignature How = "signed"
	ByBridge    How = "bridged"
	ByGateway   How = "gateway"
	ByEstimate  How = "estimate"
	ByUnknown   How = "unknown"
)

// TraceRegisters are what a device counted since it was made, at the interval's end.
type TraceRegisters struct {
	Import int64 `json:"import_wh"`
	Export int64 `json:"export_wh"`
}

// TraceWays is over which lines the energy counts as having come and gone.
type TraceWays struct {
	Ways     []TraceWay   `json:"ways"`
	Receipts []ReceiptRef `json:"receipts" doc:"of the interval's sums"`
}

// TraceWay is one way: within the home, or between its zone and where the other side is.
type TraceWay struct {
	Bought  bool        `json:"bought" doc:"it came; else it went"`
	Within  bool        `json:"within" doc:"from roof or battery to where it was used: over no line"`
	Utility bool        `json:"utility" doc:"the other side is the grid; else neighbours"`
	Energy  int64       `json:"energy_wh"`
	From    string      `json:"from" doc:"a zone's name"`
	To      string      `json:"to"`
	Lines   []TraceLine `json:"lines" doc:"in the order in which they are crossed"`
	Price   Price       `json:"price" doc:"what a Wh pays for the lines, losses included"`
	Lost    int64       `json:"lost_wh" doc:"what these lines lose of as much energy, each rounded down; the price pays for it"`
}

// TraceLine is a line that is crossed.
type TraceLine struct {
	Zone    string `json:"zone" doc:"whose line to its parent it is"`
	Up      bool   `json:"up" doc:"crossed to the parent"`
	Charge  Price  `json:"charge"`
	Loss    Price  `json:"loss" doc:"the price of what is lost"`
	LossPPM int64  `json:"loss_ppm"`
	Flow    *int64 `json:"flow_wh,omitempty" doc:"over the line in all, above zero to the parent; absent where it is of too few homes"`
}

// TraceMatch is what the household's orders met.
type TraceMatch struct {
	Mode     string       `json:"mode"`
	Rule     string       `json:"rule"`
	Zone     string       `json:"zone"`
	Price    *Price       `json:"price,omitempty" doc:"that neighbours paid in the zone; absent where none traded"`
	Withheld bool         `json:"withheld" doc:"what neighbours paid in the zone is of too few homes to be told"`
	Retail   Price        `json:"retail" doc:"the utility's, energy alone"`
	FeedIn   Price        `json:"feed_in"`
	Orders   []TraceOrder `json:"orders" doc:"the household's own"`
	Deals    []Deal       `json:"deals"`
	Receipts []ReceiptRef `json:"receipts"`
}

// TraceOrder is one of the household's own orders.
type TraceOrder struct {
	Side   string `json:"side" enum:"buy,sell"`
	Green  bool   `json:"green" doc:"buys green only; or offers as green what is certified"`
	Limit  Price  `json:"limit"`
	Chosen bool   `json:"chosen" doc:"the member's own limit; else what the utility asks or pays at the member's connection"`
	Energy int64  `json:"energy_wh"`
	Filled int64  `json:"filled_wh" doc:"by neighbours; the rest is with the utility"`
}

// TracePaid is what was posted to the account: figures of the interval's replay.
type TracePaid struct {
	Lines    []Line       `json:"lines"`
	Balance  Money        `json:"balance"`
	Alone    Money        `json:"alone" doc:"what it would be with the utility alone"`
	Posted   int64        `json:"posted_units" doc:"what this revision posted: the balance, less what was posted before"`
	Receipts []ReceiptRef `json:"receipts"`
}

// TraceCertified is the certificates of the interval.
type TraceCertified struct {
	Issues   bool          `json:"issues" doc:"the community issues certificates"`
	Origins  []TraceOrigin `json:"origins" doc:"what came to the household"`
	Lots     []TraceLot    `json:"lots" doc:"what its own devices were issued"`
	Claimed  int64         `json:"claimed_wh" doc:"of the origins, used up with the energy"`
	Without  int64         `json:"without_wh" doc:"of what was used, for which no certificate was claimed"`
	Receipts []ReceiptRef  `json:"receipts"`
}

// TraceOrigin is energy of a lot that came to the household.
type TraceOrigin struct {
	Own     bool   `json:"own" doc:"of the household's own device"`
	Meter   string `json:"meter,omitempty" doc:"absent of a neighbour's device"`
	Kind    string `json:"kind" doc:"solar, wind or hydro"`
	Zone    string `json:"zone"`
	Energy  int64  `json:"energy_wh"`
	Claimed bool   `json:"claimed" doc:"used up as the energy was used; else the household's to pass on"`
}

// TraceLot is what one device of the household was issued, and what became of it.
type TraceLot struct {
	Meter      string       `json:"meter"`
	Kind       string       `json:"kind"`
	Issued     int64        `json:"issued_wh"`
	Revision   uint32       `json:"revision"`
	Claimed    int64        `json:"claimed_wh" doc:"by the household, as it was used"`
	Neighbours int64        `json:"neighbours_wh" doc:"that went with green trades"`
	Kept       int64        `json:"kept_wh" doc:"that was the household's to pass on"`
	Held       int64        `json:"held_wh" doc:"of it, the household still has"`
	Receipts   []ReceiptRef `json:"receipts"`
}

// TraceRevision is the interval as it was before a correction.
type TraceRevision struct {
	Revision  uint32       `json:"revision"`
	Block     int64        `json:"block"`
	Import    int64        `json:"import_wh"`
	Export    int64        `json:"export_wh"`
	Produced  int64        `json:"produced_wh"`
	Estimated bool         `json:"estimated"`
	Balance   Money        `json:"balance"`
	Receipts  []ReceiptRef `json:"receipts"`
}
