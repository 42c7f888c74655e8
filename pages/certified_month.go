package pages

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// CertifiedMonth is an account's statement of a month: what it used, hour by hour, and
// with how much of that certificates were used up.
type CertifiedMonth struct {
	Account   tx.AccountID  `json:"account,string"`
	Name      string        `json:"name"`
	Community string        `json:"community"`
	TimeZone  string        `json:"time_zone"`
	Month     string        `json:"month" example:"2026-06"`
	Start     interval.Time `json:"start"`
	End       interval.Time `json:"end"`
	Through   interval.Time `json:"through" doc:"the end of the last settled interval; 0: none is"`
	Height    int64         `json:"height" doc:"of the block up to which this is told"`
	Final     bool          `json:"final" doc:"no reading can change it any more"`

	Used    int64             `json:"used_wh" doc:"what was charged into batteries included"`
	Claimed int64             `json:"claimed_wh" doc:"of it, with certificates that were used up with it"`
	Share   int64             `json:"share" doc:"tenths of a per cent"`
	Hours   int64             `json:"hours" doc:"in which something was used"`
	Matched int64             `json:"matched_hours" doc:"of them, those all of whose use came with certificates"`
	Days    []CertifiedDay    `json:"days"`
	Origins []CertifiedOrigin `json:"origins" doc:"of what was claimed"`

	Cancelled []CertifiedCancel `json:"cancelled" doc:"later, by statements of their own"`
	Proof     string            `json:"proof,omitempty" doc:"address of its public page; absent where nothing is settled"`
}

// CertifiedDay is a civil day of the month.
type CertifiedDay struct {
	Date    string `json:"date"`
	Used    int64  `json:"used_wh"`
	Claimed int64  `json:"claimed_wh"`
	Hours   int64  `json:"hours"`
	Matched int64  `json:"matched_hours"`
}

// CertifiedOrigin is what came from one kind of device.
type CertifiedOrigin struct {
	Own    bool   `json:"own" doc:"the account's own devices; else neighbours'"`
	Kind   string `json:"kind"`
	Energy int64  `json:"energy_wh"`
}

// CertifiedCancel is certificates that were used up by a statement.
type CertifiedCancel struct {
	At        interval.Time `json:"at"`
	Energy    int64         `json:"energy_wh"`
	Purpose   string        `json:"purpose"`
	Statement string        `json:"statement" doc:"SHA-256, hex"`
	Proof     string        `json:"proof"`
}

// CertifiedMonth is the statement of an account's month.
//
// Errors: *NotFound; those of the view and the disk.
func (s *Source) CertifiedMonth(ctx context.Context, account tx.AccountID, month string) (m CertifiedMonth, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.holder(r, account)
		if err != nil {
			return err
		}
		in, err := s.month(h.microgrid, month)
		if err != nil {
			return err
		}
		m = CertifiedMonth{
			Account: account, Name: h.names.Accounts[account], Community: h.names.Community, TimeZone: h.names.TimeZone.String(), Month: month,
			Start: in.From, End: in.Until, Days: []CertifiedDay{}, Origins: []CertifiedOrigin{}, Cancelled: []CertifiedCancel{},
		}
		until, _ := s.finalUntil(h.microgrid.ID)
		m.Final = in.Until <= until
		if m.Height, _, err = r.Latest(); err != nil {
			return err
		}
		if h.home != nil {
			if err := h.certifiedUse(in, &m); err != nil {
				return err
			}
		}
		return h.certifiedCancels(in, &m)
	})
	return m, err
}

