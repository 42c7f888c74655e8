package certificate

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Source is energy of a lot that a store took or gave. A store that gives of all it has
// in proportion counts by device, and the start is that of the latest lot.
type Source struct {
	_      struct{} `cbor:",toarray"`
	Device grid.DeviceID
	Start  interval.Time
	Energy quantity.Energy
}

// stored is the key of something that is in a store.
type stored struct {
	store  grid.Device
	number uint64
}

// AppendKey orders by store, then number.
func (k stored) AppendKey(b []byte) []byte {
	return binary.BigEndian.AppendUint64(k.store.AppendKey(b), k.number)
}

// ReadKey reads what AppendKey wrote.
func (stored) ReadKey(b []byte) stored {
	return stored{grid.Device{}.ReadKey(b), binary.BigEndian.Uint64(b[16:])}
}

var inventory = state.NewTable[stored, Source]("certificate.stored")

// maxSources bounds of how many lots a store takes and gives in an interval, and, where
// it gives in proportion, how many devices' certificates are in it.
const maxSources = 64

// InStore yields what is in a store, in the order in which it came.
func InStore(s state.Reader, d grid.Device) func(func(Source) bool) {
	return func(yield func(Source) bool) {
		for _, item := range inventory.Under(s, d) {
			if !yield(item) {
				return
			}
		}
	}
}

// put puts sources into a store, one after the other or, where it gives in proportion,
// to what is of the same device.
func (x *Store) put(s state.Store, k grid.Device, sources []Source) {
	for _, source := range sources {
		x.In = quantity.MustAdd(x.In, source.Energy)
		at := x.place(s, k, source.Device)
		item, _ := inventory.Get(s, at)
		source.Energy = quantity.MustAdd(source.Energy, item.Energy)
		x.Next = max(x.Next, at.number+1)
		inventory.Put(s, at, source)
	}
}

// place is where a source of a device goes in a store: behind all, or to what is of the
// same device.
func (x *Store) place(s state.Reader, k grid.Device, device grid.DeviceID) stored {
	for n := x.First; x.Method == Weighted && n < x.Next; n++ {
		if item, _ := inventory.Get(s, stored{k, n}); item.Device == device {
			return stored{k, n}
		}
	}
	return stored{k, x.Next}
}

// roomFor reports whether a store takes one more source of a device, besides taken ones.
func (x *Store) roomFor(s state.Reader, k grid.Device, device grid.DeviceID, taken []Source) bool {
	if x.Method != Weighted {
		return len(taken) < maxSources
	}
	list := x.next(s, k)
	return len(list)+len(taken) < maxSources || slices.ContainsFunc(list, func(item Source) bool { return item.Device == device })
}

// spoil loses what came before a moment: nobody can use it in time any more.
func (x *Store) spoil(s state.Store, k grid.Device, before interval.Time) (lost quantity.Energy) {
	if x.Method == Weighted {
		list := x.next(s, k) // All: there are no more than maxSources.
		kept := slices.DeleteFunc(list, func(item Source) bool {
			if item.Start < before {
				lost = quantity.MustAdd(lost, item.Energy)
			}
			return item.Start < before
		})
		if lost > 0 {
			x.refill(s, k, kept)
		}
	}
	for ; x.Method != Weighted && x.First < x.Next; x.First++ {
		item, _ := inventory.Get(s, stored{k, x.First})
		if item.Start >= before {
			break // Those after it came later.
		}
		lost = quantity.MustAdd(lost, item.Energy)
		inventory.Delete(s, stored{k, x.First})
	}
	x.Lost = quantity.MustAdd(x.Lost, lost)
	return lost
}

// refill puts a list in the place of what is in a store.
func (x *Store) refill(s state.Store, k grid.Device, list []Source) {
	for n := x.First; n < x.Next; n++ {
		inventory.Delete(s, stored{k, n})
	}
	x.First, x.Next = 0, 0
	for _, item := range list {
		inventory.Put(s, stored{k, x.Next}, item)
		x.Next++
	}
}

// next is what a store would give of, the first first; at most maxSources.
func (x *Store) next(s state.Reader, k grid.Device) []Source {
	var list []Source
	for n := range min(x.Next-x.First, maxSources) {
		at := x.First + n
		if x.Method == LIFO {
			at = x.Next - 1 - n
		}
		item, _ := inventory.Get(s, stored{k, at})
		list = append(list, item)
	}
	return list
}

// give takes out of a store what it gives: as much as it discharged, as far as what is
// in it yields so much at its efficiency. It returns of what; the rest of that is lost.
func (x *Store) give(s state.Store, k grid.Device, discharged quantity.Energy, ppm uint32) (out quantity.Energy, of []Source) {
	list := x.next(s, k)
	var there quantity.Energy
	for _, item := range list {
		there = quantity.MustAdd(there, item.Energy)
	}
	out, used := discharged, needed(discharged, ppm)
	if used > there {
		out = scaled(there, ppm)
		used = needed(out, ppm)
	}
	if out == 0 {
		return 0, nil
	}
	for n, share := range x.shares(list, used) {
		if share > 0 {
			of = append(of, Source{Device: list[n].Device, Start: list[n].Start, Energy: share})
			list[n].Energy = quantity.MustSub(list[n].Energy, share)
		}
	}
	x.after(s, k, list)
	x.Out, x.Lost = quantity.MustAdd(x.Out, out), quantity.MustAdd(x.Lost, quantity.MustSub(used, out))
	return out, of
}

// shares divides what a store gives among what it gives of: by largest remainder where
// it gives in proportion, else all of the first before any of the next.
func (x *Store) shares(list []Source, used quantity.Energy) []quantity.Energy {
	shares := make([]quantity.Energy, len(list))
	if x.Method == Weighted {
		weights := make([]quantity.Share, len(list))
		for n, item := range list {
			weights[n] = quantity.Share{Weight: uint64(item.Energy), Rank: uint64(n)} //nolint:gosec // Not below zero.
		}
		for n, part := range quantity.Split(uint64(used), weights) { //nolint:gosec // Not below zero.
			shares[n] = quantity.Energy(part) //nolint:gosec // Not more than used.
		}
		return shares
	}
	for n, item := range list {
		shares[n] = min(item.Energy, used)
		used = quantity.MustSub(used, shares[n])
	}
	return shares
}

// after writes what is left of what a store gave of, as next listed it.
func (x *Store) after(s state.Store, k grid.Device, list []Source) {
	if x.Method == Weighted {
		x.refill(s, k, slices.DeleteFunc(list, func(item Source) bool { return item.Energy == 0 }))
		return
	}
	for _, item := range list {
		at := x.First
		if x.Method == LIFO {
			at = x.Next - 1
		}
		if item.Energy > 0 {
			inventory.Put(s, stored{k, at}, item)
			return
		}
		inventory.Delete(s, stored{k, at})
		if x.Method == LIFO {
			x.Next--
		} else {
			x.First++
		}
	}
}

// needed is how much has to be in a store for it to give some energy, rounded up to
// the Wh.
func needed(out quantity.Energy, ppm uint32) quantity.Energy {
	hi, lo := bits.Mul64(uint64(out), million) //nolint:gosec // Not below zero.
	lo, carry := bits.Add64(lo, uint64(ppm-1), 0)
	whole, _ := bits.Div64(hi+carry, lo, uint64(ppm))
	return quantity.Energy(whole) //nolint:gosec // At most 2^28 Wh by a million.
}
