// Package session says who is signed in: by a one-time link that an operator hands
// out, or by a passkey (W3C Web Authentication) that was added after one.
//
// Its promise: what is on disk lets nobody sign in: of links and sessions it keeps
// hashes, of passkeys public keys. A link is good once. Everything is bounded, and
// a restart forgets nobody.
package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
)

// Person is who signs in: an account on the ledger, and what it is to a microgrid.
type Person struct {
	ID        string `json:"id"`
	Name      string `json:"name,omitempty"`
	Account   uint64 `json:"account,string"`
	Role      string `json:"role"`
	Microgrid uint64 `json:"microgrid,string"`
}

// Bounds of what is kept, and for how long.
const (
	LinkLife    = 15 * time.Minute
	SessionIdle = 30 * 24 * time.Hour

	linksMax    = 1000
	sessionsMax = 100_000
	passkeysMax = 20 // Of one person.
	touchEvery  = time.Hour
)

// Errors of signing in.
var (
	ErrLink = errors.New("session: the link is not good: it was used, it is older than 15 minutes, or it is misspelt; ask for a new one")
	ErrFull = errors.New("session: too many links wait to be used: try again in 15 minutes")
	ErrGone = errors.New("session: nobody is signed in here: open a one-time link, or sign in with your passkey")
)

// file is what people.json holds. Keys are hashes in hex.
type file struct {
	People   map[string]*known `json:"people"`   // By Person.ID.
	Links    map[string]link   `json:"links"`    // By the hash of the token.
	Sessions map[string]seat   `json:"sessions"` // By the hash of the token.
}

// known is a person with its passkeys.
type known struct {
	Person
	Handle   []byte                `json:"handle"` // What authenticators know the person by.
	Passkeys []webauthn.Credential `json:"passkeys,omitempty"`
}

type link struct {
	Person string    `json:"person"`
	Until  time.Time `json:"until"`
}

type seat struct {
	Person string    `json:"person"`
	Seen   time.Time `json:"seen"`
}

// Store is who is signed in at one node.
type Store struct {
	now func() time.Time

	mu sync.Mutex
	keep[file]
	ceremonies ceremonies
}

// FileName is the file of a node's folder.
const FileName = "people.json"

// Open reads who is known in a folder. An empty folder name keeps all in memory,
// as a demo does.
//
// Errors: a file that is not ours; those of the disk.
func Open(dir string, now func() time.Time) (*Store, error) {
	empty := file{People: map[string]*known{}, Links: map[string]link{}, Sessions: map[string]seat{}}
	s := &Store{now: now, ceremonies: newCeremonies(), keep: newKeep(dir, FileName, empty, decode, "everybody signs in anew")}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.load()
}

// decode reads a file's text; people without a name, and links and sessions of
// nobody, are no file of ours.
func decode(text []byte) (f file, err error) {
	if err := json.Unmarshal(text, &f); err != nil {
		return f, err
	}
	if f.People == nil || f.Links == nil || f.Sessions == nil {
		return f, errors.New("people, links or sessions are missing")
	}
	for id, p := range f.People {
		if p == nil || p.ID != id {
			return f, fmt.Errorf("person %q is another one", id)
		}
	}
	for _, l := range f.Links {
		if f.People[l.Person] == nil {
			return f, fmt.Errorf("a link is of nobody, %q", l.Person)
		}
	}
	for _, t := range f.Sessions {
		if f.People[t.Person] == nil {
			return f, fmt.Errorf("a session is of nobody, %q", t.Person)
		}
	}
	return f, nil
}

// save drops what is over and writes the file.
func (s *Store) save() error {
	s.expire()
	return s.keep.save()
}

// expire drops what is over, and the sessions that were idle longest beyond the
// bound.
func (s *Store) expire() {
	now := s.now()
	maps.DeleteFunc(s.file.Links, func(_ string, l link) bool { return now.After(l.Until) })
	maps.DeleteFunc(s.file.Sessions, func(_ string, t seat) bool { return now.Sub(t.Seen) > SessionIdle })
	if over := len(s.file.Sessions) - sessionsMax; over > 0 {
		oldest := slices.SortedFunc(maps.Keys(s.file.Sessions), func(a, b string) int {
			return s.file.Sessions[a].Seen.Compare(s.file.Sessions[b].Seen)
		})
		for _, key := range oldest[:over] {
			delete(s.file.Sessions, key)
		}
	}
}

// token is a secret that only its holder knows.
func token() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // It never fails.
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Link makes a token that signs a person in, once.
//
// Errors: ErrFull; those of the disk.
func (s *Store) Link(p Person) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return "", err
	}
	s.expire()
	if len(s.file.Links) >= linksMax {
		return "", ErrFull
	}
	s.know(p)
	t := token()
	s.file.Links[hash(t)] = link{p.ID, s.now().Add(LinkLife)}
	return t, s.save()
}

// know keeps a person as they are now.
func (s *Store) know(p Person) *known {
	k := s.file.People[p.ID]
	if k == nil {
		k = &known{Handle: []byte(token()[:32])}
		s.file.People[p.ID] = k
	}
	k.Person = p
	return k
}

// Redeem uses a link's token up and signs its person in.
//
// Errors: ErrLink; those of the disk.
func (s *Store) Redeem(linkToken string) (string, Person, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return "", Person{}, err
	}
	s.expire()
	l, ok := s.file.Links[hash(linkToken)]
	if !ok {
		return "", Person{}, ErrLink
	}
	delete(s.file.Links, hash(linkToken))
	return s.begin(l.Person)
}

// Begin signs somebody in who needs no link, as in a demo.
func (s *Store) Begin(p Person) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.know(p)
	t, _, err := s.begin(p.ID)
	return t, err
}

// begin signs a known person in.
func (s *Store) begin(id string) (string, Person, error) {
	t := token()
	s.file.Sessions[hash(t)] = seat{id, s.now()}
	return t, s.file.People[id].Person, s.save()
}

// Lookup returns who a session's token stands for.
func (s *Store) Lookup(sessionToken string) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.load() != nil {
		return Person{}, false // A file that cannot be read signs nobody in.
	}
	t, ok := s.file.Sessions[hash(sessionToken)]
	now := s.now()
	if !ok || now.Sub(t.Seen) > SessionIdle {
		return Person{}, false
	}
	if now.Sub(t.Seen) > touchEvery {
		t.Seen = now
		s.file.Sessions[hash(sessionToken)] = t
		_ = s.save() // It is good without; the next look tries again.
	}
	return s.file.People[t.Person].Person, true
}

// End signs a session out.
func (s *Store) End(sessionToken string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return err
	}
	delete(s.file.Sessions, hash(sessionToken))
	return s.save()
}

// CSRF is what a page proves by that it is ours: a request that changes something
// carries it beside the cookie. It says nothing of the token that it is made of.
func CSRF(sessionToken string) string {
	mac := hmac.New(sha256.New, []byte(sessionToken))
	_, _ = mac.Write([]byte("commonwatt csrf")) // A hash takes everything.
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// SameCSRF compares in constant time.
func SameCSRF(sessionToken, given string) bool {
	return hmac.Equal([]byte(CSRF(sessionToken)), []byte(given))
}
