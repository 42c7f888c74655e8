package pages

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// provenMax bounds the rows of a table; the receipt itself has all of them.
const provenMax = 500

// Link is the address of a receipt's public page.
func Link(id proof.ID) string { return "/p/" + id.String() }

// Proven tells the receipt of a public link. A link that is no receipt's is answered
// as one that is not there.
//
// Errors: *NotFound; those of the disk.
func (s *Source) Proven(_ context.Context, id proof.ID) (p Proven, err error) {
	none := &NotFound{"proof " + id.String(), "ask whoever gave you the link for the whole of it"}
	r, err := s.record(id.Height)
	if _, is := err.(*NotFound); is { //nolint:errorlint // It is made just there.
		return p, none
	}
	if err != nil {
		return p, err
	}
	if uint64(id.Position) >= uint64(len(r.Outcomes)) || uint64(id.N) >= uint64(len(r.Outcomes[id.Position].Receipts)) {
		return p, none
	}
	f := r.Outcomes[id.Position].Receipts[id.N]
	if !id.Is(f) {
		return p, none
	}
	leaf := f.Leaf(id.Height)
	p = Proven{
		ID: id.String(), Height: id.Height, Position: int(id.Position), N: int(id.N), Time: r.Time, Account: f.Audience,
		Leaf: hex.EncodeToString(leaf[:]), TimeZone: "UTC", Facts: []ProvenFact{}, Tables: []ProvenTable{},
	}
	for _, schema := range machine.Registry().Receipts {
		if schema.Kind == f.Kind {
			p.Kind, p.Says, p.Fields = schema.Name, schema.Doc, inWords(schema.Decode(f.Body))
		}
	}
	if kept, ok := s.Audit.Block(id.Height); ok {
		p.BlockHash, p.Signatures, p.Validators = hex.EncodeToString(kept.Hash), kept.Signatures, kept.Validators
	}
	s.Read(func(rows state.Reader, head machine.Head) {
		p.Chain = head.ChainID
		(&proving{Proven: &p, source: s, rows: rows}).tell(f)
	})
	return p, nil
}

// ProvenOf is Proven of a receipt that is an account's, or anyone's, by its place.
//
// Errors: as Proven.
func (s *Source) ProvenOf(ctx context.Context, account tx.AccountID, at proof.Place) (p Proven, err error) {
	none := &NotFound{fmt.Sprintf("receipt %d.%d.%d of this account", at.Height, at.Position, at.N), "a trace and the certificates' page name those that there are"}
	r, err := s.record(at.Height)
	if _, is := err.(*NotFound); is || err == nil && (uint64(at.Position) >= uint64(len(r.Outcomes)) || uint64(at.N) >= uint64(len(r.Outcomes[at.Position].Receipts))) { //nolint:errorlint // It is made just there.
		return p, none
	}
	if err != nil {
		return p, err
	}
	f := r.Outcomes[at.Position].Receipts[at.N]
	if !s.mayRead(Viewer{Account: account, Role: Household}, f) {
		return p, none
	}
	return s.Proven(ctx, proof.NewID(at, f))
}

// proving is a receipt while it is put into facts.
type proving struct {
	*Proven
	source *Source
	rows   state.Reader
	money  money
}

// of says which microgrid a receipt is of.
func (p *proving) of(id grid.MicrogridID) {
	names := p.source.names(id)
	p.money = money{names.Decimals}
	p.Community, p.TimeZone, p.Currency = names.Community, names.TimeZone.String(), Currency{names.Currency, names.Decimals}
}

func (p *proving) tell(f machine.Fact) {
	switch f.Kind {
	case settlement.StatementReceipt.Kind:
		p.statement(settlement.StatementReceipt.Read(f.Receipt()))
	case certificate.IssuedReceipt.Kind:
		p.issued(certificate.IssuedReceipt.Read(f.Receipt()))
	case certificate.CancelledReceipt.Kind:
		p.cancelled(certificate.CancelledReceipt.Read(f.Receipt()))
	case certificate.Transferred.Kind:
		p.transferred(certificate.Transferred.Read(f.Receipt()))
	}
}

func (p *proving) add(facts ...ProvenFact) { p.Facts = append(p.Facts, facts...) }

func energyFact(name string, e quantity.Energy) ProvenFact {
	shown := energy(e)
	return ProvenFact{Name: name, Energy: &shown}
}
func moneyFact(name string, m Money) ProvenFact        { return ProvenFact{Name: name, Money: &m} }
func timeFact(name string, t interval.Time) ProvenFact { return ProvenFact{Name: name, Time: &t} }
func numberFact(name string, n int64) ProvenFact       { return ProvenFact{Name: name, Number: &n} }
func wordFact(name, word string) ProvenFact            { return ProvenFact{Name: name, Word: word} }
func textFact(name, text string) ProvenFact            { return ProvenFact{Name: name, Text: text} }
func accountFact(name string, a tx.AccountID) ProvenFact {
	return textFact(name, strconv.FormatUint(uint64(a), 10))
}

