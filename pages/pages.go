// Package pages computes what the pages say: the household's day and month, the
// community's day, the ledger's blocks and receipts, the replay of an interval.
//
// Its promise: every figure on a page comes from here, and from receipts of one
// moment of the view; the web page, the API, the CSV and the bill show the same
// one. What is shown is rounded here, once, so that shown parts sum to the shown
// total. Nobody's page says anything of another household.
package pages

import (
	"context"
	"sync"
	"time"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Source is where pages come from.
type Source struct {
	View *view.View
	// Read runs f over the committed rows.
	Read func(f func(rows state.Reader, head machine.Head))
	// Names of every microgrid, which the ledger does not know. Once somebody reads
	// pages, Rename changes them.
	Names    map[grid.MicrogridID]report.Names
	renaming sync.RWMutex
	// Now is the clock of the community; a demo's runs at its own speed.
	Now func() time.Time
	// Audit gives what the ledger's own pages tell.
	Audit Audit
	// Place is where a microgrid stands, for sunrise and sunset, if it is known.
	Place map[grid.MicrogridID]Place
	// Consumption is what a buyer says that it used, by start; nil, or an empty list:
	// nothing is known.
	Consumption func(account tx.AccountID) ([]Consumed, error)

	days     memo[dayKey, view.Stamp, day]
	expected memo[dayKey, view.Stamp, map[interval.Time]Slot]
	whatIfs  memo[dayKey, view.Stamp, []WhatIf] // By interval.
	bills    memo[billsKey, view.Stamp, []view.Bill]
	years    memo[yearKey, view.Stamp, Year]
	matches  memo[matchKey, view.Stamp, MatchYear]
}

// Audit is the part of a node that blocks and receipts are read from.
type Audit interface {
	Record(height int64) (machine.Record, error)
	Block(height int64) (chain.Kept, bool)
}

// Place is a place on earth.
type Place struct {
	Latitude  float64 `json:"latitude"`  // Degrees north.
	Longitude float64 `json:"longitude"` // Degrees east.
}

// Energy is an energy and what is shown of it.
type Energy struct {
	Wh    int64 `json:"wh"`
	Shown int64 `json:"shown" doc:"hundredths of a kWh; shown parts sum to the shown total"`
}

// Money is an amount from the reader's side: above zero it gains the reader
// something, below zero it costs. The ledger's statements count the other way.
type Money struct {
	Units int64 `json:"units" doc:"in the smallest units of the currency"`
	Shown int64 `json:"shown" doc:"hundredths of the currency; shown parts sum to the shown total"`
}

// Price is a price of energy.
type Price struct {
	PerWh int64 `json:"per_wh" doc:"smallest units of the currency per Wh"`
	Shown int64 `json:"shown" doc:"tenths of a hundredth of the currency per kWh, as in 17.5 ct"`
}

// Part is a part of a total.
type Part struct {
	Name   string `json:"name" doc:"roof, battery, neighbours, grid, home, ev, heat-pump, load or other"`
	Energy Energy `json:"energy"`
	Share  int64  `json:"share" doc:"tenths of a per cent of the total; they sum to 1000 unless the total is 0"`
}

// Day is a civil day in the community's time zone: 92, 96 or 100 quarter-hours.
type Day struct {
	Date     string        `json:"date" example:"2026-06-20"`
	TimeZone string        `json:"time_zone"`
	Start    interval.Time `json:"start"`
	End      interval.Time `json:"end"`
	Length   int64         `json:"length" doc:"of an interval, in seconds"`
	Now      interval.Time `json:"now" doc:"of the community's clock"`
	Height   int64         `json:"height" doc:"of the block up to which this is told"`
}

// Currency is how amounts are written.
type Currency struct {
	Code     string `json:"code"`
	Decimals int    `json:"decimals" doc:"its smallest unit is 10^-decimals"`
}

// Viewer is who asks, and so what may be told.
type Viewer struct {
	Account   tx.AccountID     `json:"account" doc:"0: nobody in particular"`
	Role      Role             `json:"role"`
	Microgrid grid.MicrogridID `json:"microgrid" doc:"whose member or operator it is"`
}

// Role is what somebody is to a microgrid.
type Role string

// Roles. Visitor is whoever is not signed in.
const (
	Visitor   Role = "visitor"
	Household Role = "household"
	Operator  Role = "operator"
	Auditor   Role = "auditor"
	Buyer     Role = "buyer" // Of certificates, without a connection point.
)

// Operates reports whether the viewer is the operator of a microgrid.
func (v Viewer) Operates(m grid.MicrogridID) bool { return v.Role == Operator && v.Microgrid == m }

// SeesAccount reports whether the viewer may be told of an account of a microgrid:
// everybody of their own, the operator of their members'.
func (v Viewer) SeesAccount(m grid.MicrogridID, account tx.AccountID) bool {
	switch v.Role {
	case Household, Buyer:
		return account != 0 && account == v.Account
	case Operator:
		return v.Microgrid == m
	case Visitor, Auditor:
		return false
	}
	return false
}

// Rename gives a microgrid other names, while pages are read.
func (s *Source) Rename(id grid.MicrogridID, names report.Names) {
	s.renaming.Lock()
	defer s.renaming.Unlock()
	s.Names[id] = names
}

// reader runs f over one moment of the view.
func (s *Source) reader(ctx context.Context, f func(*view.Reader) error) error {
	return s.View.Read(ctx, f)
}
