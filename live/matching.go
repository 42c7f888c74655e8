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
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// MatchAsk is certificates of a month that are to be matched with use.
type MatchAsk struct {
	Month string   `json:"month"`          // As in 2026-06.
	Zone  string   `json:"zone,omitempty"` // Of the use; or
	Of    []string `json:"of,omitempty"`   // of these members; else a member's own, and of all otherwise.
}

// Matching is what was matched, or would be.
type Matching struct {
	DryRun    bool         `json:"dry_run"`
	Energy    int64        `json:"energy_wh"`
	Intervals int          `json:"intervals"` // In which there was something to match.
	Lots      int          `json:"lots"`
	Members   int          `json:"members"`
	Shares    []MatchShare `json:"shares"` // By interval, and then as the ledger has the members.
}

// MatchShare is use of a member that certificates were claimed for.
type MatchShare struct {
	Start  string `json:"start"`
	Member string `json:"member"`
	Energy int64  `json:"energy_wh"`
}

// Bounds of one matching, which package certificate has.
const (
	matchIntervals = 744
	matchShares    = 16_384
)

// Match claims what an account has of a month's certificates for use that nothing is
// claimed for yet. A dry run says what would be matched.
//
// Errors: *api.Unfit; a refusal of the ledger.
func (r *Registrar) Match(ctx context.Context, account tx.AccountID, ask MatchAsk, dry bool) (m Matching, err error) {
	err = r.Between(ctx, func(ctx context.Context, c *community.Community) error {
		var todo []tx.Operation
		r.Node.Read(func(rows state.Reader, head machine.Head) {
			var all []certificate.Match
			if all, err = matchesOf(c, rows, account, ask); err == nil {
				todo, m, err = tryMatches(c, rows, head, all)
			}
		})
		if err == nil && len(todo) == 0 {
			err = &api.Unfit{Text: "there is nothing to match: the account has no final certificates of intervals in which there is use that nothing is claimed for"}
		}
		m.DryRun = dry
		if err != nil || dry {
			return err
		}
		return booked(ctx, r.Node, r.Operator, todo...)
	})
	return m, err
}

// matchesOf is what is asked for, as operations of a bounded size.
func matchesOf(c *community.Community, rows state.Reader, account tx.AccountID, ask MatchAsk) ([]certificate.Match, error) {
	first, err := time.ParseInLocation("2006-01", ask.Month, c.TimeZone)
	if err != nil {
		return nil, &api.Unfit{Text: fmt.Sprintf("there is no month %.20q: write it as in 2026-06", ask.Month)}
	}
	o := certificate.Match{Account: account, Microgrid: c.Microgrid()}
	asked := len(c.Members)
	if ask.Zone != "" {
		if !slices.ContainsFunc(c.Zones, func(z community.Zone) bool { return z.ID == ask.Zone }) {
			return nil, &api.Unfit{Text: fmt.Sprintf("there is no zone %.80q in the community's file", ask.Zone)}
		}
		o.Zone = c.ZoneID(ask.Zone)
	}
	for _, m := range c.Members {
		if ask.Zone == "" && len(ask.Of) == 0 && c.Account(m.Name) == account {
			ask.Of = []string{m.Name}
			break
		}
	}
	for _, name := range ask.Of {
		if !slices.ContainsFunc(c.Members, func(m community.Member) bool { return m.Name == name }) {
			return nil, &api.Unfit{Text: fmt.Sprintf("there is no member %.80q whose use could be matched", name)}
		}
		o.Points = append(o.Points, c.PointID(name))
	}
	if len(o.Points) > 0 {
		asked = len(o.Points)
	}
	slices.Sort(o.Points)
	m, _ := grid.At(rows, o.Microgrid)
	length := interval.Time(m.Length)
	from, until := interval.Time(first.Unix()), min(interval.Time(first.AddDate(0, 1, 0).Unix()), metering.Correctable(m))
	from = max(from+(length-from%length)%length, m.Start)
	if until <= from {
		return nil, &api.Unfit{Text: fmt.Sprintf("nothing of %s is final yet: its intervals are matched once no late reading can correct them", ask.Month)}
	}
	step := length * interval.Time(max(1, min(matchIntervals, matchShares/max(asked, 1))))
	var all []certificate.Match
	for ; from < until; from += step {
		part := o
		part.From, part.Until = from, min(from+step, until-until%length)
		if part.From < part.Until {
			all = append(all, part)
		}
	}
	return all, nil
}

// tryMatches tries operations on the ledger as it is, one after the other, and returns
// those that match something, and what that is.
func tryMatches(c *community.Community, rows state.Reader, head machine.Head, all []certificate.Match) (todo []tx.Operation, m Matching, err error) {
	names := map[grid.PointID]string{}
	for _, member := range c.Members {
		names[c.PointID(member.Name)] = member.Name
	}
	known, ok := machine.Registry().Operation(certificate.MatchKind.Number)
	if !ok {
		panic("live: an operation of ours is not registered")
	}
	overlay := state.NewOverlay(rows)
	intervals, members := map[interval.Time]bool{}, map[string]bool{}
	m.Shares = []MatchShare{}
	for n := range all {
		try := machine.Trying(rows, head, operator.Account)
		o := certificate.MatchKind.Encode(all[n])
		fields, err := known.Decode(o.Body)
		if err != nil {
			return nil, m, err
		}
		no := known.Apply(&try, overlay, fields)
		if no == certificate.ErrMatchNothing {
			overlay.Undo()
			continue
		}
		if no != nil {
			return nil, m, no
		}
		overlay.Keep()
		todo = append(todo, o)
		for _, said := range try.Take() {
			switch said.Kind {
			case certificate.MatchedReceipt.Kind:
				x := certificate.MatchedReceipt.Read(said)
				m.Energy, m.Lots = m.Energy+int64(x.Energy), m.Lots+len(x.Claims)
				intervals[x.Start] = true
			case certificate.UseMatchedReceipt.Kind:
				x := certificate.UseMatchedReceipt.Read(said)
				start := time.Unix(int64(x.Start), 0).UTC().Format(time.RFC3339)
				m.Shares = append(m.Shares, MatchShare{start, names[x.Point], int64(x.Energy)})
				members[names[x.Point]] = true
			}
		}
	}
	m.Intervals, m.Members = len(intervals), len(members)
	return todo, m, nil
}

// matchObeys serves the request of the command that matches certificates.
func matchObeys(mux *http.ServeMux, registrar *Registrar) {
	mux.HandleFunc("POST /certificates/{account}/match", func(w http.ResponseWriter, r *http.Request) {
		asked(w, r, func(ask MatchAsk, dry bool) (Matching, error) {
			return registrar.Match(r.Context(), accountOf(r), ask, dry)
		})
	})
}

// Match matches certificates of an account with use, or, in a dry run, says which.
//
// Errors: *BadError.
func (c *Client) Match(ctx context.Context, account tx.AccountID, ask MatchAsk, dryRun bool) (Matching, error) {
	return askRegistrar[Matching](ctx, c, account, "match", ask, dryRun)
}