// kind is what a device is.
func (p *proving) kind(m grid.MicrogridID, d grid.DeviceID) ProvenFact {
	at, _ := grid.DeviceAt(p.rows, grid.Device{Microgrid: m, Device: d})
	return wordFact("device", kindName(at.Kind))
}

// table adds a table, of a bounded length.
func (p *proving) table(name string, rows [][]ProvenFact) {
	if len(rows) == 0 {
		return
	}
	t := ProvenTable{Name: name, Rows: rows}
	if len(rows) > provenMax {
		t.Rows, t.More = rows[:provenMax], len(rows)-provenMax
	}
	p.Tables = append(p.Tables, t)
}

// statement is an interval of a household: figures of its replay and trace.
func (p *proving) statement(r settlement.Statement) {
	p.of(r.Microgrid)
	var all sum
	for _, item := range r.Items {
		l := &all.lines[item.Line-1]
		l.Energy, l.Amount = item.Energy, item.Amount
	}
	all.owed, all.alone = r.Owed(), r.Alone
	f := p.money.figures(all)
	p.add(timeFact("interval", r.Start), textFact("zone", p.source.names(r.Microgrid).Zones[r.Zone]), numberFact("revision", int64(r.Revision)),
		energyFact("taken", r.Import), energyFact("given", r.Export), energyFact("produced", r.Produced),
		moneyFact("balance", f.balance()), moneyFact("alone", p.money.amount(r.Alone)))
	if r.Estimated {
		p.add(wordFact("quality", "estimated"))
	}
	var claimed quantity.Energy
	var lines, origins [][]ProvenFact
	for _, l := range p.money.account(f) {
		lines = append(lines, []ProvenFact{wordFact("line", l.Name), {Name: "energy", Energy: &l.Energy}, {Name: "amount", Money: &l.Amount}})
	}
	for _, o := range r.Origins {
		became := "held"
		if o.Claimed {
			became, claimed = "claimed", quantity.MustAdd(claimed, o.Energy)
		}
		origins = append(origins, []ProvenFact{p.kind(r.Microgrid, o.Device), energyFact("energy", o.Energy), wordFact("became", became)})
	}
	if claimed > 0 {
		p.add(energyFact("claimed", claimed))
	}
	p.table("lines", lines)
	p.table("certificates", origins)
}

// issued is a lot. Those who got some of it are told apart from its owner, not named.
func (p *proving) issued(r certificate.Issued) {
	p.of(r.Microgrid)
	p.add(timeFact("interval", r.Start), p.kind(r.Microgrid, r.Device), energyFact("issued", r.Energy), numberFact("revision", int64(r.Revision)))
	var rows [][]ProvenFact
	for _, s := range r.Shares {
		whose, became := "owner", "held"
		if s.Account != p.Account {
			whose = "neighbour"
		}
		if s.Claimed {
			became = "claimed"
		}
		rows = append(rows, []ProvenFact{wordFact("whose", whose), energyFact("energy", s.Energy), wordFact("became", became)})
	}
	p.table("shares", rows)
}

// Purposes that certificates are cancelled for.
var purposes = map[certificate.Purpose]string{certificate.Disclosure: "disclosure", certificate.Product: "product", certificate.Other: "other"}

// cancelled is certificates that were used up, with their serials.
func (p *proving) cancelled(r certificate.Cancelled) {
	p.Statement = hex.EncodeToString(r.Cancel.Beneficiary)
	p.parts(r.Cancel.Parts, r.Serials, wordFact("purpose", purposes[r.Cancel.Purpose]), accountFact("account", r.Cancel.Account))
}

func (p *proving) transferred(r certificate.Transfer) {
	p.parts(r.Parts, nil, accountFact("from", r.From), accountFact("to", r.To))
}

// parts is energy of lots: how much, of how many intervals from when to when.
func (p *proving) parts(parts []certificate.Part, serials []quantity.Energy, facts ...ProvenFact) {
	var total quantity.Energy
	var rows [][]ProvenFact
	intervals, hours := map[certificate.LotID]bool{}, map[interval.Time]bool{}
	first, last := parts[0].Start, parts[0].Start
	for n, part := range parts {
		total = quantity.MustAdd(total, part.Energy)
		first, last = min(first, part.Start), max(last, part.Start)
		intervals[certificate.LotID{Microgrid: part.Microgrid, Start: part.Start}] = true
		hours[part.Start-part.Start%3600] = true
		row := []ProvenFact{timeFact("interval", part.Start), p.kind(part.Microgrid, part.Device), energyFact("energy", part.Energy)}
		if n < len(serials) {
			row = append(row, textFact("serials", fmt.Sprintf("%d–%d", serials[n], quantity.MustAdd(serials[n], part.Energy)-1)))
		}
		rows = append(rows, row)
	}
	p.of(parts[0].Microgrid)
	p.add(energyFact("energy", total), timeFact("first", first), timeFact("last", last), numberFact("intervals", int64(len(intervals))), numberFact("hours", int64(len(hours))))
	p.add(facts...)
	p.table("parts", rows)
}
