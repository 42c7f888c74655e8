package view

import (
	"fmt"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/tx"
)

// Apply adds the receipts of blocks, all or none of them. Each block is the one
// after the last; the first may be of any height.
//
// Errors: blocks out of order; receipts of a newer version; those of the disk.
func (v *View) Apply(records []machine.Record) error {
	height := v.Height()
	err := v.writer.atomically(func() error {
		for _, r := range records {
			if r.Height <= 0 || height > 0 && r.Height != height+1 {
				return fmt.Errorf("block %d does not follow block %d", r.Height, height)
			}
			if err := v.writer.block(r); err != nil {
				return fmt.Errorf("block %d: %w", r.Height, err)
			}
			height = r.Height
		}
		return v.writer.finish()
	})
	if err != nil {
		return fmt.Errorf("view: %w", err)
	}
	v.height.Store(height)
	return nil
}

// place is where a receipt stands, and who signed for it.
type place struct {
	height   int64
	position int
	n        int
	signer   tx.AccountID
}

// block adds the receipts of one block.
func (w *writer) block(r machine.Record) error {
	var refused int64
	for i, o := range r.Outcomes {
		if o.Code != 0 {
			refused++
		}
		if err := w.add("envelope", r.Height, i, blob(o.ID), bits(o.Account), bits(o.Nonce), int64(o.Code), int64(o.At)); err != nil {
			return err
		}
		for n, f := range o.Receipts {
			if err := w.receipt(place{r.Height, i, n, o.Account}, f.Receipt()); err != nil {
				return err
			}
		}
	}
	return w.put("block", r.Height, int64(r.Time), len(r.Outcomes), refused)
}

// receipt adds what one receipt says.
func (w *writer) receipt(at place, r op.Receipt) error {
	write, known := writers[r.Kind]
	if !known {
		return fmt.Errorf("a receipt of kind %d, which this version does not know: the ledger is newer than the program", r.Kind)
	}
	return write(w, at, r)
}

// bits keeps a number without a sign as SQLite's integers, which have one.
func bits[T ~uint64](v T) int64 { return int64(v) }

// number is the opposite of bits.
func number[T ~uint64](v int64) T { return T(v) }

// blob is bytes that are not NULL, though there be none.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
