package monitor_test

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/monitor"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/session"
)

var rewrite = flag.Bool("rewrite", false, "write the tables of docs/metrics.md")

// metric is one that a node exposes.
type metric struct{ name, help, kind, labels string }

// exposed is a real node's registry, with everything that "up" puts into it.
func exposed(t *testing.T) *prometheus.Registry {
	t.Helper()
	dir := t.TempDir()
	if err := node.Init(dir, "test", machine.Genesis{}); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	registry := monitor.NewRegistry(monitor.Build{Version: "test", Revision: "test", Go: "test"})
	n, err := node.Open(node.Config{Dir: dir, Log: quiet, Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	devices, err := session.OpenDevices("")
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Open(t.Context(), broker.Config{Dir: t.TempDir(), Address: "127.0.0.1:0", Devices: devices, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	registry.MustRegister(monitor.Devices{Gateway: b})
	monitor.New(registry, monitor.NewHealth(n.Health))
	return registry
}

// description is how client_golang writes what a metric is; it has no other way to ask.
var description = regexp.MustCompile(`^Desc\{fqName: "(.*)", help: "(.*)", unit: ".*", constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

// metrics lists what a registry exposes, or will once it happens, by name.
func metrics(t *testing.T, registry *prometheus.Registry) (list []metric) {
	t.Helper()
	kinds := map[string]string{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		kinds[f.GetName()] = strings.ToLower(f.GetType().String())
	}
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		registry.Describe(descriptions)
	}()
	label := regexp.MustCompile(`[a-zA-Z_]+`)
	for d := range descriptions {
		m := description.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("%s is not understood", d)
		}
		labels := label.FindAllString(regexp.MustCompile(`="[^"]*"`).ReplaceAllString(m[3], "")+","+m[4], -1)
		list = append(list, metric{m[1], m[2], kinds[m[1]], strings.Join(labels, ", ")})
	}
	slices.SortFunc(list, func(a, b metric) int { return strings.Compare(a.name, b.name) })
	return slices.Compact(list)
}

// table writes metrics whose names begin in one way.
func table(list []metric, prefix string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| Metric | Kind | Labels | What it is |\n|---|---|---|---|\n")
	for _, m := range list {
		if strings.HasPrefix(m.name, prefix) {
			kind := m.kind
			if kind == "" {
				kind = "…"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, kind, m.labels, strings.ReplaceAll(m.help, "\\\"", "\""))
		}
	}
	return b.String()
}

// The page of metrics lists what a real node exposes: nothing more, nothing less.
func TestDocumented(t *testing.T) {
	const path = "../docs/metrics.md"
	list := metrics(t, exposed(t))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, prefix := range []string{"commonwatt_", "cometbft_"} {
		begin, end := "<!-- "+prefix+" -->\n", "<!-- end of "+prefix+" -->"
		head, rest, ok := strings.Cut(page, begin)
		_, tail, ended := strings.Cut(rest, end)
		if !ok || !ended {
			t.Fatalf("%s has no place for metrics that begin with %s", path, prefix)
		}
		page = head + begin + table(list, prefix) + end + tail
	}
	switch {
	case page == string(text):
	case *rewrite:
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what a node exposes: go test ./monitor -run Documented -rewrite", path)
	}
}

// Our names and helps follow Prometheus' conventions, and no label can have values
// without bound or say whose something is.
func TestConventions(t *testing.T) {
	registry := exposed(t)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "commonwatt_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	// Values of these come from our code, from the settings, or from the network's
	// validators, who are bound by vote.
	bound := strings.Fields("version revision go reason store direction check " +
		"chID message_type reactor step matches_current status vote_type dir peer_id validator_address proposer_address reason quantile le state")
	for _, m := range metrics(t, registry) {
		for label := range strings.SplitSeq(m.labels, ", ") {
			if label != "" && !slices.Contains(bound, label) {
				t.Errorf("%s has the label %s: say here what bounds its values", m.name, label)
			}
		}
	}
}
