package pages

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
)

// Community is a microgrid's day in aggregates, which anyone may see, and what
// only its operator may.
type Community struct {
	Day
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Name      string           `json:"name"`
	Currency  Currency         `json:"currency"`
	Members   int              `json:"members"`
	Devices   []Count          `json:"devices" doc:"by kind"`
	Zones     []Zone           `json:"zones"`
	Withheld  bool             `json:"withheld" doc:"the day is of fewer than three homes: what they take and give is told to the operator only"`

	Demand   Energy   `json:"demand" doc:"taken at all connection points"`
	Supply   Energy   `json:"supply" doc:"given at all connection points"`
	Traded   Energy   `json:"traded" doc:"between neighbours"`
	Bought   Energy   `json:"bought" doc:"from the utility"`
	Sold     Energy   `json:"sold" doc:"to the utility"`
	Local    int64    `json:"local" doc:"tenths of a per cent of demand that neighbours met"`
	Matching *Matched `json:"matching,omitempty" doc:"how well production met use, and what the rest emitted; absent: nothing is settled, or it would tell of too few homes or plants"`
	Better   Money    `json:"better" doc:"of all members, against the utility alone"`

	Intervals []CommunitySlot `json:"intervals"`
	Progress  Progress        `json:"progress"`
	Price     *PriceRange     `json:"price,omitempty"`
	Sun       *Sun            `json:"sun,omitempty"`
	Overloads []Overload      `json:"overloads" doc:"for the operator; empty for others"`
}

// Count counts things of a name.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Zone is a zone of the microgrid and its line to its parent, in the last settled
// interval of the day.
type Zone struct {
	Zone        grid.ZoneID `json:"zone,string"`
	Name        string      `json:"name"`
	Parent      grid.ZoneID `json:"parent,string" doc:"0 at the root"`
	Points      int         `json:"points"`
	Charge      Price       `json:"charge"`
	LossPPM     int64       `json:"loss_ppm"`
	ExportLimit int64       `json:"export_limit" doc:"Wh per interval; -1: none"`
	ImportLimit int64       `json:"import_limit"`
	Flow        int64       `json:"flow" doc:"Wh in that interval; above zero to the parent"`
	Price       *Price      `json:"price,omitempty"`
	Withheld    bool        `json:"withheld" doc:"its energy is told within its parent, so that no sum is of fewer than three homes: it has no flow and no price here"`
}

// CommunitySlot is one interval of a microgrid, in Wh.
type CommunitySlot struct {
	Start    interval.Time `json:"start"`
	State    State         `json:"state" enum:"settled,provisional,expected,unknown"`
	Revision uint32        `json:"revision"`
	Block    int64         `json:"block"`
	Demand   int64         `json:"demand"`
	Supply   int64         `json:"supply"`
	Traded   int64         `json:"traded"`
	Bought   int64         `json:"bought"`
	Sold     int64         `json:"sold"`
	Price    *Price        `json:"price,omitempty" doc:"the mean over zones, weighted by what was traded"`
}

// Overload is a line over which more flowed than its limit.
type Overload struct {
	Start interval.Time `json:"start"`
	Zone  grid.ZoneID   `json:"zone,string"`
	Name  string        `json:"name"`
	Flow  int64         `json:"flow"`
	Limit int64         `json:"limit"`
}

// Operation is what a microgrid's operator sees first: what somebody should look
// at, then how far the month is.
type Operation struct {
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Name      string           `json:"name"`
	Month     string           `json:"month"`
	Currency  Currency         `json:"currency"`
	Now       interval.Time    `json:"now"`
	Bridged   []Bridged        `json:"bridged" doc:"meters that do not sign: a gateway in the home signs for them"`
	Concerns  int              `json:"concerns" doc:"meters with an exception in the month"`
	Open      int              `json:"open" doc:"of them, those that need somebody: something is missing, suspicious or disputed, and not corrected since"`
	Settled   int64            `json:"settled" doc:"intervals of the month"`
	Total     int64            `json:"total" doc:"intervals that the month has"`
	Through   interval.Time    `json:"through"`
	Corrected int64            `json:"corrected"`
	Estimated int64            `json:"estimated"`
	Members   []MemberRow      `json:"members"`
	Received  []Receiver       `json:"received" doc:"utility, network and levy; with the members it sums to zero"`
}

// Bridged is a meter that does not sign.
type Bridged struct {
	Device grid.DeviceID `json:"device,string"`
	Meter  string        `json:"meter"`
	Member string        `json:"member"`
}

// MemberRow is a member's month in one row.
type MemberRow struct {
	Account   tx.AccountID `json:"account,string"`
	Name      string       `json:"name"`
	Zone      string       `json:"zone"`
	Import    Energy       `json:"import"`
	Export    Energy       `json:"export"`
	Produced  Energy       `json:"produced"`
	Balance   Money        `json:"balance"`
	Alone     Money        `json:"alone"`
	Better    Money        `json:"better"`
	Estimated int64        `json:"estimated"`
}

// Receiver is who members pay besides one another.
type Receiver struct {
	Account tx.AccountID `json:"account,string"`
	Name    string       `json:"name"`
	Amount  Money        `json:"amount" doc:"above zero: received"`
}
