package certificate

import (
	"fmt"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Audit holds every lot, and what was used, to what must be true of it after every block.
//
// Errors: the first lot whose parts do not sum to what was issued, or of which the
// holders have something else than it says; the first interval of whose use more or less
// is claimed than of its lots; the first store of which more came out than went in.
func Audit(s state.Reader) error {
	if err := auditLots(s); err != nil {
		return err
	}
	if err := auditLocks(s); err != nil {
		return err
	}
	if err := auditUse(s); err != nil {
		return err
	}
	return auditStores(s)
}

// auditStores holds every store to what went into it and came out.
func auditStores(s state.Reader) error {
	var in quantity.Energy
	out := map[grid.Device]quantity.Energy{}
	for id, l := range lots.All(s) {
		d := grid.Device{Microgrid: id.Microgrid, Device: id.Device}
		in, out[d] = quantity.MustAdd(in, l.Stored), quantity.MustAdd(out[d], l.Issued)
	}
	for k, x := range stores.All(s) {
		var holds quantity.Energy
		next := x.First
		for item, source := range inventory.Under(s, k) {
			if source.Energy <= 0 || item.number != next {
				return fmt.Errorf("certificate: there are %d Wh of number %d in the store %d, after number %d", source.Energy, item.number, k.Device, next)
			}
			holds = quantity.MustAdd(holds, source.Energy)
			next++
		}
		if holds != x.Holds() || next != x.Next || x.Lost < 0 || x.Out != out[k] {
			return fmt.Errorf("certificate: %d Wh are in the store %d, and %d were issued of it: %+v", holds, k.Device, out[k], x)
		}
		in = quantity.MustSub(in, x.In)
	}
	if in != 0 {
		return fmt.Errorf("certificate: %d Wh of lots are stored, and no store has them", in)
	}
	return nil
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

// auditLocks holds lots against the exports that are not settled.
func auditLocks(s state.Reader) error {
	locked := map[LotID]quantity.Energy{}
	for id, l := range locks.All(s) {
		if l.Phase != Locked {
			continue
		}
		for _, p := range l.parts(id.Microgrid) {
			locked[p.lot()] = quantity.MustAdd(locked[p.lot()], p.Energy)
		}
	}
	for id, l := range lots.All(s) {
		if locked[id] != l.Locked {
			return fmt.Errorf("certificate: exports lock %d Wh of the lot of device %d at %d: %+v", locked[id], id.Device, id.Start, l)
		}
		delete(locked, id)
	}
	if len(locked) > 0 {
		return fmt.Errorf("certificate: exports lock certificates of %d lots that there are not", len(locked))
	}
	return nil
}
