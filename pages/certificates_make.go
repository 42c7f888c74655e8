package pages

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// holder is who has certificates: a household, or a buyer without a connection point.
type holder struct {
	source    *Source
	reader    *view.Reader
	account   tx.AccountID
	microgrid view.Microgrid
	names     report.Names
	home      *household // nil: a buyer.
	all       bool       // Whoever asks knows all names: the operator.
}

// buysIn is where an account buys certificates without a connection point.
func (s *Source) buysIn(account tx.AccountID) (id grid.MicrogridID, ok bool) {
	s.renaming.RLock()
	defer s.renaming.RUnlock()
	for m, names := range s.Names {
		if slices.Contains(names.Buyers, account) {
			id, ok = max(id, m), true // Of several, always the same one.
		}
	}
	return id, ok
}

// holder finds who has an account.
//
// Errors: *NotFound.
func (s *Source) holder(r *view.Reader, account tx.AccountID) (*holder, error) {
	h := &holder{source: s, reader: r, account: account}
	if id, buys := s.buysIn(account); buys {
		var err error
		h.microgrid, err = microgrid(r, id)
		h.names = s.names(id)
		return h, err
	}
	home, err := s.household(r, account)
	if err != nil {
		return nil, err
	}
	h.home, h.microgrid, h.names = home, home.microgrid, home.names
	return h, nil
}

func (h *holder) kind() string {
	if h.home == nil {
		return string(Buyer)
	}
	return string(Household)
}

// Holdings is what an account has of certificates, by microgrid, start and device.
//
// Errors: *NotFound; those of the view.
func (s *Source) Holdings(ctx context.Context, account tx.AccountID) (list []Certificate, err error) {
	list = []Certificate{}
	err = s.reader(ctx, func(r *view.Reader) error {
		if _, err := s.holder(r, account); err != nil {
			return err
		}
		return r.Holdings(account, func(h view.HeldLot) error {
			list = append(list, Certificate{
				Start: time.Unix(int64(h.Lot.Start), 0).UTC().Format(time.RFC3339),
				Meter: s.meter(h.Lot), Energy: int64(h.Energy),
			})
			return nil
		})
	})
	return list, err
}

// meter names the device of a lot.
func (s *Source) meter(l certificate.LotID) string {
	if name, ok := s.names(l.Microgrid).Meters[l.Device]; ok {
		return name
	}
	if p, foreign := s.provenance(l); foreign {
		return deviceOf(p)
	}
	return strconv.FormatUint(uint64(l.Device), 10)
}

// meter is what a lot's device is called to its holder: somebody else's by its number,
// unless the operator asks.
func (h *holder) meter(l certificate.LotID) string {
	if own := h.home != nil && h.home.devices[l.Device].Device == l.Device; own || h.all {
		return h.source.meter(l)
	}
	if p, foreign := h.source.provenance(l); foreign { // Its name says nothing of a neighbour.
		return deviceOf(p)
	}
	return strconv.FormatUint(uint64(l.Device), 10)
}

// finalUntil is up to when intervals of a microgrid are final, and for how long they
// can be corrected.
func (s *Source) finalUntil(id grid.MicrogridID) (until, correction interval.Time) {
	s.Read(func(rows state.Reader, _ machine.Head) {
		if m, ok := grid.At(rows, id); ok {
			until, correction = metering.Correctable(m), interval.Time(m.Correction)
		}
	})
	return until, correction
}

// Certificates is what an account has of certificates, and what became of others.
//
// Errors: *NotFound; those of the view.
func (s *Source) Certificates(ctx context.Context, viewer Viewer, account tx.AccountID) (c Certificates, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.holder(r, account)
		if err != nil {
			return err
		}
		h.all = viewer.Operates(h.microgrid.ID)
		c = Certificates{
			Account: account, Of: h.kind(), Name: h.names.Accounts[account], Community: h.names.Community, Microgrid: h.microgrid.ID,
			TimeZone: h.names.TimeZone.String(), Now: s.now(), Held: []Held{}, Moves: []Move{}, Years: []int{},
		}
		if c.Height, _, err = r.Latest(); err != nil {
			return err
		}
		settled, ok, err := r.Settled(h.microgrid)
		if err != nil {
			return err
		}
		for year := yearOf(settled.Until-1, h.names.TimeZone); ok && year >= yearOf(settled.From, h.names.TimeZone); year-- {
			c.Years = append(c.Years, year)
		}
		if err := h.held(&c); err != nil {
			return err
		}
		if err := h.aside(&c); err != nil {
			return err
		}
		if c.Crossings, err = crossings(r, account); err != nil {
			return err
		}
		return h.moves(&c)
	})
	return c, err
}

