package bridge

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
)

// configFile is a bridge's file as it is written.
type configFile struct {
	Chain   string      `toml:"chain"`
	Node    string      `toml:"node"`
	CA      string      `toml:"ca"`
	Minutes uint32      `toml:"minutes"`
	Key     string      `toml:"key"`
	Folder  string      `toml:"folder"`
	Clock   ClockSource `toml:"clock"`
	Home    struct {
		Broker   string `toml:"broker"`
		User     string `toml:"user"`
		Password string `toml:"password"`

		Discovery string `toml:"discovery_prefix"`
	} `toml:"home"`
	Meter []meterFile `toml:"meter"`
}

// meterFile is a meter of it.
type meterFile struct {
	Name      string         `toml:"name"`
	User      string         `toml:"user"`
	Password  string         `toml:"password"`
	Enrolled  string         `toml:"enrolled"`
	Epoch     uint32         `toml:"epoch"`
	Within    string         `toml:"within"`
	Source    Source         `toml:"source"`
	Reversed  bool           `toml:"reversed"`
	Topic     string         `toml:"topic"`
	Port      string         `toml:"port"`
	Equipment string         `toml:"equipment"`
	Channels  []int          `toml:"channels"`
	Component string         `toml:"component"`
	Returned  bool           `toml:"returned"`
	Import    string         `toml:"import"`
	Export    string         `toml:"export"`
	Part      string         `toml:"part"`
	Register  []registerFile `toml:"register"`

	key        ed25519.PrivateKey
	receiptKey ed25519.PublicKey
}

// registerFile is a register of a meter of source "registers".
type registerFile struct {
	Side   string `toml:"side"`
	Topic  string `toml:"topic"`
	Path   string `toml:"path"`
	Unit   string `toml:"unit"`
	Factor string `toml:"factor"`
}

// Bounds and defaults of the file.
const (
	metersMax     = 100
	withinDefault = time.Minute
	folderDefault = "bridge"
)

// Load reads a bridge's file, and the key and certificates that it names, which are
// found from the file's folder.
//
// Errors: those of the disk; a file that cannot be used: which meter and field, why and
// what to write.
func Load(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("%w: name the bridge's file, of which docs/bridge.md shows one", err)
	}
	var f configFile
	if err := decode(text, &f); err != nil {
		return Config{}, fmt.Errorf("%s:%w", path, err)
	}
	c, err := f.config(filepath.Dir(path))
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// decode reads TOML and says in which line it is wrong.
func decode(text []byte, f *configFile) error {
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(f)
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		line, _ := strict.Errors[0].Position()
		return fmt.Errorf("%d: there is no field %q", line, strings.Join(strict.Errors[0].Key(), "."))
	}
	if bad, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := bad.Position()
		return fmt.Errorf("%d: %s", line, strings.TrimPrefix(bad.Error(), "toml: "))
	}
	return err
}

// config checks a file and reads what it names.
func (f *configFile) config(folder string) (c Config, err error) {
	in := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(folder, path)
	}
	if err := f.enrolled(in); err != nil {
		return c, err
	}
	c = Config{
		Chain: f.Chain, Node: f.Node, Length: interval.Length(f.Minutes) * 60, Clock: f.Clock, Folder: in(f.Folder),
		Home: f.Home.Broker, HomeUser: f.Home.User, HomePassword: f.Home.Password, Discovery: f.Home.Discovery,
	}
	if f.Folder == "" {
		c.Folder = in(folderDefault)
	}
	if c.Clock == "" {
		c.Clock = ClockSystem
	}
	switch {
	case f.Chain == "":
		return c, errors.New(`chain: is missing: it is the name of the community's ledger, as "commonwatt status" says it`)
	case !address(f.Node):
		return c, fmt.Errorf("node: %q: write where devices connect, as in mqtts://elm.example:8883", f.Node)
	case bare(f.Node):
		return c, fmt.Errorf("node: %s: passwords would cross the network in the clear: write mqtts://, and the node's certificate as ca if it made it itself", f.Node)
	case f.Home.Broker != "" && !address(f.Home.Broker):
		return c, fmt.Errorf("home.broker: %q: write the address of the home's own MQTT broker, as in mqtt://127.0.0.1:1883", f.Home.Broker)
	case strings.ContainsAny(f.Home.Discovery, "#+ ") || strings.HasPrefix(f.Home.Discovery, "/") || strings.HasSuffix(f.Home.Discovery, "/"):
		return c, fmt.Errorf(`home.discovery_prefix: %q: write the one that Home Assistant has, which is "homeassistant" unless somebody changed it`, f.Home.Discovery)
	case f.Home.Discovery != "" && f.Home.Broker == "":
		return c, errors.New("home.discovery_prefix: needs the home's own broker: write its address as broker in [home]")
	case !c.Length.Valid():
		return c, fmt.Errorf("minutes: %d: write the length of the community's intervals: 5, 15, 30 or 60", f.Minutes)
	case c.Clock != ClockSystem && c.Clock != ClockTrusted && c.Clock != ClockUntrusted:
		return c, fmt.Errorf("clock: %q: give system, trusted or untrusted", c.Clock)
	case len(f.Meter) == 0 || len(f.Meter) > metersMax:
		return c, fmt.Errorf("meter: give 1 to %d of them, as [[meter]]", metersMax)
	}
	for i := range f.Meter {
		m := &f.Meter[i]
		switch {
		case m.key != nil:
		case f.Key == "":
			return c, errNoKey
		default:
			if m.key, err = readKey(in(f.Key)); err != nil {
				return c, fmt.Errorf("key: %w", err)
			}
		}
	}
	if c.TLS, err = trust(f.CA, in(f.CA)); err != nil {
		return c, fmt.Errorf("ca: %w", err)
	}
	return c, f.meters(&c)
}

