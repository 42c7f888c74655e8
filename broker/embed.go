package broker

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/commonwatt/commonwatt/grid"
)

// Bounds of the server.
const (
	payloadMax = 8 << 10 // Bytes of a message; what devices sign is far smaller.
	pendingMax = 8 << 20 // Bytes that wait to be read by one client, before it is ended.
	memoryMax  = 32 << 20
	storeSlack = 1 << 30 // Of the disk, for sessions and receipts.
	readyMax   = 10 * time.Second

	connectMax  = 30 * time.Second // For which a device that connects has or takes time, beside thousands that do.
	repeatAfter = 5 * time.Second  // Without an acknowledgement of a receipt.
	stateEvery  = 10 * time.Second // What was acknowledged is noted; messages are synced one by one.
)

// embed starts a NATS server in this process, without a port of its own unless the
// node is elsewhere, and connects to it.
func (b *Broker) embed() error {
	host, number, err := split("MQTT", b.cfg.Address)
	if err != nil {
		return err
	}
	options := &server.Options{
		ServerName: "commonwatt", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: b.cfg.Dir, SyncAlways: true,
		JetStreamMaxMemory: memoryMax, JetStreamMaxStore: 2*b.cfg.Limits.WaitingBytes + storeSlack,
		JetStreamLimits: server.JSLimitOpts{DefaultMaxConsumers: b.cfg.Limits.Listeners},
		MaxPayload:      payloadMax, MaxPending: pendingMax,
		CustomClientAuthentication: &b.door,
		SyncInterval:               stateEvery,
		MQTT:                       server.MQTTOpts{Host: host, Port: number, TLSConfig: b.cfg.TLS, AckWait: repeatAfter, JSAPITimeout: connectMax, AuthTimeout: connectMax.Seconds()},
	}
	if number == 0 {
		options.MQTT.Port = server.RANDOM_PORT
	}
	if b.cfg.Node.Address != "" {
		options.DontListen = false
		if options.Host, options.Port, err = split("the node", b.cfg.Node.Address); err != nil {
			return err
		}
	}
	if b.server, err = server.NewServer(options); err != nil {
		return err
	}
	b.server.SetLoggerV2(b.log, false, false, false)
	b.server.Start()
	if err := b.log.fatal(); err != nil {
		return err
	}
	if !b.server.ReadyForConnections(readyMax) {
		return errors.New("the server does not come up")
	}
	b.address = scheme(b.cfg.TLS != nil) + net.JoinHostPort(host, strconv.Itoa(options.MQTT.Port))
	return b.connect("", nats.InProcessServer(b.server), nats.UserInfo(ourUser, b.door.secret))
}

// split takes an address apart.
func split(whose, address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("the address of %s: %w: write it as in 127.0.0.1:1883", whose, err)
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("the address of %s: port %q: give 0 to 65535", whose, text)
	}
	return host, int(number), nil
}

// scheme begins the address of an MQTT server.
func scheme(secure bool) string {
	if secure {
		return "mqtts://"
	}
	return "mqtt://"
}

// ourUser is what we are called at our own server. It is no device's name.
const ourUser = "node"

// door lets us in, and devices once there is somewhere to put what they bring: until then
// they wait before it.
type door struct {
	devices Credentials
	secret  string
	opened  chan struct{} // Closed once it is open, or will not be.
	once    sync.Once
	is      atomic.Bool // Open.
}

// open lets devices in, or sends those who wait away.
func (d *door) open(is bool) {
	d.once.Do(func() {
		d.is.Store(is)
		close(d.opened)
	})
}

// NewSecret is a password for the node's connection.
func NewSecret() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // It never fails.
	return hex.EncodeToString(secret[:])
}

// Check reports whether a client may connect, and says what it may do then.
func (d *door) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == ourUser {
		if subtle.ConstantTimeCompare([]byte(o.Password), []byte(d.secret)) != 1 {
			return false
		}
		c.RegisterUser(&server.User{Username: ourUser})
		return true
	}
	<-d.opened
	device, ok := deviceOf(o.Username, "/")
	if !ok || !d.is.Load() || !d.devices.Good(o.Username, o.Password) {
		return false
	}
	c.RegisterUser(&server.User{Username: o.Username, Permissions: rights(device)})
	return true
}

// rights are what a device may do: publish its readings, hear what became of them, ask
// for its home and hear of that. What has QoS 1 reaches it by a subject that the server makes up
// (nats-server, mqtt.go, mqttSubPrefix).
func rights(d grid.Device) *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{subject(d, readingWord), subject(d, statusWord)}},
		Subscribe: &server.SubjectPermission{Allow: []string{subject(d, receiptWord), subject(d, homeWord), subject(d, homeWord+".>"), "$MQTT.sub.>"}},
	}
}
