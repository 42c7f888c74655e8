package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/tx"
)

// Me is who asks, and where.
type Me struct {
	ID        string           `json:"id" doc:"of the person; empty: nobody is signed in"`
	Account   tx.AccountID     `json:"account,string"`
	Name      string           `json:"name"`
	Role      pages.Role       `json:"role" enum:"visitor,household,operator,auditor,buyer"`
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	CSRF      string           `json:"csrf" doc:"goes into the header X-CSRF of requests that change something"`
	Now       interval.Time    `json:"now" doc:"of the community's clock"`
	TimeZone  string           `json:"time_zone"`
	Currency  pages.Currency   `json:"currency"`
	Community pages.About      `json:"community"`
	Demo      *DemoState       `json:"demo,omitempty" doc:"absent: this is no demo"`
}

// DemoState is what a demo says of itself.
type DemoState struct {
	Speed float64    `json:"speed"`
	Seed  uint64     `json:"seed"`
	Ready bool       `json:"ready" doc:"false: its history is being settled"`
	Roles []RoleName `json:"roles"`
}

// RoleName is somebody that one can be in a demo.
type RoleName struct {
	ID      string       `json:"id"`
	Label   string       `json:"label"`
	Account tx.AccountID `json:"account,string"`
	Role    pages.Role   `json:"role" enum:"visitor,household,operator,auditor,buyer"`
}

// Head is how far the ledger is.
type Head struct {
	Height     int64         `json:"height"`
	Time       interval.Time `json:"time" doc:"of that block, by the validators' clocks"`
	Now        interval.Time `json:"now" doc:"of the community's clock"`
	Validators int           `json:"validators"`
	InSync     bool          `json:"in_sync" doc:"the pages show every block that is committed"`
	Version    string        `json:"version"`
}

type body[T any] struct {
	CacheControl string `header:"Cache-Control"`
	Body         T
}

// private is how answers are kept: not at all, by nobody else.
const private = "private, no-cache"

func reply[T any](v T) *body[T] { return &body[T]{private, v} }

func (a *API) registerMe() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "me", Method: http.MethodGet, Path: Prefix + "/me", Tags: []string{"Who"},
		Summary: "Who asks, and in which community",
	}, func(ctx context.Context, _ *struct{}) (*body[Me], error) {
		me, err := a.me(ctx)
		if err != nil {
			return nil, answer(ctx, err)
		}
		return reply(me), nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "head", Method: http.MethodGet, Path: Prefix + "/head", Tags: []string{"Ledger"},
		Summary: "How far the ledger is",
	}, func(ctx context.Context, _ *struct{}) (*body[Head], error) {
		h, err := a.head(ctx)
		if err != nil {
			return nil, answer(ctx, err)
		}
		return reply(h), nil
	})
}

func (a *API) me(ctx context.Context) (Me, error) {
	v := visitorOf(ctx)
	about, currency, zone, err := a.Source.About(ctx, v.Microgrid)
	if err != nil {
		return Me{}, err
	}
	me := Me{
		ID: v.id, Account: v.Account, Name: v.name, Role: v.Role, Microgrid: about.Microgrid,
		Now: interval.Time(a.Source.Now().Unix()), TimeZone: zone, Currency: currency, Community: about,
	}
	if v.token != "" {
		me.CSRF = session.CSRF(v.token)
	}
	if a.Demo != nil {
		me.Demo = &DemoState{Speed: a.Demo.Speed(), Seed: a.Demo.Seed(), Ready: a.Demo.Ready()}
		for _, r := range a.Demo.Roles() {
			me.Demo.Roles = append(me.Demo.Roles, RoleName{r.ID, r.Label, r.Account, r.Role})
		}
	}
	return me, nil
}

func (a *API) head(ctx context.Context) (Head, error) {
	height, at, err := a.Source.Latest(ctx)
	if err != nil {
		return Head{}, err
	}
	return Head{
		Height: height, Time: at, Now: interval.Time(a.Source.Now().Unix()),
		Validators: a.Node.Validators(), InSync: height >= a.Node.Height(), Version: a.Version,
	}, nil
}
