package pages

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
)

// Today is a household's day: what it used and where that came from, what its
// roof made and where that went, and what all of it cost and earned.
type Today struct {
	Day
	Account   tx.AccountID     `json:"account,string"`
	Name      string           `json:"name" doc:"as in the community file"`
	Plant     string           `json:"plant" doc:"what the roof is when it is no roof: solar, wind, hydro or generator; plants: several kinds; empty: none"`
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Currency  Currency         `json:"currency"`

	Used     Energy `json:"used"`
	Produced Energy `json:"produced" doc:"by the household's own plants"`
	Local    int64  `json:"local" doc:"tenths of a per cent of what was used that was made here: roof, battery, neighbours"`
	Better   Money  `json:"better" doc:"against the utility alone"`

	Sources []Part `json:"sources" doc:"of what was used: roof, battery, neighbours, grid"`
	Sinks   []Part `json:"sinks" doc:"of what the roof made: home, battery, neighbours, grid"`
	Loads   []Part `json:"loads" doc:"of what was used: ev, heat-pump, load, other"`
	Flows   []Flow `json:"flows" doc:"from roof, battery, neighbours, grid to home, battery, neighbours, grid"`

	Lines   []Line  `json:"lines" doc:"the account of the day; they sum to the balance"`
	Balance Money   `json:"balance"`
	Tariff  *Tariff `json:"tariff,omitempty" doc:"what the utility asks and pays now"`

	Intervals []Slot      `json:"intervals"`
	Progress  Progress    `json:"progress"`
	Devices   []Device    `json:"devices"`
	Bridged   []string    `json:"bridged" doc:"meters of the home that do not sign: the home's gateway signs for them"`
	Revisions []Revision  `json:"revisions" doc:"corrections of the day, the latest first"`
	Sun       *Sun        `json:"sun,omitempty" doc:"absent where the place is not known"`
	Price     *PriceRange `json:"price,omitempty" doc:"absent when neighbours did not trade"`
}

// Flow is energy that went from one place to another.
type Flow struct {
	From   string `json:"from" enum:"roof,battery,neighbours,grid"`
	To     string `json:"to" enum:"home,battery,neighbours,grid"`
	Energy Energy `json:"energy"`
}

// Line is one line of an account.
type Line struct {
	Name   string `json:"name" doc:"neighbour_sold, utility_sold, neighbour_bought, utility_bought, network_charge or levy"`
	Energy Energy `json:"energy"`
	Price  Price  `json:"price" doc:"the average"`
	Amount Money  `json:"amount"`
}

// Tariff is what the utility asks and pays.
type Tariff struct {
	Retail Price         `json:"retail" doc:"all in at the household's connection: energy, network and levy"`
	FeedIn Price         `json:"feed_in"`
	Until  interval.Time `json:"until" doc:"when it changes next; 0: not known"`
}

// State says how sure an interval is.
type State string

// States of an interval.
const (
	Settled     State = "settled"     // Booked; a late reading may still correct it.
	Provisional State = "provisional" // Read, not yet settled.
	Expected    State = "expected"    // To come: like the days before.
	Unknown     State = "unknown"     // Nothing is known.
)

// Slot is one interval of a household's day, in Wh. Use is above the line,
// surplus below.
type Slot struct {
	Start     interval.Time `json:"start"`
	State     State         `json:"state" enum:"settled,provisional,expected,unknown"`
	Revision  uint32        `json:"revision" doc:"0: not settled"`
	Estimated bool          `json:"estimated"`
	Block     int64         `json:"block" doc:"in which it was settled; 0: not yet"`

	Roof       int64 `json:"roof"`
	Battery    int64 `json:"battery"`
	Neighbours int64 `json:"neighbours"`
	Grid       int64 `json:"grid"`

	ToBattery    int64 `json:"to_battery"`
	ToNeighbours int64 `json:"to_neighbours"`
	ToGrid       int64 `json:"to_grid"`

	EV       int64 `json:"ev" doc:"what the household's chargers took, of what was used"`
	HeatPump int64 `json:"heat_pump" doc:"what its heat pumps took, of what was used"`

	Price  *Price `json:"price,omitempty" doc:"of the household's zone, if neighbours traded"`
	Amount int64  `json:"amount" doc:"smallest units; above zero: earned"`
	Alone  int64  `json:"alone" doc:"the same with the utility alone"`
}

// PriceRange is the lowest and the highest price of a day, and when.
type PriceRange struct {
	Low    Price         `json:"low"`
	LowAt  interval.Time `json:"low_at"`
	High   Price         `json:"high"`
	HighAt interval.Time `json:"high_at"`
}

// Progress counts the intervals of a day.
type Progress struct {
	Settled     int           `json:"settled"`
	Provisional int           `json:"provisional"`
	ToCome      int           `json:"to_come"`
	Through     interval.Time `json:"through" doc:"the end of the last settled interval of the day"`
	Final       interval.Time `json:"final" doc:"when the last of them can no longer be corrected"`
}

// Device is a device behind the household's connection and what it did last.
type Device struct {
	Device   grid.DeviceID `json:"device,string"`
	Name     string        `json:"name"`
	Kind     string        `json:"kind" doc:"meter, solar, wind, hydro, generator, battery, ev, heat-pump or load"`
	Capacity uint64        `json:"capacity" doc:"in W; 0: not known"`
	At       interval.Time `json:"at" doc:"start of the last interval that is known"`
	Power    int64         `json:"power" doc:"mean of that interval in W; above zero it takes, below zero it gives"`
	Taken    Energy        `json:"taken" doc:"in the settled intervals of the day"`
	Given    Energy        `json:"given" doc:"in the settled intervals of the day"`
}

// Revision is a correction of one interval.
type Revision struct {
	Start    interval.Time `json:"start"`
	Revision uint32        `json:"revision"`
	Block    int64         `json:"block"`
	Before   Money         `json:"before" doc:"the amount that the revision before it said"`
	After    Money         `json:"after"`
	Used     Energy        `json:"used" doc:"taken from outside, after"`
	Was      Energy        `json:"was" doc:"taken from outside, before"`
	Given    Energy        `json:"given" doc:"given to others, after"`
	GivenWas Energy        `json:"given_was" doc:"given to others, before"`
}

// Sun is when it rises and sets, and its course by height.
type Sun struct {
	Rise interval.Time `json:"rise"`
	Set  interval.Time `json:"set"`
}
