package pages

import (
	"github.com/commonwatt/commonwatt/attribution"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/view"
)

// deviceList is a household's devices while a day is read, its meters left out.
type deviceList struct {
	devices []Device
	taken   []quantity.Energy
	given   []quantity.Energy
	at      map[grid.DeviceID]int
}

func (h *household) deviceList() *deviceList {
	l := &deviceList{at: map[grid.DeviceID]int{}}
	for _, id := range h.order {
		d := h.devices[id]
		if d.Kind == grid.Meter {
			continue
		}
		l.at[id] = len(l.devices)
		l.devices = append(l.devices, Device{Device: id, Name: h.names.Meters[id], Kind: kindName(d.Kind), Capacity: d.CapacityW})
	}
	l.taken, l.given = make([]quantity.Energy, len(l.devices)), make([]quantity.Energy, len(l.devices))
	return l
}

// bridged names the meters of a household that do not sign.
func (h *household) bridged() []string {
	list := []string{}
	for _, id := range h.order {
		if h.devices[id].Bridged {
			list = append(list, h.names.Meters[id])
		}
	}
	return list
}

// add adds what a device measured in a settled interval.
func (l *deviceList) add(d view.DeviceEnergy) {
	if i, ok := l.at[d.Device]; ok { // Else it ended since.
		l.taken[i], l.given[i] = quantity.MustAdd(l.taken[i], d.Import), quantity.MustAdd(l.given[i], d.Export)
	}
}

// note remembers what a device did last; intervals come in order.
func (l *deviceList) note(d view.DeviceEnergy, length interval.Length) {
	i, ok := l.at[d.Device]
	if !ok {
		return // It ended since.
	}
	l.devices[i].At = d.Start
	l.devices[i].Power = int64(quantity.MustSub(d.Import, d.Export)) * 3600 / int64(length)
}

// shown is the devices with what they took and gave in the day.
func (l *deviceList) shown() []Device {
	for i := range l.devices {
		l.devices[i].Taken, l.devices[i].Given = energy(l.taken[i]), energy(l.given[i])
	}
	if l.devices == nil {
		return []Device{}
	}
	return l.devices
}

// agree lets devices that together are a place show together what the place shows.
func (f *figures) agree(devices []Device) {
	var charged, discharged, made []*Energy
	for i := range devices {
		d := &devices[i]
		switch d.Kind {
		case kindName(grid.Battery):
			charged, discharged = append(charged, &d.Taken), append(discharged, &d.Given)
		case kindName(grid.Solar), kindName(grid.Wind), kindName(grid.Hydro), kindName(grid.Generator):
			made = append(made, &d.Given)
		}
	}
	share := func(wh quantity.Energy, shown int64, of []*Energy) {
		parts := make([]int64, len(of))
		for i, e := range of {
			parts[i] = e.Wh
			wh = quantity.MustSub(wh, quantity.Energy(e.Wh))
		}
		if wh != 0 {
			return // The meters disagree, and each says what it counted.
		}
		for i, hundredths := range split(shown, parts, whShown) {
			of[i].Shown = hundredths
		}
	}
	share(f.flows.To(attribution.Battery), f.shown.flows.to(attribution.Battery), charged)
	share(f.flows.From(attribution.Battery), f.shown.flows.from(attribution.Battery), discharged)
	share(f.flows.From(attribution.Roof), f.shown.flows.from(attribution.Roof), made)
}