// address reports whether a text is an address of MQTT.
func address(text string) bool {
	host, secure := strings.CutPrefix(text, "mqtts://")
	if !secure {
		var plain bool
		if host, plain = strings.CutPrefix(text, "mqtt://"); !plain {
			return false
		}
	}
	return host != "" && strings.Contains(host, ":") && !strings.ContainsAny(host, "/ ")
}

// bare reports whether an address is another machine's and without TLS.
func bare(address string) bool {
	host, plain := strings.CutPrefix(address, "mqtt://")
	name, _, err := net.SplitHostPort(host)
	return plain && (err != nil || name != "localhost" && !net.ParseIP(name).IsLoopback())
}

// readKey reads a private key in PEM.
func readKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if private, ok := key.(ed25519.PrivateKey); ok {
		return private, nil
	}
	return nil, errors.Join(fmt.Errorf("%s holds no private Ed25519 key", path), err)
}

// trust is how brokers with TLS are known: by the system's certificates, or by one.
func trust(name, path string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if name == "" {
		return cfg, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", path)
	}
	return cfg, nil
}

// meters checks the meters of a file.
func (f *configFile) meters(c *Config) error {
	names, devices := map[string]bool{}, map[grid.DeviceID]string{}
	for i := range f.Meter {
		m := &f.Meter[i]
		wrong := func(err error) error { return fmt.Errorf("meter %d (%q): %w", i+1, m.Name, err) }
		if m.Name == "" || names[m.Name] {
			return wrong(errors.New("name: each meter has one of its own"))
		}
		microgrid, number, ok := strings.Cut(m.User, "/")
		in, bad := strconv.ParseUint(microgrid, 10, 64)
		device, worse := strconv.ParseUint(number, 10, 64)
		d := grid.DeviceID(device)
		switch {
		case !ok || bad != nil || worse != nil:
			return wrong(fmt.Errorf(`user: %q: write the user name that "commonwatt meter credential" printed, as in 7/12`, m.User))
		case i > 0 && grid.MicrogridID(in) != c.Microgrid:
			return wrong(fmt.Errorf("user: %q: is of another microgrid than the meters before", m.User))
		case devices[d] != "":
			return wrong(fmt.Errorf("user: %q: is that of meter %q: each has one of its own", m.User, devices[d]))
		case m.Password == "":
			return wrong(errors.New("password: is missing"))
		}
		c.Microgrid, names[m.Name], devices[d] = grid.MicrogridID(in), true, m.Name
		checked, err := m.meter(c, d)
		if err != nil {
			return wrong(err)
		}
		c.Meters = append(c.Meters, checked)
	}
	c.HomeID = fmt.Sprintf("commonwatt-bridge-%d-%d", c.Microgrid, c.Meters[0].Device)
	return nil
}

// meter checks what is said of how a meter is read.
func (m *meterFile) meter(c *Config, d grid.DeviceID) (Meter, error) {
	checked := Meter{
		Name: m.Name, Device: d, Epoch: max(m.Epoch, 1), Key: m.key, Receipts: m.receiptKey, User: m.User, Password: m.Password, Source: m.Source,
		Within: withinDefault, Port: m.Port, Equipment: m.Equipment,
	}
	length := time.Duration(c.Length) * time.Second
	if m.Within != "" {
		within, err := time.ParseDuration(m.Within)
		if err != nil || within < time.Second || within > length/4 {
			return checked, fmt.Errorf("within: %q: write how far from the end of an interval a register may be read: 1s to %v", m.Within, length/4)
		}
		checked.Within = within
	}
	if m.Port != "" && m.Topic != "" {
		return checked, errors.New("port: takes the place of topic: give one of them")
	}
	var err error
	if checked.Registers, err = m.registers(); err != nil {
		return checked, err
	}
	for i := range checked.Registers {
		if m.Reversed {
			checked.Registers[i].Side ^= 1
		}
		if checked.Registers[i].Topic != "" && c.Home == "" {
			return checked, errors.New("topic: needs the home's own broker: write its address as broker in [home]")
		}
	}
	return checked, nil
}
