package monitor

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/commonwatt/commonwatt/broker"
)

// Gateway is where devices connect.
type Gateway interface {
	// State says how it is. Errors: a server that does not answer.
	State(ctx context.Context) (broker.State, error)
}

// askMost is how long a gateway of another process is waited for.
const askMost = time.Second

var (
	gatewayDesc  = prometheus.NewDesc("commonwatt_gateway_up", "Whether the place that devices connect to answers: 1 if so.", nil, nil)
	sessionsDesc = prometheus.NewDesc("commonwatt_device_sessions", "Devices that are connected; absent where another process knows.", nil, nil)
	waitingDesc  = prometheus.NewDesc("commonwatt_device_messages_waiting", "Messages of devices that the ledger does not have yet.", nil, nil)
)

// Devices are the metrics of where devices connect.
type Devices struct{ Gateway Gateway }

// Describe lists the metrics.
func (Devices) Describe(to chan<- *prometheus.Desc) {
	to <- gatewayDesc
	to <- sessionsDesc
	to <- waitingDesc
}

// Collect asks the gateway.
func (d Devices) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askMost)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	s, err := d.Gateway.State(ctx)
	if err != nil || s.Fault != "" {
		gauge(gatewayDesc, 0)
		return
	}
	gauge(gatewayDesc, 1)
	gauge(waitingDesc, float64(s.Waiting))
	if s.Connected >= 0 {
		gauge(sessionsDesc, float64(s.Connected))
	}
}