// certifiedUse fills in what was used, and what that came with.
func (h *holder) certifiedUse(in view.Period, m *CertifiedMonth) error {
	type hour struct{ used, claimed quantity.Energy }
	hours, order := map[interval.Time]*hour{}, []interval.Time{}
	kinds, err := h.kinds()
	if err != nil {
		return err
	}
	for _, p := range h.home.points {
		err := h.reader.Uses(h.microgrid.ID, p.Point, in, func(u view.Use) error {
			at := u.Start - u.Start%3600
			if hours[at] == nil {
				hours[at], order = &hour{}, append(order, at)
			}
			of := hours[at]
			of.used, of.claimed = quantity.MustAdd(of.used, u.Used), quantity.MustAdd(of.claimed, u.Claimed)
			m.Through = max(m.Through, u.Start+interval.Time(h.microgrid.Length))
			for _, o := range u.Origins {
				if o.Claimed {
					m.count(CertifiedOrigin{h.home.devices[o.Device].Device == o.Device, kinds[o.Device], int64(o.Energy)})
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(order) == 0 {
		return nil
	}
	slices.Sort(order) // Of several points, one comes after the other.
	for _, at := range order {
		m.hour(date(at, h.names.TimeZone), hours[at].used, hours[at].claimed)
	}
	for _, d := range m.Days {
		m.Used, m.Claimed, m.Hours, m.Matched = m.Used+d.Used, m.Claimed+d.Claimed, m.Hours+d.Hours, m.Matched+d.Matched
	}
	m.Share = shares([]int64{m.Claimed, max(m.Used-m.Claimed, 0)})[0]
	id, err := h.monthID(in)
	m.Proof = "/p/" + id.String()
	return err
}

// count adds to what came from one kind of device.
func (m *CertifiedMonth) count(o CertifiedOrigin) {
	for i := range m.Origins {
		if m.Origins[i].Own == o.Own && m.Origins[i].Kind == o.Kind {
			m.Origins[i].Energy += o.Energy
			return
		}
	}
	m.Origins = append(m.Origins, o)
}

// hour adds an hour to its day.
func (m *CertifiedMonth) hour(date string, used, claimed quantity.Energy) {
	if n := len(m.Days); n == 0 || m.Days[n-1].Date != date {
		m.Days = append(m.Days, CertifiedDay{Date: date})
	}
	d := &m.Days[len(m.Days)-1]
	d.Used, d.Claimed = d.Used+int64(used), d.Claimed+int64(claimed)
	if used > 0 {
		d.Hours++
		if claimed >= used {
			d.Matched++
		}
	}
}

// cancelsMax bounds the cancellations of a month.
const cancelsMax = 1000

// certifiedCancels fills in what was cancelled in the month.
func (h *holder) certifiedCancels(in view.Period, m *CertifiedMonth) error {
	list, err := h.reader.CancelledIn(h.account, in, cancelsMax)
	if err != nil {
		return err
	}
	for _, p := range list {
		r, err := h.source.record(p.Height)
		if err != nil {
			return err
		}
		f := r.Outcomes[p.Position].Receipts[p.N]
		id := proof.NewID(proof.Place{Height: p.Height, Position: uint32(p.Position), N: uint32(p.N)}, f) //nolint:gosec // indices
		m.Cancelled = append(m.Cancelled, CertifiedCancel{p.At, int64(p.Energy), Purposes[p.Purpose], hex.EncodeToString(p.Beneficiary), Link(id)})
	}
	return nil
}

// MonthID names the public page of an account's month. As with proof.ID, who has it was
// given it: its key is made of the salt of the first receipt of the month.
type MonthID struct {
	Account tx.AccountID
	Month   string
	Key     [8]byte
}

// String is the ID as ParseMonthID reads it.
func (id MonthID) String() string { return fmt.Sprintf("m-%d-%s-%x", id.Account, id.Month, id.Key) }

// ParseMonthID reads an ID, written in the one way, and reports whether it is one.
func ParseMonthID(text string) (id MonthID, ok bool) {
	parts := strings.Split(text, "-")
	if len(parts) != 5 {
		return id, false
	}
	account, err := strconv.ParseUint(parts[1], 10, 64)
	key, bad := hex.DecodeString(parts[4])
	if err != nil || bad != nil || len(key) != len(id.Key) {
		return id, false
	}
	id = MonthID{tx.AccountID(account), parts[2] + "-" + parts[3], [8]byte(key)}
	return id, id.String() == text
}

// monthID makes the ID of a month in which something is settled.
func (h *holder) monthID(in view.Period) (MonthID, error) {
	id := MonthID{Account: h.account, Month: monthOf(in.From, h.names.TimeZone)}
	first, ok, err := h.reader.FirstOf(h.microgrid.ID, h.account, in)
	if err != nil || !ok {
		return id, err
	}
	c := &tracing{household: h.home, viewer: Viewer{Account: h.account, Role: Household}}
	f, _, err := c.statementFact(first)
	if err != nil {
		return id, err
	}
	sum := sha256.New()
	sum.Write([]byte("commonwatt/link/month/1\n"))
	sum.Write(f.Salt)
	sum.Write([]byte(id.Month))
	id.Key = [8]byte(sum.Sum(nil)[:8])
	return id, nil
}

// MonthOf tells the month of a public link.
//
// Errors: *NotFound; those of the view and the disk.
func (s *Source) MonthOf(ctx context.Context, id MonthID) (m CertifiedMonth, err error) {
	none := &NotFound{"statement " + id.String(), "ask whoever gave you the link for the whole of it"}
	m, err = s.CertifiedMonth(ctx, id.Account, id.Month)
	if _, is := err.(*NotFound); is || err == nil && subtle.ConstantTimeCompare([]byte(m.Proof), []byte("/p/"+id.String())) != 1 { //nolint:errorlint // It is made just there.
		return CertifiedMonth{}, none
	}
	return m, err
}

// StatementsOf is where an account's statements of a civil day stand.
//
// Errors: *NotFound; those of the view and the disk.
func (s *Source) StatementsOf(ctx context.Context, account tx.AccountID, date string) (places []proof.Place, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.household(r, account)
		if err != nil {
			return err
		}
		_, in, err := s.day(h.microgrid, date, 0)
		if err != nil {
			return err
		}
		c := &tracing{household: h, viewer: Viewer{Account: account, Role: Household}}
		for _, p := range h.points {
			err := r.Statements(h.microgrid.ID, p.Point, in, func(st view.Statement) error {
				_, at, err := c.statementFact(st)
				places = append(places, proof.Place{Height: at.Height, Position: uint32(at.Position), N: uint32(at.N)}) //nolint:gosec // indices
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(places) == 0 {
		err = &NotFound{"settled interval of " + date, "the statement lists the days that have some"}
	}
	return places, err
}
