package registry_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/registry"
)

// good is a good file of a format.
func good(t testing.TB, f registry.Format) string {
	t.Helper()
	r := run()
	if f.Whole() || f == registry.NCRETS {
		r = whole()
	}
	var b bytes.Buffer
	if err := registry.Write(&b, f, []registry.Run{r}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// read reads any format, what certifies and what was generated.
func read(f registry.Format, text string) error {
	var err error
	switch f {
	case registry.MRETSCSV:
		_, err = registry.ReadHourly("f", strings.NewReader(text))
	case registry.NCRETS:
		_, err = registry.ReadMonthly("f", strings.NewReader(text))
	case registry.EnergyTag, registry.MRETS, registry.EECS, registry.IREC:
		_, err = registry.Read("f", strings.NewReader(text), f)
	}
	return err
}

// A file with one mistake is refused whole, and says where it is, why, and what to do.
func TestReadRefuses(t *testing.T) {
	const next = ". Correct it, or leave it out; nothing was taken in."
	for _, c := range []struct {
		format   registry.Format
		old, new string
		want     string
	}{
		{registry.EnergyTag, `"bundle_quantity": 750`, `"bundle_quantity": 751`, `f:3: bundle_quantity: "751" is not range_end - range_start + 1. Ask the registry which of them is right; nothing was taken in.`},
		{registry.EnergyTag, `"energy_source": "solar"`, `"energy_source": "sun"`, `f:3: energy_source: "sun" is none of solar, wind, hydro` + next},
		{registry.EnergyTag, `"Active"`, `"Exported"`, `"Exported" is none of Active, Cancelled`},
		{registry.EnergyTag, `_interval": "2026-06-20T10:00:00Z"`, `_interval": "2026-06-20T10:00"`, `is no moment as in 2026-06-20T16:00:00Z (RFC 3339)`},
		{registry.EnergyTag, `"device_id": "anna-pv"`, `"device_id": 7`, `f:3: device_id: is a number, where string is expected. Correct it; nothing was taken in.`},
		{registry.EnergyTag, `"face_value": 1`, `"face_value": 0.5`, `face_value: "0.5" is no whole number`},
		{registry.EnergyTag, `"electricity"`, `"hydrogen"`, `energy_carrier: "hydrogen" is not electricity`},
		{registry.EnergyTag, `"is_storage": false`, `"is_storage": true`, `is not taken`},
		{registry.EnergyTag, `granular_certificate_bundles`, `bundles`, `has no granular_certificate_bundles`},
		{registry.EnergyTag, `"granular_certificate_bundles": [`, `"granular_certificate_bundles": 1, "x": [`, `has no list under granular_certificate_bundles`},
		{registry.EnergyTag, "]\n}", "]\n} {}", `goes on after its JSON value`},
		{registry.EnergyTag, "]\n}", "]", `is no JSON (`},
		{registry.MRETS, `"serial_number_end": 3`, `"serial_number_end": 4`, `f:3: quantity: "3" is not serial_number_end - serial_number_start + 1`},
		{registry.MRETS, `"type": "certificates"`, `"type": "certificate"`, `relationships.certificate: `},
		{registry.MRETS, `"status": "retired"`, `"status": "gone"`, `f:3: status: "gone" is none of active, retired, exported` + next},
		{registry.MRETS, `"vintage": "2026-06"`, `"vintage": "06/2026"`, `f:3: vintage: "06/2026" is no day as in 2026-06` + next},
		{registry.MRETS, `"type": "certificate_quantities"`, `"type": "generators"`, `"generators" is not certificate_quantities`},
		{registry.EECS, `urn:x-commonwatt:eecs:1`, `urn:x-commonwatt:eecs:2`, `f:2: Certificates: "urn:x-commonwatt:eecs:2" is not of the namespace urn:x-commonwatt:eecs:1`},
		{registry.EECS, `<Issuance>`, `<Colour>red</Colour><Issuance>`, `f:5: Colour: stands where Issuance is expected`},
		{registry.EECS, `<FaceValueMWh>1<`, `<FaceValueMWh>2<`, `f:3: FaceValueMWh: "2" is not 1`},
		{registry.EECS, `<Technology>T010000<`, `<Technology>T020000<`, `f:3: Technology: "T020000" does not go with the energy input`},
		{registry.EECS, "<Start>2026-06-01T00:00:00Z</Start>", "", `stands where ProductionPeriod/Start is expected`},
		{registry.EECS, "<FaceValueMWh>", `<FaceValueMWh unit="MWh">`, `FaceValueMWh: "unit" is an attribute that there is not`},
		{registry.EECS, "<Certificates", `<!DOCTYPE x [<!ENTITY a "b">]><Certificates`, `has a document type, which is not read`},
		{registry.EECS, "</Certificates>", "</Certificates><Certificates/>", `is not of the namespace`},
		{registry.EECS, "</CertificateBundle>", "</CertificateBundle>and more", `"and more" stands between elements`},
		{registry.EECS, "</Certificates>", "", `is no XML (`},
		{registry.IREC, "registry,device_code", "device_code,registry", `f:1: "device_code,registry,`},
		{registry.IREC, "0.000999", "0.0009995", `f:2: serial_to: "0.0009995" has more than 6 decimals: it is no whole number of Wh` + next},
		{registry.IREC, "0.000999", "0.000998", `volume_mwh: "0.000750" is not what serial_from and serial_to make`},
		{registry.IREC, "ES100", "ES100,", `f:2: "elm-street,`},
		{registry.IREC, "anna-pv,", "\"anna-pv,", `is no CSV (`},
		{registry.MRETSCSV, "06/20/2026,0.000750,11,0.750", "06/20/2026,0.000750,11,0.751", `f:720: Total MWh: "anna-pv" has hours of 0.000751 MWh in 2026-06, and says 0.000750. Ask which of them is right`},
		{registry.MRETSCSV, "anna-pv,anna-pv,06/20/2026,0.000750,12,0.000\n", "", `f:719: Hour of Generation: "anna-pv" has 719 of the 720 hours of 2026-06. Write all of them, with 0 where nothing was generated`},
		{registry.MRETSCSV, "06/20/2026,0.000750,12", "06/20/2026,0.000750,11", `Hour of Generation: "11" is there twice on 06/20/2026. Keep one of the two`},
		{registry.MRETSCSV, "06/20/2026,0.000750,12", "06/20/2026,0.000750,25", `"25" is none of 1 to 24`},
		{registry.MRETSCSV, "06/20/2026,0.000750,12", "06/20/2026,0.000751,12", `Total MWh: "0.000751" is another total than the month has in other lines`},
		{registry.MRETSCSV, "06/20/2026,0.000750,12", "6/20/2026,0.000750,12", `"6/20/2026" is no day as in 06/20/2026`},
		{registry.NCRETS, "06/30/2026", "06/29/2026", `f:2: TODATE: "06/29/2026" is not the last day of the vintage` + next},
		{registry.NCRETS, "3.000", "3.0001", `TOTALMWH: "3.0001" has more than 3 decimals`},
		{registry.NCRETS, "3.000", "-3", `TOTALMWH: "-3" is no number`},
		{registry.NCRETS, "anna-pv,anna-pv", "anna-pv,bob-pv", `REPORTINGENTITYID: "bob-pv" is not the project's`},
	} {
		text := good(t, c.format)
		if !strings.Contains(text, c.old) {
			t.Fatalf("%s has no %s", text, c.old)
		}
		if err := read(c.format, text); err != nil {
			t.Fatalf("%s: the good one is refused: %v", c.format, err)
		}
		err := read(c.format, strings.Replace(text, c.old, c.new, 1))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %s: got  %v\nwant %s", c.format, c.new, err, c.want)
		}
	}
}

// The same serials twice are refused, wherever they stand.
func TestReadRefusesSerialsTwice(t *testing.T) {
	for _, f := range []registry.Format{registry.EnergyTag, registry.MRETS, registry.EECS, registry.IREC} {
		a, b := run(), run()
		if f.Whole() {
			a, b = whole(), whole()
		}
		b.First += a.Count
		for _, overlap := range []uint64{0, 1} {
			b.First -= overlap
			var out bytes.Buffer
			if err := registry.Write(&out, f, []registry.Run{b, a}); err != nil {
				t.Fatal(err)
			}
			_, err := registry.Read("f", &out, f)
			if refused := err != nil && strings.Contains(err.Error(), "twice; line "); refused != (overlap > 0) {
				t.Errorf("%s, %d serials twice: %v", f, overlap, err)
			}
		}
	}
}

// What is no certificates is not read as such, and what is large is not read at all.
func TestReadIsBounded(t *testing.T) {
	if _, err := registry.Read("f", strings.NewReader(""), registry.NCRETS); err == nil || !strings.Contains(err.Error(), "holds what was generated, and no certificates") {
		t.Error(err)
	}
	for _, f := range registry.Formats() {
		if f == registry.MRETSCSV || f == registry.NCRETS {
			continue
		}
		if _, err := registry.Read("f", &endless{}, f); err == nil || !strings.Contains(err.Error(), "f: is larger than 64 MiB. Split it; nothing was taken in.") {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// endless is a file that does not end.
type endless struct{}

func (*endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }
