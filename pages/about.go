package pages

import (
	"context"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// About is what anyone may know of a community.
type About struct {
	Microgrid grid.MicrogridID `json:"microgrid,string" doc:"0: there is none yet"`
	Name      string           `json:"name"`
	Members   int              `json:"members"`
	First     interval.Time    `json:"first" doc:"start of the first settled interval; 0: none yet"`
	Through   interval.Time    `json:"through" doc:"end of the last settled interval; 0: none yet"`
	Place     *Place           `json:"place,omitempty"`
}

// About tells of a microgrid, or, when it is 0, of the first there is.
func (s *Source) About(ctx context.Context, id grid.MicrogridID) (a About, c Currency, zone string, err error) {
	c, zone = Currency{"EUR", 6}, "UTC"
	err = s.reader(ctx, func(r *view.Reader) error {
		all, err := r.Microgrids()
		if err != nil {
			return err
		}
		for _, m := range all {
			if id != 0 && m.ID != id {
				continue
			}
			names := s.names(m.ID)
			a = About{Microgrid: m.ID, Name: names.Community}
			c, zone = Currency{names.Currency, names.Decimals}, names.TimeZone.String()
			if place, known := s.Place[m.ID]; known {
				a.Place = &place
			}
			points, err := r.PointsIn(m.ID)
			if err != nil {
				return err
			}
			a.Members = len(points)
			p, ok, err := r.Settled(m)
			if ok {
				a.First, a.Through = p.From, p.Until
			}
			return err
		}
		return nil
	})
	return a, c, zone, err
}

// Latest is the block up to which the pages tell.
func (s *Source) Latest(ctx context.Context) (height int64, at interval.Time, err error) {
	err = s.reader(ctx, func(r *view.Reader) (err error) {
		height, at, err = r.Latest()
		return err
	})
	return height, at, err
}

// MicrogridOf is where an account has a connection point, or buys certificates, and
// whether it does.
func (s *Source) MicrogridOf(ctx context.Context, account tx.AccountID) (m grid.MicrogridID, ok bool, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		points, err := r.Points(account)
		if err == nil && len(points) > 0 {
			m, ok = points[0].Microgrid, true
		}
		if err == nil && !ok {
			m, ok = s.buysIn(account)
		}
		return err
	})
	return m, ok, err
}

// SettledInterval is an interval that a block settled or corrected.
type SettledInterval = view.SettledInterval

// SettledSince returns the intervals that blocks after a height settled, as many
// as most, and the height up to which that is told.
func (s *Source) SettledSince(ctx context.Context, height int64, most int) (list []SettledInterval, now int64, err error) {
	err = s.reader(ctx, func(r *view.Reader) (err error) {
		if now, _, err = r.Latest(); err != nil {
			return err
		}
		list, err = r.SettledSince(height, most)
		return err
	})
	return list, now, err
}
