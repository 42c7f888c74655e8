package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/session"
)

// gatewayFile is where a gateway leaves, in its folder, how the node reaches it. It lets
// in whoever can read it: 0600. It stays: the next gateway has the same secret, so that a
// node needs not be started anew.
const gatewayFile = "gateway.json"

// gatewayDir is the folder of the gateway of a node's folder: beside it, since what is in
// the node's is sealed when the node ends.
func gatewayDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	return dir + "-gateway", err
}

// nodeDefault is where a gateway waits for its node: the port that IANA has for NATS.
const nodeDefault = "127.0.0.1:4222"

// gatewayAddress is what the file holds.
type gatewayAddress struct {
	NATS   string `json:"nats"` // With the secret in it.
	MQTT   string `json:"mqtt"`
	Secret string `json:"secret"`
}

// readGateway reads where the gateway of a folder is.
func readGateway(dir string) (g gatewayAddress, err error) {
	own, err := gatewayDir(dir)
	if err != nil {
		return g, err
	}
	text, err := os.ReadFile(filepath.Join(own, gatewayFile))
	if errors.Is(err, fs.ErrNotExist) {
		return g, badInput(fmt.Errorf("--mqtt %s: no gateway ever ran in %s: run \"commonwatt gateway %s\" first", mqttGateway, dir, shellWord(dir)))
	}
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		return g, badInput(fmt.Errorf("%s: %w: remove the file and start gateway and node again", filepath.Join(own, gatewayFile), err))
	}
	return g, nil
}

// gatewayFlags are the flags of the gateway command.
type gatewayFlags struct {
	mqtt mqttFlags
	node string
	tls  string
}

func gatewayCommand() *cobra.Command {
	var f gatewayFlags
	cmd := &cobra.Command{
		Use:   "gateway DIR",
		Short: "Let devices connect by a process of its own, beside the node",
		Long: `Gateway lets the devices of a folder's community connect, as "up" does by itself: what
they publish waits on disk, in DIR-gateway, until the ledger has it. Of its own process, it
goes on when the node is stopped, restarted or replaced: devices stay connected, what they
send is kept, and they are told what became of it when the node is back.

The node uses it with "commonwatt up DIR --mqtt gateway", on the same machine; the two may
be started, ended or lost in any order. The address of MQTT goes to standard output. Ctrl-C
or SIGTERM ends it cleanly.`,
		Example: `  commonwatt gateway elm-street
  commonwatt gateway elm-street --mqtt 0.0.0.0:8883 --tls auto`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			err := runGateway(ctx, cmd, args[0], f)
			if errors.Is(err, errInterrupted) {
				return nil // That is how it ends.
			}
			return err
		},
	}
	cmd.Flags().StringVar(&f.mqtt.address, "mqtt", mqttDefault, "address that devices connect to; port 0: any free one")
	cmd.Flags().StringVar(&f.node, "node", nodeDefault, "address on this machine at which the node finds it")
	cmd.Flags().StringVar(&f.tls, "tls", "", `"auto" for a certificate of the node's own, or files as in CERT.pem,KEY.pem`)
	return cmd
}

// check refuses flags that cannot be used. What the node is told crosses no network.
func (f *gatewayFlags) check() error {
	switch f.mqtt.address {
	case mqttOff, mqttGateway:
		return badInput(fmt.Errorf("--mqtt %s: write an address as in %s", f.mqtt.address, mqttDefault))
	}
	host, port, err := net.SplitHostPort(f.node)
	if err != nil || port == "0" || !loopback(host) {
		return badInput(fmt.Errorf("--node %q: write an address of this machine with a port, as in %s", f.node, nodeDefault))
	}
	return f.mqtt.check(f.tls != "")
}

// runGateway lets devices connect until the context ends.
func runGateway(ctx context.Context, cmd *cobra.Command, dir string, f gatewayFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	if _, err := loadCommunity(dir); err != nil {
		return err
	}
	devices, err := session.OpenDevices(dir)
	if err != nil {
		return err
	}
	log := newLog(cmd.ErrOrStderr())
	own, err := gatewayDir(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(own, 0o700); err != nil {
		return err
	}
	cfg := broker.Config{Dir: own, Address: f.mqtt.address, Devices: devices, Log: log}
	if f.tls != "" {
		if cfg.TLS, err = tlsConfig(dir, f.tls, "", ""); err != nil {
			return err
		}
	}
	release, err := lockFolder(cfg.Dir, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	cfg.Node = broker.Node{Address: f.node, Secret: broker.NewSecret()}
	if was, err := readGateway(dir); err == nil && was.Secret != "" {
		cfg.Node.Secret = was.Secret
	}
	b, err := broker.Open(ctx, cfg)
	if err != nil {
		return badInput(fmt.Errorf("%w: give another address with --mqtt or --node", err))
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	text, err := json.MarshalIndent(gatewayAddress{cfg.Node.URL(), b.Address(), cfg.Node.Secret}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(own, gatewayFile), append(text, '\n'), 0o600); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), b.Address())
	fmt.Fprintf(cmd.ErrOrStderr(), "Devices connect here. The node that takes what they send: commonwatt up %s --mqtt %s. Ctrl-C ends it.\n", shellWord(dir), mqttGateway)
	return b.Run(ctx)
}
