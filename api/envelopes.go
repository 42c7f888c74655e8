package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/tx"
)

type envelopeInput struct {
	ContentType string `header:"Content-Type"`
	DryRun      bool   `query:"dry_run" doc:"say whether it would be taken, and send nothing"`
	RawBody     []byte `contentType:"application/cbor" doc:"a signed envelope; as application/json: {\"envelope\": base64}"`
}

// Taken is what became of an envelope.
type Taken struct {
	ID       string `json:"id" doc:"hex"`
	DryRun   bool   `json:"dry_run" doc:"nothing was sent"`
	Code     uint32 `json:"code" doc:"0: applied; else that of the refusal"`
	Refusal  string `json:"refusal,omitempty"`
	At       int    `json:"at" doc:"which operation was refused"`
	Receipts int    `json:"receipts"`
}

func (a *API) registerEnvelopes() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "submit", Method: http.MethodPost, Path: Prefix + "/envelopes", Tags: []string{"Ledger"},
		Summary:      "Submit a signed envelope",
		Description:  "The answer comes when a block that holds the envelope is on disk. Who signed it is who asks: no session is needed.",
		MaxBodyBytes: bodyMax,
	}, func(ctx context.Context, in *envelopeInput) (*body[Taken], error) {
		raw, err := in.envelope()
		if err != nil {
			return nil, huma.Error400BadRequest(err.Error())
		}
		e, err := tx.Decode(raw)
		if err != nil {
			return nil, huma.Error422UnprocessableEntity("this is no envelope: " + err.Error() + "; nothing was sent")
		}
		t := Taken{ID: hex.EncodeToString(e.ID[:]), DryRun: in.DryRun}
		if in.DryRun {
			if err := a.Node.Check(raw); err != nil {
				return nil, refused(ctx, err)
			}
			return reply(t), nil
		}
		outcome, err := a.Node.Submit(ctx, raw)
		if err != nil {
			return nil, refused(ctx, err)
		}
		t.Code, t.At, t.Receipts = outcome.Code, int(outcome.At), len(outcome.Receipts)
		t.Refusal = pages.Refusal(outcome.Code)
		return reply(t), nil
	})
}

// envelope is the envelope of a request's body.
func (in *envelopeInput) envelope() ([]byte, error) {
	if !strings.HasPrefix(in.ContentType, "application/json") {
		return bytes.Clone(in.RawBody), nil
	}
	var wrapped struct {
		Envelope string `json:"envelope"`
	}
	if err := json.Unmarshal(in.RawBody, &wrapped); err != nil {
		return nil, fmt.Errorf("the body is no JSON as in {\"envelope\": \"base64\"}: %w", err)
	}
	raw, err := base64.StdEncoding.DecodeString(wrapped.Envelope)
	if err != nil {
		return nil, fmt.Errorf("the envelope is not in base64: %w", err)
	}
	return raw, nil
}

// refused tells why an envelope was not taken.
func refused(ctx context.Context, err error) error {
	if no, ok := errors.AsType[*op.Refusal](err); ok {
		return huma.Error422UnprocessableEntity(fmt.Sprintf("refused with code %d: %s; nothing was sent", no.Code, no))
	}
	if errors.Is(err, node.ErrClosed) || ctx.Err() != nil {
		return huma.NewError(http.StatusServiceUnavailable, "the node stopped before it could tell; ask for the envelope by its id after its next start")
	}
	return huma.Error422UnprocessableEntity(err.Error() + "; nothing was sent")
}
