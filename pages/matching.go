package pages

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/tx"
)

// MatchYear is how well production met use in a year, of an account or of all of a
// microgrid, hour by hour of the wall clock. It is long, so it comes in columns: the
// place of an hour is day of the year × 24 + hour, both from 0. Where nothing is
// known, and in an hour that the clock leaves out, a column has -1; an hour that the
// clock has twice is one.
type MatchYear struct {
	Of        string           `json:"of" enum:"household,buyer,community"`
	Account   tx.AccountID     `json:"account,string" doc:"0: of all of the microgrid"`
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Name      string           `json:"name"`
	Year      int              `json:"year"`
	TimeZone  string           `json:"time_zone"`
	Start     interval.Time    `json:"start"`
	End       interval.Time    `json:"end"`
	Length    int64            `json:"length" doc:"of an interval, in seconds: matched is told by these"`
	Withheld  bool             `json:"withheld" doc:"some intervals, or all, are of fewer than three homes or plants, and told to the operator only"`

	Used    []int64 `json:"used" doc:"Wh"`
	Matched []int64 `json:"matched" doc:"Wh of the use that production met in its own interval; of a buyer, that its certificates are of"`
	Claimed []int64 `json:"claimed" doc:"Wh of the use that certificates are used up for"`

	Months []MatchMonth `json:"months" doc:"those of which something is known"`
	Total  Matched      `json:"total"`

	Certified *Certified `json:"certified,omitempty" doc:"what was certified of all of a microgrid; absent: nothing was, or it would tell of too few plants"`
}

// Certified is what was certified in a year, and what became of it.
type Certified struct {
	Lots       int64  `json:"lots"`
	Issued     Energy `json:"issued"`
	Claimed    Energy `json:"claimed" doc:"used up with the use of the energy"`
	Cancelled  Energy `json:"cancelled" doc:"used up later"`
	Expired    Energy `json:"expired"`
	Withdrawn  Energy `json:"withdrawn"`
	Stored     Energy `json:"stored" doc:"charged into batteries"`
	Discharged Energy `json:"discharged" doc:"issued again, of what batteries gave"`
	Held       Energy `json:"held" doc:"what somebody still has"`
}

// MatchMonth is a month of a year.
type MatchMonth struct {
	Month string `json:"month" example:"2026-06"`
	Matched
}

// Matched is how well production met use in some time (decision 0021).
type Matched struct {
	Used     Energy `json:"used"`
	Produced Energy `json:"produced" doc:"of a household: its own that stayed, and what it bought as green; of a buyer: its certificates"`
	Matched  Energy `json:"matched"`
	Share    int64  `json:"share" doc:"tenths of a per cent of the use that are matched, rounded down: 100 % is all of it"`
	Score    uint64 `json:"score_ppm" doc:"the same in millionths"`
	Claimed  Energy `json:"claimed"`
	Residual Energy `json:"residual" doc:"use without a certificate that is used up for it"`
	Supplied Energy `json:"supplied" doc:"what the supplier delivered; of a buyer, who has another one, 0"`
	Carbon   *CO2   `json:"carbon,omitempty" doc:"absent: the community file names no series of factors"`
}

// CO2 is what was emitted, by the factor of each interval. Where one is missing, the
// energy is told and no mass.
type CO2 struct {
	Series          string `json:"series_sha256" doc:"of the file of factors"`
	Supplied        Mass   `json:"supplied" doc:"of what the supplier delivered"`
	Residual        Mass   `json:"residual" doc:"of the residual, by the same factors"`
	SuppliedUnknown Energy `json:"supplied_without_factor"`
	ResidualUnknown Energy `json:"residual_without_factor"`
}

// Mass is an amount of carbon dioxide.
type Mass struct {
	MG    int64 `json:"mg"`
	Shown int64 `json:"shown" doc:"hundredths of a kg"`
}

// mgShown is how many milligrams a shown hundredth of a kilogram is.
const mgShown = 10_000

func mass(m quantity.Mass) Mass { return Mass{int64(m), round(int64(m), mgShown)} }

// matched shows how well production met use, so that matched and not matched, and
// claimed and residual, each sum to the use.
func matched(m report.Matching) Matched {
	show := func(part quantity.Energy) Energy {
		rest := quantity.MustSub(m.Used, part)
		if rest < 0 {
			return energy(part)
		}
		_, shown := apportion([]int64{int64(part), int64(rest)}, whShown)
		return Energy{int64(part), shown[0]}
	}
	v := Matched{
		Used: energy(m.Used), Produced: energy(m.Produced), Matched: show(m.Matched), Claimed: show(m.Claimed), Residual: show(m.Residual),
		Supplied: energy(m.Supplied), Score: m.Score, Share: int64(m.Score / 1000), //nolint:gosec // a million at most
	}
	if v.Claimed.Wh+v.Residual.Wh == v.Used.Wh {
		v.Residual.Shown = v.Used.Shown - v.Claimed.Shown
	}
	if c := m.Carbon; c != nil {
		v.Carbon = &CO2{c.Series, mass(c.Supplied), mass(c.Residual), energy(c.SuppliedUnknown), energy(c.ResidualUnknown)}
	}
	return v
}
