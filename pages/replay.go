package pages

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
)

// Replay is an interval settled again, by the engine that settled it, from what
// the ledger keeps: as it was, and as it would have been.
type Replay struct {
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Start     interval.Time    `json:"start"`
	Length    int64            `json:"length"`
	TimeZone  string           `json:"time_zone"`
	Currency  Currency         `json:"currency"`
	Revision  uint32           `json:"revision"`
	Block     int64            `json:"block"`
	Same      bool             `json:"same" doc:"the replay gave what the ledger booked, to the unit"`
	Mode      string           `json:"mode"`
	Rule      string           `json:"rule"`

	Withheld bool `json:"withheld" doc:"it is of fewer than three homes: what they take and give is told to the operator only"`

	Demand int64  `json:"demand"`
	Supply int64  `json:"supply"`
	Traded int64  `json:"traded"`
	Retail Price  `json:"retail" doc:"the utility's, energy alone"`
	FeedIn Price  `json:"feed_in"`
	Levy   Price  `json:"levy"`
	Zones  []Zone `json:"zones" doc:"with price, flow and limits of the interval"`
	Orders []Step `json:"orders" doc:"the book, best first; steps of fewer than three homes are merged unless the viewer is the operator"`

	Own *OwnReplay `json:"own,omitempty" doc:"the household's part; absent for whoever may not see it"`
}

// Step is what is asked or offered at one limit.
type Step struct {
	Side   string `json:"side" enum:"buy,sell" doc:"buy or sell"`
	Green  bool   `json:"green"`
	Limit  Price  `json:"limit"`
	Energy int64  `json:"energy"`
	Filled int64  `json:"filled"`
	Homes  int    `json:"homes"`
	Own    bool   `json:"own" doc:"it holds the household's own order"`
	Merged bool   `json:"merged" doc:"it holds orders of several limits, the first of which is shown"`
}

// OwnReplay is one household's part of a replay.
type OwnReplay struct {
	Account  tx.AccountID `json:"account,string"`
	Import   int64        `json:"import"`
	Export   int64        `json:"export"`
	Produced int64        `json:"produced"`
	Lines    []Line       `json:"lines"`
	Balance  Money        `json:"balance"`
	Alone    Money        `json:"alone"`
	Deals    []Deal       `json:"deals"`
	WhatIf   []WhatIf     `json:"what_if"`
}

// Deal is the household's side of one trade.
type Deal struct {
	Bought  bool   `json:"bought"`
	Utility bool   `json:"utility" doc:"the other side; else a neighbour"`
	Green   bool   `json:"green"`
	Energy  int64  `json:"energy"`
	Price   Price  `json:"price"`
	Amount  Money  `json:"amount"`
	Path    string `json:"path,omitempty" doc:"where the neighbour is: a zone's name"`
}

// WhatIf is the day or the interval without some of the household's devices,
// everybody else's unchanged, by the same engine.
type WhatIf struct {
	Without  string `json:"without" doc:"battery, panels or both"`
	Import   int64  `json:"import"`
	Export   int64  `json:"export"`
	Balance  Money  `json:"balance" doc:"of the interval"`
	Worse    Money  `json:"worse" doc:"how much it costs more than it did; below zero: it would have gained"`
	Price    *Price `json:"price,omitempty" doc:"of the household's zone"`
	Day      Money  `json:"day" doc:"the balance of the whole day's settled intervals"`
	DayWas   Money  `json:"day_was"`
	DayWorse Money  `json:"day_worse"`
}
