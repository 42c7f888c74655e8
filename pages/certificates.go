package pages

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
)

// Certificate is what an account has of a lot: of what one device produced in one
// interval.
type Certificate struct {
	Start  string `json:"start" doc:"of the interval, RFC 3339, UTC"`
	Meter  string `json:"meter" doc:"of the device that produced it"`
	Energy int64  `json:"energy_wh"`
}

// Certificates is what an account has of certificates, and what became of those that
// it had: neither claimed as the energy was used, nor cancelled, expired or withdrawn.
type Certificates struct {
	Account   tx.AccountID     `json:"account,string"`
	Of        string           `json:"of" enum:"household,buyer"`
	Name      string           `json:"name"`
	Community string           `json:"community"`
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	TimeZone  string           `json:"time_zone"`
	Now       interval.Time    `json:"now"`
	Height    int64            `json:"height"`

	Final interval.Time `json:"final" doc:"lots of intervals before this one are final: they can be passed on and cancelled"`
	Free  Energy        `json:"free" doc:"of lots that are final"`
	Open  Energy        `json:"open" doc:"of lots that a late reading may still correct"`
	Aside Energy        `json:"aside" doc:"set aside for others until a deadline"`
	Offer Energy        `json:"offer" doc:"set aside for this account by others"`
	Held  []Held        `json:"held" doc:"by month and device, the latest month first"`
	Moves []Move        `json:"moves" doc:"the latest first, 200 at most"`
	// Crossings are to and from other registries.
	Crossings []Crossing `json:"crossings" doc:"to and from other registries, the first first"`
	Years     []int      `json:"years" doc:"those in which something is settled, the latest first"`
}

// Held is what an account has of a device's month.
type Held struct {
	Month   string        `json:"month" example:"2026-06"`
	Device  grid.DeviceID `json:"device,string"`
	Meter   string        `json:"meter"`
	Kind    string        `json:"kind" doc:"solar, wind or hydro"`
	Lots    int           `json:"lots"`
	Energy  Energy        `json:"energy"`
	Free    Energy        `json:"free" doc:"of it, what is final"`
	Expires interval.Time `json:"expires" doc:"when the first of it does"`
}

// HeldLot is what an account has of one lot.
type HeldLot struct {
	Start  interval.Time `json:"start"`
	Device grid.DeviceID `json:"device,string"`
	Meter  string        `json:"meter"`
	Energy int64         `json:"energy_wh"`
	Final  bool          `json:"final"`
}

// Move is certificates that an account passed on, got or used up. What a standing rule or
// a matching moves, interval by interval, is one move for each month of lots; its receipt
// is the latest.
type Move struct {
	Kind      string        `json:"kind" enum:"passed_on,received,cancelled,matched"`
	Rule      bool          `json:"rule,omitempty" doc:"a standing rule moved them"`
	At        interval.Time `json:"at"`
	Height    int64         `json:"height"`
	Position  int           `json:"position"`
	N         int           `json:"n"`
	Energy    Energy        `json:"energy"`
	Lots      int           `json:"lots"`
	First     interval.Time `json:"first" doc:"start of the first lot"`
	Last      interval.Time `json:"last" doc:"start of the last one"`
	With      string        `json:"with,omitempty" doc:"the other account, by name where it has one"`
	Purpose   string        `json:"purpose,omitempty" enum:"disclosure,product,other"`
	Statement string        `json:"statement,omitempty" doc:"SHA-256 of the statement that names the beneficiary, in hexadecimal"`
}

// Purposes are what certificates are used up for, by their number on the ledger.
var Purposes = [...]string{"", "disclosure", "product", "other"}

// Consumed is what a buyer says that it used from a moment on, in an hour at most.
type Consumed struct {
	Start  interval.Time
	Energy int64 // Wh.
}
