package pages

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
)

// Month is a household's bill for a month, so far or final.
type Month struct {
	Account   tx.AccountID     `json:"account,string"`
	Name      string           `json:"name"`
	Plant     string           `json:"plant" doc:"as of a day"`
	Community string           `json:"community"`
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Month     string           `json:"month" example:"2026-06"`
	TimeZone  string           `json:"time_zone"`
	Currency  Currency         `json:"currency"`
	Start     interval.Time    `json:"start"`
	End       interval.Time    `json:"end"`
	Through   interval.Time    `json:"through" doc:"the end of the last settled interval of the month"`
	Final     bool             `json:"final" doc:"every interval is settled, and none can be corrected any more"`
	Height    int64            `json:"height"`
	Now       interval.Time    `json:"now"`

	Used     Energy   `json:"used"`
	Produced Energy   `json:"produced"`
	Sources  []Part   `json:"sources"`
	Sinks    []Part   `json:"sinks"`
	Local    int64    `json:"local"`
	Lines    []Line   `json:"lines"`
	Balance  Money    `json:"balance"`
	Alone    Money    `json:"alone" doc:"the balance with the utility alone"`
	Better   Money    `json:"better"`
	Days     []DayRow `json:"days" doc:"those that have settled intervals; they sum to the month"`
	// Corrections is what later revisions changed of amounts that were booked in
	// the month's first revisions; it is part of the lines already.
	Corrections    Money      `json:"corrections"`
	Revisions      []Revision `json:"revisions" doc:"the latest first, 100 at most"`
	EstimatedCount int64      `json:"estimated" doc:"statements of the month that hold an estimate"`
	Months         []string   `json:"months" doc:"those that there is a bill for, the latest first"`
}

// DayRow is one day of a month.
type DayRow struct {
	Date       string `json:"date"`
	Intervals  int    `json:"intervals" doc:"settled"`
	Used       Energy `json:"used"`
	Produced   Energy `json:"produced"`
	Roof       Energy `json:"roof" doc:"of what was used"`
	Battery    Energy `json:"battery"`
	Neighbours Energy `json:"neighbours"`
	Grid       Energy `json:"grid"`
	Earned     Money  `json:"earned"`
	Paid       Money  `json:"paid" doc:"below zero"`
	Balance    Money  `json:"balance"`
	Better     Money  `json:"better"`
}
