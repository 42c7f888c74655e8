// Package api is the HTTP interface: what the pages say, the ledger's blocks and
// receipts, live events, and the door for signed envelopes.
//
// Its promise: who asks is decided once per request, and what is one household's
// goes to it and to its operator and to nobody else; every answer is described by
// the OpenAPI document that is made of the same types.
package api

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	_ "github.com/danielgtaylor/huma/v2/formats/cbor" // RFC 8949, beside JSON.

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/session"
)

// Prefix is where the operations are.
const Prefix = "/api/v1"

// Config is what the interface stands on.
type Config struct {
	Node         *node.Node
	Source       *pages.Source
	Sessions     *session.Store
	Gateway      Gateway      // nil: no messages of devices are taken.
	Devices      Devices      // nil: no devices can connect.
	Files        Files        // nil: no meter files are taken.
	Certificates Certificates // nil: no certificates are passed on or used up here.
	Demo         Demo         // nil: this is no demo.
	Version      string       // Of the program.
	Origin       string       // What people open: "http://localhost:8420".
	Limits       Limits
}

// Limits bound what clients may do.
type Limits struct {
	PerSecond float64 // Requests of one client.
	Burst     int
	Followers int // Clients that follow events at the same time.
}

// LimitsDefault serve a household's page many times over.
var LimitsDefault = Limits{PerSecond: 50, Burst: 200, Followers: 4096}

// Demo is what a demo adds.
type Demo interface {
	Speed() float64
	Seed() uint64
	Ready() bool // History is over.
	Roles() []DemoRole
}

// DemoRole is somebody that a visitor of a demo can be.
type DemoRole struct {
	ID    string
	Label string
	pages.Viewer
}

// API is the interface over a running node.
type API struct {
	Config
	mux    *http.ServeMux
	huma   huma.API
	events *events
	limits *limiter
	enrols *limiter // Of codes that are brought.
	links  *limiter // Of links to proofs.
	proofs *limiter // Of bundles that are made.

	bundles *bundles

	importing chan struct{} // Holds one while a meter file is read.
}

// New makes the interface and begins to follow the node; Close ends that.
func New(cfg Config) *API {
	if cfg.Limits == (Limits{}) {
		cfg.Limits = LimitsDefault
	}
	a := &API{
		Config: cfg, mux: http.NewServeMux(), limits: newLimiter(cfg.Limits), enrols: newLimiter(enrolLimits), links: newLimiter(linkLimits),
		proofs: newLimiter(bundleLimits), bundles: newBundles(), importing: make(chan struct{}, 1),
	}
	a.events = follow(cfg.Node, cfg.Source, cfg.Limits.Followers)
	a.describe()
	return a
}

// Close ends the following of events.
func (a *API) Close() { a.events.close() }

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r, ok := a.enter(w, r)
	if !ok {
		return
	}
	if _, pattern := a.mux.Handler(r); pattern == "" {
		a.unknown(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// bodyMax bounds a request's body; an envelope is far smaller.
const bodyMax = 1 << 20

// enter decides who asks, and turns away who asks too often or across sites.
func (a *API) enter(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	who := a.who(r)
	who.client = who.key(r)
	if wait := a.limits.wait(who.client, time.Now()); wait > 0 {
		tooMany(w, r, wait)
		return nil, false
	}
	if !a.ours(r, who) {
		problem(w, r, http.StatusForbidden, "the request comes from another site, or its X-CSRF header is not that of /api/v1/me: send it from the node's own page")
		return nil, false
	}
	r = r.WithContext(withVisitor(r.Context(), who))
	most, err := bodyMaxOf(r, who)
	if err != nil {
		tellProblem(w, r, answer(r.Context(), err))
		return nil, false
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	return r, true
}
