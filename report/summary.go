package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Totals are energies in Wh and amounts in units of the currency, as they stand
// after corrections. An amount above zero is owed, below zero earned.
type Totals struct {
	Import          quantity.Energy `json:"import_wh"`
	Export          quantity.Energy `json:"export_wh"`
	Produced        quantity.Energy `json:"produced_wh"`
	NeighbourBought quantity.Energy `json:"neighbour_bought_wh"`
	NeighbourSold   quantity.Energy `json:"neighbour_sold_wh"`
	UtilityBought   quantity.Energy `json:"utility_bought_wh"`
	UtilitySold     quantity.Energy `json:"utility_sold_wh"`
	Owed            quantity.Money  `json:"owed"`
	Alone           quantity.Money  `json:"alone"` // What would be owed with the utility alone.
	Gain            quantity.Money  `json:"gain"`  // Alone less owed.
	Estimated       int64           `json:"estimated_statements"`
}

// Member is one account's totals.
type Member struct {
	Member string `json:"member"`
	Totals
}

// Payee is an account that is no member's, with what it owes: below zero, as a
// rule.
type Payee struct {
	Account string         `json:"account"`
	Owed    quantity.Money `json:"owed"`
}

// Summary is a settlement in numbers: what summary.json holds.
type Summary struct {
	Community  string          `json:"community"`
	Currency   string          `json:"currency"`
	Decimals   int             `json:"decimals"`
	Start      string          `json:"start"` // RFC 3339; empty before the first interval.
	End        string          `json:"end"`   // First moment after the last interval.
	Intervals  int64           `json:"intervals"`
	Corrected  int64           `json:"corrected_intervals"`
	Readings   int64           `json:"readings"`
	Statements int64           `json:"statements"`
	Exceptions int64           `json:"exceptions"`  // Rows of exceptions.csv.
	Lost       quantity.Energy `json:"lost_wh"`     // On all lines.
	Loss       quantity.Money  `json:"loss_amount"` // What the network pays the utility for it.
	Total      Totals          `json:"total"`       // Of all members.
	Payees     []Payee         `json:"payees"`      // Utility, network and levy.

	Certificates *Certificates `json:"certificates,omitempty"` // Where any were issued.
	Matching     *Matching     `json:"matching,omitempty"`     // Where any interval is settled.

	Members []Member `json:"members"`
}

// Summarize sums a microgrid's settlement up.
//
// Errors: those of the view and of the context.
func Summarize(ctx context.Context, v *view.View, id grid.MicrogridID, names Names) (s Summary, err error) {
	err = begin(ctx, v, id, names, func(r *run) error {
		s, err = r.summarize()
		return err
	})
	return s, err
}

func (r *run) summarize() (s Summary, err error) {
	s = Summary{Community: r.names.Community, Currency: r.names.Currency, Decimals: r.names.Decimals, Members: []Member{}}
	if r.settled.From < r.settled.Until {
		s.Start, s.End = utc(r.settled.From), utc(r.settled.Until)
	}
	counts, err := r.reader.Counts(r.microgrid.ID, r.settled)
	if err != nil {
		return s, fmt.Errorf("report: %w", err)
	}
	s.Intervals, s.Corrected, s.Readings, s.Statements = counts.Intervals, counts.Corrected, counts.Readings, counts.Statements
	if err := r.rows(func(...string) error { s.Exceptions++; return nil }); err != nil {
		return s, err
	}
	bills, err := r.members(r.settled)
	if err != nil {
		return s, err
	}
	for _, b := range bills {
		t := totals(b)
		s.Members = append(s.Members, Member{r.names.account(b.Account), t})
		s.Total.add(t)
	}
	_, got, err := r.reader.Received(r.microgrid.ID, r.settled)
	if err != nil {
		return s, fmt.Errorf("report: %w", err)
	}
	s.Lost, s.Loss = got.LostEnergy, got.LossCost
	if s.Certificates, err = r.certificates(); err != nil {
		return s, fmt.Errorf("report: %w", err)
	}
	if s.Matching, err = r.matchingOf(); err != nil {
		return s, fmt.Errorf("report: %w", err)
	}
	payee := func(a tx.AccountID, owed quantity.Money) {
		s.Payees = append(s.Payees, Payee{r.names.account(a), owed})
	}
	payee(r.microgrid.Utility, quantity.MustSub(quantity.MustSub(got.UtilityPaid, got.UtilitySold), got.LossCost))
	payee(r.microgrid.Network, quantity.MustSub(got.LossCost, got.Network))
	payee(r.microgrid.Levy, -got.Levy)
	return s, nil
}

func totals(b view.Bill) Totals {
	energy := func(l settlement.Line) quantity.Energy { return b.Latest[l-1].Energy }
	amount := owed(b.Latest)
	return Totals{
		Import: b.Import, Export: b.Export, Produced: b.Produced,
		NeighbourBought: energy(settlement.NeighbourBought), NeighbourSold: energy(settlement.NeighbourSold),
		UtilityBought: energy(settlement.UtilityBought), UtilitySold: energy(settlement.UtilitySold),
		Owed: amount, Alone: b.Alone, Gain: quantity.MustSub(b.Alone, amount), Estimated: b.Estimated,
	}
}

// add adds other totals.
func (t *Totals) add(o Totals) {
	t.Import, t.Export = quantity.MustAdd(t.Import, o.Import), quantity.MustAdd(t.Export, o.Export)
	t.Produced = quantity.MustAdd(t.Produced, o.Produced)
	t.NeighbourBought = quantity.MustAdd(t.NeighbourBought, o.NeighbourBought)
	t.NeighbourSold = quantity.MustAdd(t.NeighbourSold, o.NeighbourSold)
	t.UtilityBought = quantity.MustAdd(t.UtilityBought, o.UtilityBought)
	t.UtilitySold = quantity.MustAdd(t.UtilitySold, o.UtilitySold)
	t.Owed, t.Alone = quantity.MustAdd(t.Owed, o.Owed), quantity.MustAdd(t.Alone, o.Alone)
	t.Gain = quantity.MustAdd(t.Gain, o.Gain)
	t.Estimated += o.Estimated
}

// JSON writes a summary as summary.json has it.
func JSON(w io.Writer, s Summary) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(s)
}

// CSV writes the members of a summary, in exact integers.
func CSV(w io.Writer, s Summary) error {
	header := []string{
		"member", "import_wh", "export_wh", "produced_wh", "neighbour_bought_wh", "neighbour_sold_wh",
		"utility_bought_wh", "utility_sold_wh", "owed", "alone", "gain",
	}
	return table(w, header, func(row func(...string) error) error {
		for _, m := range s.Members {
			err := row(m.Member, digits(m.Import), digits(m.Export), digits(m.Produced), digits(m.NeighbourBought),
				digits(m.NeighbourSold), digits(m.UtilityBought), digits(m.UtilitySold), digits(m.Owed), digits(m.Alone), digits(m.Gain))
			if err != nil {
				return err
			}
		}
		return nil
	})
}