func yearOf(t interval.Time, zone *time.Location) int { return time.Unix(int64(t), 0).In(zone).Year() }

// held sums up what the account has.
func (h *holder) held(c *Certificates) error {
	type key struct {
		month string
		lot   certificate.LotID // Without its start.
	}
	type sum struct {
		lots       int
		all, final quantity.Energy
		first      interval.Time
	}
	sums := map[key]*sum{}
	var order []key
	var free, open quantity.Energy
	until, correction := h.source.finalUntil(h.microgrid.ID)
	c.Final = until
	err := h.reader.Holdings(h.account, func(l view.HeldLot) error {
		k := key{monthOf(l.Lot.Start, h.names.TimeZone), certificate.LotID{Microgrid: l.Lot.Microgrid, Device: l.Lot.Device}}
		of := sums[k]
		if of == nil {
			of = &sum{first: l.Lot.Start}
			sums[k], order = of, append(order, k)
		}
		of.lots++
		of.all = quantity.MustAdd(of.all, l.Energy)
		if l.Lot.Start < until || h.source.isForeign(l.Lot) {
			of.final, free = quantity.MustAdd(of.final, l.Energy), quantity.MustAdd(free, l.Energy)
		} else {
			open = quantity.MustAdd(open, l.Energy)
		}
		return nil
	})
	c.Free, c.Open = energy(free), energy(open)
	kinds, wrong := h.kinds()
	for _, k := range order {
		of := sums[k]
		c.Held = append(c.Held, Held{
			Month: k.month, Device: k.lot.Device, Meter: h.meter(k.lot), Kind: kinds[k.lot.Device], Lots: of.lots,
			Energy: energy(of.all), Free: energy(of.final), Expires: of.first + interval.Time(h.microgrid.Length) + correction + certificate.Lifetime,
		})
	}
	slices.SortStableFunc(c.Held, func(a, b Held) int {
		return cmp.Or(cmp.Compare(b.Month, a.Month), cmp.Compare(a.Meter, b.Meter))
	})
	return cmp.Or(err, wrong)
}

// aside fills in what is set aside, by the account and for it.
func (h *holder) aside(c *Certificates) error {
	var aside, offer quantity.Energy
	err := h.reader.Reservations(h.account, func(l view.ReservedLot) error {
		if l.Holder == h.account {
			aside = quantity.MustAdd(aside, l.Energy)
		} else {
			offer = quantity.MustAdd(offer, l.Energy)
		}
		return nil
	})
	c.Aside, c.Offer = energy(aside), energy(offer)
	return err
}

// kinds are what the devices of the microgrid are.
func (h *holder) kinds() (map[grid.DeviceID]string, error) {
	devices, err := h.reader.Devices(h.microgrid.ID)
	kinds := map[grid.DeviceID]string{}
	for _, d := range devices {
		kinds[d.Device] = kindName(d.Kind)
	}
	if err == nil {
		err = h.reader.ForeignDevices(h.account, func(d view.ForeignDevice) error {
			kinds[d.Device] = kindName(d.Source.Kind)
			return nil
		})
	}
	return kinds, err
}

// movesMax bounds the moves of a page.
const movesMax = 200

// moves fills in what was passed on, received and used up.
func (h *holder) moves(c *Certificates) error {
	type key struct{ kind, with, statement, month string }
	months := map[key]int{} // Of what moves interval by interval, its move.
	list, err := h.reader.Passings(h.account)
	for _, p := range list {
		m := h.move(p)
		k := key{m.Kind, m.With, m.Statement, monthOf(m.First, h.names.TimeZone)}
		many := m.Rule || p.How == view.MatchedWithUse
		if n, ok := months[k]; ok && many {
			c.Moves[n].add(m)
			continue
		}
		if len(c.Moves) == movesMax {
			continue // An older one may still be of a month that is there.
		}
		if many {
			months[k] = len(c.Moves)
		}
		c.Moves = append(c.Moves, m)
	}
	return err
}

// move is one move of certificates as its account sees it.
func (h *holder) move(p view.Passed) Move {
	m := Move{
		Kind: "passed_on", Rule: p.Rule, At: p.At, Height: p.Height, Position: p.Position, N: p.N, Energy: energy(p.Energy), Lots: len(p.Parts),
	}
	other := p.To
	switch {
	case p.How == view.Cancelled:
		m.Kind, m.Purpose, m.Statement, other = "cancelled", Purposes[p.Purpose], hex.EncodeToString(p.Beneficiary), 0
	case p.How == view.MatchedWithUse:
		m.Kind = "matched"
	case p.To == h.account:
		m.Kind, other = "received", p.From
	}
	if other != 0 {
		m.With = h.called(other)
	}
	if len(p.Parts) > 0 {
		m.First, m.Last = p.Parts[0].Lot.Start, p.Parts[len(p.Parts)-1].Lot.Start
	}
	return m
}

