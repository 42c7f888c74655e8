package live

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Registrar passes certificates on and uses them up for the accounts that the operator
// signs for. Names of beneficiaries stay with it, off the ledger.
type Registrar struct {
	Dir      string // In which statements and what buyers used are kept.
	Node     *node.Node
	Operator *operator.Operator
	Source   *pages.Source
	Now      func() time.Time
	// Between runs f where nobody else signs, with the community as it is then.
	Between func(ctx context.Context, f func(context.Context, *community.Community) error) error
}

// Registrar lets accounts pass their certificates on.
func (l *Live) Registrar() *Registrar {
	return &Registrar{
		Dir: l.Dir, Node: l.Node, Operator: l.Operator, Source: l.Source, Now: l.Now,
		Between: func(ctx context.Context, f func(context.Context, *community.Community) error) error {
			return l.between(ctx, func(ctx context.Context) error { return f(ctx, l.community) })
		},
	}
}

// partsMax is how many lots one operation passes on, which package certificate bounds.
const partsMax = 4096

// choice is lots that were chosen to be passed on or used up.
type choice struct {
	parts []certificate.Part
	told  api.Passing
}

// Transfer passes certificates on to another account.
func (r *Registrar) Transfer(ctx context.Context, account tx.AccountID, t api.Transfer, dry bool) (p api.Passing, err error) {
	err = r.Between(ctx, func(ctx context.Context, c *community.Community) error {
		to, name, err := receiver(c, t.To)
		if err != nil {
			return err
		}
		chosen, err := r.choose(ctx, c, account, t.Selection)
		if err != nil {
			return err
		}
		p = chosen.told
		p.To, p.DryRun = name, dry
		return r.book(ctx, certificate.TransferKind.Encode(certificate.Transfer{From: account, To: to, Parts: chosen.parts}), dry)
	})
	return p, err
}

// Cancel uses certificates up for a beneficiary.
func (r *Registrar) Cancel(ctx context.Context, account tx.AccountID, c api.Cancellation, dry bool) (p api.Passing, err error) {
	purpose, err := purposeOf(c.Purpose)
	if err != nil {
		return p, err
	}
	if strings.TrimSpace(c.Beneficiary) == "" {
		return p, &api.Unfit{Text: "the beneficiary has no name: say for whom the certificates are used up"}
	}
	err = r.Between(ctx, func(ctx context.Context, com *community.Community) error {
		chosen, err := r.choose(ctx, com, account, c.Selection)
		if err != nil {
			return err
		}
		p = chosen.told
		p.Beneficiary, p.DryRun = c.Beneficiary, dry
		s := r.statement(com, account, c, chosen)
		o := certificate.CancelKind.Encode(certificate.Cancel{Account: account, Parts: chosen.parts, Purpose: purpose, Beneficiary: s.hash[:]})
		if dry {
			return r.book(ctx, o, true)
		}
		p.Statement = s.name
		if err := r.keep(s); err != nil { // It comes first: no hash on the ledger without its statement.
			return err
		}
		if err := r.book(ctx, o, false); err != nil {
			if refusedByLedger(err) {
				return errors.Join(err, r.forget(s))
			}
			return err // It may be on the ledger or not.
		}
		return nil
	})
	return p, err
}

// purposeOf is the number of a purpose.
func purposeOf(name string) (certificate.Purpose, error) {
	for n, is := range pages.Purposes {
		if is == name && n > 0 {
			return certificate.Purpose(n), nil
		}
	}
	return 0, &api.Unfit{Text: fmt.Sprintf("there is no purpose %.40q: write one of %s", name, strings.Join(pages.Purposes[1:], ", "))}
}

// receiver is the account that a name or a number means, and what it is called.
func receiver(c *community.Community, to string) (tx.AccountID, string, error) {
	for _, m := range c.Members {
		if m.Name == to {
			return c.Account(to), to, nil
		}
	}
	for _, b := range c.Buyers {
		if b.Name == to {
			return c.Account(to), to, nil
		}
	}
	n, err := strconv.ParseUint(to, 10, 64)
	if err != nil || n == 0 {
		return 0, "", &api.Unfit{Text: fmt.Sprintf("there is no member and no buyer %.80q: write the name as the community's file has it, or the number of an account", to)}
	}
	return tx.AccountID(n), to, nil
}

