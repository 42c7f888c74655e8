package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/paper"
	"github.com/commonwatt/commonwatt/proof"
)

// Prover makes the bundle of one receipt. Errors: *pages.NotFound; those of the node.
type Prover interface {
	Prove(ctx context.Context, places []proof.Place, keys [][]byte) (proof.Bundle, error)
}

// Bounds of what is public: the page of a proof is for whoever has its link, so it
// costs no more than this, whoever asks.
var (
	linkLimits   = Limits{PerSecond: 5, Burst: 60} // Of links that one client tries.
	bundleLimits = Limits{PerSecond: 1, Burst: 20} // Of bundles that it has made.
)

const (
	bundlesMax   = 64 // Bundles that are kept.
	bundleLife   = 10 * time.Minute
	bundleWait   = 15 * time.Second // For the one before, and for the header of a block that is just made.
	proofPrivate = "private, max-age=300"
)

// bundles makes one bundle at a time, and keeps the latest.
type bundles struct {
	turn chan struct{}

	mu   sync.Mutex
	kept map[string]madeBundle // By the address.
}

type madeBundle struct {
	raw []byte
	at  time.Time
}

func newBundles() *bundles {
	return &bundles{turn: make(chan struct{}, 1), kept: map[string]madeBundle{}}
}

// errBusy means that others were in front for too long.
var errBusy = errors.New("other proofs are being made")

// of returns the bundle of receipts, of which is known that they are there.
func (b *bundles) of(ctx context.Context, node Prover, id string, places []proof.Place) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, bundleWait)
	defer cancel()
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, errBusy
	}
	if raw, ok := b.have(id); ok { // The one before was for the same.
		return raw, nil
	}
	made, err := node.Prove(ctx, places, nil)
	if err != nil {
		return nil, err
	}
	raw := made.Encode()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.kept) >= bundlesMax {
		clear(b.kept)
	}
	b.kept[id] = madeBundle{raw, time.Now()}
	return raw, nil
}

func (b *bundles) have(id string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m, ok := b.kept[id]
	return m.raw, ok && time.Since(m.at) < bundleLife
}

// registerProofs serves the public pages of receipts: for people, so beside the
// operations.
func (a *API) registerProofs() {
	static := func(kind string, content []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "max-age=3600")
			_, _ = w.Write(content) // Whoever went away needs none.
		}
	}
	a.mux.HandleFunc("GET "+paper.StylePath, static("text/css; charset=utf-8", paper.Style))
	a.mux.HandleFunc("GET "+paper.ScriptPath, static("text/javascript; charset=utf-8", paper.Script))
	a.mux.HandleFunc("GET /p/{file}", a.serveProof)
	a.mux.HandleFunc("GET /p/{file}/qr.svg", a.serveProofQR)
	a.registerMonths()
}

// proven finds the receipt of a link.
//
// Errors: *pages.NotFound.
func (a *API) proven(r *http.Request, text string) (id proof.ID, p pages.Proven, err error) {
	if id, err = proof.ParseID(text); err != nil {
		return id, p, &pages.NotFound{What: "proof of this address", Next: "ask whoever gave you the link for the whole of it"}
	}
	p, err = a.Source.Proven(r.Context(), id)
	if err == nil && p.Statement != "" && a.Certificates != nil {
		p.Beneficiary, p.Note = a.beneficiary(r.Context(), p)
	}
	return id, p, err
}

// serveProof writes the page of a receipt, in the form that the file's name ends with.
func (a *API) serveProof(w http.ResponseWriter, r *http.Request) {
	if wait := a.links.wait(visitorOf(r.Context()).client, time.Now()); wait > 0 {
		tooMany(w, r, wait)
		return
	}
	name, form, _ := strings.Cut(r.PathValue("file"), ".")
	if id, ok := pages.ParseMonthID(name); ok {
		a.giveMonth(w, r, name, form, func() (pages.CertifiedMonth, error) { return a.Source.MonthOf(r.Context(), id) })
		return
	}
	id, p, err := a.proven(r, name)
	var out bytes.Buffer
	kind := ""
	if err == nil {
		kind, err = a.writeProof(&out, r, id, p, form)
	}
	give(w, r, &out, kind, name, form, err)
}

