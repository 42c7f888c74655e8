package session

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Errors of passkeys.
var (
	ErrPasskey  = errors.New("session: the passkey is not good here: try again, or open a one-time link")
	ErrCloned   = errors.New("session: this passkey counts backwards, as a copy would: it is refused; open a one-time link and add a new one")
	ErrCeremony = errors.New("session: this took longer than five minutes, or was not begun here: begin again")
	ErrKeys     = errors.New("session: there are 20 passkeys already: remove one first")
)

// ceremonyLife is how long somebody may take to touch an authenticator, and
// ceremoniesMax how many may do so at once.
const (
	ceremonyLife  = 5 * time.Minute
	ceremoniesMax = 10_000
)

// ceremonies are those that were begun, by a name that the client brings back.
type ceremonies struct{ open map[string]ceremony }

type ceremony struct {
	person string // "" when somebody signs in: the passkey says who.
	data   webauthn.SessionData
	until  time.Time
}

func newCeremonies() ceremonies { return ceremonies{map[string]ceremony{}} }

// keep remembers a ceremony, dropping what is over, and in need the oldest.
func (c ceremonies) keep(now time.Time, begun ceremony) string {
	oldest := ""
	for name, o := range c.open {
		if now.After(o.until) {
			delete(c.open, name)
		} else if oldest == "" || o.until.Before(c.open[oldest].until) {
			oldest = name
		}
	}
	if len(c.open) >= ceremoniesMax {
		delete(c.open, oldest)
	}
	name := token()
	begun.until = now.Add(ceremonyLife)
	c.open[name] = begun
	return name
}

// take returns a ceremony, once.
func (c ceremonies) take(now time.Time, name string) (ceremony, error) {
	begun, ok := c.open[name]
	delete(c.open, name)
	if !ok || now.After(begun.until) {
		return ceremony{}, ErrCeremony
	}
	return begun, nil
}

// user is a person in the library's words.
type user struct{ *known }

func (u user) WebAuthnID() []byte                         { return u.Handle }
func (u user) WebAuthnName() string                       { return u.ID }
func (u user) WebAuthnDisplayName() string                { return u.Name }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.Passkeys }

// party is our side of the ceremonies, for the address that people open.
func party(origin string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(origin)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: "Commonwatt", RPOrigins: []string{origin}})
}

// BeginRegister starts to add a passkey of whoever a session stands for. It
// returns the options for the browser and the name of the ceremony.
//
// Errors: ErrGone, ErrKeys.
func (s *Store) BeginRegister(origin, sessionToken string) (*protocol.CredentialCreation, string, error) {
	p, ok := s.Lookup(sessionToken)
	if !ok {
		return nil, "", ErrGone
	}
	ours, err := party(origin)
	if err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.file.People[p.ID]
	if len(k.Passkeys) >= passkeysMax {
		return nil, "", ErrKeys
	}
	options, data, err := ours.BeginRegistration(user{k},
		webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementRequired),
		webauthn.WithExclusions(webauthn.Credentials(k.Passkeys).CredentialDescriptors()))
	if err != nil {
		return nil, "", fmt.Errorf("session: %w", err)
	}
	return options, s.ceremonies.keep(s.now(), ceremony{person: p.ID, data: *data}), nil
}

// FinishRegister adds the passkey that the browser made.
//
// Errors: ErrCeremony, ErrPasskey, ErrGone; those of the disk.
func (s *Store) FinishRegister(origin, sessionToken, name string, response []byte) error {
	p, ok := s.Lookup(sessionToken)
	if !ok {
		return ErrGone
	}
	ours, err := party(origin)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrPasskey, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	begun, err := s.ceremonies.take(s.now(), name)
	if err != nil {
		return err
	}
	if begun.person != p.ID {
		return ErrCeremony
	}
	k := s.file.People[p.ID]
	credential, err := ours.CreateCredential(user{k}, begun.data, parsed)
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrPasskey, err)
	}
	k.Passkeys = append(k.Passkeys, *credential)
	return s.save()
}

// BeginLogin starts to sign somebody in with a passkey.
func (s *Store) BeginLogin(origin string) (*protocol.CredentialAssertion, string, error) {
	ours, err := party(origin)
	if err != nil {
		return nil, "", err
	}
	options, data, err := ours.BeginDiscoverableLogin()
	if err != nil {
		return nil, "", fmt.Errorf("session: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return options, s.ceremonies.keep(s.now(), ceremony{data: *data}), nil
}

// FinishLogin signs in whom the passkey is of.
//
// Errors: ErrCeremony, ErrPasskey, ErrCloned; those of the disk.
func (s *Store) FinishLogin(origin, name string, response []byte) (string, Person, error) {
	ours, err := party(origin)
	if err != nil {
		return "", Person{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return "", Person{}, fmt.Errorf("%w (%w)", ErrPasskey, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return "", Person{}, err
	}
	begun, err := s.ceremonies.take(s.now(), name)
	if err != nil {
		return "", Person{}, err
	}
	if begun.person != "" {
		return "", Person{}, ErrCeremony
	}
	var who *known
	credential, err := ours.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
		for _, k := range s.file.People {
			if bytes.Equal(k.Handle, handle) {
				who = k
				return user{k}, nil
			}
		}
		return nil, ErrPasskey
	}, begun.data, parsed)
	if err != nil || who == nil {
		return "", Person{}, fmt.Errorf("%w (%w)", ErrPasskey, err)
	}
	if credential.Authenticator.CloneWarning {
		return "", Person{}, ErrCloned
	}
	for i := range who.Passkeys {
		if bytes.Equal(who.Passkeys[i].ID, credential.ID) {
			who.Passkeys[i] = *credential
		}
	}
	return s.begin(who.ID)
}
