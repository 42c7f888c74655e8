package community_test

import (
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/community"
)

const street = `# The street.
[community]
name = "Street" # As the sign says.
[tariff]
retail = 0.30
feed_in = 0.08

# Anna has the long roof.
[[member]]
name = "anna"
partners = [
  "bela",
]

# Bela came later.
[[member]]
name = "bela"`

// A device goes to its member, everything else to the end, and no line that was
// there changes.
func TestWith(t *testing.T) {
	c, err := community.Parse("street.toml", []byte(street))
	if err != nil {
		t.Fatal(err)
	}
	roof := community.Table{Name: "member.device", Fields: []community.Field{
		{Name: "meter", Value: community.Text("anna-pv")}, {Name: "kind", Value: community.Text("solar")},
	}}
	if c, err = c.With("street.toml", roof, "anna"); err != nil {
		t.Fatal(err)
	}
	if c, err = c.With("street.toml", community.Table{Name: "member", Fields: []community.Field{{Name: "name", Value: `"carla"`}}}, ""); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(street, "]\n\n# Bela", "]\n\n[[member.device]]\nmeter = \"anna-pv\"\nkind = \"solar\"\n\n# Bela", 1) +
		"\n\n[[member]]\nname = \"carla\"\n"
	if got := string(c.Source()); got != want {
		t.Errorf("the file became\n%s", got)
	}
	if m, ok := c.Meters().Get("anna-pv"); !ok || m.Member != "anna" || len(c.Members) != 3 {
		t.Errorf("%+v %v", m, c.Members)
	}
}

// What the file could not hold is refused as if it had been written by hand.
func TestWithRefused(t *testing.T) {
	c, err := community.Parse("street.toml", []byte(street))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, member, want string
	}{
		{"anna", "", `street.toml:20: member[2].name: "anna" is member[0] already`},
		{`an"na\` + "\n", "", "is no identifier"},
		{"x", "ana", `there is no member "ana"; did you mean "anna"`},
	} {
		_, err := c.With("street.toml", community.Table{Name: "member", Fields: []community.Field{{Name: "name", Value: community.Text(test.name)}}}, test.member)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v", test.name, err)
		}
	}
}
