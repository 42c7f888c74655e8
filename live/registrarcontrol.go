package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/tx"
)

// registrarObeys serves the requests of commands that move certificates.
func (l *Live) registrarObeys(mux *http.ServeMux) {
	registrar := l.Registrar()
	matchObeys(mux, registrar)
	rulesObey(mux, registrar)
	asideObeys(mux, registrar)
	mux.HandleFunc("POST /certificates/{account}/transfer", func(w http.ResponseWriter, r *http.Request) {
		asked(w, r, func(t api.Transfer, dry bool) (api.Passing, error) {
			return registrar.Transfer(r.Context(), accountOf(r), t, dry)
		})
	})
	mux.HandleFunc("POST /certificates/{account}/cancel", func(w http.ResponseWriter, r *http.Request) {
		asked(w, r, func(c api.Cancellation, dry bool) (api.Passing, error) {
			return registrar.Cancel(r.Context(), accountOf(r), c, dry)
		})
	})
}

// asked reads what is asked for and answers with what came of it.
func asked[T, A any](w http.ResponseWriter, r *http.Request, do func(T, bool) (A, error)) {
	var ask T
	var p A
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBodyMax)).Decode(&ask)
	if err == nil {
		p, err = do(ask, r.URL.Query().Has("dry_run"))
	}
	tell(w, p, err)
}

// Transfer passes certificates of an account on, or, in a dry run, says what would move.
//
// Errors: *BadError.
func (c *Client) Transfer(ctx context.Context, account tx.AccountID, t api.Transfer, dryRun bool) (api.Passing, error) {
	return askRegistrar[api.Passing](ctx, c, account, "transfer", t, dryRun)
}

// Cancel uses certificates of an account up, or, in a dry run, says which.
//
// Errors: *BadError.
func (c *Client) Cancel(ctx context.Context, account tx.AccountID, cancel api.Cancellation, dryRun bool) (api.Passing, error) {
	return askRegistrar[api.Passing](ctx, c, account, "cancel", cancel, dryRun)
}

// askRegistrar asks for something to be done with certificates of an account.
func askRegistrar[A any](ctx context.Context, c *Client, account tx.AccountID, how string, ask any, dryRun bool) (a A, err error) {
	text, err := json.Marshal(ask)
	if err != nil {
		return a, err
	}
	path := fmt.Sprintf("/certificates/%d/%s", account, how)
	if dryRun {
		path += "?dry_run"
	}
	return a, c.ask(ctx, http.MethodPost, path, text, &a)
}
