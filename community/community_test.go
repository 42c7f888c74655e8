package community_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/optest/memory"
)

// least is the shortest file that is accepted.
const least = `[community]
name = "Least"
[tariff]
retail = 0.32
feed_in = 0.08
`

func parse(t *testing.T, text string) *community.Community {
	t.Helper()
	c, err := community.Parse("c.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	c := parse(t, least+"[[member]]\nname = \"ann\"\n")
	if c.Currency != "EUR" || c.Decimals != 6 || c.Length != interval.Minutes60 || c.TimeZone.String() != "UTC" || c.CorrectionDays != 45 {
		t.Errorf("%+v", c)
	}
	if c.Rules != market.DefaultRules {
		t.Errorf("rules %v", c.Rules)
	}
	if len(c.Zones) != 1 || c.Zones[0].ID != "grid" || c.Members[0].Zone != "grid" || c.Members[0].Meter != "ann" {
		t.Errorf("zones %v, members %v", c.Zones, c.Members)
	}
	if at, ok := c.Meters().Get("ann"); !ok || at.Kind != grid.Meter || at.Member != "ann" {
		t.Errorf("meter %v", at)
	}
}

func TestRules(t *testing.T) {
	for text, want := range map[string]market.Rules{
		"members_first = false":                              {Mode: auction.Uniform, Rule: auction.ClearingRule},
		"members_first = false\nprice_rule = \"split\"":      {Mode: auction.Uniform, Rule: auction.SplitRule},
		"price_rule = \"clearing\"":                          {Mode: auction.Uniform, Rule: auction.ClearingRule, MembersFirst: true},
		"mode = \"pay-as-bid\"":                              {Mode: auction.PayAsBid, Rule: auction.SplitRule, MembersFirst: true},
		"mode = \"mid-market\"\nprice_rule = \"clearing\"\n": {Mode: auction.MidMarket, Rule: auction.ClearingRule, MembersFirst: true},
	} {
		c := parse(t, strings.Replace(least, "[tariff]", text+"\n[tariff]", 1))
		if c.Rules != want {
			t.Errorf("%s: got %v, want %v", text, c.Rules, want)
		}
	}
}

func TestMembersAndZones(t *testing.T) {
	c := parse(t, strings.Replace(least, "[tariff]", "interval_minutes = 15\n[tariff]", 1)+`
[[zone]]
id = "f1"
parent = "top"
charge = "0.04"
export_limit_kw = 12.5
loss = 0.015
feeder = "t1"
[[zone]]
id = "top"
[[member]]
name = "ann"
zone = "f1"
buy_limit = 0.3
green = true
partners = ["bob"]
[[member.device]]
meter = "ann-pv"
kind = "solar"
capacity_kw = 5.5
[[member]]
name = "bob"
zone = "top"
meter = "0815"
sell_limit = -0.001
supply = "green"
device = [{ meter = "bob-ev", kind = "ev" }]
`)
	if got := fmt.Sprint(c.Zones); got != "[{top  {0 -1 -1 0} } {f1 top {40 3125 -1 15000} t1}]" {
		t.Errorf("zones %s; parents come first, 12.5 kW are 3125 Wh in 15 minutes, 1.5 %% are 15,000 ppm", got)
	}
	if m, ok := c.Meters().Get("t1"); !ok || m != (community.Meter{ID: "t1", Zone: "f1", Kind: grid.Feeder}) {
		t.Errorf("the feeder meter is %+v", m)
	}
	ann, bob := c.Members[0], c.Members[1]
	if *ann.BuyLimit != 300 || !ann.Green || !ann.SellsGreen || ann.Devices[0] != (community.Device{Meter: "ann-pv", Kind: grid.Solar, CapacityW: 5500}) {
		t.Errorf("ann %+v", ann)
	}
	if *bob.SellLimit != -1 || bob.Green || !bob.SellsGreen || bob.Devices[0].Kind != grid.Charger {
		t.Errorf("bob %+v", bob)
	}
	meters := c.Meters()
	if got := fmt.Sprint(meters.All()); got != "[ann ann-pv 0815 bob-ev t1]" || meters.Nearest("anm-pv") != "ann-pv" || meters.Has("bob") {
		t.Errorf("meters %s", got)
	}
}

