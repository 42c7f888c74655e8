package view

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// Kinds of movements, as the schema names them.
const (
	issue    int64 = 1
	redeem   int64 = 2
	transfer int64 = 3
	hold     int64 = 4
	post     int64 = 5
	void     int64 = 6
)

// move notes a movement; the balances are changed beside it.
func (w *writer) move(at place, kind int64, asset ledger.AssetID, payer, receiver tx.AccountID, amount quantity.Money) error {
	return w.add("movement", at.height, at.position, at.n, kind, bits(asset), bits(payer), bits(receiver), int64(amount))
}

func (w *writer) defined(at place, r ledger.Define) error {
	return w.put("asset", bits(r.Asset), r.Symbol, int64(r.Decimals), bits(at.signer), 0)
}

func (w *writer) issued(at place, r ledger.Issue) error {
	w.post(r.To, r.Asset, r.Amount, 0)
	if err := w.exec("UPDATE asset SET issued = issued + ? WHERE asset = ?", int64(r.Amount), bits(r.Asset)); err != nil {
		return err
	}
	return w.move(at, issue, r.Asset, 0, r.To, r.Amount)
}

func (w *writer) redeemed(at place, r ledger.Redeem) error {
	w.post(at.signer, r.Asset, -r.Amount, 0)
	if err := w.exec("UPDATE asset SET issued = issued - ? WHERE asset = ?", int64(r.Amount), bits(r.Asset)); err != nil {
		return err
	}
	return w.move(at, redeem, r.Asset, at.signer, 0, r.Amount)
}

func (w *writer) transferred(at place, r ledger.Transferred) error {
	w.post(r.From, r.Asset, -r.Amount, 0)
	w.post(r.To, r.Asset, r.Amount, 0)
	return w.move(at, transfer, r.Asset, r.From, r.To, r.Amount)
}

func (w *writer) held(at place, r ledger.Held) error {
	h := r.Hold
	w.post(r.Payer, h.Asset, 0, h.Amount)
	err := w.put("hold", bits(r.Payer), bits(h.Number), bits(h.Asset), bits(h.To), int64(h.Amount), int64(h.Deadline))
	if err != nil {
		return err
	}
	return w.move(at, hold, h.Asset, r.Payer, h.To, h.Amount)
}

// posted pays out of a hold; what is left of it is the payer's again.
func (w *writer) posted(at place, r ledger.Post) error {
	asset, receiver, err := w.release(r.Payer, r.Number)
	if err != nil {
		return err
	}
	w.post(r.Payer, asset, -r.Amount, 0)
	w.post(receiver, asset, r.Amount, 0)
	return w.move(at, post, asset, r.Payer, receiver, r.Amount)
}

func (w *writer) voided(at place, r ledger.Void) error {
	asset, receiver, err := w.release(r.Payer, r.Number)
	if err != nil {
		return err
	}
	return w.move(at, void, asset, r.Payer, receiver, 0)
}

// release ends a hold.
func (w *writer) release(payer tx.AccountID, count uint64) (ledger.AssetID, tx.AccountID, error) {
	var asset, receiver, amount int64
	err := w.row("DELETE FROM hold WHERE payer = ? AND number = ? RETURNING asset, receiver, amount",
		[]any{bits(payer), bits(count)}, &asset, &receiver, &amount)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, fmt.Errorf("hold %d of account %d ends, and its beginning is missing", count, payer)
	}
	if err != nil {
		return 0, 0, err
	}
	w.post(payer, number[ledger.AssetID](asset), 0, -quantity.Money(amount))
	return number[ledger.AssetID](asset), number[tx.AccountID](receiver), nil
}
