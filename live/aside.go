package live

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Reserve is certificates that are to be set aside.
type Reserve struct {
	api.Selection
	For  string `json:"for"`  // A member or a buyer by its name, or the number of an account.
	Days int    `json:"days"` // Until the deadline.
}

// Aside is certificates that are set aside, and to be taken or released.
type Aside struct {
	With string `json:"with"` // The other account: who set them aside, or for whom.
}

// Accepting is from whom an account accepts certificates.
type Accepting struct {
	DryRun    bool     `json:"dry_run"`
	Everybody bool     `json:"everybody"`
	From      []string `json:"from"` // From nobody, when there is none.
}

// Reserve sets certificates of an account aside for another one.
//
// Errors: *api.Unfit; a refusal of the ledger.
func (r *Registrar) Reserve(ctx context.Context, account tx.AccountID, ask Reserve, dry bool) (p api.Passing, err error) {
	err = r.Between(ctx, func(ctx context.Context, c *community.Community) error {
		taker, name, err := receiver(c, ask.For)
		if err != nil {
			return err
		}
		chosen, err := r.choose(ctx, c, account, ask.Selection)
		if err != nil {
			return err
		}
		var now interval.Time
		r.Node.Read(func(_ state.Reader, head machine.Head) { now = head.Time })
		until := max(now, interval.Time(r.Now().Unix())) + interval.Time(ask.Days)*24*3600
		p = chosen.told
		p.To, p.DryRun = name, dry
		return r.book(ctx, certificate.ReserveKind.Encode(certificate.Reserve{Holder: account, For: taker, Until: until, Parts: chosen.parts}), dry)
	})
	return p, err
}

// Take takes what another account set aside for an account; all of it, or as much as
// one operation takes.
//
// Errors: *api.Unfit; a refusal of the ledger.
func (r *Registrar) Take(ctx context.Context, account tx.AccountID, ask Aside, dry bool) (api.Passing, error) {
	return r.settleAside(ctx, account, ask, true, dry)
}

// Release gives back what another account set aside for an account, or has back what
// that set aside for the other one; all of it, or as much as one operation takes.
//
// Errors: *api.Unfit; a refusal of the ledger.
func (r *Registrar) Release(ctx context.Context, account tx.AccountID, ask Aside, dry bool) (api.Passing, error) {
	return r.settleAside(ctx, account, ask, false, dry)
}

func (r *Registrar) settleAside(ctx context.Context, account tx.AccountID, ask Aside, take, dry bool) (p api.Passing, err error) {
	err = r.Between(ctx, func(ctx context.Context, c *community.Community) error {
		other, name, err := receiver(c, ask.With)
		if err != nil {
			return err
		}
		of, chosen, err := r.asideBetween(ctx, c, account, other, take)
		if err != nil {
			return err
		}
		if len(chosen.parts) == 0 {
			return &api.Unfit{Text: fmt.Sprintf("nothing is set aside between this account and %s", name)}
		}
		p = chosen.told
		p.To, p.DryRun = name, dry
		o := certificate.ReleaseKind.Encode(certificate.Release{Holder: of.Holder, For: of.For, Parts: chosen.parts})
		if take {
			o = certificate.TakeKind.Encode(certificate.Take{Holder: of.Holder, For: of.For, Parts: chosen.parts})
		}
		return r.book(ctx, o, dry)
	})
	return p, err
}

// asideBetween picks what is set aside by one account for another, one way round: for the
// account, or, unless it is to be taken, by it.
func (r *Registrar) asideBetween(ctx context.Context, c *community.Community, account, other tx.AccountID, take bool) (of view.ReservedLot, chosen choice, err error) {
	if err := r.Node.Seen(ctx, r.Node.Height()); err != nil {
		return of, chosen, err
	}
	var sum, left quantity.Energy
	err = r.Source.View.Read(ctx, func(read *view.Reader) error {
		err := read.Reservations(account, func(l view.ReservedLot) error {
			toUs, byUs := l.For == account && l.Holder == other, l.Holder == account && l.For == other
			if !toUs && (take || !byUs) || len(chosen.parts) == partsMax || len(chosen.parts) > 0 && l.Holder != of.Holder {
				return nil
			}
			of, sum = l, quantity.MustAdd(sum, l.Energy)
			chosen.parts = append(chosen.parts, certificate.Part{Microgrid: l.Lot.Microgrid, Start: l.Lot.Start, Device: l.Lot.Device, Energy: l.Energy})
			return nil
		})
		if err != nil {
			return err
		}
		left, err = r.free(c, read, account)
		return err
	})
	if err == nil && len(chosen.parts) > 0 {
		if take || of.Holder == account {
			left = quantity.MustAdd(left, sum)
		}
		chosen.tell(c, account, left)
	}
	return of, chosen, err
}

