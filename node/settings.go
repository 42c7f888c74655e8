package node

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/commonwatt/commonwatt/view"
)

// SettingsFile says, in a node's folder, how the node runs. A folder without it holds
// a node on its own.
const SettingsFile = "node.toml"

// Settings are how a node runs. All of them may be missing.
type Settings struct {
	Listen    string   `toml:"listen,omitempty" comment:"Where other nodes reach this one, as HOST:PORT. Without it nobody can, and there is no network."`
	Advertise string   `toml:"advertise,omitempty" comment:"The same as the others see it, where that differs: behind a router, or with listen at 0.0.0.0."`
	Peers     []string `toml:"peers,omitempty" comment:"Other nodes, each as ID@HOST:PORT. The node finds more of them by these."`
	StateSync bool     `toml:"state_sync,omitempty" comment:"Whether a node that has no block yet begins with the state of its peers, proven from the invitation's block on, in place of all blocks. It has no read model then."`

	Signer string `toml:"signer,omitempty" comment:"The process that signs for the validator, as ID@HOST:PORT: its id, and where this node waits for it. Without it the folder has the validator's key."`

	SnapshotBlocks int64 `toml:"snapshot_blocks,omitempty" comment:"After how many blocks the node makes a snapshot of the state, for nodes that begin: best the same in all of a network. 0: never."`
	KeepBlocks     int64 `toml:"keep_blocks,omitempty" comment:"How many of the last blocks the node keeps, with their receipts; also those that the older of two snapshots leads on from. 0: all, so that it can prove and show everything."`

	View string `toml:"view,omitempty" comment:"The read model, as in postgres://user@host:5432/database. Without it, it is a file in this folder."`

	Metrics  string `toml:"metrics,omitempty" comment:"Where metrics and health are for those who watch the node, as HOST:PORT; nobody else should reach it. Without it nowhere."`
	Log      string `toml:"log,omitempty" comment:"How the log is written: text or json, one line an event. Text when it is missing."`
	LogLevel string `toml:"log_level,omitempty" comment:"What the log is about, from: debug, info, warn or error. From info when it is missing."`
}

// SettingsError is settings that cannot be used.
type SettingsError struct {
	File   string // Empty: SettingsFile.
	Key    string // Of the file.
	Reason string
}

// Error says what is wrong, and with which key.
func (e *SettingsError) Error() string {
	return fmt.Sprintf("%s: %s: %s", cmp.Or(e.File, SettingsFile), e.Key, e.Reason)
}

// LoadSettings reads the settings of a folder; one without any has none.
//
// Errors: *SettingsError; those of the disk.
func LoadSettings(dir string) (s Settings, err error) {
	text, err := os.ReadFile(filepath.Join(dir, SettingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("node: settings: %w", err)
	}
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, unread(err)
	}
	return s, s.Check()
}

// unread says where a text is no settings.
func unread(err error) error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(strict.Errors) > 0 {
		return &SettingsError{"", strings.Join(strict.Errors[0].Key(), "."), "there is no such key"}
	}
	if at, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, column := at.Position()
		return &SettingsError{"", fmt.Sprintf("line %d, column %d", row, column), at.Error()}
	}
	return &SettingsError{"", "the file", err.Error()}
}

