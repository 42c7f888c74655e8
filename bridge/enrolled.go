package bridge

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/grid"
)

// Files of the folder that "commonwatt device enrol" makes.
const (
	enrolledFile = "device.json"
	enrolledKey  = "key.pem"
)

// enrolled is what such a folder says of a device.
type enrolled struct {
	api.Enrolled
	CA string `json:"ca"`

	key ed25519.PrivateKey
}

// readEnrolled reads a folder.
func readEnrolled(folder string) (*enrolled, error) {
	text, err := os.ReadFile(filepath.Join(folder, enrolledFile))
	if err != nil {
		return nil, fmt.Errorf("%w: make it with \"commonwatt device enrol CODE %s --bridged\"", err, folder)
	}
	e := &enrolled{}
	if err := json.Unmarshal(text, e); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(folder, enrolledFile), err)
	}
	if e.key, err = readKey(filepath.Join(folder, enrolledKey)); err != nil {
		return nil, err
	}
	if e.Chain == "" || e.MQTT == "" || len(e.ReceiptKey) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%s says not all that a device needs: enrol it again", filepath.Join(folder, enrolledFile))
	}
	return e, nil
}

// enrolled takes what the folders of enrolled devices say, which then need not be in the
// file: of all, ledger, node and interval; of each, name, password, key and epoch.
//
// Errors: a folder that cannot be used; two that are of different communities.
func (f *configFile) enrolled(in func(string) string) error {
	for i := range f.Meter {
		m := &f.Meter[i]
		if m.Enrolled == "" {
			continue
		}
		wrong := func(format string, args ...any) error {
			return fmt.Errorf("meter %d (%q): enrolled: "+format, append([]any{i + 1, m.Name}, args...)...)
		}
		e, err := readEnrolled(in(m.Enrolled))
		if err != nil {
			return wrong("%w", err)
		}
		if m.User != "" || m.Password != "" || m.Epoch != 0 {
			return wrong("%s says user, password and epoch: leave them out here", m.Enrolled)
		}
		if m.Name == "" {
			m.Name = e.Meter
		}
		m.User, m.Password, m.Epoch, m.key, m.receiptKey = broker.User(grid.Device{Microgrid: e.Microgrid, Device: e.Device}), e.Password, e.Epoch, e.key, e.ReceiptKey
		if f.Chain == "" {
			f.Chain = e.Chain
		}
		if f.Node == "" {
			f.Node = e.MQTT
		}
		if f.CA == "" {
			f.CA = e.CA
		}
		if f.Chain != e.Chain {
			return wrong("it is of the ledger %q, and chain is %q", e.Chain, f.Chain)
		}
		minutes := uint32(e.Interval / 60) //nolint:gosec // of an hour at most
		if f.Minutes == 0 {
			f.Minutes = minutes
		}
		if f.Minutes != minutes {
			return wrong("its messages are about %d minutes, and minutes is %d", minutes, f.Minutes)
		}
	}
	return nil
}

// errNoKey means that a meter has no key to sign with.
var errNoKey = errors.New(`key: is missing: name the file of the home's gateway key, as "openssl genpkey -algorithm ed25519" makes it`)
