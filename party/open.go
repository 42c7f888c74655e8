package party

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Open opens an account. Its number is the opener's choice; the opener is its
// guardian until it has a key.
type Open struct {
	Account tx.AccountID `cbor:"1,keyasint" json:"account"`
	Keys    []Credential `cbor:"2,keyasint" json:"keys"`
}

// Refusals of Open, in order of precedence.
var (
	ErrNoAccount = Ops.Refuse(1, "the account's number is missing")
	ErrManyKeys  = Ops.Refuse(2, "an account has at most 16 keys")
	ErrKey       = Ops.Refuse(3, "a key does not have the form of its scheme")
	ErrWeakKey   = Ops.Refuse(8, "a key has small order: signatures for it need no secret")
	ErrRole      = Ops.Refuse(4, "there is no such role: 1 owner, 2 operate, 3 meter")
	ErrKeyTwice  = Ops.Refuse(5, "a key is there twice")
	ErrNoOwner   = Ops.Refuse(6, "an account with keys needs one whose role is owner")
	ErrTaken     = Ops.Refuse(7, "the account's number is taken")
)

// Opened is the receipt of Open.
type Opened struct {
	Account  tx.AccountID `cbor:"1,keyasint" json:"account"`
	Guardian tx.AccountID `cbor:"2,keyasint" json:"guardian"`
}

// OpenedReceipt is the kind of Opened.
var OpenedReceipt = op.DefineReceipt[Opened](Ops, 1, "opened", "A new account.")

// OpenKind opens an account.
var OpenKind = op.Define(Ops, op.Spec[Open]{
	Number: 1,
	Name:   "open",
	Doc:    "Open an account with its first keys; without keys the signer acts for it.",
	Check:  checkOpen,
	Apply: func(ctx *op.Context, s state.Store, o *Open) *op.Refusal {
		if accounts.Has(s, o.Account) {
			return ErrTaken
		}
		accounts.Put(s, o.Account, Account{Guardian: ctx.Signer, Keys: o.Keys})
		op.Emit(ctx, OpenedReceipt, o.Account, Opened{o.Account, ctx.Signer})
		return nil
	},
})

func checkOpen(o *Open) *op.Refusal {
	switch {
	case o.Account == 0:
		return ErrNoAccount
	case len(o.Keys) > MaxKeys:
		return ErrManyKeys
	}
	if no := valid(o.Keys); no != nil {
		return no
	}
	if a := (Account{Keys: o.Keys}); !a.owned() {
		return ErrNoOwner
	}
	return nil
}
