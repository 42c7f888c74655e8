package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/tx"
)

// microgridID reads a microgrid's number.
//
// Errors: *pages.NotFound.
func microgridID(text string) (grid.MicrogridID, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, &pages.NotFound{What: "microgrid " + strconv.Quote(text), Next: "it is a number; /api/v1/me says yours"}
	}
	return grid.MicrogridID(n), nil
}

// get registers an operation that only reads.
func get[I, O any](a *API, path, id, tag, summary string, f func(context.Context, pages.Viewer, *I) (O, error)) {
	huma.Register(a.huma, huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: Prefix + path, Tags: []string{tag}, Summary: summary,
	}, func(ctx context.Context, in *I) (*body[O], error) {
		v, err := f(ctx, visitorOf(ctx).Viewer, in)
		if err != nil {
			return nil, answer(ctx, err)
		}
		return reply(v), nil
	})
}

func (a *API) registerCommunity() {
	type day struct {
		Microgrid string `path:"microgrid"`
		Date      string `path:"date" example:"2026-06-20"`
	}
	get(a, "/microgrids/{microgrid}/days/{date}", "community", "Community", "A microgrid's day in aggregates, for anyone",
		func(ctx context.Context, v pages.Viewer, in *day) (c pages.Community, err error) {
			m, err := microgridID(in.Microgrid)
			if err != nil {
				return c, err
			}
			return a.Source.Community(ctx, v, m, in.Date)
		})
	type year struct {
		Microgrid string `path:"microgrid"`
		Year      int    `path:"year" example:"2026"`
	}
	get(a, "/microgrids/{microgrid}/years/{year}", "year", "Community", "A microgrid's year in aggregates, interval by interval, for anyone",
		func(ctx context.Context, v pages.Viewer, in *year) (y pages.Year, err error) {
			m, err := microgridID(in.Microgrid)
			if err != nil {
				return y, err
			}
			return a.Source.Year(ctx, v, m, in.Year)
		})
	type month struct {
		Microgrid string `path:"microgrid"`
		Month     string `path:"month" example:"2026-06"`
	}
	get(a, "/microgrids/{microgrid}/months/{month}/operation", "operation", "Community", "What the operator looks at: how many meters need somebody, how far the month is, members, receivers",
		func(ctx context.Context, v pages.Viewer, in *month) (o pages.Operation, err error) {
			m, err := microgridID(in.Microgrid)
			if err != nil {
				return o, err
			}
			return a.Source.Operation(ctx, v, m, in.Month)
		})
	get(a, "/microgrids/{microgrid}/months/{month}/exceptions", "exceptions", "Community", "What the operator has to look at, by meter, with the reasons",
		func(ctx context.Context, v pages.Viewer, in *month) (e pages.Exceptions, err error) {
			m, err := microgridID(in.Microgrid)
			if err != nil {
				return e, err
			}
			return a.Source.Exceptions(ctx, v, m, in.Month)
		})
	type replay struct {
		Microgrid string `path:"microgrid"`
		Start     string `path:"start" doc:"RFC 3339" example:"2026-06-20T16:00:00Z"`
		Account   string `query:"account" doc:"whose part is told, too: one's own, or a member's to the operator"`
	}
	get(a, "/microgrids/{microgrid}/intervals/{start}/replay", "replay", "Community", "An interval settled again by the same engine, and what if",
		func(ctx context.Context, v pages.Viewer, in *replay) (r pages.Replay, err error) {
			m, err := microgridID(in.Microgrid)
			if err != nil {
				return r, err
			}
			start, err := time.Parse(time.RFC3339, in.Start)
			if err != nil {
				return r, &pages.NotFound{What: "interval " + strconv.Quote(in.Start), Next: "write its start as in 2026-06-20T16:00:00Z"}
			}
			var account tx.AccountID
			if in.Account != "" {
				if account, err = a.seesAccount(ctx, in.Account); err != nil {
					return r, err
				}
			}
			return a.Source.Replay(ctx, v, m, interval.Time(start.Unix()), account)
		})
}

func (a *API) registerLedger() {
	const tag = "Ledger"
	type page struct {
		Before int64 `query:"before" minimum:"0" doc:"blocks below this height; 0: the latest"`
		Limit  int   `query:"limit" minimum:"1" maximum:"100" default:"20"`
	}
	get(a, "/blocks", "blocks", tag, "Blocks, the latest first", func(ctx context.Context, _ pages.Viewer, in *page) ([]pages.BlockRow, error) {
		before := in.Before
		if before == 0 {
			before = 1 << 62
		}
		return a.Source.Blocks(ctx, before, in.Limit)
	})
	type block struct {
		Height int64 `path:"height"`
	}
	get(a, "/blocks/{height}", "block", tag, "What a block holds", func(ctx context.Context, _ pages.Viewer, in *block) (pages.Block, error) {
		return a.Source.Block(ctx, in.Height)
	})
	type envelope struct {
		ID string `path:"id" doc:"64 hexadecimal digits, or the place as in 12.0"`
	}
	get(a, "/envelopes/{id}", "envelope", tag, "An envelope with its receipts; those of others are sealed",
		func(ctx context.Context, v pages.Viewer, in *envelope) (pages.Envelope, error) {
			return a.Source.Envelope(ctx, v, in.ID)
		})
	type receipt struct {
		Height   int64 `path:"height"`
		Position int   `path:"position"`
		N        int   `path:"n"`
	}
	get(a, "/receipts/{height}/{position}/{n}", "receipt", tag, "A receipt; somebody else's is sealed",
		func(ctx context.Context, v pages.Viewer, in *receipt) (pages.ReceiptRow, error) {
			return a.Source.Receipt(ctx, v, in.Height, in.Position, in.N)
		})
	type search struct {
		Q string `query:"q" maxLength:"200"`
	}
	get(a, "/search", "search", tag, "Where a height, an id, a time, an account or a name leads",
		func(ctx context.Context, v pages.Viewer, in *search) ([]pages.Found, error) {
			return a.Source.Search(ctx, v, in.Q)
		})
}