func TestRefuses(t *testing.T) {
	for _, test := range []struct{ name, old, replaced, want string }{
		{"unknown field", "name =", "nam =", `c.toml:2:1: community.nam: is not a field of the community file; did you mean "name"?`},
		{"unknown field, no idea", "name =", "zzz =", `community.zzz: is not a field of the community file; the fields here are name, currency`},
		{"unknown table", "[tariff]", "[tarif]", `c.toml:3:2: tarif: is not a field of the community file; did you mean "tariff"?`},
		{"no TOML", "name =", "name", "c.toml:2:"},
		{"escape in an unknown field", "[tariff]", "\"\\b\" = 1\n[tariff]", `c.toml:3:1: community.\b: is not a field`},
		{"wrong type", "name =", "decimals = \"six\"\nname =", "c.toml:2:12: "},
		{"no name", `"Least"`, `""`, "c.toml:2: community.name: is missing"},
		{"currency", "[tariff]", "currency = \"€\"\n[tariff]", `c.toml:3: community.currency: "€" is no currency`},
		{"decimals", "[tariff]", "decimals = 2\n[tariff]", "community.decimals: 2 is not between 3 and 9"},
		{"minutes", "[tariff]", "interval_minutes = 10\n[tariff]", "community.interval_minutes: 10 is none of 5, 15, 30 and 60"},
		{"time zone", "[tariff]", "time_zone = \"Local\"\n[tariff]", `community.time_zone: "Local" is no time zone`},
		{"mode", "[tariff]", "mode = \"auction\"\n[tariff]", `community.mode: "auction" is not possible; write one of uniform, pay-as-bid, mid-market`},
		{"correction days", "[tariff]", "correction_days = 1000\n[tariff]", "community.correction_days: 1000 is not between 0 and 400"},
		{"too fine", "0.32", "0.3215", `c.toml:4: tariff.retail: "0.3215" has 4 digits after the point and needs decimals = 7 in [community], which has 6`},
		{"much too fine", "0.32", "0.32150001", "has 8 digits after the point; a price per kWh has at most 6"},
		{"no number", "0.32", `"cheap"`, `tariff.retail: "cheap" is not a decimal number such as 0.32`},
		{"infinite", "0.32", "inf", `"inf" is not a decimal number`},
		{"exponent", "0.32", "3.2e-1", `"3.2e-1" is not a decimal number`},
		{"too dear", "0.32", "99999999", "is beyond the largest price"},
		{"far too dear", "0.32", "999999999999999999999", "is too large"},
		{"feed-in above retail", "0.08", "0.33", "tariff.retail: 0.32 is below feed_in"},
		{"no feed-in", "feed_in = 0.08", "", "c.toml:3: tariff.feed_in: is missing"},
		{"no retail", "retail = 0.32", "", "tariff.retail: is missing; write the supplier's price per kWh"},
		{"negative levy", "feed_in", "levy = -0.01\nfeed_in", `tariff.levy: "-0.01" is negative`},
		{"two sources", "feed_in", "file = \"t.csv\"\nfeed_in", "tariff.file: comes with retail or periods"},
		{"absent tariff file", "retail = 0.32", "file = \"absent.csv\"", "tariff.file: open absent.csv"},
		{"gap in the week", "retail = 0.32", "period = [{ from = \"00:00\", to = \"24:00\", days = [\"mon\"], retail = 0.3 }]", "no period covers Tue 00:00"},
		{"overlap", "0.08", "0.08\nperiod = [{ from = \"22:00\", to = \"06:00\", retail = 0.3 }, { from = \"05:00\", to = \"07:00\", retail = 0.4 }]", "tariff.period[1]: covers Mon 05:00, which tariff.period[0] covers already"},
		{"within an interval", "0.08", "0.08\nperiod = [{ from = \"22:30\", to = \"06:00\", retail = 0.3 }]", "tariff.period[0].from: 22:30 falls into an interval of 60 minutes"},
		{"no time of day", "0.08", "0.08\nperiod = [{ from = \"25:00\", to = \"06:00\", retail = 0.3 }]", `"25:00" is no time of day`},
		{"no day", "0.08", "0.08\nperiod = [{ from = \"22:00\", to = \"06:00\", days = [\"monday\"], retail = 0.3 }]", `tariff.period[0].days: "monday" is not possible; write one of mon, tue`},
		{"unknown zone", "", "[[zone]]\nid = \"f1\"\n[[zone]]\nid = \"f2\"\nparent = \"f1\"\n[[member]]\nname = \"ann\"\nzone = \"f9\"", `c.toml:13: member[0].zone: there is no zone "f9"; did you mean "f1"; zones are f1, f2`},
		{"unknown parent", "", "[[zone]]\nid = \"f1\"\n[[zone]]\nid = \"f2\"\nparent = \"x\"", `zone[1].parent: there is no zone "x"`},
		{"two roots", "", "[[zone]]\nid = \"f1\"\n[[zone]]\nid = \"f2\"", `c.toml:8: zone[1].parent: is missing; the root is "f1" already`},
		{"circle", "", "[[zone]]\nid = \"f1\"\nparent = \"f2\"\n[[zone]]\nid = \"f2\"\nparent = \"f1\"", "zone[0].parent: leads in a circle"},
		{"charge of the root", "", "[[zone]]\nid = \"f1\"\ncharge = 0.1", `zone[0]: "f1" is the root and has no line`},
		{"loss of the root", "", "[[zone]]\nid = \"f1\"\nloss = 0.01", `zone[0]: "f1" is the root and has no line`},
		{"loss in percent", "", "[[zone]]\nid = \"f1\"\n[[zone]]\nid = \"f2\"\nparent = \"f1\"\nloss = 1.5", `c.toml:11: zone[1].loss: "1.5" is not between 0 and 0.15; it is a share of what flows, so 1.5 % are 0.015`},
		{"gain", "", "[[zone]]\nid = \"f1\"\n[[zone]]\nid = \"f2\"\nparent = \"f1\"\nloss = -0.01", `zone[1].loss: "-0.01" is not between 0 and 0.15`},
		{"fine loss", "", "[[zone]]\nid = \"f1\"\n[[zone]]\nid = \"f2\"\nparent = \"f1\"\nloss = 0.0123456", `zone[1].loss: "0.0123456" has 7 digits after the point; a share has at most 6`},
		{"loss in words", "", "[[zone]]\nid = \"f1\"\n[[zone]]\nid = \"f2\"\nparent = \"f1\"\nloss = \"little\"", `zone[1].loss: "little" is not a decimal number`},
		{"zone twice", "", "[[zone]]\nid = \"f1\"\n[[zone]]\nid = \"f1\"\nparent = \"f1\"", `zone[1].id: "f1" is zone[0] already`},
		{"feeder meter of a member", "", "[[zone]]\nid = \"f1\"\nfeeder = \"ann\"\n[[member]]\nname = \"ann\"", `c.toml:8: zone[0].feeder: "ann" is a meter of member "ann" already`},
		{"feeder meter twice", "", "[[zone]]\nid = \"f1\"\nfeeder = \"t\"\n[[zone]]\nid = \"f2\"\nparent = \"f1\"\nfeeder = \"t\"", `c.toml:12: zone[1].feeder: "t" is the feeder meter of zone "f1" already`},
		{"feeder meter's name", "", "[[zone]]\nid = \"f1\"\nfeeder = \"t 1\"", `zone[0].feeder: "t 1" is no identifier of a meter`},
		{"member's zone missing", "", "[[zone]]\nid = \"f1\"\n[[zone]]\nid = \"f2\"\nparent = \"f1\"\n[[member]]\nname = \"ann\"", "c.toml:11: member[0].zone: is missing; zones are f1, f2"},
		{"no identifier", "", "[[member]]\nname = \"Ann Smith\"", `member[0].name: "Ann Smith" is no identifier`},
		{"reserved", "", "[[member]]\nname = \"Utility\"", `member[0].name: "Utility" is reserved; so are utility, network, levy`},
		{"member twice", "", "[[member]]\nname = \"ann\"\n[[member]]\nname = \"ann\"", `member[1].name: "ann" is member[0] already`},
		{"meter twice", "", "[[member]]\nname = \"ann\"\n[[member]]\nname = \"bob\"\nmeter = \"ann\"", `member[1].meter: "ann" is a meter of member "ann" already`},
		{"device without meter", "", "[[member]]\nname = \"ann\"\n[[member.device]]\nkind = \"solar\"", `c.toml:8: member[0].device[0].meter: "" is no identifier of a meter`},
		{"device before its member", "", "[[member.device]]\nmeter = \"x\"\n[[member]]\nname = \"ann\"", `c.toml:6: member.device: belongs to the [[member]] before it, and there is none`},
		{"in other letters", "", "[[Member.Device]]", `c.toml:6: member.device: belongs to the [[member]] before it`},
		{"table in a device of the member before", "", "[[member]]\n[[member.device]]\n[[member]]\n[[member.device.x]]", `c.toml:9: member.device.x: belongs to the [[member[1].device]] before it, and there is none`},
		{"kind", "", "[[member]]\nname = \"ann\"\n[[member.device]]\nmeter = \"x\"\nkind = \"sun\"", `member[0].device[0].kind: "sun" is not possible; write one of solar, wind`},
		{"efficiency of panels", "", "[[member]]\nname = \"ann\"\n[[member.device]]\nmeter = \"x\"\nkind = \"solar\"\nefficiency = 0.9", `member[0].device[0].efficiency: is for batteries only`},
		{"efficiency in percent", "", "[[member]]\nname = \"ann\"\n[[member.device]]\nmeter = \"x\"\nkind = \"battery\"\nefficiency = 90", `member[0].device[0].efficiency: "90" is not above 0 and at most 1`},
		{"fine efficiency", "", "[[member]]\nname = \"ann\"\n[[member.device]]\nmeter = \"x\"\nkind = \"battery\"\nefficiency = 0.1234567", `"0.1234567" has 7 digits after the point`},
		{"storage", "[tariff]", "storage_method = \"first\"\n[tariff]", `community.storage_method: "first" is not possible; write one of fifo, lifo, weighted`},
		{"capacity", "", "[[member]]\nname = \"ann\"\ncapacity_kw = -1", `member[0].capacity_kw: "-1" is not between 0 and 10 GW`},
		{"fine capacity", "", "[[member]]\nname = \"ann\"\ncapacity_kw = 1.2345", "is finer than a watt"},
		{"green without a limit", "", "[[member]]\nname = \"ann\"\ngreen = true", "member[0].green: a wish for green energy needs buy_limit"},
		{"supply", "", "[[member]]\nname = \"ann\"\nsupply = \"brown\"", `member[0].supply: "brown" is not possible`},
		{"partner", "", "[[member]]\nname = \"ann\"\npartners = [\"anm\"]", `member[0].partners: there is no member "anm"; did you mean "ann"`},
		{"own partner", "", "[[member]]\nname = \"ann\"\npartners = [\"ann\"]", "cannot be its own partner"},
		{"partner twice", "", "[[member]]\nname = \"ann\"\npartners = [\"bob\", \"bob\"]\n[[member]]\nname = \"bob\"", `"bob" is named twice`},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := least + test.replaced
			if test.old != "" {
				text = strings.Replace(least, test.old, test.replaced, 1)
			}
			_, err := community.Parse("c.toml", []byte(text))
			if _, refused := errors.AsType[*community.Refused](err); !refused || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(least))
	f.Add([]byte(least + "[[zone]]\nid = \"a\"\n[[member]]\nname = \"b\"\ndevice = [{ meter = \"c\", kind = \"ev\" }]\n"))
	var unknown []byte
	for n := range 50_000 {
		unknown = fmt.Appendf(unknown, "field%d = 1\n", n)
	}
	f.Add(unknown)
	memory.Large(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		defer memory.Bound(t)()
		c, err := community.Parse("c.toml", text)
		if err != nil {
			if _, refused := errors.AsType[*community.Refused](err); !refused {
				t.Fatalf("neither accepted nor refused: %v", err)
			}
			return
		}
		if _, err := c.TariffSteps(0, 86400); err != nil {
			t.Fatal(err)
		}
	})
}
