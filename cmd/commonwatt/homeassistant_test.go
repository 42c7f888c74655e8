package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
)

// told is a message that a home hears.
type toldHome struct{ topic, text string }

// listens lets a client hear some topics.
func listens(t *testing.T, c mqtt.Client, topics ...string) <-chan toldHome {
	t.Helper()
	heard := make(chan toldHome, 1000)
	for _, topic := range topics {
		waitFor(t, c.Subscribe(topic, 0, func(_ mqtt.Client, m mqtt.Message) { heard <- toldHome{m.Topic(), string(m.Payload())} }))
	}
	return heard
}

// hears waits for a message that is as wanted.
func hears(t *testing.T, heard <-chan toldHome, what string, wanted func(toldHome) bool) toldHome {
	t.Helper()
	for late := time.After(20 * time.Second); ; {
		select {
		case m := <-heard:
			if wanted(m) {
				return m
			}
		case <-late:
			t.Fatalf("nobody tells %s", what)
		}
	}
}

// The keys that Home Assistant documents (MQTT integration, "Discovery options" and
// "Device discovery payload"; MQTT sensor and binary sensor, "Configuration variables").
var (
	payloadKeys = "device origin components state_topic availability qos encoding"
	deviceKeys  = "configuration_url connections hw_version identifiers manufacturer model model_id name serial_number suggested_area sw_version via_device"
	originKeys  = "name sw_version support_url"
	sensorKeys  = "platform availability default_entity_id device_class enabled_by_default entity_category expire_after force_update icon json_attributes_topic name " +
		"last_reset_value_template qos state_class state_topic suggested_display_precision unique_id unit_of_measurement value_template"
	binaryKeys = "platform availability default_entity_id device_class enabled_by_default entity_category expire_after force_update icon name off_delay " +
		"payload_off payload_on qos state_topic unique_id value_template"
)

// checkDiscovery holds a payload to what Home Assistant takes, and the figures to its
// templates.
func checkDiscovery(t *testing.T, config, state string) {
	t.Helper()
	var whole map[string]json.RawMessage
	var payload struct {
		Device     map[string]any
		Origin     map[string]any
		Components map[string]map[string]any
	}
	var figures map[string]any
	if err := errorsOf(json.Unmarshal([]byte(config), &whole), json.Unmarshal([]byte(config), &payload), json.Unmarshal([]byte(state), &figures)); err != nil {
		t.Fatalf("%v: %s %s", err, config, state)
	}
	known(t, "the payload", payloadKeys, whole)
	known(t, "the device", deviceKeys, payload.Device)
	known(t, "the origin", originKeys, payload.Origin)
	if len(payload.Components) != 8 || payload.Device["identifiers"] == nil || payload.Origin["name"] == nil {
		t.Errorf("%d sensors: %s", len(payload.Components), config)
	}
	unique := map[any]bool{}
	for name, s := range payload.Components {
		keys := sensorKeys
		if s["platform"] == "binary_sensor" {
			keys = binaryKeys
		}
		known(t, name, keys, s)
		unique[s["unique_id"]] = true
		class, counts, unit := s["device_class"], s["state_class"], s["unit_of_measurement"]
		switch {
		case class == "energy" && (counts != "total" && counts != "total_increasing" || unit != "kWh"),
			class == "monetary" && (counts != "total" || unit != "EUR"), // ISO 4217.
			class == "timestamp" && (counts != nil || unit != nil),
			s["last_reset_value_template"] != nil && counts != "total",
			s["state_topic"] == nil, s["unique_id"] == nil, s["name"] == nil:
			t.Errorf("Home Assistant does not take %s: %v", name, s)
		}
		if s["value_template"] != "{{ value_json."+name+" }}" {
			t.Errorf("%s shows %v", name, s["value_template"])
		}
	}
	if len(unique) != len(payload.Components) {
		t.Errorf("unique ids are not: %v", unique)
	}
}

