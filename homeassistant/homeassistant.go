// Package homeassistant writes what a home's Home Assistant is told over MQTT: which
// sensors there are (Home Assistant, MQTT integration, "Device discovery payload"), and
// what they show.
//
// Its promise: the figures are those of the home's own pages, energy to the watt-hour and
// money rounded there, once; and what is told of a home tells of no other.
package homeassistant

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/tx"
)

// StateTopic is where the figures are told, below a device's prefix.
const StateTopic = "state"

// ID is the name of a home among the devices of a Home Assistant. It is the home's and
// not the meter's: two meters of one home tell of one.
func ID(m grid.MicrogridID, account tx.AccountID) string {
	return fmt.Sprintf("commonwatt_%d_%d", m, account)
}

// ConfigTopic is where the sensors are told, below a device's prefix or another one:
// <discovery_prefix>/device/<object_id>/config.
func ConfigTopic(id string) string { return "device/" + id + "/config" }

// config is a device discovery payload.
type config struct {
	Device     device            `json:"device"`
	Origin     origin            `json:"origin"`
	Components map[string]sensor `json:"components"`
}

type device struct {
	Identifiers      []string `json:"identifiers"`
	Name             string   `json:"name"`
	Manufacturer     string   `json:"manufacturer"`
	Model            string   `json:"model"`
	ConfigurationURL string   `json:"configuration_url,omitempty"`
}

type origin struct {
	Name       string `json:"name"`
	SupportURL string `json:"support_url,omitempty"`
}

// sensor is a component. Energy of a day is "total" with a last reset and not
// "total_increasing", since a correction may lower it; money may be "total" alone (Home
// Assistant, sensor entity, "Available state classes").
type sensor struct {
	Platform    string `json:"platform"`
	UniqueID    string `json:"unique_id"`
	Name        string `json:"name"`
	StateTopic  string `json:"state_topic"`
	Value       string `json:"value_template"`
	DeviceClass string `json:"device_class,omitempty"`
	StateClass  string `json:"state_class,omitempty"`
	Unit        string `json:"unit_of_measurement,omitempty"`
	LastReset   string `json:"last_reset_value_template,omitempty"`
	Precision   *int   `json:"suggested_display_precision,omitempty"`
	Icon        string `json:"icon,omitempty"`
	PayloadOn   string `json:"payload_on,omitempty"`
	PayloadOff  string `json:"payload_off,omitempty"`
}

// Config is the sensors of a home, told below a device's prefix, as in
// commonwatt/7/12/homeassistant. Open is what its people open in a browser.
func Config(home *pages.Home, id, prefix, open string) []byte {
	two, three := 2, 3
	day := "{{ value_json.day }}"
	c := config{
		Device: device{
			Identifiers: []string{id}, Name: strings.TrimSpace(home.Community + " " + home.Name), Manufacturer: "Commonwatt", Model: "Home", ConfigurationURL: open,
		},
		Origin: origin{Name: "commonwatt"},
		Components: map[string]sensor{
			"imported": {
				Name: "Energy imported today", DeviceClass: "energy", StateClass: "total", Unit: "kWh", LastReset: day, Precision: &two,
			},
			"exported": {
				Name: "Energy exported today", DeviceClass: "energy", StateClass: "total", Unit: "kWh", LastReset: day, Precision: &two,
			},
			"balance": {
				Name: "Balance today", DeviceClass: "monetary", StateClass: "total", Unit: home.Currency.Code, LastReset: day, Precision: &two,
			},
			"balance_month": {
				Name: "Balance this month", DeviceClass: "monetary", StateClass: "total", Unit: home.Currency.Code,
				LastReset: "{{ value_json.month }}", Precision: &two,
			},
			"price": {
				Name: "Price among neighbours", StateClass: "measurement", Unit: home.Currency.Code + "/kWh", Precision: &three, Icon: "mdi:home-group",
			},
			"price_utility": {
				Name: "Price of the utility", StateClass: "measurement", Unit: home.Currency.Code + "/kWh", Precision: &three, Icon: "mdi:transmission-tower",
			},
			"settled":   {Name: "Settled until", DeviceClass: "timestamp"},
			"estimated": {Platform: "binary_sensor", Name: "Last interval estimated", PayloadOn: on, PayloadOff: off, Icon: "mdi:approximately-equal"},
		},
	}
	for name, s := range c.Components {
		if s.Platform == "" {
			s.Platform = "sensor"
		}
		s.UniqueID, s.StateTopic, s.Value = id+"_"+name, prefix+"/"+StateTopic, "{{ value_json."+name+" }}"
		c.Components[name] = s
	}
	return write(c)
}

// What a binary sensor is.
const (
	on  = "ON"
	off = "OFF"
)

// state is the figures of a home; those that are absent are not known.
type state struct {
	Day          string      `json:"day,omitempty"`   // When it began.
	Month        string      `json:"month,omitempty"` // When it began.
	Imported     json.Number `json:"imported,omitempty"`
	Exported     json.Number `json:"exported,omitempty"`
	Balance      json.Number `json:"balance,omitempty"`
	BalanceMonth json.Number `json:"balance_month,omitempty"`
	Price        json.Number `json:"price,omitempty"`
	PriceUtility json.Number `json:"price_utility,omitempty"`
	Settled      string      `json:"settled,omitempty"`
	Estimated    string      `json:"estimated,omitempty"`
}

// State is what the sensors of a home show.
func State(home *pages.Home) []byte {
	if home.Settled == 0 {
		return write(state{})
	}
	zone, err := community.TimeZone(home.Day.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	at := func(t interval.Time) time.Time { return time.Unix(int64(t), 0).In(zone) }
	day := at(home.Day.Start)
	s := state{
		Day: day.Format(time.RFC3339), Month: day.AddDate(0, 0, 1-day.Day()).Format(time.RFC3339),
		Imported: decimal(home.Taken.Wh, 3), Exported: decimal(home.Given.Wh, 3),
		Balance: decimal(home.Balance.Shown, 2), BalanceMonth: decimal(home.Month.Shown, 2),
		Settled: at(home.Settled).Format(time.RFC3339), Estimated: off,
	}
	if home.Estimated {
		s.Estimated = on
	}
	if home.Price != nil {
		s.Price = decimal(home.Price.Shown, 3)
	}
	if home.Utility != nil {
		s.PriceUtility = decimal(home.Utility.Shown, 3)
	}
	return write(s)
}

// decimal writes a number of units of which 10^places are one.
func decimal(n int64, places int) json.Number {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatInt(n, 10)
	if short := places + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	return json.Number(sign + digits[:len(digits)-places] + "." + digits[len(digits)-places:])
}

func write(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("homeassistant: a payload cannot be written: " + err.Error()) // It is words and numbers.
	}
	return text
}
