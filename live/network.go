package live

import (
	"context"
	"errors"
	"net/http"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/node"
)

// networkAnswers serves what commands ask about the network.
func (l *Live) networkAnswers(mux *http.ServeMux) {
	mux.HandleFunc("GET /invitation", func(w http.ResponseWriter, _ *http.Request) {
		i, err := l.Node.Invitation()
		if errors.Is(err, node.ErrOffline) {
			err = &api.Unfit{Text: "this node runs without a network: write listen = \"HOST:PORT\" into " + node.SettingsFile + " and start it again"}
		}
		tell(w, i, err)
	})
}

// Invitation asks for an invitation to the node's network.
//
// Errors: *BadError.
func (c *Client) Invitation(ctx context.Context) (i node.Invitation, err error) {
	return i, c.ask(ctx, http.MethodGet, "/invitation", nil, &i)
}
