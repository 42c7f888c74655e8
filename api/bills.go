package api

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/commonwatt/commonwatt/bill"
	"github.com/commonwatt/commonwatt/pages"
)

// registerBills serves bills as pages, spreadsheets and PDFs: for people, so
// beside the operations.
func (a *API) registerBills() {
	a.mux.HandleFunc("GET /bill/{account}/{file}", a.serveBill)
}

// serveBill writes the bill of an account's month, in the form that the file's
// name ends with.
func (a *API) serveBill(w http.ResponseWriter, r *http.Request) {
	file := r.PathValue("file")
	month, form, _ := strings.Cut(file, ".")
	account, err := a.seesAccount(r.Context(), r.PathValue("account"))
	var m pages.Month
	if err == nil {
		m, err = a.Source.Month(r.Context(), account, month)
	}
	lang := language(r)
	kind, write := "text/html; charset=utf-8", func(w io.Writer) error { return bill.HTML(w, m, lang) }
	switch form {
	case "":
	case "csv":
		kind, write = "text/csv; charset=utf-8", func(w io.Writer) error { return bill.CSV(w, m) }
		w.Header().Set("Content-Disposition", `attachment; filename="commonwatt-`+m.Month+`.csv"`)
	case "pdf":
		kind, write = "application/pdf", func(w io.Writer) error { return bill.PDF(w, m, lang) }
	default:
		err = &pages.NotFound{What: "bill as ." + form, Next: "ask for a month as in 2026-06, 2026-06.csv or 2026-06.pdf"}
	}
	var out bytes.Buffer
	if err == nil {
		err = write(&out)
	}
	if err != nil {
		w.Header().Del("Content-Disposition")
		tellProblem(w, r, answer(r.Context(), err))
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", private)
	_, _ = out.WriteTo(w) // As above.
}

// language is the one that was asked for, or the browser's first of ours.
func language(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); lang != "" {
		return lang
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		switch lang := strings.ToLower(strings.TrimSpace(part)); {
		case strings.HasPrefix(lang, "de"):
			return "de"
		case strings.HasPrefix(lang, "en"):
			return "en"
		}
	}
	return "en"
}
