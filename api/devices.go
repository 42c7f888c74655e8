package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/paper"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/tx"
)

// Devices lets owners connect their devices.
type Devices interface {
	// Node says what is the same for every device.
	Node(ctx context.Context) (DeviceNode, error)

	// Code makes a one-time code for a device. Errors: *pages.NotFound when the account
	// has no such device; session.ErrCodesFull; those of the disk.
	Code(ctx context.Context, account tx.AccountID, d grid.DeviceID, replaced bool) (EnrolCode, error)

	// Enrol uses a code up and books the key, whose possession is proven. Errors: those of
	// session.Codes; a refusal of the ledger, after which the code is good again.
	Enrol(ctx context.Context, e Enrolment) (Enrolled, error)

	// Revoke takes a device's key away. Errors: *pages.NotFound when the account has no
	// such device; a refusal of the ledger.
	Revoke(ctx context.Context, account tx.AccountID, d grid.DeviceID) error

	// Dispute says that what a device measured on the days from one to another is wrong.
	// Errors: *pages.NotFound when the account has no such device, or there are no such
	// days; a refusal of the ledger.
	Dispute(ctx context.Context, account tx.AccountID, d grid.DeviceID, from, to string) error
}

// DeviceNode is what is the same for every device of a node.
type DeviceNode struct {
	Chain      string `json:"chain" doc:"the ledger that messages are signed for"`
	MQTT       string `json:"mqtt" doc:"where devices connect, as in mqtts://elm.example:8883"`
	ReceiptKey []byte `json:"receipt_key" doc:"the Ed25519 key that signs receipts, 32 bytes"`
}

// EnrolCode is by what a device enrols, once.
type EnrolCode struct {
	Code  string        `json:"code" example:"K7QM-2X9P-4HTA"`
	Meter string        `json:"meter" doc:"as in the community file"`
	Until interval.Time `json:"until"`
	URL   string        `json:"url" doc:"node and code in one, as the QR code has it"`
	QR    *QR           `json:"qr,omitempty"`
}

// QR is a QR code (ISO/IEC 18004) as a drawing.
type QR struct {
	Size int    `json:"size" doc:"modules on a side, with the margin"`
	Path string `json:"path" doc:"of SVG: the dark modules"`
}

// Enrolment is what a device brings.
type Enrolment struct {
	Code      string `json:"code" maxLength:"40"`
	Key       []byte `json:"key" doc:"the device's public Ed25519 key, 32 bytes"`
	Signature []byte `json:"signature" doc:"by that key, of commonwatt/device/enrol/1, a line feed, the code as it is sent here, a line feed and the key's 32 bytes"`
	Bridged   bool   `json:"bridged,omitempty" required:"false" doc:"the key is not the meter's own but a gateway's in the home, which signs for it"`
}

// Enrolled is everything that a device needs. The password is told once.
type Enrolled struct {
	DeviceNode
	Meter     string           `json:"meter" doc:"as in the community file"`
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Device    grid.DeviceID    `json:"device,string"`
	Epoch     uint32           `json:"epoch" doc:"of the key: its messages name it"`
	Sequence  uint64           `json:"sequence" doc:"of the latest message under this key; the next one has one more"`
	Interval  int64            `json:"interval" doc:"which a message is about, in seconds"`
	User      string           `json:"user" doc:"of MQTT, and of HTTP"`
	Password  string           `json:"password"`
	Reading   string           `json:"reading" doc:"the topic that it publishes on"`
	Receipt   string           `json:"receipt" doc:"the topic that it hears on"`
	Post      string           `json:"post" doc:"where it posts, if it has no MQTT"`
}

// enrolLimits bound how often one client may bring a code: with 60 bits in each, that
// is no way to find one.
var enrolLimits = Limits{PerSecond: 0.2, Burst: 10}

