package community_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/commonwatt/commonwatt/community"
)

// What Keep leaves in a folder is the same community, prices included.
func TestKeep(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	const text = `
[community]
name = "Kept"
[tariff]
file = "hours/of the year.csv"
feed_in = 0.08
levy = 0.02
[[zone]]
id = "street"
[[member]]
name = "anna"
zone = "street"
`
	if err := os.Mkdir(filepath.Join(from, "hours"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"c.toml":                text,
		"hours/of the year.csv": "start,eur_per_kwh\n2026-01-01T00:00:00Z,0.30\n2026-01-01T01:00:00Z,0.31\n",
	} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := community.Load(filepath.Join(from, "c.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // What was kept is kept again.
		if err := c.Keep(to); err != nil {
			t.Fatal(err)
		}
		kept, err := community.Load(filepath.Join(to, community.File))
		if err != nil {
			t.Fatal(err)
		}
		was, err := c.TariffSteps(1767225600, 1767225600+7200)
		if err != nil {
			t.Fatal(err)
		}
		is, err := kept.TariffSteps(1767225600, 1767225600+7200)
		if err != nil || len(is) != len(was) || is[1] != was[1] || kept.Microgrid() != c.Microgrid() {
			t.Errorf("kept %v, was %v: %v", is, was, err)
		}
		c = kept
	}
}
