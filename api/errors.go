package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/pages"
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
	slog.ErrorContext(ctx, "api: a request failed", "err", err)
	return huma.Error500InternalServerError("the node could not answer; its log says why: try again, and tell the operator when it stays so")
}

// problem writes an error outside of an operation.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}) // Whoever went away needs none.
}

// tooMany turns a client away for a while.
func tooMany(w http.ResponseWriter, wait time.Duration) {
	seconds := strconv.Itoa(int(wait.Seconds()) + 1)
	w.Header().Set("Retry-After", seconds)
	problem(w, http.StatusTooManyRequests, "too many requests: ask again in "+seconds+" s")
}
