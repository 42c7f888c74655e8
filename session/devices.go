package session

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// DevicesFile is the file of a node's folder that holds the devices' credentials.
const DevicesFile = "devices.json"

// devicesMax bounds the devices that have credentials at one node.
const devicesMax = 100_000

// ErrDevicesFull means that no more devices can have credentials at this node.
var ErrDevicesFull = errors.New("session: 100,000 devices have credentials here: more need another node")

// Devices is the credentials by which devices connect: of each device a user name
// and the hash of its password. What is on disk lets no device connect.
type Devices struct {
	mu sync.Mutex
	keep[credentials]
}

// credentials is what devices.json holds.
type credentials struct {
	Devices map[string]string `json:"devices"` // By user, the hash of the password.
}

// OpenDevices reads the credentials in a folder. An empty folder name keeps all in
// memory.
//
// Errors: a file that is not ours; those of the disk.
func OpenDevices(dir string) (*Devices, error) {
	empty := credentials{Devices: map[string]string{}}
	d := &Devices{keep: newKeep(dir, DevicesFile, empty, decodeDevices, "every device needs a new password")}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d, d.load()
}

func decodeDevices(text []byte) (c credentials, err error) {
	if err := json.Unmarshal(text, &c); err != nil {
		return c, err
	}
	if c.Devices == nil {
		return c, errors.New("devices are missing")
	}
	for user, sum := range c.Devices {
		if len(sum) != len(hash("")) {
			return c, fmt.Errorf("the password of %q is none", user)
		}
	}
	return c, nil
}

// Issue makes a password for each of some users and returns them in their order:
// they are not seen again. They take the place of earlier ones.
//
// Errors: ErrDevicesFull; those of the disk.
func (d *Devices) Issue(users ...string) (passwords []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.load(); err != nil {
		return nil, err
	}
	if len(d.file.Devices)+len(users) > devicesMax {
		return nil, ErrDevicesFull
	}
	for _, user := range users {
		password := token()
		d.file.Devices[user] = hash(password)
		passwords = append(passwords, password)
	}
	return passwords, d.save()
}

// Withdraw takes the passwords of users away.
//
// Errors: those of the disk.
func (d *Devices) Withdraw(users ...string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.load(); err != nil {
		return err
	}
	for _, user := range users {
		delete(d.file.Devices, user)
	}
	return d.save()
}

// Good reports whether a password is a user's. A file that cannot be read lets
// nobody in.
func (d *Devices) Good(user, password string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.load() != nil {
		return false
	}
	known := d.file.Devices[user]
	return subtle.ConstantTimeCompare([]byte(known), []byte(hash(password))) == 1
}
