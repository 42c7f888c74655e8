package pages

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/attribution"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// household is an account's part in a microgrid while a page is made of it.
type household struct {
	source    *Source
	reader    *view.Reader
	account   tx.AccountID
	microgrid view.Microgrid
	names     report.Names
	money     money
	points    []view.Point
	devices   map[grid.DeviceID]view.Device
	order     []grid.DeviceID
}

// household finds what an account has in the microgrids.
//
// Errors: *NotFound.
func (s *Source) household(r *view.Reader, account tx.AccountID) (*household, error) {
	points, err := r.Points(account)
	if err != nil {
		return nil, err
	}
	if len(points) == 0 {
		return nil, &NotFound{fmt.Sprintf("connection point of account %d", account), "ask the microgrid's operator which account is yours"}
	}
	h := &household{source: s, reader: r, account: account, devices: map[grid.DeviceID]view.Device{}}
	if h.microgrid, err = microgrid(r, points[0].Microgrid); err != nil {
		return nil, err
	}
	h.names = s.names(h.microgrid.ID)
	h.money = money{h.names.Decimals}
	for _, p := range points {
		if p.Microgrid == h.microgrid.ID { // Who has homes in two microgrids has an account in each.
			h.points = append(h.points, p)
		}
	}
	devices, err := r.Devices(h.microgrid.ID)
	for _, d := range devices {
		if slices.ContainsFunc(h.points, func(p view.Point) bool { return p.Point == d.Point }) {
			h.devices[d.Device], h.order = d, append(h.order, d.Device)
		}
	}
	return h, err
}

// microgrid finds a microgrid.
//
// Errors: *NotFound.
func microgrid(r *view.Reader, id grid.MicrogridID) (view.Microgrid, error) {
	all, err := r.Microgrids()
	if err != nil {
		return view.Microgrid{}, err
	}
	for _, m := range all {
		if m.ID == id {
			return m, nil
		}
	}
	return view.Microgrid{}, &NotFound{fmt.Sprintf("microgrid %d", id), "the list of microgrids says which there are"}
}

// names are those of a microgrid, or none of a microgrid whose file is not here.
func (s *Source) names(id grid.MicrogridID) report.Names {
	s.renaming.RLock()
	defer s.renaming.RUnlock()
	n, ok := s.Names[id]
	if !ok || n.TimeZone == nil {
		n.TimeZone = time.UTC
	}
	return n
}

// row is what one interval was for a household, all its points together.
type row struct {
	start     interval.Time
	height    int64
	revision  uint32
	estimated bool
	zone      grid.ZoneID
	flows     attribution.Flows
	owed      quantity.Money
	alone     quantity.Money
	lines     view.Lines
	loads     map[grid.DeviceID]quantity.Energy // Taken by devices that use energy.
	devices   []view.DeviceEnergy
}

