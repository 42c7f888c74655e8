package live

import (
	"net/http"
	"strconv"

	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/proof"
)

// certifies serves what statements of certificates are made of.
func (l *Live) certifies(mux *http.ServeMux) {
	mux.HandleFunc("GET /certified/{account}/{month}", func(w http.ResponseWriter, r *http.Request) {
		m, err := seen(l, r, func() (pages.CertifiedMonth, error) {
			return l.Source.CertifiedMonth(r.Context(), accountOf(r), r.PathValue("month"))
		})
		tell(w, m, err)
	})
	mux.HandleFunc("GET /certified/{account}/days/{date}", func(w http.ResponseWriter, r *http.Request) {
		list, err := seen(l, r, func() ([]proof.Place, error) {
			return l.Source.StatementsOf(r.Context(), accountOf(r), r.PathValue("date"))
		})
		tell(w, list, err)
	})
	mux.HandleFunc("GET /proven/{account}/{height}/{position}/{n}", func(w http.ResponseWriter, r *http.Request) {
		p, err := seen(l, r, func() (pages.Proven, error) { return l.Source.ProvenOf(r.Context(), accountOf(r), placeOf(r)) })
		tell(w, p, err)
	})
}

// placeOf is where the receipt that a request names stands; what is no number names
// none.
func placeOf(r *http.Request) (at proof.Place) {
	at.Height, _ = strconv.ParseInt(r.PathValue("height"), 10, 64)
	position, err1 := strconv.ParseUint(r.PathValue("position"), 10, 32)
	n, err2 := strconv.ParseUint(r.PathValue("n"), 10, 32)
	if err1 != nil || err2 != nil {
		return proof.Place{}
	}
	at.Position, at.N = uint32(position), uint32(n)
	return at
}
