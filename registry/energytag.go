package registry

import (
	"encoding/json"
	"io"
	"time"
)

// bundle is a GC bundle (EnergyTag, Granular Certificate Scheme Standard v2, attributes of
// a GC; names of its API specification). Ranges are closed at both ends there.
type bundle struct {
	Status      string      `json:"certificate_bundle_status"`
	Account     string      `json:"account_id"`
	Issuance    string      `json:"issuance_id"`
	First       json.Number `json:"certificate_bundle_id_range_start"`
	Last        json.Number `json:"certificate_bundle_id_range_end"`
	Quantity    json.Number `json:"bundle_quantity"`
	Carrier     string      `json:"energy_carrier"`
	Source      string      `json:"energy_source"`
	FaceValue   json.Number `json:"face_value"`
	Converted   bool        `json:"issuance_post_energy_carrier_conversion"`
	Registry    string      `json:"issuing_body"`
	Country     string      `json:"country_of_issuance,omitempty"`
	Grid        string      `json:"connected_grid_identification"`
	Zone        string      `json:"issue_market_zone"`
	DeviceID    string      `json:"device_id"`
	DeviceName  string      `json:"device_name"`
	Technology  string      `json:"device_technology_type"`
	Capacity    json.Number `json:"device_capacity,omitempty"`
	Since       string      `json:"device_production_start_date,omitempty"`
	Start       string      `json:"production_starting_interval"`
	End         string      `json:"production_ending_interval"`
	Issued      string      `json:"issuance_datestamp,omitempty"`
	Expires     string      `json:"expiry_datestamp,omitempty"`
	Storage     bool        `json:"is_storage"`
	Beneficiary string      `json:"beneficiary,omitempty"`
}

// energyTagSources are the sources in its words.
var energyTagSources = []named[Source]{{Solar, "solar"}, {Wind, "wind"}, {Hydro, "hydro"}}

// electricity is the one carrier of the standard's v2.
const electricity = "electricity"

// bundles is the key under which a registry answers with bundles.
const bundles = "granular_certificate_bundles"

func writeEnergyTag(out io.Writer, runs []Run) error {
	list := make([]bundle, len(runs))
	for n := range runs {
		r := &runs[n]
		source := name(energyTagSources, r.Device.Source)
		b := bundle{
			Status: r.Status.String(), Account: r.Account, Issuance: r.Issuance,
			First: number(r.First), Last: number(r.First + r.Count - 1), Quantity: number(r.Count),
			Carrier: electricity, Source: source, FaceValue: number(uint64(r.Unit)), //nolint:gosec // Above 0.
			Registry: r.Registry, Country: r.Device.Country, Grid: r.Device.Zone, Zone: r.Device.Zone,
			DeviceID: r.Device.ID, DeviceName: r.Device.Name, Technology: source,
			Since: day(r.Device.Since, time.DateOnly), Start: rfc3339(r.Start), End: rfc3339(r.End),
			Issued: day(r.Issued, time.DateOnly), Expires: day(r.Expires, time.DateOnly), Beneficiary: r.Beneficiary,
		}
		if r.Device.CapacityW > 0 {
			b.Capacity = number(r.Device.CapacityW)
		}
		list[n] = b
	}
	return indented(out, map[string][]bundle{bundles: list})
}

func readEnergyTag(file string, raw []byte) ([]Run, error) {
	var runs []Run
	var lines []int
	err := newDocument(file, raw).lists(func(_ string, line int, element json.RawMessage) error {
		var b bundle
		if err := decode(file, line, element, &b); err != nil {
			return err
		}
		r, no := b.run()
		if no == nil {
			no = r.flaw()
		}
		if no != nil {
			return no.at(file, line)
		}
		runs, lines = append(runs, r), append(lines, line)
		return nil
	}, bundles)
	if err != nil {
		return nil, err
	}
	return runs, overlap(file, runs, func(n int) int { return lines[n] })
}

// run is what a bundle says.
func (b *bundle) run() (Run, *flaw) {
	r := Run{
		Registry: b.Registry, Issuance: b.Issuance, Account: b.Account, Beneficiary: b.Beneficiary,
		Device: Device{ID: b.DeviceID, Name: b.DeviceName, Country: b.Country, Zone: b.Zone},
	}
	var last, quantity, unit uint64
	var p parser
	p.number("certificate_bundle_id_range_start", b.First.String(), &r.First)
	p.number("certificate_bundle_id_range_end", b.Last.String(), &last)
	p.number("bundle_quantity", b.Quantity.String(), &quantity)
	p.number("face_value", b.FaceValue.String(), &unit)
	if b.Capacity != "" {
		p.number("device_capacity", b.Capacity.String(), &r.Device.CapacityW)
	}
	p.time("production_starting_interval", b.Start, &r.Start)
	p.time("production_ending_interval", b.End, &r.End)
	p.day("device_production_start_date", b.Since, time.DateOnly, &r.Device.Since)
	p.day("issuance_datestamp", b.Issued, time.DateOnly, &r.Issued)
	p.day("expiry_datestamp", b.Expires, time.DateOnly, &r.Expires)
	parse(&p, "certificate_bundle_status", b.Status, statuses[:len(statuses)-1], &r.Status)
	parse(&p, "energy_source", b.Source, energyTagSources, &r.Device.Source)
	switch {
	case p.flaw != nil:
	case b.Carrier != electricity && b.Carrier != "Electricity":
		p.flaw = &flaw{"energy_carrier", b.Carrier, "is not electricity", ""}
	case b.Storage:
		p.flaw = &flaw{"is_storage", "true", "is not taken: what a storage gave is certified by whoever keeps its account", ""}
	case last < r.First || last-r.First+1 != quantity:
		p.flaw = &flaw{"bundle_quantity", b.Quantity.String(), "is not range_end - range_start + 1", "Ask the registry which of them is right"}
	}
	r.Count, r.Unit = quantity, wh(unit)
	return r, p.flaw
}