// choose picks of an account's final certificates the oldest ones.
func (r *Registrar) choose(ctx context.Context, c *community.Community, account tx.AccountID, s api.Selection) (chosen choice, err error) {
	if s.Energy <= 0 {
		return chosen, &api.Unfit{Text: "there is nothing to pass on: give an energy above 0"}
	}
	fits, which, err := selects(c, s)
	if err != nil {
		return chosen, err
	}
	if err := r.Node.Seen(ctx, r.Node.Height()); err != nil {
		return chosen, err
	}
	var final interval.Time
	r.Node.Read(func(rows state.Reader, _ machine.Head) {
		if m, ok := grid.At(rows, c.Microgrid()); ok {
			final = metering.Correctable(m)
		}
	})
	wanted := quantity.Energy(s.Energy)
	var free, fitting, open quantity.Energy
	err = r.Source.View.Read(ctx, func(read *view.Reader) error {
		return read.Holdings(account, func(h view.HeldLot) error {
			if h.Lot.Microgrid != c.Microgrid() || h.Lot.Start >= final {
				if fits(h.Lot) {
					open = quantity.MustAdd(open, h.Energy)
				}
				return nil
			}
			free = quantity.MustAdd(free, h.Energy)
			if !fits(h.Lot) {
				return nil
			}
			if part := min(h.Energy, quantity.MustSub(wanted, fitting)); part > 0 {
				chosen.parts = append(chosen.parts, certificate.Part{Microgrid: h.Lot.Microgrid, Start: h.Lot.Start, Device: h.Lot.Device, Energy: part})
			}
			fitting = min(quantity.MustAdd(fitting, h.Energy), wanted)
			return nil
		})
	})
	switch {
	case err != nil:
		return chosen, err
	case fitting < wanted:
		return chosen, short(wanted, fitting, open, which)
	case len(chosen.parts) > partsMax:
		return chosen, &api.Unfit{Text: fmt.Sprintf("that is %d lots, and one operation takes %d at most: take less, or a month at a time", len(chosen.parts), partsMax)}
	}
	chosen.tell(c, account, quantity.MustSub(free, wanted))
	return chosen, nil
}

// short says what there is of too little.
func short(wanted, has, open quantity.Energy, which string) error {
	text := fmt.Sprintf("the account has %s of final certificates%s, not %s: take less", kWh(has), which, kWh(wanted))
	if open > 0 {
		text += fmt.Sprintf("; %s more may still be corrected, and wait until their intervals are final", kWh(open))
	}
	return &api.Unfit{Text: text}
}

// kWh writes an energy exactly.
func kWh(e quantity.Energy) string { return fmt.Sprintf("%d.%03d kWh", e/1000, e%1000) }

// selects is whether a lot is one of those that are meant, and which they are in words.
func selects(c *community.Community, s api.Selection) (func(certificate.LotID) bool, string, error) {
	var from, until interval.Time
	which := ""
	if s.Month != "" {
		first, err := time.ParseInLocation("2006-01", s.Month, c.TimeZone)
		if err != nil {
			return nil, "", &api.Unfit{Text: fmt.Sprintf("there is no month %.20q: write it as in 2026-06", s.Month)}
		}
		from, until = interval.Time(first.Unix()), interval.Time(first.AddDate(0, 1, 0).Unix())
		which += " of " + s.Month
	}
	var device grid.DeviceID
	if s.Device != "" {
		n, err := strconv.ParseUint(s.Device, 10, 64)
		device = grid.DeviceID(n)
		if c.Meters().Has(s.Device) {
			device, err = c.DeviceID(s.Device), nil
		}
		if err != nil {
			return nil, "", &api.Unfit{Text: fmt.Sprintf("there is no device %.80q: write what its meter is called, or its number", s.Device)}
		}
		which += " from " + s.Device
	}
	return func(l certificate.LotID) bool {
		return (until == 0 || l.Start >= from && l.Start < until) && (device == 0 || l.Device == device)
	}, which, nil
}

// tell fills in what is said of what was chosen. Somebody else's device is told by its
// number.
func (c *choice) tell(com *community.Community, account tx.AccountID, left quantity.Energy) {
	meters := map[grid.DeviceID]string{}
	for _, m := range com.Members {
		for _, d := range m.Devices {
			if com.Account(m.Name) == account {
				meters[com.DeviceID(d.Meter)] = d.Meter
			}
		}
	}
	var sum quantity.Energy
	for _, p := range c.parts {
		sum = quantity.MustAdd(sum, p.Energy)
		meter, own := meters[p.Device]
		if !own {
			meter = strconv.FormatUint(uint64(p.Device), 10)
		}
		c.told.Parts = append(c.told.Parts, pages.Certificate{
			Start: time.Unix(int64(p.Start), 0).UTC().Format(time.RFC3339), Meter: meter, Energy: int64(p.Energy),
		})
	}
	c.told.Energy, c.told.Left, c.told.Lots = pages.ShownEnergy(sum), pages.ShownEnergy(left), len(c.parts)
	c.told.First, c.told.Last = c.parts[0].Start, c.parts[len(c.parts)-1].Start
}

// book signs an operation and waits until it is applied and shown, so that whoever looks
// next finds it; with dry it tries it on the ledger as it is, and keeps nothing.
//
// Errors: a refusal of the ledger.
func (r *Registrar) book(ctx context.Context, o tx.Operation, dry bool) error {
	if !dry {
		return booked(ctx, r.Node, r.Operator, o)
	}
	known, ok := machine.Registry().Operation(o.Kind)
	if !ok {
		panic("live: an operation of ours is not registered")
	}
	fields, err := known.Decode(o.Body)
	if err != nil {
		return err
	}
	var no *op.Refusal
	r.Node.Read(func(rows state.Reader, head machine.Head) {
		try := machine.Trying(rows, head, operator.Account)
		no = known.Apply(&try, state.NewOverlay(rows), fields)
	})
	if no != nil {
		return no
	}
	return nil
}

// booked signs operations for the operator and waits until they are applied, and until the
// read model shows them, if it does: what is applied is no failure for a database that is away.
func booked(ctx context.Context, n *node.Node, o *operator.Operator, operations ...tx.Operation) error {
	if err := o.Submit(ctx, operations); err != nil {
		return err
	}
	_ = n.Seen(ctx, n.Height())
	return nil
}
