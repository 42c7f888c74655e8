package live

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// CodePath is the page that a code's address leads to, should a person open it. The code
// is behind it, in the fragment, which no server and no log sees.
const CodePath = "/meters"

// owners is a community while the owners of devices connect them.
type owners struct{ *Live }

// Owners lets owners connect their devices.
func (l *Live) Owners() api.Devices { return owners{l} }

// Node is what is the same for every device.
func (l owners) Node(ctx context.Context) (n api.DeviceNode, err error) {
	n = api.DeviceNode{Chain: l.chain(), ReceiptKey: l.ReceiptKey.Public().(ed25519.PublicKey)}
	if l.Gateway == nil {
		return n, nil
	}
	s, err := l.Gateway.State(ctx)
	n.MQTT = reachable(s.Address, l.Origin)
	return n, err
}

// reachable is an address of ours as others reach it: one of all networks of this
// computer is at what people open.
func reachable(address, origin string) string {
	a, bad := url.Parse(address)
	o, worse := url.Parse(origin)
	if bad != nil || worse != nil {
		return address
	}
	if ip := net.ParseIP(a.Hostname()); ip == nil || !ip.IsUnspecified() {
		return address
	}
	a.Host = net.JoinHostPort(o.Hostname(), a.Port())
	return a.String()
}

// Code makes a code for a device of an account.
func (l owners) Code(ctx context.Context, account tx.AccountID, d grid.DeviceID, replaced bool) (c api.EnrolCode, err error) {
	err = l.between(ctx, func(context.Context) error {
		meter, err := l.meterOf(account, d)
		if err == nil {
			c, err = l.code(meter, replaced)
		}
		return err
	})
	return c, err
}

// meterOf is the name of a device that is an account's.
//
// Errors: *pages.NotFound.
func (l *Live) meterOf(account tx.AccountID, d grid.DeviceID) (string, error) {
	for _, name := range l.community.Meters().All() {
		if meter, _ := l.community.Meters().Get(name); l.community.DeviceID(name) == d && l.community.Account(meter.Member) == account {
			return name, nil
		}
	}
	return "", &pages.NotFound{What: fmt.Sprintf("device %d of this household", d), Next: "the list of meters says which it has"}
}

// code makes a code for a meter of the community.
//
// Errors: *community.Refused for a meter that there is not; session.ErrCodesFull; those
// of the disk.
func (l *Live) code(meter string, replaced bool) (c api.EnrolCode, err error) {
	if !l.community.Meters().Has(meter) {
		return c, &community.Refused{File: community.File, Reason: fmt.Sprintf(
			"there is no meter %.80q: \"commonwatt meter list\" lists the meters; no code was made", meter)}
	}
	of := session.Code{Meter: meter, Microgrid: uint64(l.community.Microgrid()), Device: uint64(l.community.DeviceID(meter)), Replaced: replaced}
	text, of, err := l.Codes.Make(of)
	return api.EnrolCode{Code: text, Meter: meter, Until: interval.Time(of.Until.Unix()), URL: l.Origin + CodePath + "#" + text}, err
}

// Enrol uses a code up, books the key and issues a credential. Who brings the key that
// the device has already was not told so: nothing is booked, and it is told.
func (l owners) Enrol(ctx context.Context, e api.Enrolment) (told api.Enrolled, err error) {
	told.DeviceNode, err = l.Node(ctx)
	if err != nil {
		return told, err
	}
	code, err := l.Codes.Take(e.Code)
	if err != nil {
		return told, err
	}
	err = l.between(ctx, func(ctx context.Context) error { return l.enrol(ctx, code, e, &told) })
	if err != nil {
		return told, errors.Join(err, l.Codes.Return(e.Code))
	}
	return told, nil
}

// enrol books a key for the device of a code.
func (l *Live) enrol(ctx context.Context, code session.Code, e api.Enrolment, told *api.Enrolled) error {
	d := grid.Device{Microgrid: grid.MicrogridID(code.Microgrid), Device: grid.DeviceID(code.Device)}
	if has := l.keyOf(d); string(has.Public) != string(e.Key) || has.Bridged != e.Bridged {
		o := device.EnrolKeyKind.Encode(device.EnrolKey{Microgrid: d.Microgrid, Device: d.Device, Key: e.Key, Replaced: code.Replaced, Bridged: e.Bridged})
		if err := l.Operator.Submit(ctx, []tx.Operation{o}); err != nil {
			return err
		}
	}
	list, err := Credentials(l.community, l.Devices, []string{code.Meter})
	if err != nil {
		return err
	}
	key, c := l.keyOf(d), list[0]
	told.Meter, told.Microgrid, told.Device, told.Epoch, told.Sequence = code.Meter, d.Microgrid, d.Device, key.Epoch, key.Highest
	told.Interval, told.User, told.Password, told.Reading, told.Receipt = int64(l.community.Length), c.User, c.Password, c.Reading, c.Receipt
	told.Post = fmt.Sprintf("%s%s/microgrids/%d/devices/%d/readings", l.Origin, api.Prefix, d.Microgrid, d.Device)
	return nil
}

// keyOf is a device's key on the ledger; none has no bytes.
func (l *Live) keyOf(d grid.Device) (key device.Key) {
	l.Node.Read(func(rows state.Reader, _ machine.Head) { key, _ = device.KeyOf(rows, d) })
	return key
}

// Revoke takes the key of an account's device away, and its way in.
func (l owners) Revoke(ctx context.Context, account tx.AccountID, d grid.DeviceID) error {
	return l.between(ctx, func(ctx context.Context) error {
		if _, err := l.meterOf(account, d); err != nil {
			return err
		}
		return l.revoke(ctx, device.RevokeKey{Microgrid: l.community.Microgrid(), Device: d})
	})
}

// revoke takes a device's key away, and then its way in.
func (l *Live) revoke(ctx context.Context, r device.RevokeKey) error {
	if err := l.Operator.Submit(ctx, []tx.Operation{device.RevokeKeyKind.Encode(r)}); err != nil {
		return err
	}
	return l.Devices.Withdraw(broker.User(grid.Device{Microgrid: r.Microgrid, Device: r.Device}))
}

// CodeRequest asks for a code.
type CodeRequest struct {
	Meter    string `json:"meter"`
	Replaced bool   `json:"replaced"`
}

// enrolCode answers a command with a code.
func (l *Live) enrolCode(life context.Context, w http.ResponseWriter, r *http.Request) {
	var ask CodeRequest
	var c api.EnrolCode
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBodyMax)).Decode(&ask)
	if err == nil {
		err = l.between(life, func(context.Context) (err error) {
			c, err = l.code(ask.Meter, ask.Replaced)
			return err
		})
	}
	tell(w, c, err)
}
