package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
)

// Street is a community that might be: homes on one line, of which each has what many
// have.
type Street struct {
	Name    string
	Seed    uint64
	Homes   int // How many; 0: as many as Meters need.
	Meters  int // How many altogether, so that the last homes may have less; 0: as many as there are.
	Minutes int // Of its intervals: 5, 15, 30 or 60.
}

// share is how many homes of a hundred have a device, and of which power in kW.
type share struct {
	kind        grid.Kind
	suffix      string
	percent     int
	least, most int
	with        grid.Kind // Only in homes that have that, too; 0: in any.
}

// shares are what homes have besides their connection, in the order of the file.
var shares = []share{
	{grid.Solar, "pv", 45, 4, 12, 0},
	{grid.Battery, "battery", 60, 3, 6, grid.Solar},
	{grid.HeatPump, "heat", 35, 4, 9, 0},
	{grid.Charger, "car", 40, 7, 11, 0},
}

// made begins the file of a street.
const made = `# Made-up homes, written by "commonwatt simulate"`

// Made reports whether a community file is that of a street.
func Made(file []byte) bool { return strings.HasPrefix(string(file), made) }

// connectionKW is what each home is connected with: three phases of 35 A.
const connectionKW = 24

// File returns the street's community file. A home is the same whatever the number of
// others.
func (s Street) File() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, made+` with --seed %d.
[community]
name = %s
time_zone = "Europe/Berlin"
interval_minutes = %d

[tariff]
retail = 0.32
feed_in = 0.08
levy = 0.02

[[tariff.period]]
name = "night"
from = "22:00"
to = "06:00"
retail = 0.26
`, s.Seed, community.Text(s.Name), s.Minutes)
	meters := 0
	for home := 1; (s.Homes == 0 || home <= s.Homes) && (s.Meters == 0 || meters < s.Meters); home++ {
		name := fmt.Sprintf("home-%05d", home)
		b.Write(community.Table{Name: "member", Fields: []community.Field{
			{Name: "name", Value: community.Text(name)}, {Name: "capacity_kw", Value: fmt.Sprint(connectionKW)},
		}}.Write())
		meters++
		for _, t := range devicesOf(name, dice(s.Seed, name+" and what it has")) {
			if s.Meters == 0 || meters < s.Meters {
				b.Write(t.Write())
				meters++
			}
		}
	}
	return []byte(b.String())
}

// devicesOf draws what a home has.
func devicesOf(name string, random *rand.Rand) (tables []community.Table) {
	has := map[grid.Kind]bool{0: true}
	for _, d := range shares {
		drawn, kW := random.IntN(100) < d.percent, d.least+random.IntN(d.most-d.least+1) // Both, so that later draws stay what they are.
		if !drawn || !has[d.with] {
			continue
		}
		has[d.kind] = true
		tables = append(tables, community.Table{Name: "member.device", Fields: []community.Field{
			{Name: "meter", Value: community.Text(name + "-" + d.suffix)},
			{Name: "kind", Value: community.Text(community.KindName(d.kind))},
			{Name: "capacity_kw", Value: fmt.Sprint(kW)},
		}})
	}
	return tables
}
