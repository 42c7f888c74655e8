package registry_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/registry"
)

// june is 2026-06-01T00:00:00Z.
const (
	june interval.Time = 1_780_272_000
	hour interval.Time = 3600
	day  interval.Time = 86400
)

// run is a run of an hour's certificates with every field.
func run() registry.Run {
	return registry.Run{
		Registry: "elm-street", Issuance: "elm-street/anna-pv/2026-06-20T10:00:00Z", First: 250, Count: 750, Unit: 1, Status: registry.Active, Account: "anna",
		Device: registry.Device{ID: "anna-pv", Name: "Anna's roof", Source: registry.Solar, CapacityW: 8_250, Since: june - 400*day, Country: "CH", Zone: "10YCH-SWISSGRIDZ"},
		Start:  june + 19*day + 10*hour, End: june + 19*day + 11*hour, Issued: june + 20*day, Expires: june + 410*day,
	}
}

// whole is a run of MWh with every field.
func whole() registry.Run {
	r := run()
	r.Unit, r.First, r.Count, r.Start, r.End = registry.MWh, 1, 3, june, june+30*day
	r.Status, r.Beneficiary = registry.Cancelled, "Bakery & Sons"
	return r
}

// kept is what a format has fields for.
func kept(f registry.Format, r registry.Run) registry.Run {
	switch f {
	case registry.MRETS:
		r.Device = registry.Device{ID: r.Device.ID, Source: r.Device.Source}
		r.Issued, r.Expires = 0, 0
		r.Start, r.End = month(r.End)
	case registry.IREC:
		r.First, r.Count, r.Unit = r.First*uint64(r.Unit), r.Count*uint64(r.Unit), 1
	case registry.EnergyTag, registry.EECS, registry.MRETSCSV, registry.NCRETS:
	}
	return r
}

// month is the month in UTC of a production's last moment.
func month(end interval.Time) (from, to interval.Time) {
	m, _ := registry.Monthly([]registry.Generation{{Start: end - 1, End: end, Energy: 1000}})
	return m[0].Start, m[0].End
}

