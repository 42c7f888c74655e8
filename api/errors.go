package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/view"
)

// answer turns an error into what a client is told (RFC 9457).
func answer(ctx context.Context, err error) error {
	if no, ok := errors.AsType[*pages.NotFound](err); ok {
		return huma.Error404NotFound(no.Error())
	}
	if no, ok := errors.AsType[*pages.Forbidden](err); ok {
		if v := visitorOf(ctx); v.id == "" {
			return huma.Error401Unauthorized("this is not for everybody: " + no.Next)
		}
		return huma.Error403Forbidden(no.Error())
	}
	if ctx.Err() != nil {
		return huma.NewError(http.StatusServiceUnavailable, "the node is stopping, or you went away: ask again")
	}
	if errors.Is(err, view.ErrAway) {
		return huma.Error503ServiceUnavailable("the read model is behind: its database cannot be reached, and the ledger goes on: ask again in a minute, what was sent is not lost")
	}
	slog.ErrorContext(ctx, "api: a request failed", "err", err)
	return huma.Error500InternalServerError("the node could not answer; its log says why: try again, and tell the operator when it stays so")
}

// problem writes an error outside of an operation.
func problem(w http.ResponseWriter, r *http.Request, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", private)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{
		Status: status, Title: http.StatusText(status), Detail: detail, Instance: r.URL.Path,
	}) // Whoever went away needs none.
}

// tellProblem writes what answer returned, outside of an operation.
func tellProblem(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	if told, ok := errors.AsType[huma.StatusError](err); ok {
		status = told.GetStatus()
	}
	problem(w, r, status, err.Error())
}

// placed adds to an error where it is, and to those of the library what to do.
func placed(ctx huma.Context, _ string, v any) (any, error) {
	u := ctx.URL()
	if r, ok := v.(*RefusedFile); ok {
		r.Instance = u.Path
	}
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	e.Instance = u.Path
	if !strings.Contains(e.Detail, ": ") {
		e.Detail += ": /docs/api says how to ask, /openapi.json what this operation takes"
	}
	return e, nil
}

// tooMany turns a client away for a while.
func tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	seconds := strconv.Itoa(int(wait.Seconds()) + 1)
	w.Header().Set("Retry-After", seconds)
	problem(w, r, http.StatusTooManyRequests, "too many requests: ask again in "+seconds+" s")
}

// unknown answers a request that no operation takes.
func (a *API) unknown(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		problem(w, r, http.StatusNotFound, "there is no such operation: /openapi.json lists those that there are")
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	problem(w, r, http.StatusMethodNotAllowed, "this is not asked by "+r.Method+": use "+strings.Join(allowed, " or "))
}
