package api

import (
	"context"
	"net"
	"net/http"
	"strconv"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/tx"
)

// cookieName is the cookie that holds a session's token.
const cookieName = "commonwatt"

// visitor is who asks, and how we know.
type visitor struct {
	pages.Viewer
	id     string // Of the person; "": nobody who signed in.
	name   string
	token  string // Of the session; "": none.
	client string // What its requests are counted by.
}

type visitorKey struct{}

func withVisitor(ctx context.Context, v visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, v)
}

// visitorOf is who asks; a context that nobody prepared is nobody's.
func visitorOf(ctx context.Context) visitor {
	v, ok := ctx.Value(visitorKey{}).(visitor)
	if !ok {
		v.Role = pages.Visitor
	}
	return v
}

// who finds out who asks: by the session's cookie, else nobody; in a demo, who
// comes without a cookie is the first of its roles.
func (a *API) who(r *http.Request) visitor {
	if c, err := r.Cookie(cookieName); err == nil {
		if p, ok := a.Sessions.Lookup(c.Value); ok {
			return visitor{Viewer: viewerOf(p), id: p.ID, name: p.Name, token: c.Value}
		}
	}
	if a.Demo != nil {
		first := a.Demo.Roles()[0]
		return visitor{Viewer: first.Viewer, id: first.ID, name: first.Label}
	}
	return visitor{Viewer: pages.Viewer{Role: pages.Visitor}}
}

// viewerOf is a person in the pages' words.
func viewerOf(p session.Person) pages.Viewer {
	return pages.Viewer{Account: tx.AccountID(p.Account), Role: pages.Role(p.Role), Microgrid: grid.MicrogridID(p.Microgrid)}
}

// personOf is the opposite of viewerOf.
func personOf(id, name string, v pages.Viewer) session.Person {
	return session.Person{ID: id, Name: name, Account: uint64(v.Account), Role: string(v.Role), Microgrid: uint64(v.Microgrid)}
}

// key is what requests are counted by: a session, or an address.
func (v visitor) key(r *http.Request) string {
	if v.token != "" {
		return v.token
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// ours reports whether a request that may change something comes from our own
// page: not from another origin, and, with a cookie, with the page's proof.
func (a *API) ours(r *http.Request, v visitor) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	return v.token == "" || session.SameCSRF(v.token, r.Header.Get("X-CSRF"))
}

// setCookie signs a browser in or, with an empty token, out.
func (a *API) setCookie(token string) http.Cookie {
	c := http.Cookie{
		Name: cookieName, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: len(a.Origin) > 5 && a.Origin[:6] == "https:", MaxAge: int(session.SessionIdle.Seconds()),
	}
	if token == "" {
		c.MaxAge = -1
	}
	return c
}

// seesAccount asks whether the visitor may be told of an account that has a
// connection point, or buys certificates.
//
// Errors: *pages.NotFound, *pages.Forbidden.
func (a *API) seesAccount(ctx context.Context, text string) (tx.AccountID, error) {
	v := visitorOf(ctx)
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, &pages.NotFound{What: "account " + strconv.Quote(text), Next: "it is a number; /api/v1/me says yours"}
	}
	account := tx.AccountID(n)
	if (v.Role == pages.Household || v.Role == pages.Buyer) && v.SeesAccount(v.Microgrid, account) {
		return account, nil
	}
	if v.Role == pages.Operator {
		if m, ok, err := a.Source.MicrogridOf(ctx, account); err != nil || ok && v.SeesAccount(m, account) {
			return account, err
		}
	}
	return 0, &pages.Forbidden{Next: "sign in as the household, or as the operator of its microgrid"}
}
