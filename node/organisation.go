package node

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/commonwatt/commonwatt/tx"
)

// OrganisationsFile holds, in a node's folder, the organisations that it was told of.
const OrganisationsFile = "organisations.json"

// Organisation is what is known of a member of the network that the ledger does not
// hold: its name, and which validator and node are its own. All of it is public.
type Organisation struct {
	Name      string       `json:"name"`
	Account   tx.AccountID `json:"account,string"`
	Validator []byte       `json:"validator"` // Its key: Ed25519.
	Node      string       `json:"node"`      // ID@HOST:PORT.
}

// ID is what its node is called.
func (o Organisation) ID() string {
	id, _, _ := strings.Cut(o.Node, "@")
	return id
}

// LoadOrganisations reads the organisations that a folder knows, by name.
//
// Errors: those of the disk; a file that is none.
func LoadOrganisations(dir string) (list []Organisation, err error) {
	text, err := os.ReadFile(filepath.Join(dir, OrganisationsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("node: %s: %w", OrganisationsFile, err)
	}
	return list, nil
}

// KeepOrganisations adds organisations to those that a folder knows. One that it knows
// already, by its account, is what it is now.
func KeepOrganisations(dir string, more ...Organisation) error {
	list, err := LoadOrganisations(dir)
	if err != nil {
		return err
	}
	for _, o := range more {
		i := slices.IndexFunc(list, func(known Organisation) bool { return known.Account == o.Account })
		if i < 0 {
			list = append(list, o)
			continue
		}
		list[i] = o
	}
	slices.SortFunc(list, func(a, b Organisation) int { return cmp.Compare(a.Name, b.Name) })
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, OrganisationsFile), append(text, '\n'))
}

// Request is what an organisation asks the council of a network to be admitted with.
// It is public.
type Request struct {
	Format       int    `json:"commonwatt_request"` // 1.
	Chain        string `json:"chain"`
	Organisation        // Its account is made of the key.
	Key          []byte `json:"key"`       // Of the account: Ed25519.
	Signature    []byte `json:"signature"` // By that key, over all of this without the signature.
}

// AccountOf is the number of an organisation's account: made of its key, so that no
// two organisations ask for the same one.
func AccountOf(key ed25519.PublicKey) tx.AccountID {
	sum := sha256.Sum256(append([]byte("commonwatt organisation\x00"), key...))
	return tx.AccountID(binary.BigEndian.Uint64(sum[:]) | 1) // Never 0.
}

// NewRequest makes a request and signs it.
func NewRequest(chainID string, o Organisation, key ed25519.PrivateKey) (Request, error) {
	public, _ := key.Public().(ed25519.PublicKey) // It is one.
	o.Account = AccountOf(public)
	r := Request{Format: 1, Chain: chainID, Organisation: o, Key: public}
	text, err := r.signed()
	r.Signature = ed25519.Sign(key, text)
	return r, err
}

// signed is what is signed of a request.
func (r Request) signed() ([]byte, error) {
	r.Signature = nil
	return json.Marshal(r)
}

// ParseRequest reads a request, as it was signed.
//
// Errors: ErrRequest.
func ParseRequest(text []byte) (r Request, err error) {
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if r.Format != 1 || r.Name == "" || len(r.Key) != ed25519.PublicKeySize || len(r.Validator) != ed25519.PublicKeySize || checkPeer(r.Node) != nil {
		return r, fmt.Errorf("%w: one has a format of 1, a name, a key, a validator and a node", ErrRequest)
	}
	signed, err := r.signed()
	if err != nil || r.Account != AccountOf(r.Key) || !ed25519.Verify(r.Key, signed, r.Signature) {
		return r, fmt.Errorf("%w: it was changed since %s signed it", ErrRequest, r.Name)
	}
	return r, nil
}