func errorsOf(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// known holds the fields of something to a list of keys.
func known[V any](t *testing.T, what, keys string, fields map[string]V) {
	t.Helper()
	for key := range fields {
		if !slices.Contains(strings.Fields(keys), key) {
			t.Errorf("%s: Home Assistant has no %q", what, key)
		}
	}
}

// A home sees its own energy, price and balance in Home Assistant, which connects with
// the node or with the home's own broker beside a bridge: the figures of its pages, as
// intervals are settled; another home sees nothing of them.
func TestHomeAssistant(t *testing.T) {
	dir := elm(t)
	for _, name := range []string{"anna", "bela"} {
		must(t, "member", "add", dir, name)
	}
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month(), now.Day()-2, 0, 0, 0, 0, time.UTC)
	begin := interval.Time(first.Unix())
	up := start(t, dir, "--from", first.Format(time.DateOnly), "--grace", "100h", "--mqtt", "127.0.0.1:0")
	anna, bela := up.enrolled(t, dir, "anna", 1, begin), up.enrolled(t, dir, "bela", 2, begin)
	direct, _ := bela.connect(t, bela.address)
	defer direct.Disconnect(0)
	heard := listens(t, direct, broker.HomeTopic(bela.Device)+"/+/+/config", broker.HomeTopic(bela.Device)+"/state")
	waitFor(t, direct.Publish(broker.StatusTopic(bela.Device), 0, false, "online")) // Its birth message.
	hears(t, heard, "bela's sensors", func(m toldHome) bool { return strings.HasSuffix(m.topic, "/config") })
	hears(t, heard, "that nothing is settled", func(m toldHome) bool { return m.text == "{}" })

	b, home := bridgedHome(t, dir, up, anna)
	b.start(1)
	atHome := listens(t, home, "homeassistant/+/+/config", broker.HomeTopic(anna.Device)+"/state")
	config := hears(t, atHome, "anna's sensors", func(m toldHome) bool { return strings.HasSuffix(m.topic, "/config") })
	record := metering.Record{Microgrid: anna.Microgrid}
	for n := range 3 {
		record.Intervals = append(record.Intervals, metering.Readings{Start: begin + interval.Time(n)*3600, Values: []metering.Value{
			{Device: anna.Device.Device, Import: 1230, Quality: metering.Actual}, {Device: bela.Device.Device, Export: 505, Quality: metering.Actual},
		}})
		slices.SortFunc(record.Intervals[n].Values, func(a, b metering.Value) int { return cmp.Compare(a.Device, b.Device) })
	}
	up.send(t, dir, 2000, metering.RecordKind.Encode(record))
	until := first.Add(3 * time.Hour).Format(time.RFC3339)
	settled := func(m toldHome) bool { return strings.Contains(m.text, `"settled":"`+until) }
	annas, belas := hears(t, atHome, "anna's figures", settled), hears(t, heard, "bela's figures", settled)
	checkDiscovery(t, config.text, annas.text)
	checkFigures(t, dir, "anna", first, annas.text, `"imported":3.690,"exported":0.000,`)
	checkFigures(t, dir, "bela", first, belas.text, `"imported":0.000,"exported":1.515,`)
	for range len(heard) {
		if m := <-heard; strings.Contains(m.text, "3.690") || !strings.HasPrefix(m.topic, broker.HomeTopic(bela.Device)) {
			t.Errorf("bela is told %v", m)
		}
	}
	again := listens(t, home, "homeassistant/#", broker.HomeTopic(anna.Device)+"/#") // A Home Assistant that starts.
	hears(t, again, "what is retained", settled)
	b.kill()
	up.stop(t)
}

// bridgedHome is a bridge for a device's home that has one meter, from which nothing
// comes, and a client of the home's broker.
func bridgedHome(t *testing.T, dir string, up *running, d *meterDevice) (*bridged, mqtt.Client) {
	t.Helper()
	address, home := homeBroker(t)
	folder := t.TempDir()
	gatewayKey(t, folder)
	text := fmt.Sprintf("chain = %q\nnode = %q\nminutes = 60\nkey = \"gateway.pem\"\n[home]\nbroker = %q\ndiscovery_prefix = \"homeassistant\"\n",
		d.chain, d.address, address)
	text += fmt.Sprintf("[[meter]]\nname = %q\nuser = %q\npassword = %q\nsource = \"tasmota\"\ntopic = \"tele/plug/SENSOR\"\n", d.Meter, d.User, d.Password)
	b := &bridged{t: t, file: filepath.Join(folder, "home.toml"), clock: filepath.Join(folder, "clock")}
	if err := os.WriteFile(b.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.at(interval.Time(time.Now().Unix()))
	return b, home
}

// checkFigures compares what a home is told with the pages of its day.
func checkFigures(t *testing.T, dir, who string, day time.Time, text, energies string) {
	t.Helper()
	var page struct {
		Balance   struct{ Shown int64 }
		Tariff    struct{ Retail struct{ Shown int64 } }
		Intervals []struct{ Price *struct{ Shown int64 } }
	}
	raw := must(t, "today", dir, who, day.Format(time.DateOnly), "-o", "json")
	if err := json.Unmarshal([]byte(raw), &page); err != nil {
		t.Fatal(err)
	}
	cents := fmt.Sprintf("%.2f", float64(page.Balance.Shown)/100)
	want := []string{energies, `"day":"` + day.Format(time.RFC3339), `"balance":` + cents + `,`, `"balance_month":`, `"estimated":"OFF"`, fmt.Sprintf(`"price_utility":%.3f`, float64(page.Tariff.Retail.Shown)/1000)}
	if p := page.Intervals[2].Price; p != nil {
		want = append(want, fmt.Sprintf(`"price":%.3f`, float64(p.Shown)/1000))
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s is told %s, and not %s", who, text, w)
		}
	}
}