// drawn draws a text as a QR code.
func drawn(text string) (*QR, error) {
	q, err := paper.NewQR(text)
	if err != nil {
		return nil, err
	}
	return &QR{q.Size, q.Path()}, nil
}

// noDevices is what a node says that takes no devices.
func noDevices() error {
	return huma.NewError(http.StatusServiceUnavailable, "this node takes no devices: it was started with --mqtt off, or is a demo")
}

// deviceAnswer turns an error of Devices into what a client is told.
func deviceAnswer(ctx context.Context, err error) error {
	no, refused := errors.AsType[*op.Refusal](err)
	switch {
	case refused:
		return huma.Error409Conflict("the ledger refuses: " + no.Error())
	case errors.Is(err, session.ErrCode):
		return huma.Error404NotFound(session.ErrCode.Error())
	case errors.Is(err, session.ErrCodeUsed):
		return huma.Error409Conflict(session.ErrCodeUsed.Error())
	case errors.Is(err, session.ErrCodeLate):
		return huma.NewError(http.StatusGone, session.ErrCodeLate.Error())
	case errors.Is(err, session.ErrCodesFull), errors.Is(err, session.ErrDevicesFull):
		return huma.Error503ServiceUnavailable(err.Error())
	}
	return answer(ctx, err)
}

// HouseholdMeters is a household's meters, and whether this node takes devices.
type HouseholdMeters struct {
	pages.Meters
	Connect bool `json:"connect" doc:"devices can connect to this node"`
}

type accountDevice struct {
	Account string `path:"account" doc:"the household's account"`
	Device  string `path:"device" doc:"one of its meters, or of what is behind them"`
}

// ofDevice answers to the owner of a device, or its operator.
func ofDevice[T any](ctx context.Context, a *API, in accountDevice, f func(tx.AccountID, grid.DeviceID) (T, error)) (*body[T], error) {
	account, err := a.seesAccount(ctx, in.Account)
	if err != nil {
		return nil, answer(ctx, err)
	}
	n, err := strconv.ParseUint(in.Device, 10, 64)
	if err != nil {
		return nil, answer(ctx, &pages.NotFound{What: "device " + strconv.Quote(in.Device), Next: "it is a number; the list of meters says which"})
	}
	if a.Devices == nil {
		return nil, noDevices()
	}
	v, err := f(account, grid.DeviceID(n))
	if err != nil {
		return nil, deviceAnswer(ctx, err)
	}
	return reply(v), nil
}

