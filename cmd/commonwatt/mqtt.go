package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/session"
)

// Where devices connect when nobody says where: the port that IANA has for MQTT.
// mqttOff is for nowhere.
const (
	mqttDefault = "127.0.0.1:1883"
	mqttOff     = "off"
)

// brokerDir is the folder, in a node's, of what devices sent and the ledger does not
// have yet.
const brokerDir = "broker"

// mqttFlags say where devices connect.
type mqttFlags struct {
	address string
	chosen  bool   // By somebody.
	nats    string // Server in place of the node's own.
}

// check refuses an address that cannot be used. Passwords do not cross a network in
// the clear.
func (f mqttFlags) check(secure bool) error {
	if f.address == mqttOff || f.nats != "" {
		return nil
	}
	host, _, err := net.SplitHostPort(f.address)
	if err != nil {
		return badInput(fmt.Errorf("--mqtt %q: write an address as in %s, or %s: %w", f.address, mqttDefault, mqttOff, err))
	}
	if !loopback(host) && !secure {
		return badInput(fmt.Errorf("--mqtt %s: passwords would cross the network in the clear: add --tls auto, or listen on 127.0.0.1 behind a proxy with TLS", f.address))
	}
	return nil
}

// loopback reports whether a host is this computer alone.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// open starts the broker, or returns nil where there is to be none. Where nobody chose
// an address and the usual one is taken, it is another port.
func (f mqttFlags) open(ctx context.Context, dir string, secure *tls.Config, devices *session.Devices, ledger broker.Ledger, log *slog.Logger) (*broker.Broker, error) {
	if f.address == mqttOff {
		return nil, nil //nolint:nilnil // none is none
	}
	cfg := broker.Config{
		Dir: filepath.Join(dir, brokerDir), Address: f.address, TLS: secure, NATS: f.nats, Devices: devices, Ledger: ledger, Log: log,
	}
	if f.nats != "" {
		cfg.Address = ""
	}
	b, err := broker.Open(ctx, cfg)
	if err != nil && f.nats == "" && !f.chosen { // Something else has the usual port.
		host, _, _ := net.SplitHostPort(f.address) // As in check.
		cfg.Address = net.JoinHostPort(host, "0")
		b, err = broker.Open(ctx, cfg)
	}
	if err != nil {
		return nil, badInput(fmt.Errorf("--mqtt %s: %w: give another address, or port 0 for any", f.address, err))
	}
	return b, nil
}
