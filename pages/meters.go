package pages

import (
	"context"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Meters is a household's meters and devices, and the keys that they sign with.
type Meters struct {
	Account   tx.AccountID     `json:"account,string"`
	Name      string           `json:"name" doc:"as in the community file"`
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Length    int64            `json:"length" doc:"of an interval, in seconds"`
	Meters    []Meter          `json:"meters"`
}

// KeyState says what becomes of what a device signs.
type KeyState string

// States of a device's key.
const (
	NoKey       KeyState = "none"        // It was never given one.
	ActiveKey   KeyState = "active"      // It counts.
	RevokedKey  KeyState = "revoked"     // It is refused.
	Quarantined KeyState = "quarantined" // It is kept and not settled from: the device contradicted itself.
)

// Meter is a meter or a device behind one, and its key.
type Meter struct {
	Device   grid.DeviceID `json:"device,string"`
	Name     string        `json:"name" doc:"as in the community file"`
	Kind     string        `json:"kind" doc:"meter, solar, wind, hydro, generator, battery, ev, heat-pump or load"`
	State    KeyState      `json:"state" enum:"none,active,revoked,quarantined"`
	Epoch    uint32        `json:"epoch" doc:"which of the device's keys it is; 0: it had none"`
	Sequence uint64        `json:"sequence" doc:"of the latest message under this key; 0: there is none"`
	Last     interval.Time `json:"last" doc:"end of the interval of the latest message; 0: there is none"`
	Bridged  bool          `json:"bridged" doc:"a gateway in the home signs for it"`
}

// Meters tells a household which of its meters sign their readings.
//
// Errors: *NotFound; those of the view.
func (s *Source) Meters(ctx context.Context, account tx.AccountID) (m Meters, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.household(r, account)
		if err != nil {
			return err
		}
		m = Meters{
			Account: account, Name: h.names.Accounts[account], Microgrid: h.microgrid.ID, Length: int64(h.microgrid.Length), Meters: []Meter{},
		}
		s.Read(func(rows state.Reader, _ machine.Head) {
			for _, id := range h.order {
				m.Meters = append(m.Meters, h.meter(rows, id))
			}
		})
		return nil
	})
	return m, err
}

// meter is a device with its key.
func (h *household) meter(rows state.Reader, id grid.DeviceID) Meter {
	m := Meter{Device: id, Name: h.meterName(id), Kind: kindName(h.devices[id].Kind), State: NoKey}
	k, ok := device.KeyOf(rows, grid.Device{Microgrid: h.microgrid.ID, Device: id})
	if !ok {
		return m
	}
	m.State, m.Epoch, m.Sequence, m.Bridged = ActiveKey, k.Epoch, k.Highest, k.Bridged
	if k.Last != 0 {
		m.Last = k.Last + interval.Time(h.microgrid.Length)
	}
	switch {
	case len(k.Public) == 0:
		m.State = RevokedKey
	case k.Quarantined:
		m.State = Quarantined
	}
	return m
}
