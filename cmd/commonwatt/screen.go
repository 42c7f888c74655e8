package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/state"
)

// screened says what became of the readings that were given.
type screened struct {
	booked int // New to the ledger, or with other values than it had.
	known  int
	below  int // Below zero: reported, again too, and no values.
	final  int // Of intervals that are final, whatever they say.
	closed interval.Time
}

// tell says which readings were not booked, if any, and why.
func (s screened) tell(w io.Writer) {
	if s.known > 0 && s.booked == 0 && s.final == 0 {
		fmt.Fprintf(w, "All %d readings were booked before: nothing changes.\n", s.known)
		return
	}
	if s.known > 0 {
		fmt.Fprintf(w, "Booked before: %d readings; new: %d.\n", s.known, s.booked)
	}
	if s.below > 0 {
		fmt.Fprintf(w, "Below zero: %d readings, which are no values: they are exceptions, and estimated until real ones come.\n", s.below)
	}
	if s.final > 0 {
		fmt.Fprintf(w, "Left out: %d readings for intervals before %s, which are final.\n", s.final, rfc3339(s.closed))
	}
}

// screen keeps the readings that the ledger has to book, and refuses those that
// it would refuse, before any is sent.
func (s *settling) screen() (err error) {
	s.readings = slices.DeleteFunc(s.readings, func(r gateway.Reading) bool { return r.Quality == gateway.Null })
	s.node.Read(func(rows state.Reader, _ machine.Head) {
		if err = s.community.Fits(rows); err != nil {
			err = fmt.Errorf("%w; nothing was booked", err)
			return
		}
		if m, ok := grid.At(rows, s.community.Microgrid()); ok {
			err = s.sift(rows, m)
		}
	})
	s.screened.booked = len(s.readings)
	return err
}

// sift takes out the readings that change nothing.
func (s *settling) sift(rows state.Reader, m grid.Microgrid) error {
	left := s.readings[:0]
	for rest := s.readings; len(rest) > 0; {
		n := operator.Simultaneous(rest)
		now := rest[:n]
		rest = rest[n:]
		start := now[0].Start
		if start < m.Start {
			return fmt.Errorf("the reading of %s at %s lies before the ledger's first interval, %s: settle all readings together in another folder; nothing was booked",
				now[0].Meter, rfc3339(start), rfc3339(m.Start))
		}
		known, takes := metering.Known(rows, s.community.Microgrid(), m, start)
		if !takes {
			s.screened.final += n
			s.screened.closed = start + interval.Time(m.Length)
			continue
		}
		news, err := s.news(now, known, start < m.Open)
		if err != nil {
			return err
		}
		s.screened.known += n - len(news)
		left = append(left, news...)
	}
	s.readings = left
	return nil
}

// news keeps one interval's readings that say something else than the ledger
// knows, in their place.
func (s *settling) news(now []gateway.Reading, known []metering.Value, settled bool) ([]gateway.Reading, error) {
	values := make(map[grid.DeviceID]metering.Value, len(known))
	for _, v := range known {
		values[v.Device] = v
	}
	news := now[:0]
	for _, r := range now {
		is := operator.Value(s.community, r)
		was, there := values[is.Device]
		switch {
		case r.Negative() && (there || !settled):
			s.screened.below++
		case there && was == is:
			continue
		case there && was.Quality == metering.Actual && is.Quality != metering.Actual:
			return nil, fmt.Errorf("the reading of %s at %s has quality %c, and the ledger has a measured one: remove the row; nothing was booked",
				r.Meter, rfc3339(r.Start), r.Quality)
		case !there && settled:
			return nil, fmt.Errorf("the reading of %s at %s is for an interval that was settled before the meter joined: remove the row; nothing was booked",
				r.Meter, rfc3339(r.Start))
		}
		news = append(news, r)
	}
	return news, nil
}
