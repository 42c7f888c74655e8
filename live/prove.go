package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/commonwatt/commonwatt/proof"
)

// ToProve is what a bundle is asked to show.
type ToProve struct {
	Since  int64         `json:"since"` // A block that the reader trusts; 0: the first one.
	Places []proof.Place `json:"places"`
	Rows   [][]byte      `json:"rows"` // Their keys.
}

// prove answers with the bytes of a bundle.
func (l *Live) prove(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var ask ToProve
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBodyMax)).Decode(&ask); err != nil {
		return nil, err
	}
	b, err := l.Node.ProveSince(r.Context(), ask.Since, ask.Places, ask.Rows)
	if err != nil {
		return nil, err
	}
	return b.Encode(), nil
}

// trust answers with the trust in the block at a height; 0 stands for the last one.
func (l *Live) trust(height string) (t proof.Trust, err error) {
	at, err := strconv.ParseInt(height, 10, 64)
	if err != nil {
		return t, err
	}
	return l.Node.Headers().Trust(at)
}

// Prove asks for a bundle.
//
// Errors: *BadError.
func (c *Client) Prove(ctx context.Context, ask ToProve) (raw []byte, err error) {
	text, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	return raw, c.ask(ctx, http.MethodPost, "/prove", text, &raw)
}

// Trust asks for the trust in the block at a height; 0 stands for the last one.
//
// Errors: *BadError.
func (c *Client) Trust(ctx context.Context, height int64) (t proof.Trust, err error) {
	return t, c.ask(ctx, http.MethodGet, fmt.Sprintf("/trust/%d", height), nil, &t)
}
