// Package operator signs for the operator of a community's ledger: it keeps the
// operator's key, founds the community, books readings and waits until they are
// settled.
//
// Its promise: what it says was booked is on the ledger, in the order in which it
// was given; a founding that was cut short is completed by the next one; and the
// key never leaves the folder.
package operator

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/commonwatt/commonwatt/keyfile"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/tx"
)

// Account is the operator's account on a ledger that Open founds.
const Account tx.AccountID = 1

// KeyFile holds the operator's private key, PKCS #8 (RFC 5958) in PEM, in the
// ledger's folder. Draft is its name until it is complete.
const (
	KeyFile = "operator.pem"
	Draft   = KeyFile + draft
)

// ReceiptKeyFile holds the private key by which a node signs what it tells devices,
// as KeyFile holds the operator's. It signs nothing that reaches the ledger.
const ReceiptKeyFile = "receipts.pem"

// OrganisationFile holds, as KeyFile, the private key by which an organisation that
// joined a network votes.
const OrganisationFile = "organisation.key"

// draft ends the name of a key's file until it is complete.
const draft = ".new"

// Operator signs for the operator of a community, or for another organisation of the
// network. One goroutine uses it.
type Operator struct {
	key     ed25519.PrivateKey
	account tx.AccountID
	node    *node.Node
	chain   string
	nonce   uint64
}

// Open reads the operator's key of a folder. In a folder without a ledger it makes
// a key, and the start of a ledger, named after the community, that knows it; what
// was cut short while it did so, the next time completes.
//
// Errors: a key that is missing beside a ledger, or is none; those of the disk.
func Open(dir, community string) (*Operator, error) { return OpenBy(dir, community, 0) }

// OpenBy is Open; a ledger that it begins has a version of the rules, or with 0 the
// newest one that this program knows.
func OpenBy(dir, community string, rules uint32) (*Operator, error) {
	key, err := readKey(dir, KeyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && node.Exists(dir):
		return nil, fmt.Errorf("%s is missing in %s: without the operator's key the ledger can be verified, but not continued", KeyFile, dir)
	case errors.Is(err, fs.ErrNotExist):
		key, err = makeKey(dir, KeyFile)
	}
	if err != nil || node.Exists(dir) {
		return &Operator{key: key, account: Account}, err
	}
	public := party.Credential{Key: tx.Key{Scheme: tx.Ed25519, Public: key.Public().(ed25519.PublicKey)}, Role: party.Owner}
	return &Operator{key: key, account: Account}, node.Init(dir, chainID(community), machine.Genesis{
		Accounts: []machine.Founder{{Account: Account, Keys: []party.Credential{public}}},
		Council:  []tx.AccountID{Account},
		Rules:    rules,
	})
}

// ReceiptKey reads the key by which a node signs receipts from its folder, and makes
// one where there is none.
//
// Errors: a file that is no key; those of the disk.
func ReceiptKey(dir string) (ed25519.PrivateKey, error) {
	key, err := readKey(dir, ReceiptKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(dir, ReceiptKeyFile)
	}
	return key, err
}

// Operates reports whether a folder is the operator's.
func Operates(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, KeyFile))
	return err == nil
}

// Organisation signs for the organisation that a folder belongs to: the operator, or
// one that joined.
func Organisation(dir string) (*Operator, error) {
	if Operates(dir) {
		key, err := readKey(dir, KeyFile)
		return &Operator{key: key, account: Account}, err
	}
	key, err := OrganisationKey(dir)
	if err != nil {
		return nil, err
	}
	public, _ := key.Public().(ed25519.PublicKey) // It is one.
	return &Operator{key: key, account: node.AccountOf(public)}, nil
}

// Account is the account that it signs for.
func (o *Operator) Account() tx.AccountID { return o.account }

// OrganisationKey is the key that an organisation of a network signs with where it is
// not the operator. It is made on first use.
func OrganisationKey(dir string) (ed25519.PrivateKey, error) {
	key, err := readKey(dir, OrganisationFile)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(dir, OrganisationFile)
	}
	return key, err
}

// chainID names a new chain, so that no envelope for another fits it. It keeps
// what of the community's name is plain, since a chain's is at most 50 bytes.
func chainID(community string) string {
	words := strings.FieldsFunc(community, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	var random [6]byte
	_, _ = rand.Read(random[:]) // It never fails.
	return fmt.Sprintf("%.32s-%s", strings.Join(words, "-"), hex.EncodeToString(random[:]))
}

// makeKey makes a key and leaves it in a folder. It is there whole or not at all.
func makeKey(dir, name string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+draft, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(path+draft, path)
}

func readKey(dir, name string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, name)
	text, err := keyfile.Read(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: this is not a key in PEM: bring the file back from a copy", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: the key is a %T, not Ed25519", path, key)
	}
	return private, nil
}
