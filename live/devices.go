package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/tx"
)

// Credential is by what a device connects. The password is told once.
type Credential struct {
	Meter    string `json:"meter"`
	User     string `json:"user"`
	Password string `json:"password"`
	Reading  string `json:"reading"` // The topic that it publishes on.
	Receipt  string `json:"receipt"` // The topic that it hears on.
}

// Credentials issues credentials for meters of a community, in their order. They
// take the place of earlier ones.
//
// Errors: *community.Refused for a meter that there is not; those of the disk.
func Credentials(c *community.Community, devices *session.Devices, meters []string) ([]Credential, error) {
	var list []Credential
	var users []string
	for _, meter := range meters {
		if _, ok := c.Meters().Get(meter); !ok {
			return nil, &community.Refused{File: community.File, Reason: fmt.Sprintf(
				"there is no meter %.80q: \"commonwatt meter list\" lists the meters; no credential was made", meter)}
		}
		d := grid.Device{Microgrid: c.Microgrid(), Device: c.DeviceID(meter)}
		list = append(list, Credential{Meter: meter, User: broker.User(d), Reading: broker.ReadingTopic(d), Receipt: broker.ReceiptTopic(d)})
		users = append(users, broker.User(d))
	}
	passwords, err := devices.Issue(users...)
	if err != nil {
		return nil, err
	}
	for i, password := range passwords {
		list[i].Password = password
	}
	return list, nil
}

// DeviceKey is what becomes of the key of a device: one of the two.
type DeviceKey struct {
	Enrol  *device.EnrolKey  `json:"enrol,omitempty"`
	Revoke *device.RevokeKey `json:"revoke,omitempty"`
}

// Operation is the operation that books it, and the device whose key it is.
func (k DeviceKey) Operation() (tx.Operation, grid.Device) {
	if k.Enrol != nil {
		return device.EnrolKeyKind.Encode(*k.Enrol), grid.Device{Microgrid: k.Enrol.Microgrid, Device: k.Enrol.Device}
	}
	return device.RevokeKeyKind.Encode(*k.Revoke), grid.Device{Microgrid: k.Revoke.Microgrid, Device: k.Revoke.Device}
}

// deviceKey books what becomes of a device's key, and answers with the epoch that the
// device is in.
func (l *Live) deviceKey(life context.Context, w http.ResponseWriter, r *http.Request) {
	var k DeviceKey
	var epoch uint32
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBodyMax)).Decode(&k)
	if err == nil && (k.Enrol == nil) == (k.Revoke == nil) {
		err = errors.New("live: a key is enrolled or revoked, one of the two")
	}
	if err == nil {
		err = l.between(life, func(ctx context.Context) error {
			if k.Revoke != nil {
				return l.revoke(ctx, *k.Revoke)
			}
			o, d := k.Operation()
			err := l.Operator.Submit(ctx, []tx.Operation{o})
			epoch = l.keyOf(d).Epoch
			return err
		})
	}
	tell(w, epoch, err)
}
