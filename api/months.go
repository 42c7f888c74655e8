package api

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/paper"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/tx"
)

// registerMonths serves the statements of accounts' months: to who may see the
// account, and to whoever has the link of one.
func (a *API) registerMonths() {
	a.mux.HandleFunc("GET /statement/{account}/{file}", a.serveMonth)
	a.mux.HandleFunc("GET /statement/{account}/{month}/{day}", func(w http.ResponseWriter, r *http.Request) {
		account, err := a.seesAccount(r.Context(), r.PathValue("account"))
		a.giveDay(w, r, account, r.PathValue("month"), err)
	})
	a.mux.HandleFunc("GET /p/{file}/{day}", func(w http.ResponseWriter, r *http.Request) {
		id, ok := pages.ParseMonthID(r.PathValue("file"))
		err := error(&pages.NotFound{What: "proof of this address", Next: "ask whoever gave you the link for the whole of it"})
		if wait := a.links.wait(visitorOf(r.Context()).client, time.Now()); wait > 0 {
			err = errTooMany
		} else if ok {
			_, err = a.Source.MonthOf(r.Context(), id)
		}
		a.giveDay(w, r, id.Account, id.Month, err)
	})
}

// serveMonth writes the statement of an account's month for who may see the account;
// its JSON holds the proofs of all days.
func (a *API) serveMonth(w http.ResponseWriter, r *http.Request) {
	month, form, _ := strings.Cut(r.PathValue("file"), ".")
	account, err := a.seesAccount(r.Context(), r.PathValue("account"))
	if err == nil && form == "json" {
		var out bytes.Buffer
		var bundles []paper.DayBundle
		m, err := a.Source.CertifiedMonth(r.Context(), account, month)
		if err == nil {
			bundles, err = a.dayBundles(r, account, m)
		}
		if err == nil {
			err = paper.MonthJSON(&out, m, bundles)
		}
		give(w, r, &out, "application/json", month, form, err)
		return
	}
	a.giveMonth(w, r, month, form, func() (pages.CertifiedMonth, error) {
		if err != nil {
			return pages.CertifiedMonth{}, err
		}
		return a.Source.CertifiedMonth(r.Context(), account, month)
	})
}

// dayBundles makes the proofs of a month's days, one after the other.
func (a *API) dayBundles(r *http.Request, account tx.AccountID, m pages.CertifiedMonth) ([]paper.DayBundle, error) {
	list := []paper.DayBundle{}
	for _, d := range m.Days {
		places, err := a.Source.StatementsOf(r.Context(), account, d.Date)
		if err != nil {
			return nil, err
		}
		raw, err := a.bundles.of(r.Context(), a.Node, dayKey(account, d.Date), places)
		if err != nil {
			return nil, err
		}
		list = append(list, paper.DayBundle{Date: d.Date, Bundle: base64.StdEncoding.EncodeToString(raw)})
	}
	return list, nil
}

func dayKey(account tx.AccountID, date string) string {
	return strconv.FormatUint(uint64(account), 10) + "/" + date
}

// giveMonth answers with a statement in the form that its name ends with.
func (a *API) giveMonth(w http.ResponseWriter, r *http.Request, name, form string, get func() (pages.CertifiedMonth, error)) {
	m, err := get()
	var out bytes.Buffer
	kind := "text/html; charset=utf-8"
	if err == nil {
		switch form {
		case "":
			err = paper.MonthHTML(&out, m, a.Origin, language(r))
		case "pdf":
			kind, err = "application/pdf", paper.MonthPDF(&out, m, a.Origin, language(r))
		case "csv":
			kind, err = "text/csv; charset=utf-8", paper.MonthCSV(&out, m)
		case "json":
			kind, err = "application/json", paper.MonthJSON(&out, m, nil)
		default:
			err = &pages.NotFound{What: "statement as ." + form, Next: "it is there as a page, and as .pdf, .csv or .json"}
		}
	}
	give(w, r, &out, kind, name, form, err)
}

// giveDay answers with the proof of a day of a month, for who may have it when err is
// nil.
func (a *API) giveDay(w http.ResponseWriter, r *http.Request, account tx.AccountID, month string, err error) {
	date, form, _ := strings.Cut(r.PathValue("day"), ".")
	if err == nil && (form != "cwproof" || !strings.HasPrefix(date, month+"-")) {
		err = &pages.NotFound{What: "proof " + r.PathValue("day") + " of this month", Next: "write a day of " + month + " as in " + month + "-01.cwproof"}
	}
	var out bytes.Buffer
	if err == nil {
		var raw []byte
		raw, err = a.bundle(r, dayKey(account, date), func() ([]proof.Place, error) { return a.Source.StatementsOf(r.Context(), account, date) })
		_, _ = out.Write(raw)
	}
	give(w, r, &out, "application/octet-stream", date, form, err)
}
