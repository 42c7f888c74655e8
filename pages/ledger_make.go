package pages

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// blocksMax bounds a list of blocks.
const blocksMax = 100

// Blocks lists the blocks below a height, the highest first.
func (s *Source) Blocks(ctx context.Context, below int64, limit int) (list []BlockRow, err error) {
	list = []BlockRow{}
	err = s.reader(ctx, func(r *view.Reader) error {
		blocks, err := r.Blocks(below, min(max(limit, 1), blocksMax))
		for _, b := range blocks {
			record, err := s.Audit.Record(b.Height)
			if err != nil {
				return err
			}
			list = append(list, blockRow(record))
		}
		return err
	})
	return list, err
}

func blockRow(r machine.Record) BlockRow {
	row := BlockRow{Height: r.Height, Time: r.Time, Envelopes: int64(len(r.Outcomes))}
	for _, o := range r.Outcomes {
		row.Receipts += int64(len(o.Receipts))
		if o.Code != 0 {
			row.Refused++
		}
	}
	return row
}

// record reads a block's record.
//
// Errors: *NotFound.
func (s *Source) record(height int64) (machine.Record, error) {
	r, err := s.Audit.Record(height)
	if errors.Is(err, fs.ErrNotExist) || height < 1 {
		return r, &NotFound{fmt.Sprintf("block %d", height), "the list of blocks says how high the ledger is"}
	}
	return r, err
}

// Block tells what a block holds.
//
// Errors: *NotFound; those of the disk.
func (s *Source) Block(_ context.Context, height int64) (b Block, err error) {
	r, err := s.record(height)
	if err != nil {
		return b, err
	}
	b = Block{BlockRow: blockRow(r), Entries: []EnvelopeRow{}}
	if kept, ok := s.Audit.Block(height); ok {
		b.Hash, b.AppHash, b.Proposer = hex.EncodeToString(kept.Hash), hex.EncodeToString(kept.AppHash), hex.EncodeToString(kept.Proposer)
		b.Signatures, b.Validators = kept.Signatures, kept.Validators
	}
	for i, o := range r.Outcomes {
		b.Entries = append(b.Entries, envelopeRow(height, i, o))
	}
	return b, nil
}

func envelopeRow(height int64, position int, o machine.Outcome) EnvelopeRow {
	return EnvelopeRow{
		Height: height, Position: position, ID: hex.EncodeToString(o.ID), Account: o.Account, Nonce: o.Nonce,
		Code: o.Code, Refusal: Refusal(o.Code), At: int(o.At), Receipts: len(o.Receipts),
	}
}

// Refusal is what a refusal's code means; nothing for 0.
func Refusal(code uint32) string {
	for _, no := range machine.Registry().Refusals {
		if code != 0 && no.Code == code {
			return no.Error()
		}
	}
	return ""
}

// Envelope tells of an envelope by its id in hex, or of a close by its place, as
// in "12.0".
//
// Errors: *NotFound; those of the view and the disk.
func (s *Source) Envelope(ctx context.Context, viewer Viewer, id string) (e Envelope, err error) {
	place, err := s.find(ctx, id)
	if err != nil {
		return e, err
	}
	r, err := s.record(place.Height)
	if err != nil {
		return e, err
	}
	if place.Position >= len(r.Outcomes) {
		return e, &NotFound{"entry " + id, fmt.Sprintf("block %d has %d", place.Height, len(r.Outcomes))}
	}
	o := r.Outcomes[place.Position]
	e = Envelope{EnvelopeRow: envelopeRow(place.Height, place.Position, o), Time: r.Time, Operations: []Operations{}, Facts: []ReceiptRow{}}
	for n, f := range o.Receipts {
		e.Facts = append(e.Facts, s.receipt(viewer, place, n, f))
	}
	if kept, ok := s.Audit.Block(place.Height); ok && len(o.ID) > 0 {
		e.ask(kept.Txs, viewer, o)
	}
	return e, nil
}

// find is where an envelope stands.
func (s *Source) find(ctx context.Context, id string) (p view.Place, err error) {
	missing := &NotFound{"envelope " + strconv.Quote(id), "write its id in 64 hexadecimal digits, or its place as in 12.0"}
	if height, position, ok := strings.Cut(id, "."); ok {
		var bad error
		p.Height, err = strconv.ParseInt(height, 10, 64)
		p.Position, bad = strconv.Atoi(position)
		if err != nil || bad != nil || p.Position < 0 {
			return p, missing
		}
		return p, nil
	}
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != len(tx.ID{}) {
		return p, missing
	}
	var found bool
	err = s.reader(ctx, func(r *view.Reader) (err error) {
		p, found, err = r.Find(tx.ID(raw))
		return err
	})
	if err == nil && !found {
		err = missing
	}
	return p, err
}

// schemes are what the API calls the ways to sign.
var schemes = map[tx.Scheme]string{tx.Ed25519: "ed25519", tx.WebAuthn: "webauthn", tx.EIP712: "eip712"}

// ask fills in what an envelope asked for. Its fields are for whoever signed it.
func (e *Envelope) ask(txs [][]byte, viewer Viewer, o machine.Outcome) {
	envelope, ok := envelopeIn(txs, o.ID)
	if !ok {
		return
	}
	e.Scheme = schemes[envelope.Key.Scheme]
	for _, asked := range envelope.Body.Operations {
		e.Operations = append(e.Operations, operation(asked, viewer.Account != 0 && viewer.Account == o.Account))
	}
}

