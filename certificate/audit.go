package certificate

import (
	"fmt"

	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Audit holds every lot to what must be true of it after every block.
//
// Errors: the first lot whose parts do not sum to what was issued, or of which the
// holders have something else than it says.
func Audit(s state.Reader) error {
	var known uint64
	for id, l := range lots.All(s) {
		var held quantity.Energy
		for _, e := range Holders(s, id) {
			if e <= 0 {
				return fmt.Errorf("certificate: an account has %d Wh of the lot of device %d at %d", e, id.Device, id.Start)
			}
			held = quantity.MustAdd(held, e)
			known++
		}
		if !l.Balances() || held != l.Held {
			return fmt.Errorf("certificate: of the lot of device %d at %d holders have %d Wh: %+v", id.Device, id.Start, held, l)
		}
	}
	for k := range holdings.All(s) {
		if known == 0 {
			return fmt.Errorf("certificate: account %d has something of a lot of device %d at %d that there is not", k.Account, k.Lot.Device, k.Lot.Start)
		}
		known--
	}
	return nil
}