func (a *API) registerDevices() {
	const meters = Prefix + "/accounts/{account}/meters"
	huma.Register(a.huma, huma.Operation{
		OperationID: "meters", Method: http.MethodGet, Path: meters, Tags: []string{"Household"},
		Summary: "A household's meters and devices, and the keys that they sign with",
	}, func(ctx context.Context, in *struct {
		Account string `path:"account" doc:"the household's account"`
	},
	) (*body[HouseholdMeters], error) {
		return ofAccount(ctx, a, in.Account, func(account tx.AccountID) (HouseholdMeters, error) {
			m, err := a.Source.Meters(ctx, account)
			return HouseholdMeters{m, a.Devices != nil}, err
		})
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "meter-code", Method: http.MethodPost, Path: meters + "/{device}/code", Tags: []string{"Household"},
		Summary:     "Make a one-time code by which a device enrols",
		Description: "It is good once, for 15 minutes, for this device; an earlier one is good no longer.",
	}, func(ctx context.Context, in *struct {
		Account  string `path:"account" doc:"the household's account"`
		Device   string `path:"device" doc:"one of its meters, or of what is behind them"`
		Replaced bool   `query:"replaced" doc:"another meter, with registers of its own, takes the device's place"`
	},
	) (*body[EnrolCode], error) {
		return ofDevice(ctx, a, accountDevice{in.Account, in.Device}, func(account tx.AccountID, d grid.DeviceID) (EnrolCode, error) {
			c, err := a.Devices.Code(ctx, account, d, in.Replaced)
			if err == nil {
				c.QR, err = drawn(c.URL)
			}
			return c, err
		})
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "meter-revoke", Method: http.MethodPost, Path: meters + "/{device}/revoke", Tags: []string{"Household"},
		Summary: "Take a device's key away: what it signs is refused from then on",
	}, func(ctx context.Context, in *accountDevice) (*body[HouseholdMeters], error) {
		return ofDevice(ctx, a, *in, func(account tx.AccountID, d grid.DeviceID) (HouseholdMeters, error) {
			if err := a.Devices.Revoke(ctx, account, d); err != nil {
				return HouseholdMeters{}, err
			}
			m, err := a.Source.Meters(ctx, account)
			return HouseholdMeters{m, true}, err
		})
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "meter-dispute", Method: http.MethodPost, Path: meters + "/{device}/dispute", Tags: []string{"Household"},
		Summary:     "Say that what a device measured on some days is wrong",
		Description: "It changes nothing: the operator is told, finds out, and sends what is right.",
	}, func(ctx context.Context, in *struct {
		Account string `path:"account" doc:"the household's account"`
		Device  string `path:"device" doc:"one of its meters, or of what is behind them"`
		Body    Disputed
	},
	) (*body[Disputed], error) {
		return ofDevice(ctx, a, accountDevice{in.Account, in.Device}, func(account tx.AccountID, d grid.DeviceID) (Disputed, error) {
			return in.Body, a.Devices.Dispute(ctx, account, d, in.Body.From, in.Body.To)
		})
	})
	a.registerEnrolment()
}

// Disputed is what a household says is wrong.
type Disputed struct {
	From string `json:"from" doc:"the first day" example:"2026-06-20" maxLength:"10"`
	To   string `json:"to" doc:"the last one, as far as it is settled" example:"2026-06-21" maxLength:"10"`
}

func (a *API) registerEnrolment() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "device-node", Method: http.MethodGet, Path: Prefix + "/devices", Tags: []string{"Devices"},
		Summary: "What is the same for every device of the node, and the key that signs receipts",
	}, func(ctx context.Context, _ *struct{}) (*body[DeviceNode], error) {
		if a.Devices == nil {
			return nil, noDevices()
		}
		n, err := a.Devices.Node(ctx)
		if err != nil {
			return nil, answer(ctx, err)
		}
		return reply(n), nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "enrol", Method: http.MethodPost, Path: Prefix + "/devices/enrol", Tags: []string{"Devices"},
		Summary: "Enrol a device's key by a one-time code",
		Description: "The answer comes when the key is on the ledger, and has everything that the device needs. " +
			"404: there is no such code; 409: it was used, or the ledger refuses, and then the code is good again; 410: it is too old; " +
			"422: the signature does not show that the device has the key; 429: one client brings too many.",
	}, func(ctx context.Context, in *struct{ Body Enrolment }) (*body[Enrolled], error) {
		if a.Devices == nil {
			return nil, noDevices()
		}
		if wait := a.enrols.wait(visitorOf(ctx).client, time.Now()); wait > 0 {
			seconds := strconv.Itoa(int(wait.Seconds()) + 1)
			return nil, huma.ErrorWithHeaders(huma.NewError(http.StatusTooManyRequests, "too many codes from here: try again in "+seconds+" s"), http.Header{"Retry-After": {seconds}})
		}
		if !device.Possesses(in.Body.Code, in.Body.Key, in.Body.Signature) {
			return nil, huma.Error422UnprocessableEntity("the signature is not that of the key, for this code: sign commonwatt/device/enrol/1, a line feed, the code, a line feed and the key's 32 bytes with Ed25519")
		}
		e, err := a.Devices.Enrol(ctx, in.Body)
		if err != nil {
			return nil, deviceAnswer(ctx, err)
		}
		return reply(e), nil
	})
}
