package view

import (
	"encoding/json"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

// write adds the rows of one kind of receipt.
type write func(*writer, place, op.Receipt) error

// writers is how each kind of receipt becomes rows.
var writers = map[uint32]write{
	machine.RefusedReceipt.Kind: noRow, // The envelope's row says it.

	party.OpenedReceipt.Kind: as(party.OpenedReceipt, (*writer).opened),
	party.Rotated.Kind:       noRow, // Who may sign is for the ledger to say.

	ledger.Defined.Kind:         as(ledger.Defined, (*writer).defined),
	ledger.Issued.Kind:          as(ledger.Issued, (*writer).issued),
	ledger.Redeemed.Kind:        as(ledger.Redeemed, (*writer).redeemed),
	ledger.TransferReceipt.Kind: as(ledger.TransferReceipt, (*writer).transferred),
	ledger.HoldReceipt.Kind:     as(ledger.HoldReceipt, (*writer).held),
	ledger.Posted.Kind:          as(ledger.Posted, (*writer).posted),
	ledger.Voided.Kind:          as(ledger.Voided, (*writer).voided),

	grid.FoundedReceipt.Kind: as(grid.FoundedReceipt, (*writer).founded),
	grid.ZoneAdded.Kind:      as(grid.ZoneAdded, (*writer).zoneAdded),
	grid.LineSet.Kind:        as(grid.LineSet, (*writer).lineSet),
	grid.Connected.Kind:      as(grid.Connected, (*writer).connected),
	grid.Enrolled.Kind:       as(grid.Enrolled, (*writer).enrolled),
	grid.FeederSet.Kind:      as(grid.FeederSet, (*writer).feederSet),
	grid.Disconnected.Kind:   as(grid.Disconnected, (*writer).disconnected),

	tariff.SetReceipt.Kind: as(tariff.SetReceipt, (*writer).tariffSet),

	market.RulesReceipt.Kind: as(market.RulesReceipt, (*writer).rulesSet),
	market.WishSet.Kind:      as(market.WishSet, (*writer).wishSet),

	metering.RecordedReceipt.Kind:  as(metering.RecordedReceipt, (*writer).recorded),
	metering.ExceptionReceipt.Kind: as(metering.ExceptionReceipt, (*writer).exception),
	metering.Lapsed.Kind:           noRow, // Its effect is the settlements that follow.

	device.KeyEnrolledReceipt.Kind: as(device.KeyEnrolledReceipt, (*writer).keyEnrolled),
	device.KeyRevoked.Kind:         noRow, // A device's key itself is asked of the committed rows;
	device.Lifted.Kind:             noRow,
	metering.DisputedReceipt.Kind:  noRow, // What the operator is to look at is an exception, too.
	device.DeliveredReceipt.Kind:   noRow, // whoever sent a message is told, and what it made is settled;
	device.EquivocatedReceipt.Kind: noRow, // and what concerns the operator is an exception, too.

	certificate.Registered.Kind:        noRow, // Who chose what is for the ledger to say.
	certificate.Chosen.Kind:            noRow,
	certificate.IssuedReceipt.Kind:     lotIssued,
	certificate.Transferred.Kind:       twice(certificate.Transferred, func(r certificate.Transfer) tx.AccountID { return r.From }, (*writer).lotsTransferred),
	certificate.CancelledReceipt.Kind:  as(certificate.CancelledReceipt, (*writer).lotsCancelled),
	certificate.WithdrawnReceipt.Kind:  twice(certificate.WithdrawnReceipt, func(r certificate.Withdrawn) tx.AccountID { return r.Withdraw.Account }, (*writer).lotsWithdrawn),
	certificate.ExpiredReceipt.Kind:    as(certificate.ExpiredReceipt, (*writer).lotExpired),
	certificate.ReservedReceipt.Kind:   twice(certificate.ReservedReceipt, func(r certificate.Reserve) tx.AccountID { return r.Holder }, (*writer).lotsReserved),
	certificate.Released.Kind:          twice(certificate.Released, func(r certificate.Release) tx.AccountID { return r.Holder }, (*writer).lotsReleased),
	certificate.Taken.Kind:             twice(certificate.Taken, func(r certificate.Take) tx.AccountID { return r.Holder }, (*writer).lotsTaken),
	certificate.Whitelisted.Kind:       noRow,
	certificate.StoreRegistered.Kind:   noRow,
	certificate.StoredReceipt.Kind:     as(certificate.StoredReceipt, (*writer).lotsStored),
	certificate.MatchedReceipt.Kind:    as(certificate.MatchedReceipt, (*writer).lotsMatched),
	certificate.UseMatchedReceipt.Kind: as(certificate.UseMatchedReceipt, (*writer).useMatched),
	certificate.TrustedReceipt.Kind:    noRow, // A ledger's peers are asked of the committed rows;
	certificate.Declined.Kind:          noRow, // and what a peer sent in vain is none of ours.
	certificate.LockedReceipt.Kind:     as(certificate.LockedReceipt, (*writer).lotsLocked),
	certificate.ExportedReceipt.Kind:   as(certificate.ExportedReceipt, (*writer).lotsExported),
	certificate.ReturnedReceipt.Kind:   as(certificate.ReturnedReceipt, (*writer).lotsReturned),
	certificate.ImportedReceipt.Kind:   as(certificate.ImportedReceipt, (*writer).lotsImported),
	certificate.AdmittedReceipt.Kind:   as(certificate.AdmittedReceipt, (*writer).lotsAdmitted),
	certificate.RulesSet.Kind:          noRow, // What they do has receipts of its own.

	settlement.StatementReceipt.Kind: as(settlement.StatementReceipt, (*writer).settledPoint),
	settlement.SettledReceipt.Kind:   settled,
	settlement.DisclosedReceipt.Kind: as(settlement.DisclosedReceipt, (*writer).disclosed),
	settlement.OverloadReceipt.Kind:  as(settlement.OverloadReceipt, (*writer).overload),

	governance.Proposed.Kind:           as(governance.Proposed, (*writer).proposed),
	governance.VotedReceipt.Kind:       as(governance.VotedReceipt, (*writer).voted),
	governance.EquivocatedReceipt.Kind: noRow, // The log says it, and whoever asks for the receipts.
	governance.DecidedReceipt.Kind:     as(governance.DecidedReceipt, (*writer).decided),
}

// as is a write that reads the receipt first.
func as[R any](def op.ReceiptDef[R], add func(*writer, place, R) error) write {
	return func(w *writer, at place, r op.Receipt) error { return add(w, at, def.Read(r)) }
}

// twice is a write of a receipt that two accounts have: it is of the one that of
// names, so that it is counted once.
func twice[R any](def op.ReceiptDef[R], of func(R) tx.AccountID, add func(*writer, place, R) error) write {
	return func(w *writer, at place, r op.Receipt) error {
		said := def.Read(r)
		if r.Audience != of(said) {
			return nil
		}
		return add(w, at, said)
	}
}

// noRow is for receipts whose facts are in no table.
func noRow(*writer, place, op.Receipt) error { return nil }

func (w *writer) opened(at place, r party.Opened) error {
	return w.put("account", bits(r.Account), bits(r.Guardian), at.height)
}

func (w *writer) founded(_ place, r grid.Founded) error {
	f := r.Found
	if err := w.put("zone", bits(f.Microgrid), bits(f.Root), 0); err != nil {
		return err
	}
	return w.put("microgrid", bits(f.Microgrid), bits(r.Operator), bits(f.Gateway), bits(f.Utility), bits(f.Network),
		bits(f.Levy), bits(f.Currency), int64(f.Length), int64(f.Start), int64(f.Grace), int64(f.Correction))
}

func (w *writer) zoneAdded(_ place, r grid.AddZone) error {
	return w.put("zone", bits(r.Microgrid), bits(r.Zone), bits(r.Parent))
}

func (w *writer) lineSet(_ place, r grid.SetLine) error {
	return w.put("line", bits(r.Microgrid), bits(r.Zone), int64(r.From),
		int64(r.Line.Charge), int64(r.Line.ExportLimit), int64(r.Line.ImportLimit), int64(r.Line.LossPPM))
}

func (w *writer) connected(_ place, r grid.Connect) error {
	return w.put("point", bits(r.Microgrid), bits(r.Point), bits(r.Zone), bits(r.Account), bits(r.CapacityW), int64(r.From), 0)
}

func (w *writer) enrolled(_ place, r grid.Enrol) error {
	return w.put("device", bits(r.Microgrid), bits(r.Device), bits(r.Point), int64(r.Kind), bits(r.CapacityW), int64(r.From), 0, false)
}

// feederSet adds a feeder meter, which is behind no point. Nobody asks the view until
// when it was there.
func (w *writer) feederSet(_ place, r grid.SetFeeder) error {
	if r.Device == 0 {
		return nil
	}
	return w.put("device", bits(r.Microgrid), bits(r.Device), 0, int64(grid.Feeder), 0, int64(r.From), 0, false)
}

// keyEnrolled notes who signs for a device: itself, or a gateway in the home.
func (w *writer) keyEnrolled(_ place, r device.KeyEnrolled) error {
	return w.exec("UPDATE device SET bridged = ? WHERE microgrid = ? AND device = ?", r.Bridged, bits(r.Microgrid), bits(r.Device))
}

// disconnected ends a point and the devices behind it, as grid.Disconnect does.
func (w *writer) disconnected(_ place, r grid.Disconnect) error {
	err := w.exec("UPDATE point SET until = ? WHERE microgrid = ? AND point = ?", int64(r.Until), bits(r.Microgrid), bits(r.Point))
	if err != nil {
		return err
	}
	return w.exec("UPDATE device SET until = CASE WHEN since > ? THEN since ELSE ? END WHERE microgrid = ? AND point = ? AND until = 0",
		int64(r.Until), int64(r.Until), bits(r.Microgrid), bits(r.Point))
}

func (w *writer) tariffSet(_ place, r tariff.Set) error {
	for _, s := range r.Steps {
		err := w.put("tariff", bits(r.Microgrid), int64(s.From), int64(s.Prices.Retail), int64(s.Prices.FeedIn), int64(s.Prices.Levy))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) rulesSet(_ place, r market.RulesSet) error {
	return w.put("rules", bits(r.Microgrid), int64(r.From), int64(r.Rules.Mode), int64(r.Rules.Rule), r.Rules.MembersFirst)
}

func (w *writer) wishSet(_ place, r market.SetWish) error {
	partners, err := json.Marshal(append([]grid.PointID{}, r.Wish.Partners...))
	if err != nil {
		return err
	}
	return w.put("wish", bits(r.Microgrid), bits(r.Point), int64(r.From), optional(r.Wish.Buy), optional(r.Wish.Sell),
		r.Wish.Green, r.Wish.SellsGreen, string(partners))
}

// optional is a number or NULL.
func optional[T ~int64](v *T) any {
	if v == nil {
		return nil
	}
	return int64(*v)
}

func (w *writer) recorded(at place, r metering.Recorded) error {
	return w.add("recorded", at.height, at.position, at.n, bits(r.Microgrid), int64(r.From), int64(r.To),
		bits(r.Values), bits(r.Late), bits(r.Same))
}

func (w *writer) exception(at place, r metering.Exception) error {
	return w.add("exception", bits(r.Microgrid), bits(r.Device), int64(r.Reason), int64(r.From), int64(r.To),
		int64(r.Import), int64(r.Export), int64(r.Way), int64(r.Days), at.height, at.position, at.n)
}

func (w *writer) proposed(at place, r governance.Propose) error {
	change, err := json.Marshal(r.Change)
	if err != nil {
		return err
	}
	return w.put("proposal", bits(r.Proposal), at.height, at.position, at.n, bits(r.Microgrid), bits(at.signer),
		int64(r.Until), string(change), 0)
}

func (w *writer) voted(at place, r governance.Voted) error {
	return w.put("vote", bits(r.Proposal), at.height, at.position, at.n, bits(r.Account), r.Yes)
}

// Outcomes of proposals.
const (
	adopted  int64 = 1
	rejected int64 = 2
)

// decided ends a proposal; rules that it changes have a receipt of their own.
func (w *writer) decided(_ place, r governance.Decided) error {
	outcome := rejected
	if r.Adopted {
		outcome = adopted
	}
	if r.Adopted && r.Change.Operator != 0 {
		err := w.exec(`UPDATE microgrid SET operator = ? WHERE microgrid =
			(SELECT microgrid FROM proposal WHERE proposal = ? AND outcome = 0)`, bits(r.Change.Operator), bits(r.Proposal))
		if err != nil {
			return err
		}
	}
	return w.exec("UPDATE proposal SET outcome = ? WHERE proposal = ? AND outcome = 0", outcome, bits(r.Proposal))
}
