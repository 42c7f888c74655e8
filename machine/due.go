package machine

import (
	"bytes"
	"maps"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tariff"
)

// The most that one block closes, so that a backlog does not make a block long.
const (
	maxCloses    = 256
	maxCloseWork = 20_000 // Devices, summed over the closes; one close at least.
)

// Due lists the closes that are due in the committed rows.
func (m *Machine) Due() []Close { return m.agenda.due() }

// Due lists the closes that are due in some rows, corrections first, as many as
// one block takes.
func Due(s state.Reader) []Close { return agendaOf(s).due() }

// agenda is what is due of each microgrid of which something is. A machine keeps it
// from block to block, for a look at every microgrid takes longer than to settle one.
type agenda map[grid.MicrogridID]matter

// matter is what is due of one microgrid, as much of it as one block takes.
type matter struct {
	devices uint64
	closes  []Close
}

// agendaOf is the agenda of some rows.
func agendaOf(s state.Reader) agenda {
	a := agenda{}
	for id, m := range grid.All(s) {
		a.set(s, id, m)
	}
	return a
}

// set looks at one microgrid.
func (a agenda) set(s state.Reader, id grid.MicrogridID, m grid.Microgrid) {
	list := dueOf(s, id, m)
	if len(list) == 0 {
		delete(a, id)
		return
	}
	a[id] = matter{m.Devices, list}
}

// change looks at the microgrids of which rows have changed that decide what is due.
func (a agenda) change(s state.Reader, changes []state.Change) {
	changed := map[grid.MicrogridID]bool{}
	for _, c := range changes {
		if id, ok := decides(c.Key); ok && !changed[id] {
			changed[id] = true
			if m, ok := grid.At(s, id); ok {
				a.set(s, id, m)
			}
		}
	}
}

// decides returns the microgrid of which a row may decide what is due. The keys of all
// rows of grids, readings and tariffs begin with it.
func decides(key []byte) (id grid.MicrogridID, ok bool) {
	table, rest, _ := bytes.Cut(key, []byte("/"))
	domain, _, _ := bytes.Cut(table, []byte("."))
	switch string(domain) {
	case "grid", "metering", "tariff":
		return id.ReadKey(rest), true
	}
	return 0, false
}

// due lists what is due by microgrid, as many as one block takes.
func (a agenda) due() []Close {
	var list []Close
	var work uint64
	for _, id := range slices.Sorted(maps.Keys(a)) {
		for _, c := range a[id].closes {
			if len(list) >= maxCloses || len(list) > 0 && work+a[id].devices > maxCloseWork {
				return list
			}
			list, work = append(list, c), work+a[id].devices
		}
	}
	return list
}

// dueOf lists the closes of a microgrid that are due, corrections first.
func dueOf(s state.Reader, id grid.MicrogridID, m grid.Microgrid) []Close {
	if m.Suspended {
		return nil
	}
	var list []Close
	for start := range metering.Revisions(s, id) {
		if len(list) == maxCloses {
			return list
		}
		list = append(list, Close{Microgrid: id, Start: start, Again: true})
	}
	for start := m.Open; len(list) < maxCloses && ready(s, id, m, start); start += interval.Time(m.Length) {
		list = append(list, Close{Microgrid: id, Start: start})
	}
	return list
}

// ready reports whether an interval may be settled: there is a tariff, and its
// readings are complete or no longer waited for.
func ready(s state.Reader, id grid.MicrogridID, m grid.Microgrid, start interval.Time) bool {
	if m.Devices == 0 || !metering.Complete(s, id, m, start) && !metering.Overdue(s, id, m, start) {
		return false
	}
	_, priced := tariff.At(s, id, start)
	return priced
}
