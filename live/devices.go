package live

import (
	"fmt"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/session"
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
