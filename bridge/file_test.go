package bridge

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// head begins a good file; each meter of it ends it.
const head = `chain = "elm-1"
node = "mqtts://elm.example:8883"
minutes = 15
key = "gateway.pem"
[home]
broker = "mqtt://127.0.0.1:1883"
`

// meterOf is a meter of a file.
func meterOf(lines string) string {
	return head + "[[meter]]\nname = \"anna\"\nuser = \"7/12\"\npassword = \"secret\"\n" + lines
}

// load loads a file with a text, beside a gateway's key.
func load(t *testing.T, text string) (Config, error) {
	t.Helper()
	dir := t.TempDir()
	raw, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "home.toml")
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "gateway.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600),
		os.WriteFile(path, []byte(text), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		err = errors.New(strings.TrimPrefix(err.Error(), path))
	}
	return c, err
}

// What is wrong in a file is said with its place and what to write.
func TestWrongFiles(t *testing.T) {
	register := func(lines string) string {
		return meterOf("source = \"registers\"\n[[meter.register]]\nside = \"import\"\ntopic = \"a/b\"\n" + lines)
	}
	for _, c := range []struct{ text, says string }{
		{"chain = ", ":1: "},
		{strings.Replace(head, "minutes", "minuets", 1), `:3: there is no field "minuets"`},
		{strings.Replace(head, "elm-1", "", 1), `chain: is missing`},
		{strings.Replace(head, "mqtts://elm.example:8883", "elm.example", 1), `node: "elm.example": write where devices connect`},
		{strings.Replace(head, "mqtts://", "mqtt://", 1), `passwords would cross the network in the clear`},
		{strings.Replace(head, "15", "20", 1), `minutes: 20: write the length`},
		{strings.Replace(head, "key = \"gateway.pem\"\n", "", 1) + meterOf("")[len(head):], "key: is missing"},
		{strings.Replace(head, "gateway.pem", "none.pem", 1) + meterOf("")[len(head):], "key: open "},
		{strings.Replace(head, "gateway.pem", "home.toml", 1) + meterOf("")[len(head):], "home.toml is not PEM"},
		{head + "discovery_prefix = \"ha/#\"", `home.discovery_prefix: "ha/#": write the one that Home Assistant has`},
		{meterOf("enrolled = \"anna-meter\""), `meter 1 ("anna"): enrolled: open `},
		{head, "meter: give 1 to 100 of them"},
		{strings.Replace(meterOf(""), "7/12", "7", 1), `meter 1 ("anna"): user: "7": write the user name`},
		{strings.Replace(meterOf(""), "secret", "", 1), "password: is missing"},
		{meterOf(`source = "shelly"`), "topic: is missing"},
		{meterOf("source = \"shely\"\ntopic = \"a\""), `source: "shely": give p1, shelly-gen1, shelly, tasmota, evcc or registers`},
		{meterOf("source = \"tasmota\"\ntopic = \"tele/#\""), `topic: "tele/#": write one topic`},
		{meterOf("source = \"tasmota\"\ntopic = \"tele/plug/SENSOR\"\nchannels = [0]"), `channels: is for source "shelly-gen1", and this meter's is "tasmota"`},
		{meterOf("source = \"shelly\"\ntopic = \"shelly3em\"\ncomponent = \"em\""), `component: "em": write it as in em:0`},
		{meterOf("source = \"shelly\"\ntopic = \"shelly3em\"\ncomponent = \"input:0\""), `component: "input:0": give em, em1`},
		{meterOf("source = \"evcc\"\ntopic = \"evcc\"\npart = \"battery\""), `part: "battery": write "grid", "loadpoint 1" or "pv 1"`},
		{meterOf("source = \"p1\"\ntopic = \"p1\"\nport = \"tcp://p1:23\""), "port: takes the place of topic"},
		{meterOf("source = \"tasmota\"\ntopic = \"t\"\nwithin = \"10m\""), `within: "10m": write how far`},
		{register(`unit = "kwh"`), `register 1: unit: "kwh": give Wh, kWh, MWh, Wmin or J`},
		{register(`unit = "W"`), `register 1: unit: "W" is of power, and the bridge takes registers alone`},
		{register("unit = \"Wh\"\nfactor = \"0\""), `register 1: factor: "0": write a number above zero`},
		{strings.Replace(register(`unit = "Wh"`), "import", "taken", 1), `register 1: side: "taken": give import or export`},
		{strings.Replace(meterOf("source = \"tasmota\"\ntopic = \"t\""), "mqtt://127.0.0.1:1883", "", 1), "topic: needs the home's own broker"},
		{meterOf("source = \"tasmota\"\ntopic = \"t\"\n") + meterOf("source = \"tasmota\"\ntopic = \"t\"")[len(head):], `meter 2 ("anna"): name: each meter has one of its own`},
	} {
		if _, err := load(t, c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, and not %q, of\n%s", err, c.says, c.text)
		}
	}
}

