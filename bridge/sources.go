package bridge

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// channelsMax bounds the channels of one meter.
const channelsMax = 16

// registers are those of a meter of the file, by what it is.
//
// Errors: what is wrong, beginning with the field.
func (m *meterFile) registers() ([]Register, error) {
	for _, f := range []struct {
		name  string
		there bool
		of    Source
	}{
		{"port", m.Port != "", P1},
		{"equipment", m.Equipment != "", P1},
		{"channels", len(m.Channels) > 0, Shelly1},
		{"component", m.Component != "", Shelly},
		{"returned", m.Returned, Shelly},
		{"import", m.Import != "", Tasmota},
		{"export", m.Export != "", Tasmota},
		{"part", m.Part != "", Evcc},
		{"register", len(m.Register) > 0, Registered},
	} {
		if f.there && m.Source != f.of {
			return nil, fmt.Errorf("%s: is for source %q, and this meter's is %q", f.name, f.of, m.Source)
		}
	}
	if m.Topic == "" && (m.Source != P1 || m.Port == "") && m.Source != Registered {
		return nil, fmt.Errorf("topic: is missing: it is where a meter of source %q publishes", m.Source)
	}
	if strings.ContainsAny(m.Topic, "#+") || strings.HasSuffix(m.Topic, "/") {
		return nil, fmt.Errorf("topic: %q: write one topic, without # and + and without / at its end", m.Topic)
	}
	switch m.Source {
	case P1:
		return []Register{{Side: Import, Topic: m.Topic}, {Side: Export, Topic: m.Topic}}, nil
	case Shelly1:
		return m.shelly1()
	case Shelly:
		return m.shelly()
	case Tasmota:
		return m.tasmota(), nil
	case Evcc:
		return m.evcc()
	case Registered:
		return m.generic()
	}
	return nil, fmt.Errorf("source: %q: give p1, shelly-gen1, shelly, tasmota, evcc or registers", m.Source)
}

// shelly1 is a meter of Shelly's first generation, which publishes a channel as
// <topic>/emeter/<channel>/total and …/total_returned, in Wh and kept over a loss of
// power (Shelly API documentation, Gen1, Shelly EM and 3EM, MQTT). The energy of relays,
// in Wmin, begins anew with each start and is no register to settle from.
func (m *meterFile) shelly1() (list []Register, err error) {
	channels := m.Channels
	if len(channels) == 0 {
		channels = []int{0}
	}
	if len(channels) > channelsMax {
		return nil, fmt.Errorf("channels: a meter has %d at most", channelsMax)
	}
	for _, c := range channels {
		if c < 0 {
			return nil, fmt.Errorf("channels: %d: they begin with 0", c)
		}
		at := fmt.Sprintf("%s/emeter/%d/", m.Topic, c)
		list = append(list, counted(Import, at+"total", "", "Wh"), counted(Export, at+"total_returned", "", "Wh"))
	}
	return list, nil
}

// shelly is a component of a later Shelly, whose status it publishes as JSON on
// <topic>/status/<component>, when "generic status update over MQTT" is on (Shelly API
// documentation, Gen2+, MQTT, and the components' status). Energies are in Wh.
func (m *meterFile) shelly() ([]Register, error) {
	kind, number, _ := strings.Cut(m.Component, ":")
	if _, err := strconv.ParseUint(number, 10, 8); err != nil {
		return nil, fmt.Errorf("component: %q: write it as in em:0, em1:0, switch:0 or pm1:0", m.Component)
	}
	at := m.Topic + "/status/"
	switch kind {
	case "em": // EMData.GetStatus.
		at += "emdata:" + number
		return []Register{counted(Import, at, "total_act", "Wh"), counted(Export, at, "total_act_ret", "Wh")}, nil
	case "em1": // EM1Data.GetStatus.
		at += "em1data:" + number
		return []Register{counted(Import, at, "total_act_energy", "Wh"), counted(Export, at, "total_act_ret_energy", "Wh")}, nil
	case "switch", "pm1", "cover", "light":
		at += m.Component
		list := []Register{counted(Import, at, "aenergy.total", "Wh")}
		if m.Returned {
			list = append(list, counted(Export, at, "ret_aenergy.total", "Wh"))
		}
		return list, nil
	}
	return nil, fmt.Errorf("component: %q: give em, em1, switch, pm1, cover or light, and its number, as in em:0", m.Component)
}

// tasmota is what a Tasmota publishes on tele/<topic>/SENSOR, in kWh: ENERGY.Total of a
// plug (Tasmota documentation, Power Monitoring), or what a smart-meter script calls its
// registers (Smart Meter Interface).
func (m *meterFile) tasmota() []Register {
	taken := m.Import
	if taken == "" && m.Export == "" {
		taken = "ENERGY.Total"
	}
	var list []Register
	if taken != "" {
		list = append(list, counted(Import, m.Topic, taken, "kWh"))
	}
	if m.Export != "" {
		list = append(list, counted(Export, m.Topic, m.Export, "kWh"))
	}
	return list
}

// evcc is a meter that evcc reads, in kWh with three decimals (evcc documentation, MQTT
// API; its server publishes each value as it changes, and lists from 1 on). Of the grid,
// evcc publishes what was taken and not what was given.
func (m *meterFile) evcc() ([]Register, error) {
	what, number, _ := strings.Cut(m.Part, " ")
	n, err := strconv.ParseUint(number, 10, 8)
	switch {
	case what == "loadpoint" && err == nil && n > 0:
		return []Register{counted(Import, fmt.Sprintf("%s/loadpoints/%d/chargeTotalImport", m.Topic, n), "", "kWh")}, nil
	case what == "pv" && err == nil && n > 0:
		return []Register{counted(Export, fmt.Sprintf("%s/site/pv/%d/energy", m.Topic, n), "", "kWh")}, nil
	case m.Part == "grid":
		return []Register{counted(Import, m.Topic+"/site/grid/energy", "", "kWh")}, nil
	}
	return nil, fmt.Errorf(`part: %q: write "grid", "loadpoint 1" or "pv 1"`, m.Part)
}

// generic is whatever publishes registers.
func (m *meterFile) generic() (list []Register, err error) {
	if len(m.Register) == 0 || len(m.Register) > channelsMax {
		return nil, fmt.Errorf("register: give 1 to %d of them, as [[meter.register]]", channelsMax)
	}
	for i, r := range m.Register {
		where := func(field, format string, args ...any) error {
			return fmt.Errorf("register %d: %s: "+format, append([]any{i + 1, field}, args...)...)
		}
		side, ok := map[string]Side{"import": Import, "export": Export}[r.Side]
		wh, known := units[r.Unit]
		switch {
		case !ok:
			return nil, where("side", "%q: give import or export", r.Side)
		case r.Topic == "" || strings.ContainsAny(r.Topic, "#+"):
			return nil, where("topic", "%q: write one topic, without # and +", r.Topic)
		case !known:
			return nil, where("unit", "%q: give Wh, kWh, MWh, Wmin or J", r.Unit)
		case wh == nil:
			return nil, where("unit", "%q is of power, and the bridge takes registers alone: what power was between two messages nobody knows, so it would be a guess. Most meters publish a total, too", r.Unit)
		}
		factor := big.NewRat(1, 1)
		if r.Factor != "" {
			if factor, err = number(r.Factor); err != nil || factor.Sign() == 0 {
				return nil, where("factor", "%q: write a number above zero, as in \"0.5\"", r.Factor)
			}
		}
		list = append(list, Register{side, r.Topic, r.Path, factor.Mul(factor, wh)})
	}
	return list, nil
}
