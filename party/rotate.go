package party

import (
	"slices"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Rotate takes keys from an account and adds others, in one step, so a lost or
// old key never leaves it without an owner.
type Rotate struct {
	Account tx.AccountID `cbor:"1,keyasint" json:"account"`
	Remove  []tx.Key     `cbor:"2,keyasint" json:"remove"`
	Add     []Credential `cbor:"3,keyasint" json:"add"`
}

// Refusals of Rotate, in order of precedence.
var (
	ErrRotateNothing   = Ops.Refuse(20, "there is no key to remove or to add")
	ErrRotateAccount   = Ops.Refuse(21, "there is no such account to change keys of")
	ErrRotateSigner    = Ops.Refuse(22, "only the account, or the guardian of one without keys, may change its keys")
	ErrRotateUnknown   = Ops.Refuse(23, "a key to remove is not the account's")
	ErrRotateUnchanged = Ops.Refuse(25, "a key to add is the account's already")
	ErrRotateNotOwned  = Ops.Refuse(24, "the account would be left without a key whose role is owner")
)

// Rotated is the receipt of Rotate.
var Rotated = op.DefineReceipt[Rotate](Ops, 20, "rotated", "An account's keys changed.")

// RotateKind changes an account's keys.
var RotateKind = op.Define(Ops, op.Spec[Rotate]{
	Number: 20,
	Name:   "rotate",
	Doc:    "Remove keys from an account and add others in one step.",
	Check: func(o *Rotate) *op.Refusal {
		switch {
		case len(o.Remove)+len(o.Add) == 0:
			return ErrRotateNothing
		case len(o.Remove) > MaxKeys || len(o.Add) > MaxKeys:
			return ErrManyKeys
		}
		return valid(o.Add)
	},
	Apply: func(ctx *op.Context, s state.Store, o *Rotate) *op.Refusal {
		a, ok := accounts.Get(s, o.Account)
		switch {
		case !ok:
			return ErrRotateAccount
		case !ActsFor(s, ctx.Signer, o.Account):
			return ErrRotateSigner
		}
		for _, key := range o.Remove {
			i := a.find(key)
			if i < 0 {
				return ErrRotateUnknown
			}
			a.Keys = slices.Delete(a.Keys, i, i+1)
		}
		for _, c := range o.Add {
			if a.find(c.Key) >= 0 {
				return ErrRotateUnchanged
			}
			a.Keys = append(a.Keys, c)
		}
		switch {
		case len(a.Keys) > MaxKeys:
			return ErrManyKeys
		case len(a.Keys) == 0 || !a.owned():
			return ErrRotateNotOwned
		}
		accounts.Put(s, o.Account, a)
		op.Emit(ctx, Rotated, o.Account, *o)
		return nil
	},
})