// Each source is registers on topics, as its maker's documentation has them, and what is
// published there is read to the watt-hour.
func TestSources(t *testing.T) {
	for _, c := range []struct{ lines, topic, payload, want string }{
		{"source = \"shelly-gen1\"\ntopic = \"shellies/shellyem-B929CC\"", "shellies/shellyem-B929CC/emeter/0/total", "1234567.8", "import 1234567"},
		{"source = \"shelly-gen1\"\ntopic = \"shellies/shellyem-B929CC\"\nchannels = [1]", "shellies/shellyem-B929CC/emeter/1/total_returned", "36.9", "export 36"},
		{"source = \"shelly-gen1\"\ntopic = \"shellies/pv\"\nreversed = true", "shellies/pv/emeter/0/total", "36.9", "export 36"},
		{
			"source = \"shelly\"\ntopic = \"shellypro3em-1\"\ncomponent = \"em:0\"", "shellypro3em-1/status/emdata:0",
			`{"id":0,"a_total_act_energy":1.1,"a_total_act_ret_energy":0,"total_act":2413825.31,"total_act_ret":43862.07}`, "import 2413825 export 43862",
		},
		{
			"source = \"shelly\"\ntopic = \"shellyproem50-1\"\ncomponent = \"em1:1\"", "shellyproem50-1/status/em1data:1",
			`{"id":1,"total_act_energy":1264.15,"total_act_ret_energy":144792.28}`, "import 1264 export 144792",
		},
		{
			"source = \"shelly\"\ntopic = \"plug\"\ncomponent = \"switch:0\"", "plug/status/switch:0",
			`{"id":0,"output":true,"apower":8.9,"aenergy":{"total":6532.12,"by_minute":[45.199,47.141,88.397],"minute_ts":1626935779},"temperature":{"tC":23.5}}`, "import 6532",
		},
		{
			"source = \"shelly\"\ntopic = \"plug\"\ncomponent = \"pm1:0\"\nreturned = true", "plug/status/pm1:0",
			`{"id":0,"aenergy":{"total":11.679},"ret_aenergy":{"total":5.817}}`, "import 11 export 5",
		},
		{
			"source = \"tasmota\"\ntopic = \"tele/plug/SENSOR\"", "tele/plug/SENSOR",
			`{"Time":"2026-11-26T07:00:00","ENERGY":{"TotalStartTime":"2025-02-11T10:00:00","Total":0.0009,"Yesterday":0,"Today":0.001,"Power":0}}`, "import 0",
		},
		{
			"source = \"tasmota\"\ntopic = \"tele/meter/SENSOR\"\nimport = \"SML.E_in\"\nexport = \"SML.E_out\"", "tele/meter/SENSOR",
			`{"Time":"2026-11-26T07:00:00","SML":{"E_in":12345.6789,"E_out":1.2345e3,"Power":-312}}`, "import 12345678 export 1234500",
		},
		{"source = \"evcc\"\ntopic = \"evcc\"\npart = \"loadpoint 1\"", "evcc/loadpoints/1/chargeTotalImport", "6960.671", "import 6960671"},
		{"source = \"evcc\"\ntopic = \"evcc\"\npart = \"pv 2\"", "evcc/site/pv/2/energy", "1.5", "export 1500"},
		{"source = \"evcc\"\ntopic = \"evcc\"\npart = \"grid\"", "evcc/site/grid/energy", "8821.4", "import 8821400"},
		{
			"source = \"registers\"\n[[meter.register]]\nside = \"import\"\ntopic = \"a\"\npath = \"list.1.kwh\"\nunit = \"kWh\"\nfactor = \"0.5\"", "a",
			`{"list":[{"kwh":1},{"kwh":"3.001"}]}`, "import 1500",
		},
		{"source = \"registers\"\n[[meter.register]]\nside = \"import\"\ntopic = \"a\"\nunit = \"Wmin\"", "a", "90", "import 1"},
		{"source = \"registers\"\n[[meter.register]]\nside = \"import\"\ntopic = \"a\"\nunit = \"kWh\"", "a", "-1", `"-1" is below zero`},
		{"source = \"registers\"\n[[meter.register]]\nside = \"import\"\ntopic = \"a\"\nunit = \"kWh\"", "a", "1/3", `"1/3" is no number`},
		{"source = \"registers\"\n[[meter.register]]\nside = \"import\"\ntopic = \"a\"\nunit = \"kWh\"", "a", "1e999999999", `is no number`},
		{"source = \"registers\"\n[[meter.register]]\nside = \"import\"\ntopic = \"a\"\nunit = \"kWh\"", "a", "1e9", `is the unit right?`},
		{"source = \"registers\"\n[[meter.register]]\nside = \"import\"\ntopic = \"a\"\nunit = \"kWh\"", "a", "on", `"on" is no number`},
		{"source = \"registers\"\n[[meter.register]]\nside = \"import\"\ntopic = \"a\"\npath = \"x\"\nunit = \"kWh\"", "a", "12", `is not there`},
		{"source = \"registers\"\n[[meter.register]]\nside = \"import\"\ntopic = \"a\"\npath = \"x\"\nunit = \"kWh\"", "a", "on", `is not JSON`},
	} {
		cfg, err := load(t, meterOf(c.lines))
		if err != nil {
			t.Errorf("%v of\n%s", err, c.lines)
			continue
		}
		var got []string
		for _, r := range cfg.Meters[0].Registers {
			if r.Topic != c.topic {
				continue
			}
			wh, err := r.value([]byte(c.payload))
			if err != nil {
				got = append(got, err.Error())
				continue
			}
			got = append(got, fmt.Sprintf("%v %d", r.Side, wh.whole()))
		}
		if text := strings.Join(got, " "); !strings.Contains(text, c.want) || text == "" {
			t.Errorf("%q, and not %q, of %s", text, c.want, c.payload)
		}
	}
}

// The files of the manual are good ones.
func TestManual(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "bridge.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	for _, f := range files {
		if strings.Contains(f[1], "enrolled = ") {
			continue // TestBridge of cmd/commonwatt has one.
		}
		text := regexp.MustCompile(`(?m)^ca = .*\n`).ReplaceAllString(f[1], "") // There is no such certificate here.
		if _, err := load(t, text); err != nil {
			t.Errorf("%v of\n%s", err, text)
		}
	}
	if len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
}