// Check says why settings cannot be used.
//
// Errors: *SettingsError.
func (s Settings) Check() error {
	if err := s.checkWatched(); err != nil {
		return err
	}
	if s.Signer != "" {
		if err := checkPeer(s.Signer); err != nil {
			return &SettingsError{"", "signer", err.Error()}
		}
	}
	if s.SnapshotBlocks < 0 {
		return &SettingsError{"", "snapshot_blocks", "write a number of blocks, or 0 for no snapshots"}
	}
	if s.View != "" {
		if err := view.Check(s.View); err != nil {
			return &SettingsError{"", "view", err.Error()}
		}
	}
	if s.KeepBlocks != 0 && s.KeepBlocks < KeepLeast {
		return &SettingsError{"", "keep_blocks", fmt.Sprintf("keep at least %d blocks, or all with 0", KeepLeast)}
	}
	if s.Listen == "" {
		switch {
		case s.Advertise != "":
			return &SettingsError{"", "advertise", "there is no listen, so nobody can reach the node: say where it listens, too"}
		case len(s.Peers) > 0:
			return &SettingsError{"", "peers", "there is no listen, and nodes that nobody can reach are turned away: say where this one listens"}
		}
		return nil
	}
	host, err := checkAddress(s.Listen)
	if err != nil {
		return &SettingsError{"", "listen", err.Error()}
	}
	if ip := net.ParseIP(host); s.Advertise == "" && (host == "" || ip != nil && ip.IsUnspecified()) {
		return &SettingsError{"", "advertise", fmt.Sprintf("others cannot open %s: say under which address they reach this node", s.Listen)}
	}
	if s.Advertise != "" {
		if _, err := checkAddress(s.Advertise); err != nil {
			return &SettingsError{"", "advertise", err.Error()}
		}
	}
	for _, peer := range s.Peers {
		if err := checkPeer(peer); err != nil {
			return &SettingsError{"", "peers", err.Error()}
		}
	}
	return nil
}

// Logs are how a log may be written, and LogLevels what it may be about, from.
var (
	Logs      = []string{"text", "json"}
	LogLevels = []string{"debug", "info", "warn", "error"}
)

// checkWatched says why what whoever watches the node is told cannot be told so.
func (s Settings) checkWatched() error {
	_, _, err := net.SplitHostPort(s.Metrics)
	switch {
	case s.Metrics != "" && err != nil:
		return &SettingsError{"", "metrics", fmt.Sprintf("%.120q: write it as in 127.0.0.1:9464", s.Metrics)}
	case s.Log != "" && !slices.Contains(Logs, s.Log):
		return &SettingsError{"", "log", fmt.Sprintf("%.120q: give text or json", s.Log)}
	case s.LogLevel != "" && !slices.Contains(LogLevels, s.LogLevel):
		return &SettingsError{"", "log_level", fmt.Sprintf("%.120q: give debug, info, warn or error", s.LogLevel)}
	}
	return nil
}

// checkAddress says why a text is no HOST:PORT, and returns the host.
func checkAddress(text string) (host string, err error) {
	host, port, err := net.SplitHostPort(text)
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || n == 0 {
		return "", fmt.Errorf("%.120q: write it as in 127.0.0.1:26656", text)
	}
	return host, nil
}

// checkPeer says why a text is no ID@HOST:PORT.
func checkPeer(text string) error {
	id, address, ok := strings.Cut(text, "@")
	raw, err := hex.DecodeString(id)
	if !ok || err != nil || len(raw) != idBytes {
		return fmt.Errorf("%.120q: write it as \"commonwatt network invite\" does, ID@HOST:PORT with an id of %d digits", text, 2*idBytes)
	}
	_, err = checkAddress(address)
	return err
}

// idBytes is the size of a node's id, which is the address of its key.
const idBytes = 20

// SnapshotsUsual is after how many blocks nodes of a network make snapshots, when nobody
// says otherwise: those of half a day without work.
const SnapshotsUsual = 10_000

// snapshotEvery is after how many blocks a snapshot is made. A node that does not keep
// all blocks needs one to lead from to the end.
func (s Settings) snapshotEvery() int64 {
	if s.SnapshotBlocks == 0 {
		return s.KeepBlocks / 2
	}
	return s.SnapshotBlocks
}

// Reached is where other nodes reach the node, or empty.
func (s Settings) Reached() string {
	if s.Advertise != "" {
		return s.Advertise
	}
	return s.Listen
}

// settingsHead begins the file.
const settingsHead = "# How this node runs. It reads the file when it starts.\n\n"

// Save writes the settings of a folder, whole or not at all.
//
// Errors: *SettingsError; those of the disk.
func (s Settings) Save(dir string) error {
	if err := s.Check(); err != nil {
		return err
	}
	text, err := toml.Marshal(s)
	if err != nil {
		return fmt.Errorf("node: settings: %w", err)
	}
	return replaceFile(filepath.Join(dir, SettingsFile), append([]byte(settingsHead), text...))
}

// replaceFile writes a file, whole or not at all.
func replaceFile(path string, text []byte) error {
	draft := path + ".new"
	err := os.WriteFile(draft, text, 0o600)
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return nil
}
