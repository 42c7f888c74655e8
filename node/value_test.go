package node_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// value is that of a metric in a registry, whose name may be followed by the value of its
// only label; of a histogram, it is how much was observed.
func value(t *testing.T, registry *prometheus.Registry, query string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	name, label, _ := strings.Cut(query, " ")
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != name || label != "" && (len(m.GetLabel()) != 1 || m.GetLabel()[0].GetValue() != label) {
				continue
			}
			switch {
			case m.Gauge != nil:
				return m.GetGauge().GetValue()
			case m.Counter != nil:
				return m.GetCounter().GetValue()
			}
			return float64(m.GetHistogram().GetSampleCount())
		}
	}
	t.Errorf("there is no %s", query)
	return -1
}
