package certificate

import (
	"fmt"

	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Audit holds every lot, and what was used, to what must be true of it after every block.
//
// Errors: the first lot whose parts do not sum to what was issued, or of which the
// holders have something else than it says; the first interval of whose use more or less
// is claimed than of its lots.
func Audit(s state.Reader) error {
	if err := auditLots(s); err != nil {
		return err
	}
	return auditUse(s)
}

// auditUse holds the use of every interval against what is claimed of its lots.
func auditUse(s state.Reader) error {
	for k, u := range usages.All(s) {
		sum := u.Claimed
		for _, left := range u.Left {
			if left < 0 {
				return fmt.Errorf("certificate: a connection point has %d Wh of use left at %d", left, k.Start)
			}
			sum = quantity.MustAdd(sum, left)
		}
		var claimed quantity.Energy
		for _, l := range lots.Under(s, k) {
			claimed = quantity.MustAdd(claimed, l.Claimed)
		}
		if sum != u.Used || claimed != u.Claimed {
			return fmt.Errorf("certificate: at %d %d Wh of lots are claimed, for %d of %d Wh of use, of which %d are accounted for", k.Start, claimed, u.Claimed, u.Used, sum)
		}
	}
	return nil
}

// auditLots holds lots against what their holders have.
func auditLots(s state.Reader) error {
	var known, aside uint64
	for id, l := range lots.All(s) {
		var held, reserved quantity.Energy
		for _, e := range Holders(s, id) {
			if e <= 0 {
				return fmt.Errorf("certificate: an account has %d Wh of the lot of device %d at %d", e, id.Device, id.Start)
			}
			held = quantity.MustAdd(held, e)
			known++
		}
		for k, r := range reservations.Under(s, id) {
			if r.Energy <= 0 {
				return fmt.Errorf("certificate: account %d set %d Wh aside of the lot of device %d at %d", k.Holder, r.Energy, id.Device, id.Start)
			}
			reserved = quantity.MustAdd(reserved, r.Energy)
			aside++
		}
		if !l.Balances() || held != l.Held || reserved != l.Reserved {
			return fmt.Errorf("certificate: of the lot of device %d at %d holders have %d Wh and set %d aside: %+v", id.Device, id.Start, held, reserved, l)
		}
	}
	for k := range holdings.All(s) {
		if known == 0 {
			return fmt.Errorf("certificate: account %d has something of a lot of device %d at %d that there is not", k.Account, k.Lot.Device, k.Lot.Start)
		}
		known--
	}
	for k := range reservations.All(s) {
		if aside == 0 {
			return fmt.Errorf("certificate: account %d set something aside of a lot of device %d at %d that there is not", k.Holder, k.Lot.Device, k.Lot.Start)
		}
		aside--
	}
	return nil
}
