package session

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"
)

// CodesFile is the file of a node's folder that holds the codes by which devices enrol.
const CodesFile = "codes.json"

// Bounds of codes. One that is spent or late is remembered for a while, so that
// whoever brings it is told what is wrong with it.
const (
	CodeLife = 15 * time.Minute

	codeLetters = 12
	codesMax    = 10_000
	codeKept    = 24 * time.Hour
)

// Errors of codes.
var (
	ErrCode      = errors.New("session: there is no such code: check its letters, or make a new one")
	ErrCodeUsed  = errors.New("session: the code was used, or a newer one took its place: make a new one")
	ErrCodeLate  = errors.New("session: the code is older than 15 minutes: make a new one")
	ErrCodesFull = errors.New("session: too many codes wait to be used: try again in 15 minutes")
)

// Code is what a code is good for: the key of one device, once.
type Code struct {
	Meter     string    `json:"meter"` // As the community file calls it.
	Microgrid uint64    `json:"microgrid,string"`
	Device    uint64    `json:"device,string"`
	Replaced  bool      `json:"replaced,omitempty"` // Another meter takes the device's place.
	Until     time.Time `json:"until"`
	Used      bool      `json:"used,omitempty"`
}

// Codes is the codes by which devices enrol. What is on disk enrols no device.
type Codes struct {
	now func() time.Time

	mu sync.Mutex
	keep[codes]
}

// codes is what codes.json holds.
type codes struct {
	Codes map[string]Code `json:"codes"` // By the hash of the code.
}

// OpenCodes reads the codes in a folder. An empty folder name keeps all in memory.
//
// Errors: a file that is not ours; those of the disk.
func OpenCodes(dir string, now func() time.Time) (*Codes, error) {
	empty := codes{Codes: map[string]Code{}}
	c := &Codes{now: now, keep: newKeep(dir, CodesFile, empty, decodeCodes, "make new codes")}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c, c.load()
}

func decodeCodes(text []byte) (c codes, err error) {
	if err := json.Unmarshal(text, &c); err != nil {
		return c, err
	}
	if c.Codes == nil {
		return c, errors.New("codes are missing")
	}
	for sum := range c.Codes {
		if len(sum) != len(hash("")) {
			return c, fmt.Errorf("the code %q is none", sum)
		}
	}
	return c, nil
}

// alphabet is what codes are written in, so that people can read and type them:
// digits and letters without I, L, O and U (Crockford's base 32).
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newCode is a code of 60 bits. With so many, nobody guesses one in fifteen minutes
// at the rate at which the interface answers.
func newCode() string {
	var random [codeLetters]byte
	_, _ = rand.Read(random[:]) // It never fails.
	var b strings.Builder
	for i, r := range random {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[r%32])
	}
	return b.String()
}

// canonical is a code as it was made, whatever of case, hyphens and letters that look
// like digits became of it.
func canonical(code string) string {
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(code))
}

// Make makes a code, whose Until and Used it sets. Earlier ones of the device are good
// no longer.
//
// Errors: ErrCodesFull; those of the disk.
func (c *Codes) Make(of Code) (string, Code, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return "", of, err
	}
	now := c.now()
	maps.DeleteFunc(c.file.Codes, func(_ string, k Code) bool { return now.Sub(k.Until) > codeKept })
	if len(c.file.Codes) >= codesMax {
		return "", of, ErrCodesFull
	}
	for sum, k := range c.file.Codes {
		if k.Microgrid == of.Microgrid && k.Device == of.Device {
			k.Used = true
			c.file.Codes[sum] = k
		}
	}
	code := newCode()
	of.Until, of.Used = now.Add(CodeLife), false
	c.file.Codes[hash(canonical(code))] = of
	return code, of, c.save()
}

// Take uses a code up.
//
// Errors: ErrCode, ErrCodeUsed, ErrCodeLate; those of the disk.
func (c *Codes) Take(code string) (Code, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return Code{}, err
	}
	sum := hash(canonical(code))
	k, ok := c.file.Codes[sum]
	switch {
	case !ok:
		return k, ErrCode
	case k.Used:
		return k, ErrCodeUsed
	case c.now().After(k.Until):
		return k, ErrCodeLate
	}
	k.Used = true
	c.file.Codes[sum] = k
	return k, c.save()
}

// Return makes a code that was taken good again, as nothing came of it, unless a newer one
// took its place.
//
// Errors: those of the disk.
func (c *Codes) Return(code string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return err
	}
	sum := hash(canonical(code))
	k, ok := c.file.Codes[sum]
	for _, other := range c.file.Codes {
		ok = ok && (other.Used || other.Microgrid != k.Microgrid || other.Device != k.Device)
	}
	if ok {
		k.Used = false
		c.file.Codes[sum] = k
	}
	return c.save()
}
