// Package party keeps accounts and their keys.
//
// Its promise: an account is a pseudonym with keys. What a key may sign is what
// its role says, an envelope is accepted once, and an account that had a key
// cannot be left without an owner.
package party

import (
	"bytes"
	"slices"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Ops is every operation of this domain.
var Ops = op.NewSet("party", 1000)

// Role is what a key may sign for its account.
type Role uint8

// Roles. Each may do what the next one may.
const (
	Owner   Role = 1 // Everything, keys included.
	Operate Role = 2 // Everything but keys: a service.
	Meter   Role = 3 // Readings only: a gateway.
)

// Credential is a key of an account.
type Credential struct {
	_    struct{} `cbor:",toarray"`
	Key  tx.Key
	Role Role
}

// MaxKeys bounds an account's row.
const MaxKeys = 16

// Account is an account's row.
type Account struct {
	// Guardian opened the account. While the account has no key of its own, the
	// guardian signs for it: so a community can settle for people who have not
	// yet taken their account over.
	Guardian tx.AccountID `cbor:"1,keyasint"`
	Keys     []Credential `cbor:"2,keyasint"`
}

var accounts = state.NewTable[tx.AccountID, Account]("party.account")

// At returns an account and whether there is one.
func At(s state.Reader, id tx.AccountID) (Account, bool) { return accounts.Get(s, id) }

// Exists reports whether there is an account.
func Exists(s state.Reader, id tx.AccountID) bool { return accounts.Has(s, id) }

// RoleOf returns the role in which key may sign for account a.
func (a Account) RoleOf(key tx.Key) (Role, bool) {
	i := a.find(key)
	if i < 0 {
		return 0, false
	}
	return a.Keys[i].Role, true
}

// ActsFor reports whether signer may act for account: it is the account, or the
// guardian of one that has no key.
func ActsFor(s state.Reader, signer, account tx.AccountID) bool {
	if signer == account {
		return true
	}
	a, ok := accounts.Get(s, account)
	return ok && len(a.Keys) == 0 && a.Guardian == signer
}

func (a Account) find(key tx.Key) int {
	return slices.IndexFunc(a.Keys, func(c Credential) bool { return same(c.Key, key) })
}

func same(a, b tx.Key) bool { return a.Scheme == b.Scheme && bytes.Equal(a.Public, b.Public) }

// owned reports whether someone can still change the account's keys.
func (a Account) owned() bool {
	return len(a.Keys) == 0 || slices.ContainsFunc(a.Keys, func(c Credential) bool { return c.Role == Owner })
}

// valid reports whether the credentials can be an account's.
func valid(keys []Credential) *op.Refusal {
	for i, c := range keys {
		switch {
		case c.Key.Check() != nil:
			return ErrKey
		case c.Key.Weak():
			return ErrWeakKey
		case c.Role < Owner || c.Role > Meter:
			return ErrRole
		case slices.ContainsFunc(keys[:i], func(d Credential) bool { return same(c.Key, d.Key) }):
			return ErrKeyTwice
		}
	}
	return nil
}

// Genesis opens an account before the first block, or refuses as Open does.
func Genesis(s state.Store, id tx.AccountID, keys []Credential) *op.Refusal {
	if no := checkOpen(&Open{Account: id, Keys: keys}); no != nil {
		return no
	}
	if accounts.Has(s, id) {
		return ErrTaken
	}
	accounts.Put(s, id, Account{Guardian: id, Keys: keys})
	return nil
}
