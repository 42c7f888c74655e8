package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/grid"
)

// Gateway takes messages of devices.
type Gateway interface {
	// Knows reports whether a password is a device's.
	Knows(user, password string) bool

	// Post hands messages to the ledger and returns, once they are committed, their
	// receipts in the same order. Errors: broker.ErrFull; the context's cause, after
	// which they are booked all the same.
	Post(ctx context.Context, from grid.Device, messages [][]byte) (receipts [][]byte, err error)
}

// messagesMax is how many messages a request may hold.
const messagesMax = 1000

type readingsInput struct {
	Microgrid     string `path:"microgrid"`
	Device        string `path:"device"`
	Authorization string `header:"Authorization" doc:"Basic (RFC 7617): the device's user name and password, as for MQTT"`
	ContentType   string `header:"Content-Type"`
	RawBody       []byte `contentType:"application/cose" doc:"a signed message; as application/json up to 1000 of them: {\"messages\": [base64]}"`
}

// Delivered is what became of messages.
type Delivered struct {
	Receipts [][]byte `json:"receipts" doc:"one for each message, in the same order"`
}

func (a *API) registerReadings() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "deliver", Method: http.MethodPost, Path: Prefix + "/microgrids/{microgrid}/devices/{device}/readings", Tags: []string{"Devices"},
		Summary: "Deliver signed messages of a device",
		Description: "The answer comes when they are on the ledger, or refused; each has its own receipt. The same message again gets the same receipt. " +
			"It is the path of those that come by MQTT, and a device has the same name and password here as there.",
		MaxBodyBytes: bodyMax,
	}, func(ctx context.Context, in *readingsInput) (*body[Delivered], error) {
		device, err := a.device(in)
		if err != nil {
			return nil, err
		}
		messages, err := in.messages()
		if err != nil {
			return nil, huma.Error400BadRequest(err.Error())
		}
		receipts, err := a.Gateway.Post(ctx, device, messages)
		switch {
		case errors.Is(err, broker.ErrFull):
			return nil, huma.ErrorWithHeaders(huma.NewError(http.StatusServiceUnavailable, "too many messages wait for the ledger: keep these and send them again later"),
				http.Header{"Retry-After": {"30"}})
		case err != nil && ctx.Err() != nil:
			return nil, huma.NewError(http.StatusServiceUnavailable, "the node stopped before it could tell: send the same again, and what is booked already gets the same receipt")
		case err != nil:
			return nil, answer(ctx, err)
		}
		return reply(Delivered{receipts}), nil
	})
}

// device is the device that asks.
func (a *API) device(in *readingsInput) (d grid.Device, err error) {
	if a.Gateway == nil {
		return d, huma.NewError(http.StatusServiceUnavailable, "this node takes no readings of devices: it was started with --mqtt off, or is a demo")
	}
	user, password, ok := (&http.Request{Header: http.Header{"Authorization": {in.Authorization}}}).BasicAuth()
	m, bad := strconv.ParseUint(in.Microgrid, 10, 64)
	n, worse := strconv.ParseUint(in.Device, 10, 64)
	d = grid.Device{Microgrid: grid.MicrogridID(m), Device: grid.DeviceID(n)}
	if !ok || bad != nil || worse != nil || user != broker.User(d) || !a.Gateway.Knows(user, password) {
		return d, huma.ErrorWithHeaders(huma.Error401Unauthorized("this is for the device itself: give its user name and password, as \"commonwatt meter credential\" printed them"),
			http.Header{"WWW-Authenticate": {`Basic realm="commonwatt device"`}})
	}
	return d, nil
}

// messages are the messages of a request's body.
func (in *readingsInput) messages() ([][]byte, error) {
	if !strings.HasPrefix(in.ContentType, "application/json") {
		return [][]byte{bytes.Clone(in.RawBody)}, nil
	}
	var wrapped struct {
		Messages [][]byte `json:"messages"` // In base64, as encoding/json does.
	}
	if err := json.Unmarshal(in.RawBody, &wrapped); err != nil {
		return nil, fmt.Errorf("the body is no JSON as in {\"messages\": [\"base64\"]}: %w", err)
	}
	if n := len(wrapped.Messages); n == 0 || n > messagesMax {
		return nil, fmt.Errorf("there are %d messages: send 1 to %d", n, messagesMax)
	}
	return wrapped.Messages, nil
}
