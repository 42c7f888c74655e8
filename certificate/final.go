package certificate

import (
	"cmp"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Finalise does what follows when nothing corrects the certificates of an interval
// any more, as m's first open one closes: stores give and take theirs, and the
// standing rules of those who have some are followed. An interval that waits for a
// correction waits with that, too.
func Finalise(ctx *op.Context, s state.Store, id grid.MicrogridID, m grid.Microgrid) {
	if start := metering.Finals(m); !metering.IsRevised(s, id, start) {
		finalise(ctx, s, metering.Moment{Microgrid: id, Start: start})
	}
}

// FinaliseCorrected is Finalise for an interval that waited for its correction.
func FinaliseCorrected(ctx *op.Context, s state.Store, id grid.MicrogridID, m grid.Microgrid, start interval.Time) {
	if start < metering.Correctable(m) {
		finalise(ctx, s, metering.Moment{Microgrid: id, Start: start})
	}
}

func finalise(ctx *op.Context, s state.Store, k metering.Moment) {
	u, ok := usages.Get(s, k)
	if !ok || u.Final {
		return
	}
	u.store(ctx, s, k)
	followRules(ctx, s, k)
	u.Final, u.Flows = true, nil
	usages.Put(s, k, u)
}

// belonging is what an account has of a lot.
type belonging struct {
	account tx.AccountID
	part    Part
}

// belongings is what accounts have of the lots of an interval, free to be passed on,
// by account and then lot.
func belongings(s state.Reader, k metering.Moment) []belonging {
	var list []belonging
	for h, b := range holdings.Under(s, k) {
		list = append(list, belonging{h.Account, Part{Microgrid: h.Lot.Microgrid, Start: h.Lot.Start, Device: h.Lot.Device, Energy: b.Energy}})
	}
	slices.SortStableFunc(list, func(a, b belonging) int { return cmp.Compare(a.account, b.account) })
	return list
}

// ofOne splits a list of belongings: those of the first account, and the rest.
func ofOne(list []belonging) (first, rest []belonging) {
	n := 1
	for n < len(list) && list[n].account == list[0].account {
		n++
	}
	return list[:n], list[n:]
}

// of is what one account has of a list.
func of(list []belonging, account tx.AccountID) []belonging {
	first, _ := slices.BinarySearchFunc(list, account, func(b belonging, a tx.AccountID) int { return cmp.Compare(b.account, a) })
	n := first
	for n < len(list) && list[n].account == account {
		n++
	}
	return list[first:n]
}