// rows reads the settled intervals of a period, by start.
func (h *household) rows(in view.Period) ([]row, error) {
	var all []row
	for _, p := range h.points {
		devices := map[interval.Time][]view.DeviceEnergy{}
		err := h.reader.DeviceEnergies(h.microgrid.ID, p.Point, in, func(d view.DeviceEnergy) error {
			devices[d.Start] = append(devices[d.Start], d)
			return nil
		})
		if err != nil {
			return nil, err
		}
		n := 0
		err = h.reader.Statements(h.microgrid.ID, p.Point, in, func(s view.Statement) error {
			for n < len(all) && all[n].start < s.Start {
				n++
			}
			if n == len(all) || all[n].start != s.Start {
				all = slices.Insert(all, n, row{start: s.Start, loads: map[grid.DeviceID]quantity.Energy{}})
			}
			h.add(&all[n], s, devices[s.Start])
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// add adds one point's statement to a row.
func (h *household) add(r *row, s view.Statement, devices []view.DeviceEnergy) {
	r.height, r.revision = max(r.height, s.Height), max(r.revision, s.Revision)
	r.estimated = r.estimated || s.Estimated
	r.zone = s.Zone
	r.owed, r.alone = quantity.MustAdd(r.owed, s.Owed), quantity.MustAdd(r.alone, s.Alone)
	addLines(&r.lines, s.Lines)
	r.devices = append(r.devices, devices...)
	m := h.metered(devices)
	m.BoughtLocal, m.BoughtGrid = s.Lines[settlement.NeighbourBought-1].Energy, s.Lines[settlement.UtilityBought-1].Energy
	m.SoldLocal, m.SoldGrid = s.Lines[settlement.NeighbourSold-1].Energy, s.Lines[settlement.UtilitySold-1].Energy
	r.flows.Add(attribution.Of(m))
	for _, d := range devices {
		if load(h.devices[d.Device].Kind) {
			r.loads[d.Device] = quantity.MustAdd(r.loads[d.Device], d.Import)
		}
	}
}

// metered is what plants and batteries did.
func (h *household) metered(devices []view.DeviceEnergy) (m attribution.Metered) {
	for _, d := range devices {
		switch kind := h.devices[d.Device].Kind; {
		case kind == grid.Battery:
			m.Charged, m.Discharged = quantity.MustAdd(m.Charged, d.Import), quantity.MustAdd(m.Discharged, d.Export)
		case kind.Renewable() || kind == grid.Generator:
			m.Produced = quantity.MustAdd(m.Produced, d.Export)
		}
	}
	return m
}

// plant is the kind of plant that the household has, for pages to name it.
func (h *household) plant() string {
	kind := ""
	for _, id := range h.order {
		if k := h.devices[id].Kind; k.Renewable() || k == grid.Generator {
			if kind != "" && kind != kindName(k) {
				return "plants"
			}
			kind = kindName(k)
		}
	}
	return kind
}

// load reports whether devices of a kind only use energy.
func load(k grid.Kind) bool { return k == grid.Charger || k == grid.HeatPump || k == grid.Load }

// kindName is what the API and the community file call a kind of device.
func kindName(k grid.Kind) string {
	names := [...]string{"", "meter", "solar", "wind", "hydro", "battery", "ev", "heat-pump", "load", "generator"}
	if int(k) < len(names) {
		return names[k]
	}
	return "other"
}

func addLines(to *view.Lines, l view.Lines) {
	for i := range l {
		to[i].Line = settlement.Line(i + 1)
		to[i].Energy = quantity.MustAdd(to[i].Energy, l[i].Energy)
		to[i].Amount = quantity.MustAdd(to[i].Amount, l[i].Amount)
	}
}

// sum is rows added up.
type sum struct {
	flows attribution.Flows
	lines view.Lines
	owed  quantity.Money
	alone quantity.Money
	loads map[grid.DeviceID]quantity.Energy
	count int
}

func total(rows []row) sum {
	t := sum{loads: map[grid.DeviceID]quantity.Energy{}}
	for _, r := range rows {
		t.flows.Add(r.flows)
		addLines(&t.lines, r.lines)
		t.owed, t.alone = quantity.MustAdd(t.owed, r.owed), quantity.MustAdd(t.alone, r.alone)
		for d, e := range r.loads {
			t.loads[d] = quantity.MustAdd(t.loads[d], e)
		}
		t.count++
	}
	return t
}

// and adds two sums.
func (s sum) and(o sum) sum {
	t := sum{flows: s.flows, lines: s.lines, loads: maps.Clone(s.loads), count: s.count + o.count}
	t.flows.Add(o.flows)
	addLines(&t.lines, o.lines)
	t.owed, t.alone = quantity.MustAdd(s.owed, o.owed), quantity.MustAdd(s.alone, o.alone)
	for d, e := range o.loads {
		t.loads[d] = quantity.MustAdd(t.loads[d], e)
	}
	return t
}

// lineNames are those of the API, in the order of a bill's lines.
var lineNames = []struct {
	line settlement.Line
	name string
}{
	{settlement.NeighbourSold, "neighbour_sold"},
	{settlement.UtilitySold, "utility_sold"},
	{settlement.NeighbourBought, "neighbour_bought"},
	{settlement.UtilityBought, "utility_bought"},
	{settlement.NetworkCharge, "network_charge"},
	{settlement.Levy, "levy"},
}

// account shows the lines of an account: those that earn sum to what is shown as
// earned, the others to what is shown as paid.
func (m money) account(f figures) (lines []Line) {
	var of [2][]int64 // What costs, what earns.
	side := func(l settlement.Line) int {
		if earns(l) {
			return 1
		}
		return 0
	}
	for _, n := range lineNames {
		of[side(n.line)] = append(of[side(n.line)], -int64(f.lines[n.line-1].Amount))
	}
	cent, coarse := m.cent(), m.coarse()
	shown := [2][]int64{split(f.paid().Shown/coarse, of[0], cent), split(f.earned().Shown/coarse, of[1], cent)}
	lines = []Line{}
	for _, n := range lineNames {
		s := side(n.line)
		item, cents := f.lines[n.line-1], shown[s][0]*coarse
		shown[s] = shown[s][1:]
		if item.Energy != 0 || item.Amount != 0 {
			lines = append(lines, Line{n.name, f.lineEnergy(n.line), m.average(item.Amount, item.Energy), Money{-int64(item.Amount), cents}})
		}
	}
	return lines
}

// parts names the parts of a total and says their shares. What is shown in all is
// the sum of what is shown in parts.
func parts(names []string, of []Energy) (total Energy, list []Part) {
	list = make([]Part, len(names))
	wh := make([]int64, len(of))
	for i, e := range of {
		total.Wh, total.Shown = total.Wh+e.Wh, total.Shown+e.Shown
		wh[i] = e.Wh
	}
	for i, share := range shares(wh) {
		list[i] = Part{names[i], of[i], share}
	}
	return total, list
}

// ends are the places where energy comes from and, but for the home, goes to.
var ends = [...]attribution.Place{attribution.Roof, attribution.Battery, attribution.Neighbours, attribution.Grid}

// used is what was used, and where it came from.
func (f *figures) used() (used Energy, sources []Part, local int64) {
	var streams []Energy
	for _, from := range ends {
		streams = append(streams, f.stream(from, attribution.Home))
	}
	used, sources = parts([]string{"roof", "battery", "neighbours", "grid"}, streams)
	if used.Wh > 0 {
		local = 1000 - sources[3].Share
	}
	return used, sources, local
}

// produced is what the roof made, and where it went.
func (f *figures) produced() (produced Energy, sinks []Part) {
	streams := []Energy{f.stream(attribution.Roof, attribution.Home)}
	for _, to := range ends[1:] {
		streams = append(streams, f.stream(attribution.Roof, to))
	}
	return parts([]string{"home", "battery", "neighbours", "grid"}, streams)
}

// streams are all that there are, those into the home first.
func (f *figures) streams() []Flow {
	list := []Flow{}
	for _, to := range append([]attribution.Place{attribution.Home}, ends[1:]...) {
		for _, from := range ends {
			if e := f.stream(from, to); e.Wh > 0 {
				list = append(list, Flow{from.String(), to.String(), e})
			}
		}
	}
	return list
}

// uses is what was used by the devices that have a meter, by kind, and the rest.
func (h *household) uses(t sum, used Energy) []Part {
	byKind := map[grid.Kind]quantity.Energy{}
	rest := quantity.Energy(used.Wh)
	for _, d := range h.order {
		e := min(t.loads[d], rest)
		byKind[h.devices[d].Kind] = quantity.MustAdd(byKind[h.devices[d].Kind], e)
		rest = quantity.MustSub(rest, e)
	}
	var names []string
	var of []quantity.Energy
	for _, k := range []grid.Kind{grid.Charger, grid.HeatPump, grid.Load} {
		if byKind[k] > 0 {
			names, of = append(names, kindName(k)), append(of, byKind[k])
		}
	}
	names, of = append(names, "other"), append(of, rest)
	_, list := parts(names, shownParts(used.Shown, of))
	return list
}
