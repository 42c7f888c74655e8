package pages

import (
	"context"
	"fmt"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Operation tells a microgrid's operator what to look at and how far the month is.
//
// Errors: *Forbidden, *NotFound; those of the view.
func (s *Source) Operation(ctx context.Context, viewer Viewer, id grid.MicrogridID, month string) (o Operation, err error) {
	if !viewer.Operates(id) {
		return o, &Forbidden{"sign in as the microgrid's operator"}
	}
	err = s.reader(ctx, func(r *view.Reader) error {
		m, err := microgrid(r, id)
		if err != nil {
			return err
		}
		in, err := s.month(m, month)
		if err != nil {
			return err
		}
		names := s.names(id)
		o = Operation{Microgrid: id, Name: names.Community, Month: month, Currency: Currency{names.Currency, names.Decimals}, Now: s.now()}
		if err := s.attention(r, m, in, &o); err != nil {
			return err
		}
		if err := s.closing(r, m, in, &o); err != nil {
			return err
		}
		return s.books(r, m, in, &o)
	})
	return o, err
}

// attention is how many meters there are to look at, and which do not sign.
func (s *Source) attention(r *view.Reader, m view.Microgrid, in view.Period, o *Operation) error {
	meters, _, err := s.concerns(r, m, in)
	if err != nil {
		return err
	}
	o.Concerns, o.Open = len(meters), open(meters)
	devices, err := r.Devices(m.ID)
	if err != nil {
		return err
	}
	points, err := r.PointsIn(m.ID)
	if err != nil {
		return err
	}
	names, owner := s.names(m.ID), map[grid.PointID]tx.AccountID{}
	for _, p := range points {
		owner[p.Point] = p.Account
	}
	o.Bridged = []Bridged{}
	for _, d := range devices {
		if d.Bridged {
			o.Bridged = append(o.Bridged, Bridged{d.Device, names.Meters[d.Device], names.Accounts[owner[d.Point]]})
		}
	}
	return nil
}

// closing is how far the month is.
func (s *Source) closing(r *view.Reader, m view.Microgrid, in view.Period, o *Operation) error {
	counts, err := r.Counts(m.ID, in)
	if err != nil {
		return err
	}
	o.Settled, o.Corrected, o.Estimated = counts.Intervals, counts.Corrected, counts.Estimated
	o.Total = int64(in.Until-in.From) / int64(m.Length)
	settled, ok, err := r.Settled(m)
	if ok {
		o.Through = min(settled.Until, in.Until)
	}
	return err
}

// billsKey names what the members of a microgrid owe for a period.
type billsKey struct {
	microgrid grid.MicrogridID
	period    view.Period
}

// books is what members owe and others receive: in all nothing, to the unit.
func (s *Source) books(r *view.Reader, m view.Microgrid, in view.Period, o *Operation) error {
	names := s.names(m.ID)
	show := money{names.Decimals}
	points, err := r.PointsIn(m.ID)
	if err != nil {
		return err
	}
	zone := map[tx.AccountID]string{}
	for _, p := range points {
		zone[p.Account] = names.Zones[p.Zone]
	}
	stamp, err := r.Stamp(m.ID, in)
	if err != nil {
		return err
	}
	bills, err := s.bills.get(billsKey{m.ID, in}, stamp, func() ([]view.Bill, error) { return r.Bills(m.ID, in) })
	if err != nil {
		return err
	}
	_, got, err := r.Received(m.ID, in)
	if err != nil {
		return err
	}
	var owed []quantity.Money
	var sum quantity.Money
	for _, b := range bills {
		var own quantity.Money
		for _, item := range b.Latest {
			own = quantity.MustAdd(own, item.Amount)
		}
		owed, sum = append(owed, own), quantity.MustAdd(sum, own)
	}
	receivers := []struct {
		account tx.AccountID
		amount  quantity.Money
	}{
		{m.Utility, quantity.MustAdd(quantity.MustSub(got.UtilitySold, got.UtilityPaid), got.LossCost)},
		{m.Network, quantity.MustSub(got.Network, got.LossCost)},
		{m.Levy, got.Levy},
	}
	received := make([]int64, len(receivers))
	for i, to := range receivers {
		received[i], sum = int64(to.amount), quantity.MustSub(sum, to.amount)
	}
	if sum != 0 {
		return fmt.Errorf("pages: the bills of microgrid %d do not sum to zero: %d", m.ID, sum)
	}
	o.Members, o.Received = []MemberRow{}, []Receiver{}
	var paid int64 // By members, as shown on their bills.
	for i, b := range bills {
		balance := show.amount(owed[i])
		paid -= balance.Shown
		better := show.amount(quantity.MustSub(owed[i], b.Alone))
		o.Members = append(o.Members, MemberRow{
			Account: b.Account, Name: names.Accounts[b.Account], Zone: zone[b.Account], Import: energy(b.Import), Export: energy(b.Export),
			Produced: energy(b.Produced), Balance: balance, Alone: less(balance, better), Better: better, Estimated: b.Estimated,
		})
	}
	for i, shown := range split(paid/show.coarse(), received, show.cent()) {
		to := receivers[i]
		o.Received = append(o.Received, Receiver{to.account, names.Accounts[to.account], Money{received[i], shown * show.coarse()}})
	}
	return nil
}
