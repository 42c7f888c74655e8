package bridge

import (
	"crypto/ed25519"
	"crypto/tls"
	"math/big"
	"time"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
)

// Config is what a bridge does, as its file says.
type Config struct {
	Chain     string // The ledger's name.
	Microgrid grid.MicrogridID
	Length    interval.Length // Of the community's intervals.
	Folder    string          // Where messages wait.
	Clock     ClockSource

	Node string      // Where devices connect, as in mqtts://elm.example:8883.
	TLS  *tls.Config // Of both brokers.

	Home         string // The home's own MQTT broker; "": none.
	HomeUser     string
	HomePassword string
	HomeID       string // By what name the bridge connects with it.
	Discovery    string // Prefix below which Home Assistant there looks for sensors; "": it is told nothing.

	Meters []Meter
}

// ClockSource is what is said of the machine's clock.
type ClockSource string

// Sources.
const (
	ClockSystem    ClockSource = "system"    // Synchronised if the kernel says so, when a message is made.
	ClockTrusted   ClockSource = "trusted"   // Synchronised: somebody else sees to it, as on a virtual machine.
	ClockUntrusted ClockSource = "untrusted" // Not: messages count with the next bridge whose clock is.
)

// Meter is a meter that the bridge signs for.
type Meter struct {
	Name      string
	Device    grid.DeviceID
	Epoch     uint32
	Key       ed25519.PrivateKey // The home's gateway's; it may be the same for several meters.
	Receipts  ed25519.PublicKey  // By which the node signs receipts; empty: not known, and any is believed.
	User      string             // By which its device connects with the node.
	Password  string
	Source    Source
	Within    time.Duration // How far from the end of an interval its registers may have been read.
	Port      string        // P1: tcp://host:port, or a serial line.
	Equipment string        // P1: the meter's identifier; "": any.
	Registers []Register
}

// Source is what a meter is.
type Source string

// Sources of registers.
const (
	P1         Source = "p1"          // A customer port (DSMR P1 5.0.2), raw: over TCP, a serial line or an MQTT topic.
	Shelly1    Source = "shelly-gen1" // Shelly's first generation: EM, 3EM.
	Shelly     Source = "shelly"      // Shelly's later generations: Plus, Pro, Gen3, Gen4.
	Tasmota    Source = "tasmota"     // Plugs, and smart-meter scripts.
	Evcc       Source = "evcc"        // What evcc reads of chargers and plants.
	Registered Source = "registers"   // Whatever publishes a register.
)

// Side is what a register counts.
type Side uint8

// Sides, as the connection point sees them.
const (
	Import Side = 0 // Taken from the grid.
	Export Side = 1 // Given to it.
)

// String says it.
func (s Side) String() string { return [...]string{"import", "export"}[s] }

// Public is the key that the meter's device is to be enrolled with.
func (m *Meter) Public() ed25519.PublicKey { return m.Key.Public().(ed25519.PublicKey) }

// Register is where a cumulative count is published. Several of one side are added up.
type Register struct {
	Side  Side
	Topic string // "": that of a P1 port.
	Path  string // Within JSON, as in ENERGY.Total; "": the message is the number.

	wh *big.Rat // What one unit is.
}

// units are those of registers, in Wh; nil: of power.
var units = map[string]*big.Rat{
	"Wh": big.NewRat(1, 1), "kWh": big.NewRat(1000, 1), "MWh": big.NewRat(1_000_000, 1), "Wmin": big.NewRat(1, 60), "J": big.NewRat(1, 3600),
	"W": nil, "kW": nil,
}

// counted is a register that counts in a unit.
func counted(side Side, topic, path, unit string) Register {
	return Register{Side: side, Topic: topic, Path: path, wh: units[unit]}
}
