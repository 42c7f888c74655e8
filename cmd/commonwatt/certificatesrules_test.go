package main

import (
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/live"
)

func TestRuleOf(t *testing.T) {
	for text, want := range map[string]live.Rule{
		"50% to mill":                         {SharePPM: 500_000, To: "mill"},
		"33.3333 % to mill":                   {SharePPM: 333_333, To: "mill"},
		"2.5 kWh to bela":                     {Most: 2500, To: "bela"},
		"rest to 1234":                        {SharePPM: 1_000_000, To: "1234"},
		"100% for Bakery to the Elm":          {SharePPM: 1_000_000, Beneficiary: "Bakery to the Elm", Purpose: "disclosure"},
		"0.001 kWh for Friends for the River": {Most: 1, Beneficiary: "Friends for the River", Purpose: "disclosure"},
	} {
		if got, err := ruleOf(text, "disclosure"); err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"50%":             `does not say "to" whom`,
		"50% to ":         "names nobody",
		"101% to mill":    "at most 100",
		"0% to mill":      "not above 0",
		"0.00001% to m":   "at most 4 digits",
		"-2 kWh to mill":  "the energy is not above 0",
		"0.0001 kWh to m": "to the Wh",
		"half to mill":    "does not say how much",
		"1e3 kWh to mill": "the energy",
	} {
		if _, err := ruleOf(text, "disclosure"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
