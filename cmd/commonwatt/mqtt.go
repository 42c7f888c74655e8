package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"

	"github.com/commonwatt/commonwatt/broker"
)

// Where devices connect when nobody says where: the port that IANA has for MQTT.
// mqttOff is for nowhere, and mqttGateway for a process of its own.
const (
	mqttDefault = "127.0.0.1:1883"
	mqttOff     = "off"
	mqttGateway = "gateway"
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
	if f.address == mqttOff || f.address == mqttGateway || f.nats != "" {
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
func (f mqttFlags) open(ctx context.Context, dir string, cfg broker.Config) (*broker.Broker, error) {
	cfg.Address, cfg.NATS = f.address, f.nats
	switch {
	case f.nats != "":
		cfg.Address = ""
		b, err := broker.Open(ctx, cfg)
		if err != nil {
			return nil, badInput(fmt.Errorf("--nats: %w", err))
		}
		return b, nil
	case f.address == mqttOff:
		return nil, nil //nolint:nilnil // none is none
	case f.address == mqttGateway:
		g, err := readGateway(dir)
		if err != nil {
			return nil, err
		}
		cfg.Address, cfg.NATS = g.MQTT, g.NATS
		return broker.Open(ctx, cfg)
	}
	cfg.Dir = filepath.Join(dir, brokerDir)
	b, err := broker.Open(ctx, cfg)
	if err != nil && !f.chosen { // Something else has the usual port.
		host, _, _ := net.SplitHostPort(f.address) // As in check.
		cfg.Address = net.JoinHostPort(host, "0")
		b, err = broker.Open(ctx, cfg)
	}
	if err != nil {
		return nil, badInput(fmt.Errorf("--mqtt %s: %w: give another address, or port 0 for any", f.address, err))
	}
	return b, nil
}
