// Package server puts one HTTP server over a running node: the app, the API, bills
// and documentation, on one port.
//
// Its promise: it answers before anything is settled; what one person may not see
// no path of it shows; it stops when it is told to, and lets nobody wait for ever.
package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/docs"
	"github.com/commonwatt/commonwatt/monitor"
	"github.com/commonwatt/commonwatt/verifier"
	"github.com/commonwatt/commonwatt/web"
)

// Server is a running server.
type Server struct {
	api  *api.API
	http *http.Server
}

// Timeouts of connections. Events have no end, so there is none for writing;
// a follower that takes nothing is ended by its own deadline.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 5 * time.Second
)

// New makes the server. The health says whether the node is ready.
//
// Errors: pages of the app or the documentation that cannot be read.
func New(cfg api.Config, health *monitor.Health) (*Server, error) {
	app, err := web.Handler()
	if err != nil {
		return nil, err
	}
	manual, err := docs.Handler()
	if err != nil {
		return nil, err
	}
	proofs, err := verifier.Handler()
	if err != nil {
		return nil, err
	}
	s := &Server{api: api.New(cfg)}
	mux := http.NewServeMux()
	mux.Handle(api.Prefix+"/", s.api)
	mux.Handle("/openapi.json", s.api)
	mux.Handle("/openapi.yaml", s.api)
	mux.Handle("/bill/", s.api)
	mux.Handle("/p/", s.api)
	mux.Handle("/statement/", s.api)
	mux.Handle("/paper.css", s.api)
	mux.Handle(docs.Root, manual)
	mux.Handle(verifier.Root, proofs)
	mux.Handle(verifier.Root+"/", proofs)
	mux.HandleFunc("GET "+TrustPath, trustOf(cfg.Node))
	mux.HandleFunc("GET /healthz", monitor.Lives)
	mux.Handle("GET /readyz", health)
	mux.Handle("/", app)
	s.http = &http.Server{Handler: secure(readable(cfg.Node.Reads, mux)), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout}
	return s, nil
}

// readable keeps a node that has no read model from showing pages as if nothing had
// ever happened: it says why it has none, takes envelopes, and gives out what does not
// come from it.
func readable(reads func() error, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		free := path == "/healthz" || path == "/readyz" || path == TrustPath || strings.HasPrefix(path, docs.Root) ||
			strings.HasPrefix(path, verifier.Root) || strings.HasPrefix(path, "/openapi.") || path == api.Prefix+"/envelopes" && r.Method == http.MethodPost
		if err := reads(); err != nil && !free {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// policy is what our pages may load: what this node serves, and nothing else.
const policy = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

// verifierPolicy also lets a page compile the verifier of proofs, which is WebAssembly.
const verifierPolicy = policy + "; script-src 'self' 'wasm-unsafe-eval'"

// policyOf is the policy of a path: only pages that show proofs run the verifier.
func policyOf(path string) string {
	if path == verifier.Root || strings.HasPrefix(path, verifier.Root+"/") || strings.HasPrefix(path, "/p/") {
		return verifierPolicy
	}
	return policy
}

// secure sets the headers that keep other sites out of our pages.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policyOf(r.URL.Path))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// Serve answers on a listener until the context ends, and then stops: events end,
// requests that are being answered have a moment.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(l) }()
	select {
	case err := <-failed:
		s.api.Close()
		return err
	case <-ctx.Done():
	}
	s.api.Close()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := s.http.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if serve := <-failed; !errors.Is(serve, http.ErrServerClosed) {
		err = errors.Join(err, serve)
	}
	return err
}

// Origin is what people open for an address that is listened on: browsers give
// passkeys to localhost and not to 127.0.0.1.
func Origin(l net.Listener) string {
	host, port, _ := net.SplitHostPort(l.Addr().String()) // A listener's own address is good.
	if ip := net.ParseIP(host); ip == nil || ip.IsLoopback() || ip.IsUnspecified() {
		host = "localhost"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return "http://" + host + ":" + port
}