// free is what an account has of certificates that are final.
func (r *Registrar) free(c *community.Community, read *view.Reader, account tx.AccountID) (sum quantity.Energy, err error) {
	var until interval.Time
	r.Node.Read(func(rows state.Reader, _ machine.Head) {
		if m, ok := grid.At(rows, c.Microgrid()); ok {
			until = metering.Correctable(m)
		}
	})
	err = read.Holdings(account, func(h view.HeldLot) error {
		if h.Lot.Microgrid == c.Microgrid() && h.Lot.Start < until {
			sum = quantity.MustAdd(sum, h.Energy)
		}
		return nil
	})
	return sum, err
}

// Accept sets from whom an account accepts certificates.
//
// Errors: *api.Unfit; a refusal of the ledger.
func (r *Registrar) Accept(ctx context.Context, account tx.AccountID, ask Accepting, dry bool) (Accepting, error) {
	ask.DryRun = dry
	err := r.Between(ctx, func(ctx context.Context, c *community.Community) error {
		o := certificate.Whitelist{Account: account, Everybody: ask.Everybody, From: []tx.AccountID{}}
		for _, name := range ask.From {
			from, _, err := receiver(c, name)
			if err != nil {
				return err
			}
			o.From = append(o.From, from)
		}
		slices.Sort(o.From)
		return r.book(ctx, certificate.WhitelistKind.Encode(o), dry)
	})
	return ask, err
}

// ReservedLot is what one account set aside of a lot for another, in names.
type ReservedLot struct {
	Start  string `json:"start"`
	Holder string `json:"holder"`
	For    string `json:"for"`
	Energy int64  `json:"energy_wh"`
	Until  string `json:"until"`
}

// Asides lists what an account set aside, and what is set aside for it.
//
// Errors: those of the view.
func (r *Registrar) Asides(ctx context.Context, account tx.AccountID) (list []ReservedLot, err error) {
	list = []ReservedLot{}
	err = r.Between(ctx, func(ctx context.Context, c *community.Community) error {
		if err := r.Node.Seen(ctx, r.Node.Height()); err != nil {
			return err
		}
		return r.Source.View.Read(ctx, func(read *view.Reader) error {
			return read.Reservations(account, func(l view.ReservedLot) error {
				list = append(list, ReservedLot{
					time.Unix(int64(l.Lot.Start), 0).UTC().Format(time.RFC3339), holderName(c, l.Holder), holderName(c, l.For), int64(l.Energy),
					time.Unix(int64(l.Until), 0).UTC().Format(time.RFC3339),
				})
				return nil
			})
		})
	})
	return list, err
}

// asideObeys serves the requests of the commands that set certificates aside.
func asideObeys(mux *http.ServeMux, registrar *Registrar) {
	mux.HandleFunc("GET /certificates/{account}/reserved", func(w http.ResponseWriter, r *http.Request) {
		list, err := registrar.Asides(r.Context(), accountOf(r))
		tell(w, list, err)
	})
	mux.HandleFunc("POST /certificates/{account}/reserve", func(w http.ResponseWriter, r *http.Request) {
		asked(w, r, func(ask Reserve, dry bool) (api.Passing, error) {
			return registrar.Reserve(r.Context(), accountOf(r), ask, dry)
		})
	})
	for how, do := range map[string]func(context.Context, tx.AccountID, Aside, bool) (api.Passing, error){"take": registrar.Take, "release": registrar.Release} {
		mux.HandleFunc("POST /certificates/{account}/"+how, func(w http.ResponseWriter, r *http.Request) {
			asked(w, r, func(ask Aside, dry bool) (api.Passing, error) { return do(r.Context(), accountOf(r), ask, dry) })
		})
	}
	mux.HandleFunc("POST /certificates/{account}/accept", func(w http.ResponseWriter, r *http.Request) {
		asked(w, r, func(ask Accepting, dry bool) (Accepting, error) {
			return registrar.Accept(r.Context(), accountOf(r), ask, dry)
		})
	})
}

// Reserve sets certificates of an account aside, or, in a dry run, says which.
//
// Errors: *BadError.
func (c *Client) Reserve(ctx context.Context, account tx.AccountID, ask Reserve, dryRun bool) (api.Passing, error) {
	return askRegistrar[api.Passing](ctx, c, account, "reserve", ask, dryRun)
}

// Settle takes or releases ("take", "release") what is set aside between two accounts,
// or, in a dry run, says what.
//
// Errors: *BadError.
func (c *Client) Settle(ctx context.Context, account tx.AccountID, how string, ask Aside, dryRun bool) (api.Passing, error) {
	return askRegistrar[api.Passing](ctx, c, account, how, ask, dryRun)
}

// Accept sets from whom an account accepts certificates; a dry run sets nothing.
//
// Errors: *BadError.
func (c *Client) Accept(ctx context.Context, account tx.AccountID, ask Accepting, dryRun bool) (Accepting, error) {
	return askRegistrar[Accepting](ctx, c, account, "accept", ask, dryRun)
}

// Asides lists what an account set aside, and what is set aside for it.
//
// Errors: *BadError.
func (c *Client) Asides(ctx context.Context, account tx.AccountID) (list []ReservedLot, err error) {
	return list, c.ask(ctx, http.MethodGet, fmt.Sprintf("/certificates/%d/reserved", account), nil, &list)
}
