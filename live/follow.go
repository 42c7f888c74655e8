package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/state"
)

// follows reports whether the node is not the operator's. Then it keeps the ledger,
// serves it and decides on blocks if it is a validator, but signs nothing for the
// community: no tariff, no member, no lapse, no device's message, no certificate.
// Interval closes are nobody's to sign: whichever validator proposes puts them in.
func (l *Live) follows() bool { return l.Operator == nil }

// followed takes in a copy of the community file, for the names in it.
func (l *Live) followed(c *community.Community) (err error) {
	l.Node.Read(func(rows state.Reader, _ machine.Head) { err = c.Fits(rows) })
	if err != nil {
		return err
	}
	l.community = c
	l.Source.Rename(c.Microgrid(), report.NamesOf(c))
	return nil
}

// renamed takes in a community file that changed.
func (l *Live) renamed(c *community.Community, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil // Without it there are numbers.
	}
	if err == nil {
		err = l.followed(c)
	}
	if err != nil {
		l.Log.Warn("the copy of the community file is not used: what it names has numbers, or its last good names", "err", err)
		return nil
	}
	l.Log.Info("the names of the community file are in use")
	return nil
}

// told is the community whose names the node knows.
//
// Errors: *pages.NotFound without a community file.
func (l *Live) told() (*community.Community, error) {
	if l.community == nil {
		return nil, &pages.NotFound{What: "community file here", Next: "put a copy of the operator's " + community.File + " into the folder"}
	}
	return l.community, nil
}

// obeysFollower serves the requests that change something on a node that follows, and
// says of the others whose they are.
func (l *Live) obeysFollower(life context.Context, mux *http.ServeMux) {
	l.links(life, mux)
	l.copies(life, mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, nil, &api.Unfit{Text: fmt.Sprintf("this node joined the network of %s and signs nothing for its community: run the command at the operator's node", l.Node.Status().Chain)})
	})
}
