package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/session"
)

// signedIn is the answer to whoever signed in or out.
type signedIn struct {
	Cookie http.Cookie `header:"Set-Cookie"`
	Body   struct {
		ID   string     `json:"id"`
		Name string     `json:"name"`
		Role pages.Role `json:"role"`
	}
}

func (a *API) signedIn(token string, p session.Person) *signedIn {
	out := &signedIn{Cookie: a.setCookie(token)}
	out.Body.ID, out.Body.Name, out.Body.Role = p.ID, p.Name, pages.Role(p.Role)
	return out
}

// ceremonyBegun is what the browser needs for a passkey.
type ceremonyBegun struct {
	Ceremony string `json:"ceremony" doc:"to be brought back"`
	Options  any    `json:"options" doc:"of navigator.credentials (W3C Web Authentication, section 5)"`
}

type ceremonyDone struct {
	Body struct {
		Ceremony string          `json:"ceremony"`
		Response json.RawMessage `json:"response" doc:"what navigator.credentials gave, by its toJSON"`
	}
}

// signInAnswer turns an error of package session into what a client is told.
func signInAnswer(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, session.ErrFull):
		return huma.NewError(http.StatusServiceUnavailable, err.Error())
	case errors.Is(err, session.ErrLink), errors.Is(err, session.ErrPasskey), errors.Is(err, session.ErrCloned),
		errors.Is(err, session.ErrGone), errors.Is(err, session.ErrCeremony), errors.Is(err, session.ErrKeys):
		return huma.Error401Unauthorized(err.Error())
	}
	return answer(ctx, err)
}

func (a *API) registerSession() {
	tag := []string{"Signing in"}
	huma.Register(a.huma, huma.Operation{
		OperationID: "sign-in-by-link", Method: http.MethodPost, Path: Prefix + "/session/link", Tags: tag,
		Summary: "Sign in by a one-time link's token",
	}, func(ctx context.Context, in *struct {
		Body struct {
			Token string `json:"token"`
		}
	},
	) (*signedIn, error) {
		token, p, err := a.Sessions.Redeem(in.Body.Token)
		if err != nil {
			return nil, signInAnswer(ctx, err)
		}
		return a.signedIn(token, p), nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "sign-out", Method: http.MethodDelete, Path: Prefix + "/session", Tags: tag, Summary: "Sign out",
	}, func(ctx context.Context, _ *struct{}) (*signedIn, error) {
		if err := a.Sessions.End(visitorOf(ctx).token); err != nil {
			return nil, answer(ctx, err)
		}
		return a.signedIn("", session.Person{Role: string(pages.Visitor)}), nil
	})
	a.registerPasskeys(tag)
	if a.Demo != nil {
		a.registerRoles()
	}
}

func (a *API) registerPasskeys(tag []string) {
	const at = Prefix + "/session/passkey"
	huma.Register(a.huma, huma.Operation{
		OperationID: "add-passkey-begin", Method: http.MethodPost, Path: at + "/register/begin", Tags: tag, Summary: "Begin to add a passkey",
	}, func(ctx context.Context, _ *struct{}) (*body[ceremonyBegun], error) {
		options, name, err := a.Sessions.BeginRegister(a.Origin, visitorOf(ctx).token)
		if err != nil {
			return nil, signInAnswer(ctx, err)
		}
		return reply(ceremonyBegun{name, options.Response}), nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "add-passkey-finish", Method: http.MethodPost, Path: at + "/register/finish", Tags: tag, Summary: "Add the passkey",
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *ceremonyDone) (*struct{}, error) {
		if err := a.Sessions.FinishRegister(a.Origin, visitorOf(ctx).token, in.Body.Ceremony, in.Body.Response); err != nil {
			return nil, signInAnswer(ctx, err)
		}
		return nil, nil //nolint:nilnil // 204
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "sign-in-by-passkey-begin", Method: http.MethodPost, Path: at + "/login/begin", Tags: tag, Summary: "Begin to sign in with a passkey",
	}, func(ctx context.Context, _ *struct{}) (*body[ceremonyBegun], error) {
		options, name, err := a.Sessions.BeginLogin(a.Origin)
		if err != nil {
			return nil, signInAnswer(ctx, err)
		}
		return reply(ceremonyBegun{name, options.Response}), nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "sign-in-by-passkey-finish", Method: http.MethodPost, Path: at + "/login/finish", Tags: tag, Summary: "Sign in with a passkey",
	}, func(ctx context.Context, in *ceremonyDone) (*signedIn, error) {
		token, p, err := a.Sessions.FinishLogin(a.Origin, in.Body.Ceremony, in.Body.Response)
		if err != nil {
			return nil, signInAnswer(ctx, err)
		}
		return a.signedIn(token, p), nil
	})
}

// registerRoles lets visitors of a demo be whom they like.
func (a *API) registerRoles() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "be", Method: http.MethodPost, Path: Prefix + "/demo/role", Tags: []string{"Demo"}, Summary: "Be one of the demo's roles",
	}, func(ctx context.Context, in *struct {
		Body struct {
			ID string `json:"id"`
		}
	},
	) (*signedIn, error) {
		for _, r := range a.Demo.Roles() {
			if r.ID == in.Body.ID {
				p := personOf(r.ID, r.Label, r.Viewer)
				token, err := a.Sessions.Begin(p)
				if err != nil {
					return nil, answer(ctx, err)
				}
				return a.signedIn(token, p), nil
			}
		}
		return nil, answer(ctx, &pages.NotFound{What: "role " + in.Body.ID, Next: "/api/v1/me lists the demo's roles"})
	})
}
