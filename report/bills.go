package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Lines of a bill. Those that a member, the utility, the network and the levy
// share sum to zero; what members pay and get for each other's energy does with
// the neighbour charge.
const (
	lineNeighbourCharge = "neighbour_charge" // Charges of the path, and congestion rent, between neighbours.
	lineLoss            = "loss"             // What lines lose; the network buys it from the utility.
	lineCorrection      = "correction"
)

var lineNames = [settlement.Levy]string{
	"neighbour_bought", "neighbour_sold", "utility_bought", "utility_sold", "network_charge", "levy",
}

func lineName(l settlement.Line) string { return lineNames[l-1] }

// billLine is one line of bills.csv. An amount above zero is owed, below zero
// earned.
type billLine struct {
	account tx.AccountID
	line    string
	energy  quantity.Energy
	amount  quantity.Money
}

// bills writes what every account owes and earns, month by month of the
// community's clock, line by line. Lines are those of each interval's first
// revision; what later revisions change is the line correction of the interval's
// month, whose energy is what was taken less what was given, beyond the first.
func (r *run) bills(w io.Writer) error {
	return table(w, []string{"account", "period", "line", "energy_wh", "amount"}, func(row func(...string) error) error {
		return r.months(func(month string, p view.Period) error {
			lines, err := r.billLines(p)
			if err != nil {
				return err
			}
			var sum quantity.Money
			for _, l := range lines {
				sum = quantity.MustAdd(sum, l.amount)
				if err := row(r.names.account(l.account), month, l.line, digits(l.energy), digits(l.amount)); err != nil {
					return err
				}
			}
			if sum != 0 {
				return fmt.Errorf("the bills of %s are off by %d: rebuild the view", month, sum)
			}
			return nil
		})
	})
}

// months yields the months in which intervals were settled.
func (r *run) months(yield func(string, view.Period) error) error {
	zone := r.names.TimeZone
	at := time.Unix(int64(r.settled.From), 0).In(zone)
	first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, zone)
	for first.Unix() < int64(r.settled.Until) {
		next := time.Date(first.Year(), first.Month()+1, 1, 0, 0, 0, 0, zone)
		p := view.Period{From: interval.Time(first.Unix()), Until: interval.Time(next.Unix())}
		if err := yield(first.Format("2006-01"), p); err != nil {
			return err
		}
		first = next
	}
	return nil
}

// members returns the bills of a period, in the order of Names.Members.
func (r *run) members(p view.Period) ([]view.Bill, error) {
	bills, err := r.reader.Bills(r.microgrid.ID, p)
	rank := make(map[tx.AccountID]int, len(r.names.Members))
	for i, id := range r.names.Members {
		rank[id] = i - len(r.names.Members)
	}
	slices.SortFunc(bills, func(a, b view.Bill) int {
		return cmp.Or(cmp.Compare(rank[a.Account], rank[b.Account]), cmp.Compare(r.names.account(a.Account), r.names.account(b.Account)), cmp.Compare(a.Account, b.Account))
	})
	return bills, err
}

// billLines returns the lines of a period: members first, then utility,
// network and levy.
func (r *run) billLines(p view.Period) (lines []billLine, err error) {
	bills, err := r.members(p)
	if err != nil {
		return nil, err
	}
	first, latest, err := r.reader.Received(r.microgrid.ID, p)
	if err != nil {
		return nil, err
	}
	add := func(account tx.AccountID, line string, e quantity.Energy, amount quantity.Money) {
		if e != 0 || amount != 0 {
			lines = append(lines, billLine{account, line, e, amount})
		}
	}
	var all view.Lines // Of all members.
	var corrected quantity.Energy
	for _, b := range bills {
		for i, item := range b.First {
			add(b.Account, lineName(item.Line), item.Energy, item.Amount)
			all[i].Energy = quantity.MustAdd(all[i].Energy, item.Energy)
			all[i].Amount = quantity.MustAdd(all[i].Amount, item.Amount)
		}
		e := quantity.MustSub(taken(b.Latest), taken(b.First))
		add(b.Account, lineCorrection, e, quantity.MustSub(owed(b.Latest), owed(b.First)))
		corrected = quantity.MustAdd(corrected, e)
	}
	energy := func(l settlement.Line) quantity.Energy { return all[l-1].Energy }
	charges := all[settlement.NetworkCharge-1].Amount

	u := r.microgrid.Utility
	add(u, lineName(settlement.UtilityBought), energy(settlement.UtilityBought), -first.UtilitySold)
	add(u, lineName(settlement.UtilitySold), energy(settlement.UtilitySold), first.UtilityPaid)
	add(u, lineLoss, first.LostEnergy, -first.LossCost)
	sold, paid := quantity.MustSub(first.UtilitySold, latest.UtilitySold), quantity.MustSub(first.UtilityPaid, latest.UtilityPaid)
	lost, loss := quantity.MustSub(latest.LostEnergy, first.LostEnergy), quantity.MustSub(latest.LossCost, first.LossCost)
	add(u, lineCorrection, -quantity.MustAdd(corrected, lost), quantity.MustSub(quantity.MustSub(sold, paid), loss))

	n := r.microgrid.Network
	add(n, lineName(settlement.NetworkCharge), energy(settlement.NetworkCharge), -charges)
	if between := quantity.MustSub(first.Network, charges); between != 0 {
		add(n, lineNeighbourCharge, energy(settlement.NeighbourBought), -between)
	}
	add(n, lineLoss, first.LostEnergy, first.LossCost)
	add(n, lineCorrection, lost, quantity.MustAdd(quantity.MustSub(first.Network, latest.Network), loss))

	add(r.microgrid.Levy, lineName(settlement.Levy), energy(settlement.Levy), -first.Levy)
	add(r.microgrid.Levy, lineCorrection, 0, quantity.MustSub(first.Levy, latest.Levy))
	return lines, nil
}

// owed is what lines sum to.
func owed(l view.Lines) (sum quantity.Money) {
	for _, item := range l {
		sum = quantity.MustAdd(sum, item.Amount)
	}
	return sum
}

// taken is the energy of lines that was taken, less what was given.
func taken(l view.Lines) quantity.Energy {
	bought := quantity.MustAdd(l[settlement.NeighbourBought-1].Energy, l[settlement.UtilityBought-1].Energy)
	sold := quantity.MustAdd(l[settlement.NeighbourSold-1].Energy, l[settlement.UtilitySold-1].Energy)
	return quantity.MustSub(bought, sold)
}
