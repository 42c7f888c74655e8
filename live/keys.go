package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// keysMost is how many keys are booked at once; meanwhile nothing else is.
const keysMost = 1000

// DeviceKeys books the first keys, or the next ones, of many devices, and returns the
// epochs that they are in, in their order. A key that is the device's already stays.
//
// Errors: *BadError.
func (c *Client) DeviceKeys(ctx context.Context, keys []device.EnrolKey) (epochs []uint32, err error) {
	for len(keys) > 0 {
		n := min(keysMost, len(keys))
		text, err := json.Marshal(keys[:n])
		if err != nil {
			return nil, err
		}
		var list []uint32
		if err := c.ask(ctx, http.MethodPost, "/keys", text, &list); err != nil {
			return nil, err
		}
		epochs, keys = append(epochs, list...), keys[n:]
	}
	return epochs, nil
}

// deviceKeys books keys of devices, and answers with their epochs.
func (l *Live) deviceKeys(life context.Context, w http.ResponseWriter, r *http.Request) {
	var keys []device.EnrolKey
	epochs := []uint32{}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBodyMax)).Decode(&keys)
	if err == nil && len(keys) > keysMost {
		err = fmt.Errorf("live: %d keys at once are too many: %d are the most", len(keys), keysMost)
	}
	if err == nil {
		err = l.between(life, func(ctx context.Context) error {
			if err := l.Operator.Submit(ctx, l.unbooked(keys)); err != nil {
				return err
			}
			l.Node.Read(func(rows state.Reader, _ machine.Head) {
				for _, k := range keys {
					is, _ := device.KeyOf(rows, grid.Device{Microgrid: k.Microgrid, Device: k.Device})
					epochs = append(epochs, is.Epoch)
				}
			})
			return nil
		})
	}
	tell(w, epochs, err)
}

// unbooked are the operations that book those of the keys that the ledger does not have.
func (l *Live) unbooked(keys []device.EnrolKey) (operations []tx.Operation) {
	l.Node.Read(func(rows state.Reader, _ machine.Head) {
		for _, k := range keys {
			is, _ := device.KeyOf(rows, grid.Device{Microgrid: k.Microgrid, Device: k.Device})
			if string(is.Public) != string(k.Key) {
				operations = append(operations, device.EnrolKeyKind.Encode(k))
			}
		}
	})
	return operations
}
