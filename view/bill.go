package view

import (
	"cmp"
	"database/sql"
	"errors"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
)

// Bill is what the statements of an account say in a period.
type Bill struct {
	Account   tx.AccountID
	First     Lines // Of each statement's first revision.
	Latest    Lines // Of each statement's latest revision.
	Import    quantity.Energy
	Export    quantity.Energy
	Produced  quantity.Energy
	Estimated int64          // How many statements hold an estimate.
	Alone     quantity.Money // What it would owe with the utility alone.
}

// Bills returns the bills of a microgrid's members in a period, by account.
// What is not Lines is that of the latest revisions.
func (r *Reader) Bills(m grid.MicrogridID, p Period) ([]Bill, error) {
	bills := map[tx.AccountID]*Bill{}
	err := each(r, "SELECT "+statementColumns+" FROM statement s WHERE s.microgrid = ? AND s.start >= ? AND s.start < ?", scanStatement,
		func(s Statement) error {
			b, ok := bills[s.Account]
			if !ok {
				b = &Bill{Account: s.Account}
				bills[s.Account] = b
			}
			b.add(&s)
			return nil
		}, bits(m), int64(p.From), int64(p.Until))
	list := make([]Bill, 0, len(bills))
	for _, b := range bills {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b Bill) int { return cmp.Compare(bits(a.Account), bits(b.Account)) })
	return list, err
}

// add adds a revision of a statement.
func (b *Bill) add(s *Statement) {
	if s.Revision == 1 {
		b.First.add(&s.Lines)
	}
	if s.Superseded != 0 {
		return
	}
	b.Latest.add(&s.Lines)
	b.Import, b.Export = quantity.MustAdd(b.Import, s.Import), quantity.MustAdd(b.Export, s.Export)
	b.Produced, b.Alone = quantity.MustAdd(b.Produced, s.Produced), quantity.MustAdd(b.Alone, s.Alone)
	b.Estimated += flag(s.Estimated)
}

// add adds the lines of a statement.
func (l *Lines) add(more *Lines) {
	for i := range l {
		l[i].Line = more[i].Line
		l[i].Energy = quantity.MustAdd(l[i].Energy, more[i].Energy)
		l[i].Amount = quantity.MustAdd(l[i].Amount, more[i].Amount)
	}
}

// Trade is energy that went from one account to another.
type Trade struct {
	Start         interval.Time
	Zone          grid.ZoneID // The buyer's; the root's when the utility buys.
	Seller, Buyer tx.AccountID
	Energy        quantity.Energy
	Price         quantity.Price // The buyer's, per Wh.
	Amount        quantity.Money // What the buyer pays.
	Class         market.Class
}

// Trades yields the trades of a period as they stand after corrections, by start
// and the connection point that they are from. A trade between neighbours is
// that of its buyer's statement. What a statement sells to the utility is one trade; should
// the utility have paid more than one price, Price is their average, rounded
// down, and Amount exact.
func (r *Reader) Trades(m Microgrid, p Period, yield func(Trade) error) error {
	root, err := r.root(m.ID)
	if err != nil {
		return err
	}
	type row struct {
		start   interval.Time
		zone    grid.ZoneID
		account tx.AccountID
		lines   Lines
		deals   []settlement.Deal
	}
	return each(r, "SELECT s.start, s.zone, s.account, s.lines, s.deals"+ofPeriod+", s.point",
		func(rows *sql.Rows, t *row) error {
			var lines, deals sql.RawBytes
			err := rows.Scan(&t.start, id(&t.zone), id(&t.account), &lines, &deals)
			t.lines, t.deals = unpackLines(lines), unpackDeals(deals)
			return err
		}, func(t row) error {
			for _, d := range t.deals {
				if !d.Bought {
					continue
				}
				if err := yield(Trade{t.start, t.zone, d.Partner, t.account, d.Energy, d.Price, quantity.MustTimes(d.Energy, d.Price), d.Class}); err != nil {
					return err
				}
			}
			sold := t.lines[settlement.UtilitySold-1]
			if sold.Energy == 0 {
				return nil
			}
			price := quantity.Price(int64(-sold.Amount) / int64(sold.Energy))
			return yield(Trade{t.start, root, t.account, m.Utility, sold.Energy, price, -sold.Amount, 0})
		}, bits(m.ID), int64(p.From), int64(p.Until))
}

// root returns the zone that a microgrid's others lie in.
func (r *Reader) root(m grid.MicrogridID) (zone grid.ZoneID, err error) {
	err = r.row("SELECT zone FROM zone WHERE microgrid = ? AND parent = 0", bits(m)).Scan(id(&zone))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // The microgrid is not there, and has no trades.
	}
	return zone, err
}
