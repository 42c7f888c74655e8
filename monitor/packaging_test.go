package monitor_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ours is a name that one of our nodes would expose.
var ours = regexp.MustCompile(`\b(?:commonwatt|cometbft|process|go)_[a-z0-9_]+\b`)

// unknown lists the names of a text that no node exposes.
func unknown(names map[string]string, text string) (list []string) {
	for _, name := range ours.FindAllString(text, -1) {
		series := name
		for _, more := range []string{"_bucket", "_sum", "_count"} {
			whole, ok := strings.CutSuffix(name, more)
			if kind, is := names[whole]; ok && is && (kind == "histogram" || kind == "summary") {
				series = whole
			}
		}
		if _, is := names[series]; !is {
			list = append(list, name)
		}
	}
	return list
}

// dashboard is what is of interest here of one of Grafana's.
type dashboard struct {
	Panels []struct {
		Title, Type string
		Targets     []struct{ Expr string }
	}
}

// Each query of the dashboard and each alert asks for what a real node exposes.
func TestQueries(t *testing.T) {
	names := map[string]string{}
	for _, m := range metrics(t, exposed(t)) {
		names[m.name] = m.kind
	}
	text, err := os.ReadFile("../packaging/grafana/commonwatt.json")
	if err != nil {
		t.Fatal(err)
	}
	var board dashboard
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			queries++
			if !ours.MatchString(target.Expr) {
				t.Errorf("%s: %s asks for nothing of a node", p.Title, target.Expr)
			}
		}
	}
	if queries < 30 {
		t.Errorf("the dashboard has %d queries", queries)
	}
	alerts, err := os.ReadFile("../packaging/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{"the dashboard": text, "the alerts": alerts} {
		for _, name := range unknown(names, string(text)) {
			t.Errorf("%s: no node exposes %s", file, name)
		}
	}
	if got := unknown(names, "rate(commonwatt_heigth[5m]) + commonwatt_height_bucket + commonwatt_height"); len(got) != 2 {
		t.Errorf("of three names two are wrong, and %q are found", got)
	}
}

// Prometheus' own tool tries the alerts: none comes when all is well, and each when its
// cause is there; and it reads the dashboard's queries.
func TestAlerts(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("there is no promtool here: Debian has it in its package prometheus, and CI installs that")
	}
	text, err := os.ReadFile("../packaging/grafana/commonwatt.json")
	if err != nil {
		t.Fatal(err)
	}
	var board dashboard
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	queries := "groups: [{name: dashboard, rules: [\n"
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(target.Expr)
			queries += fmt.Sprintf("{record: \"r%d\", expr: %q},\n", len(queries), expr)
		}
	}
	asked := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(asked, []byte(queries+"]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "config", "prometheus.yml"}, {"test", "rules", "alerts_test.yml"}, {"check", "rules", asked}} {
		cmd := exec.CommandContext(t.Context(), tool, args...)
		cmd.Dir = filepath.Join("..", "packaging", "prometheus")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