func operation(asked tx.Operation, own bool) Operations {
	told := Operations{Kind: asked.Kind, Name: fmt.Sprintf("kind %d", asked.Kind)}
	known, ok := machine.Registry().Operation(asked.Kind)
	if !ok {
		return told
	}
	told.Name = known.Name
	if own {
		if fields, err := known.Decode(asked.Body); err == nil {
			told.Fields = inWords(fields)
		}
	}
	return told
}

// Receipt tells of one receipt.
//
// Errors: *NotFound; those of the disk.
func (s *Source) Receipt(_ context.Context, viewer Viewer, height int64, position, n int) (ReceiptRow, error) {
	r, err := s.record(height)
	if err != nil {
		return ReceiptRow{}, err
	}
	if position < 0 || position >= len(r.Outcomes) || n < 0 || n >= len(r.Outcomes[position].Receipts) {
		return ReceiptRow{}, &NotFound{fmt.Sprintf("receipt %d.%d.%d", height, position, n), fmt.Sprintf("/ledger/block/%d lists what the block holds", height)}
	}
	return s.receipt(viewer, view.Place{Height: height, Position: position}, n, r.Outcomes[position].Receipts[n]), nil
}

// receipt tells of a receipt as much as is the viewer's to see: of what is
// somebody else's, that it is there.
func (s *Source) receipt(viewer Viewer, at view.Place, n int, f machine.Fact) ReceiptRow {
	leaf := f.Leaf(at.Height)
	row := ReceiptRow{Height: at.Height, Position: at.Position, N: n, Leaf: hex.EncodeToString(leaf[:]), Sealed: true}
	if !s.mayRead(viewer, f) {
		return row
	}
	row.Sealed, row.Kind, row.Audience = false, f.Kind, f.Audience
	row.Proof = Link(proof.NewID(proof.Place{Height: at.Height, Position: uint32(at.Position), N: uint32(n)}, f)) //nolint:gosec // indices
	row.Salt, row.Body = hex.EncodeToString(f.Salt), hex.EncodeToString(f.Body)
	for _, schema := range machine.Registry().Receipts {
		if schema.Kind == f.Kind {
			row.Name, row.Fields = schema.Name, inWords(schema.Decode(f.Body))
		}
	}
	return row
}

// mayRead reports whether a receipt is the viewer's to see: public ones, one's own,
// and of its members' statements those of the operator's microgrid.
func (s *Source) mayRead(viewer Viewer, f machine.Fact) bool {
	switch {
	case f.Audience == op.Public:
		return true
	case viewer.Account != 0 && viewer.Account == f.Audience:
		return true
	case f.Kind == settlement.StatementReceipt.Kind && viewer.Role == Operator:
		return viewer.SeesAccount(settlement.StatementReceipt.Read(f.Receipt()).Microgrid, f.Audience)
	}
	return false
}

// Search tells where what somebody wrote may lead.
func (s *Source) Search(ctx context.Context, viewer Viewer, q string) ([]Found, error) {
	q = strings.TrimSpace(q)
	list := []Found{}
	if height, err := strconv.ParseInt(q, 10, 64); err == nil && height > 0 {
		if _, err := s.record(height); err == nil {
			list = append(list, Found{"block", fmt.Sprintf("Block %d", height), fmt.Sprintf("/ledger/block/%d", height)})
		}
	}
	var height int64
	var position, n int
	if count, _ := fmt.Sscanf(q, "%d.%d.%d", &height, &position, &n); count == 3 {
		if _, err := s.Receipt(ctx, viewer, height, position, n); err == nil {
			list = append(list, Found{"receipt", "Receipt " + q, "/ledger/receipt/" + q})
		}
	}
	if _, err := s.find(ctx, q); err == nil {
		list = append(list, Found{"envelope", "Envelope " + q, "/ledger/envelope/" + q})
	}
	list = append(list, s.times(viewer, q)...)
	return append(list, s.members(viewer, q)...), nil
}

// times leads to days and intervals.
func (s *Source) times(viewer Viewer, q string) []Found {
	if _, err := time.Parse(time.DateOnly, q); err == nil {
		list := []Found{{"interval", "The community's " + q, "/community/" + q}}
		if viewer.Role == Household {
			list = append([]Found{{"interval", "Your " + q, "/today/" + q}}, list...)
		}
		return list
	}
	if at, err := time.Parse(time.RFC3339, q); err == nil {
		start := interval.Minutes15.Containing(interval.Time(at.Unix())).Start
		text := time.Unix(int64(start), 0).UTC().Format(time.RFC3339)
		return []Found{{"interval", "The interval from " + text, "/replay/" + text}}
	}
	return nil
}

// members leads the operator to its members by name or account, and everybody
// else to themselves.
func (s *Source) members(viewer Viewer, q string) (list []Found) {
	names := s.names(viewer.Microgrid)
	for _, account := range names.Members {
		name, number := names.Accounts[account], strconv.FormatUint(uint64(account), 10)
		if viewer.SeesAccount(viewer.Microgrid, account) && (q == number || q != "" && strings.HasPrefix(strings.ToLower(name), strings.ToLower(q))) {
			list = append(list, Found{"account", name, "/today?account=" + number})
		}
	}
	return list
}