// anyRun draws runs that a format has words for.
func anyRun(t *rapid.T, f registry.Format, n int) registry.Run {
	text := rapid.StringMatching(`[A-Za-zÀ-ž0-9&<>"',;/:_=-]([A-Za-z0-9 &<>"',;/]{0,20}[a-z0-9])?`)
	some := rapid.OneOf(rapid.Just(""), text)
	statuses := map[registry.Format][]registry.Status{registry.EnergyTag: {1, 2, 3, 4, 5, 6, 7}}[f]
	if statuses == nil {
		statuses = []registry.Status{registry.Active, registry.Cancelled, registry.Exported}
	}
	days := rapid.Map(rapid.IntRange(0, 40_000), func(n int) interval.Time { return interval.Time(n) * day })
	r := registry.Run{
		Registry: some.Draw(t, "registry"), Issuance: text.Draw(t, "issuance"), First: uint64(n)*1_000_000 + rapid.Uint64Range(0, 1000).Draw(t, "first"),
		Count: rapid.Uint64Range(1, 900_000).Draw(t, "count"), Unit: quantity.Energy(rapid.Int64Range(1, 1_000_000).Draw(t, "unit")),
		Status: rapid.SampledFrom(statuses).Draw(t, "status"), Account: some.Draw(t, "account"), Beneficiary: some.Draw(t, "beneficiary"),
		Device: registry.Device{
			ID: text.Draw(t, "device"), Name: some.Draw(t, "name"), Source: registry.Source(rapid.IntRange(1, 3).Draw(t, "source")),
			CapacityW: rapid.Uint64Range(0, 1<<40).Draw(t, "capacity"), Since: days.Draw(t, "since"),
			Country: rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[A-Z]{2}`)).Draw(t, "country"), Zone: some.Draw(t, "zone"),
		},
		Start: june + interval.Time(rapid.IntRange(0, 1<<24).Draw(t, "start")), Issued: days.Draw(t, "issued"), Expires: days.Draw(t, "expires"),
	}
	r.End = r.Start + interval.Time(rapid.IntRange(1, 3600).Draw(t, "length"))
	if f.Whole() {
		r.Unit = registry.MWh
	}
	if f == registry.MRETS { // An issuance is of one device and month.
		r.Issuance += string(rune('a' + n))
	}
	return r
}

// What is written is read back to the same, as far as the format has fields.
func TestRoundTrip(t *testing.T) {
	for _, f := range []registry.Format{registry.EnergyTag, registry.MRETS, registry.EECS, registry.IREC} {
		t.Run(string(f), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				var runs, want []registry.Run
				for n := range rapid.IntRange(0, 5).Draw(t, "runs") {
					r := anyRun(t, f, n)
					if f == registry.IREC {
						r.First, r.Unit = r.First*uint64(n+1), 1
						r.Issuance += string(rune('a' + n))
					}
					runs, want = append(runs, r), append(want, kept(f, r))
				}
				var b bytes.Buffer
				if err := registry.Write(&b, f, runs); err != nil {
					t.Fatal(err)
				}
				text := b.String()
				got, err := registry.Read("file", &b, f)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Fatalf("wrote %s\ngot  %+v, %v\nwant %+v", text, got, err, want)
				}
			})
		})
	}
}

// The files as others see them; a change of these bytes is a change of what they read.
func TestWrite(t *testing.T) {
	for _, c := range []struct {
		format registry.Format
		run    registry.Run
		has    []string
	}{
		{registry.EnergyTag, run(), []string{
			`"certificate_bundle_status": "Active"`, `"certificate_bundle_id_range_start": 250`, `"certificate_bundle_id_range_end": 999`, `"bundle_quantity": 750`,
			`"face_value": 1`, `"production_starting_interval": "2026-06-20T10:00:00Z"`, `"issuance_datestamp": "2026-06-21"`, `"device_capacity": 8250`, `"energy_source": "solar"`,
		}},
		{registry.MRETS, whole(), []string{
			`"type": "certificate_quantities"`, `"status": "retired"`, `"serial_number_start": 1`, `"serial_number_end": 3`, `"vintage": "2026-06"`, `"fuel_type": "SO1"`,
		}},
		{registry.EECS, whole(), []string{
			`<Certificates xmlns="urn:x-commonwatt:eecs:1">`, `<EnergyInput>F01040100</EnergyInput>`, `<Technology>T010000</Technology>`, `<CapacityKW>8.250</CapacityKW>`,
			`<Beneficiary>Bakery &amp; Sons</Beneficiary>`,
		}},
		{registry.IREC, run(), []string{",ES100,0.008250,", ",0.000250,0.000999,0.000750,"}},
		{registry.IREC, whole(), []string{",1.000000,3.999999,3.000000,", ",redeemed,"}},
		{registry.MRETSCSV, run(), []string{"anna-pv,anna-pv,06/20/2026,0.000750,11,0.750\n", "anna-pv,anna-pv,06/30/2026,0.000750,24,0.000\n"}},
		{registry.NCRETS, whole(), []string{"PROJECTID,REPORTINGENTITYID,VINTAGE,FROMDATE,TODATE,TOTALMWH\nanna-pv,anna-pv,06/2026,06/01/2026,06/30/2026,3.000\n"}},
	} {
		var b bytes.Buffer
		if err := registry.Write(&b, c.format, []registry.Run{c.run}); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.has {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s has no %s:\n%s", c.format, want, b.String())
			}
		}
	}
}

// M-RETS has one device and one month in an issuance.
func TestWriteRefusesMixedIssuance(t *testing.T) {
	a, b := whole(), whole()
	b.First, b.Device.ID = 4, "bob-pv"
	err := registry.Write(&bytes.Buffer{}, registry.MRETS, []registry.Run{a, b})
	if want := "mrets: run 2: elm-street/anna-pv/2026-06-20T10:00:00Z has another device, source or month than another run of it"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		format registry.Format
		spoil  func(*registry.Run)
		want   string
	}{
		{"no whole MWh", registry.MRETS, func(*registry.Run) {}, `mrets: run 1 of elm-street/anna-pv/2026-06-20T10:00:00Z: unit: "1" is no MWh: add the certificates up to packages first`},
		{"no word for it", registry.EnergyTag, func(r *registry.Run) { r.Status = registry.Exported }, `status: "Exported" is nothing that the format has a word for`},
		{"no serials", registry.EnergyTag, func(r *registry.Run) { r.Count = 0 }, `serials: "elm-street/anna-pv/2026-06-20T10:00:00Z" are none`},
		{"no device", registry.IREC, func(r *registry.Run) { r.Device.ID = "" }, `device: "" is missing`},
		{"a line feed", registry.IREC, func(r *registry.Run) { r.Account = "an\nna" }, "has characters that do not print"},
		{"half a day", registry.EnergyTag, func(r *registry.Run) { r.Issued++ }, "is not a day"},
		{"backwards", registry.EnergyTag, func(r *registry.Run) { r.End = r.Start }, "is not after the start"},
		{"no such format", "xls", func(*registry.Run) {}, `"xls" is no format of certificates`},
		{"two hours in one", registry.MRETSCSV, func(r *registry.Run) { r.End += hour }, "is not within an hour"},
	} {
		r := run()
		c.spoil(&r)
		if err := registry.Write(&bytes.Buffer{}, c.format, []registry.Run{r}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got  %v\nwant %s", c.name, err, c.want)
		}
	}
}