// give answers with what is public to whoever has its link.
func give(w http.ResponseWriter, r *http.Request, out *bytes.Buffer, kind, name, form string, err error) {
	w.Header().Set("X-Robots-Tag", "noindex")
	w.Header().Set("Referrer-Policy", "no-referrer")
	switch {
	case errors.Is(err, errTooMany):
		tooMany(w, r, time.Second)
		return
	case errors.Is(err, errBusy), errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "5")
		problem(w, r, http.StatusServiceUnavailable, "other proofs are being made, or the block that this one waits for is not there yet: ask again in some seconds")
		return
	case err != nil:
		tellProblem(w, r, answer(r.Context(), err))
		return
	}
	if form != "" && form != "pdf" {
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+"."+form+`"`)
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", proofPrivate)
	_, _ = out.WriteTo(w) // Whoever went away needs none.
}

// errTooMany means that a client had more bundles made than it may.
var errTooMany = errors.New("too many proofs")

func (a *API) writeProof(out io.Writer, r *http.Request, id proof.ID, p pages.Proven, form string) (kind string, err error) {
	switch form {
	case "":
		return "text/html; charset=utf-8", paper.ProofHTML(out, p, a.Origin, language(r))
	case "pdf":
		return "application/pdf", paper.ProofPDF(out, p, a.Origin, language(r))
	case "csv":
		if !paper.HasCSV(p) {
			return "", &pages.NotFound{What: "spreadsheet of this receipt", Next: "only cancellations and transfers have parts; .json has every field"}
		}
		return "text/csv; charset=utf-8", paper.ProofCSV(out, p)
	case "statement.json":
		if p.Beneficiary == "" {
			return "", &pages.NotFound{What: "statement of this receipt", Next: "only a cancellation has one, at the node that made it"}
		}
		text, err := a.Certificates.Statement(r.Context(), p.Account, p.Statement)
		if err == nil {
			_, err = out.Write(text)
		}
		return "application/json", err
	case "cwproof", "json":
		raw, err := a.bundle(r, id.String(), func() ([]proof.Place, error) { return []proof.Place{id.Place}, nil })
		if err != nil || form == "cwproof" {
			_, _ = out.Write(raw)
			return "application/octet-stream", err
		}
		return "application/json", paper.ProofJSON(out, p, raw)
	}
	return "", &pages.NotFound{What: "proof as ." + form, Next: "it is there as a page, and as .cwproof, .pdf, .json or .csv"}
}

// bundle is that of receipts, made now or lately.
func (a *API) bundle(r *http.Request, id string, places func() ([]proof.Place, error)) ([]byte, error) {
	if raw, ok := a.bundles.have(id); ok {
		return raw, nil
	}
	if wait := a.proofs.wait(visitorOf(r.Context()).client, time.Now()); wait > 0 {
		return nil, errTooMany
	}
	list, err := places()
	if err != nil {
		return nil, err
	}
	return a.bundles.of(r.Context(), a.Node, id, list)
}

// beneficiary is whom a cancellation's statement names, where the node has it.
func (a *API) beneficiary(ctx context.Context, p pages.Proven) (name, note string) {
	text, err := a.Certificates.Statement(ctx, p.Account, p.Statement)
	if err != nil {
		return "", ""
	}
	var says struct {
		Beneficiary string `json:"beneficiary"`
		Note        string `json:"note"`
	}
	if json.Unmarshal(text, &says) != nil {
		return "", ""
	}
	return says.Beneficiary, says.Note
}

// serveProofQR writes the QR code of a proof's address. It tells nothing that the
// address does not.
func (a *API) serveProofQR(w http.ResponseWriter, r *http.Request) {
	id, err := proof.ParseID(r.PathValue("file"))
	if err != nil {
		problem(w, r, http.StatusNotFound, "there is no such proof: ask whoever gave you the link for the whole of it")
		return
	}
	q, err := paper.NewQR(a.Origin + pages.Link(id))
	if err != nil {
		tellProblem(w, r, answer(r.Context(), err))
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", proofPrivate)
	_, _ = w.Write(q.SVG())
}
