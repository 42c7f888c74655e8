package view

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
)

// settledPoint adds a statement, and posts what it changes at
// the account that owes it.
func (w *writer) settledPoint(at place, r settlement.Statement) error {
	var before int64
	if r.Revision > 1 {
		err := w.supersede("statement", `UPDATE statement SET superseded = ?
			WHERE microgrid = ? AND start = ? AND point = ? AND superseded = 0 RETURNING owed`,
			[]any{int64(r.Revision), bits(r.Microgrid), int64(r.Start), bits(r.Point)}, &before)
		if err != nil {
			return fmt.Errorf("revision %d of point %d at %d: %w", r.Revision, r.Point, r.Start, err)
		}
	}
	who, err := w.partiesOf(r.Microgrid)
	if err != nil {
		return err
	}
	owed := r.Owed()
	w.post(r.Account, who.currency, quantity.MustSub(quantity.Money(before), owed), 0)
	return w.add("statement",
		bits(r.Microgrid), int64(r.Start), bits(r.Point), int64(r.Revision), 0, at.height,
		bits(r.Account), bits(r.Zone), int64(r.Import), int64(r.Export), int64(r.Produced), r.Estimated,
		int64(r.Alone), int64(owed), packLines(r.Items), packDeals(r.Deals), packDevices(r.Devices), packOrigins(r.Origins))
}

// settled adds the aggregates of an interval; whose receipt it is says who may see
// them.
func settled(w *writer, at place, r op.Receipt) error {
	return w.settledInterval(at, settlement.SettledReceipt.Read(r), r.Audience == op.Public)
}

// settledInterval adds the aggregates of an interval, and posts what they change
// at the accounts that receive.
func (w *writer) settledInterval(at place, r settlement.Settled, public bool) error {
	var before settlement.Settled
	if r.Revision > 1 {
		err := w.supersede("interval", `UPDATE interval SET superseded = ?
			WHERE microgrid = ? AND start = ? AND superseded = 0 RETURNING utility_sold, utility_paid, network, levy, loss_cost`,
			[]any{int64(r.Revision), bits(r.Microgrid), int64(r.Start)},
			&before.UtilitySold, &before.UtilityPaid, &before.Network, &before.Levy, &before.LossCost)
		if err != nil {
			return fmt.Errorf("revision %d of the interval at %d: %w", r.Revision, r.Start, err)
		}
	}
	who, err := w.partiesOf(r.Microgrid)
	if err != nil {
		return err
	}
	sold, paid := quantity.MustSub(r.UtilitySold, before.UtilitySold), quantity.MustSub(r.UtilityPaid, before.UtilityPaid)
	lost := quantity.MustSub(r.LossCost, before.LossCost)
	w.post(who.utility, who.currency, quantity.MustAdd(quantity.MustSub(sold, paid), lost), 0)
	w.post(who.network, who.currency, quantity.MustSub(quantity.MustSub(r.Network, before.Network), lost), 0)
	w.post(who.levy, who.currency, quantity.MustSub(r.Levy, before.Levy), 0)
	if err := w.zones("zone_interval", r.Microgrid, r.Start, r.Revision, r.Zones); err != nil {
		return err
	}
	return w.add("interval", bits(r.Microgrid), int64(r.Start), int64(r.Revision), 0, at.height,
		int64(r.UtilitySold), int64(r.UtilityPaid), int64(r.Network), int64(r.Levy),
		int64(r.LostEnergy), int64(r.LossCost), public)
}

// disclosed adds what anyone may see of an interval.
func (w *writer) disclosed(_ place, r settlement.Disclosed) error {
	return w.zones("zone_disclosed", r.Microgrid, r.Start, r.Revision, r.Zones)
}

// zones adds the totals of an interval to one of their two tables.
func (w *writer) zones(table string, m grid.MicrogridID, start interval.Time, revision uint32, totals []settlement.ZoneTotal) error {
	for _, z := range totals {
		var price any
		if z.Priced {
			price = int64(z.Price)
		}
		err := w.add(table, bits(m), int64(start), int64(revision), bits(z.Zone), price,
			int64(z.Supply), int64(z.Demand), int64(z.Traded), int64(z.Bought), int64(z.Sold))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) overload(_ place, r settlement.Overload) error {
	return w.add("overload", bits(r.Microgrid), bits(r.Zone), int64(r.Start), int64(r.Revision), int64(r.Flow), int64(r.Limit))
}

// supersede marks the row that a revision replaces, and returns what it said.
func (w *writer) supersede(table, query string, args []any, into ...any) error {
	if err := w.flush(table); err != nil {
		return err
	}
	err := w.row(query, args, into...)
	if errors.Is(err, sql.ErrNoRows) {
		return errors.New("what it replaces is missing")
	}
	return err
}

// partiesOf returns the accounts that a microgrid's settlements pay.
func (w *writer) partiesOf(id grid.MicrogridID) (parties, error) {
	if p, ok := w.parties[id]; ok {
		return p, nil
	}
	var currency, utility, network, levy int64
	err := w.row("SELECT currency, utility, network, levy FROM microgrid WHERE microgrid = ?", []any{bits(id)},
		&currency, &utility, &network, &levy)
	if err != nil {
		return parties{}, fmt.Errorf("the parties of microgrid %d: %w", id, err)
	}
	p := parties{
		currency: number[ledger.AssetID](currency),
		utility:  number[tx.AccountID](utility), network: number[tx.AccountID](network), levy: number[tx.AccountID](levy),
	}
	w.parties[id] = p
	return p, nil
}
