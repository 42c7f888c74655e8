package api

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/tx"
)

type accountDay struct {
	Account string `path:"account" doc:"the household's account"`
	Date    string `path:"date" doc:"a civil day in the community's time zone" example:"2026-06-20"`
}

type accountMonth struct {
	Account string `path:"account" doc:"the household's account"`
	Month   string `path:"month" example:"2026-06"`
}

// spreadsheet is a CSV with a name to save it under.
type spreadsheet struct {
	ContentType  string `header:"Content-Type"`
	Disposition  string `header:"Content-Disposition"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

// csv answers with what write writes.
func csv(ctx context.Context, name string, write func(io.Writer) error) (*spreadsheet, error) {
	var out bytes.Buffer
	if err := write(&out); err != nil {
		return nil, answer(ctx, err)
	}
	return &spreadsheet{"text/csv; charset=utf-8", `attachment; filename="` + name + `"`, private, out.Bytes()}, nil
}

// csvResponse describes a CSV.
func csvResponse() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: "RFC 4180, with a header",
		Content:     map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
}

func (a *API) registerHousehold() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "today", Method: http.MethodGet, Path: Prefix + "/accounts/{account}/days/{date}", Tags: []string{"Household"},
		Summary: "A household's day: where its energy came from and went, and what that cost",
	}, func(ctx context.Context, in *accountDay) (*body[pages.Today], error) {
		return ofAccount(ctx, a, in.Account, func(account tx.AccountID) (pages.Today, error) {
			return a.Source.Today(ctx, account, in.Date)
		})
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "today-csv", Method: http.MethodGet, Path: Prefix + "/accounts/{account}/days/{date}/intervals.csv", Tags: []string{"Household"},
		Summary: "The intervals of a household's day as a spreadsheet", Responses: csvResponse(),
	}, func(ctx context.Context, in *accountDay) (*spreadsheet, error) {
		account, err := a.seesAccount(ctx, in.Account)
		if err != nil {
			return nil, answer(ctx, err)
		}
		return csv(ctx, "commonwatt-"+in.Date+".csv", func(w io.Writer) error { return a.Source.DayCSV(ctx, w, account, in.Date) })
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "month", Method: http.MethodGet, Path: Prefix + "/accounts/{account}/months/{month}", Tags: []string{"Household"},
		Summary: "A household's bill for a month, so far or final",
	}, func(ctx context.Context, in *accountMonth) (*body[pages.Month], error) {
		return ofAccount(ctx, a, in.Account, func(account tx.AccountID) (pages.Month, error) {
			return a.Source.Month(ctx, account, in.Month)
		})
	})
}

// registerTrace registers the trace of an interval.
func (a *API) registerTrace() {
	type moment struct {
		Account string `path:"account" doc:"the household's account"`
		Time    string `path:"time" doc:"any of the interval: by the community's clock, or with an offset, which tells an hour that comes twice" example:"2026-06-20T13:00"`
	}
	huma.Register(a.huma, huma.Operation{
		OperationID: "trace", Method: http.MethodGet, Path: Prefix + "/accounts/{account}/intervals/{time}/trace", Tags: []string{"Household"},
		Summary: "Where the energy of a household's interval came from and went: made, delivered, matched, paid, certified, each with its receipts",
	}, func(ctx context.Context, in *moment) (*body[pages.Trace], error) {
		return ofAccount(ctx, a, in.Account, func(account tx.AccountID) (pages.Trace, error) {
			return a.Source.TraceAt(ctx, visitorOf(ctx).Viewer, account, in.Time)
		})
	})
}

// ofAccount answers with what is one account's own.
func ofAccount[T any](ctx context.Context, a *API, text string, get func(tx.AccountID) (T, error)) (*body[T], error) {
	account, err := a.seesAccount(ctx, text)
	if err != nil {
		return nil, answer(ctx, err)
	}
	v, err := get(account)
	if err != nil {
		return nil, answer(ctx, err)
	}
	return reply(v), nil
}