// add adds what moved before, likewise.
func (m *Move) add(before Move) {
	m.Energy = energy(quantity.MustAdd(quantity.Energy(m.Energy.Wh), quantity.Energy(before.Energy.Wh)))
	m.Lots += before.Lots
	m.First, m.Last = min(m.First, before.First), max(m.Last, before.Last)
}

// called is what an account is called that the holder dealt with: a household by its
// number, which is no name, unless the operator asks.
func (h *holder) called(account tx.AccountID) string {
	if name, ok := h.names.Accounts[account]; ok && (h.all || slices.Contains(h.names.Buyers, account)) {
		return name
	}
	return strconv.FormatUint(uint64(account), 10)
}

// lotsMax bounds the lots of one answer: three months of quarter-hours.
const lotsMax = 10_000

// CertificateLots is what an account has of the lots of a month, of one device or,
// when it is 0, of all.
//
// Errors: *NotFound; those of the view.
func (s *Source) CertificateLots(ctx context.Context, viewer Viewer, account tx.AccountID, month string, device grid.DeviceID) (list []HeldLot, err error) {
	list = []HeldLot{}
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.holder(r, account)
		if err != nil {
			return err
		}
		h.all = viewer.Operates(h.microgrid.ID)
		in, err := s.month(h.microgrid, month)
		if err != nil {
			return err
		}
		until, _ := s.finalUntil(h.microgrid.ID)
		err = r.Holdings(account, func(l view.HeldLot) error {
			if l.Lot.Start < in.From || l.Lot.Start >= in.Until || device != 0 && device != l.Lot.Device {
				return nil
			}
			if len(list) == lotsMax {
				return &NotFound{fmt.Sprintf("list of more than %d lots", lotsMax), "ask for one device"}
			}
			list = append(list, HeldLot{l.Lot.Start, l.Lot.Device, h.meter(l.Lot), int64(l.Energy), l.Lot.Start < until || h.source.isForeign(l.Lot)})
			return nil
		})
		return err
	})
	return list, err
}

// matches are the intervals of the holder: of a household what its meters say and its
// certificates; of a buyer, hour by hour, what it says that it used, and the
// certificates of that hour.
func (h *holder) matches(in view.Period) matches {
	if h.home == nil {
		return h.bought(in)
	}
	return func(yield func(interval.Time, report.Matching) error) error {
		all := map[interval.Time]view.Matched{}
		var order []interval.Time
		for _, p := range h.home.points {
			err := h.reader.Uses(h.microgrid.ID, p.Point, in, func(u view.Use) error {
				sum, ok := all[u.Start]
				if !ok {
					order = append(order, u.Start)
				}
				all[u.Start] = sum.And(u.Matched)
				return nil
			})
			if err != nil {
				return err
			}
		}
		slices.Sort(order)
		for _, start := range order {
			if err := yield(start, report.Match(all[start], h.names.Carbon)); err != nil {
				return err
			}
		}
		return nil
	}
}

// bought are the hours of a buyer.
func (h *holder) bought(in view.Period) matches {
	return func(yield func(interval.Time, report.Matching) error) error {
		all := map[interval.Time]view.Matched{}
		add := func(start interval.Time, m view.Matched) {
			if start >= in.From && start < in.Until {
				m.Start = start - start%hour
				all[m.Start] = all[m.Start].And(m)
			}
		}
		err := h.reader.Holdings(h.account, func(l view.HeldLot) error {
			add(l.Lot.Start, view.Matched{Produced: l.Energy})
			return nil
		})
		if err != nil {
			return err
		}
		moves, err := h.reader.Passings(h.account)
		if err != nil {
			return err
		}
		for _, m := range moves {
			for _, p := range m.Parts {
				if m.How == view.Cancelled {
					add(p.Lot.Start, view.Matched{Produced: p.Energy, Claimed: p.Energy})
				}
			}
		}
		if h.source.Consumption != nil {
			used, err := h.source.Consumption(h.account)
			if err != nil {
				return err
			}
			for _, u := range used {
				add(u.Start, view.Matched{Used: quantity.Energy(u.Energy)})
			}
		}
		starts := make([]interval.Time, 0, len(all))
		for start := range all {
			starts = append(starts, start)
		}
		slices.Sort(starts)
		for _, start := range starts {
			if err := yield(start, report.Match(all[start], h.names.Carbon)); err != nil {
				return err
			}
		}
		return nil
	}
}

const hour interval.Time = 3600
