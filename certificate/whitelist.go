package certificate

import (
	"slices"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Whitelist says from whom an account accepts certificates that are passed on to it.
// Without one it accepts them from everybody (EnergyTag, Granular Certificate Scheme
// Standard v2: account whitelist).
type Whitelist struct {
	Account tx.AccountID `cbor:"1,keyasint" json:"account"`
	// Everybody ends the list: there is nobody on it then.
	Everybody bool           `cbor:"2,keyasint,omitempty" json:"everybody,omitempty"`
	From      []tx.AccountID `cbor:"3,keyasint" json:"from"` // Ascending; from nobody when there is none.
}

// maxListed bounds a whitelist.
const maxListed = 256

// Refusals of Whitelist, in order of precedence.
var (
	ErrWhitelistLong   = Ops.Refuse(130, "a whitelist has at most 256 accounts, and none where everybody is accepted")
	ErrWhitelistOrder  = Ops.Refuse(131, "the accounts of a whitelist are not in ascending order, each once")
	ErrWhitelistSigner = Ops.Refuse(132, "only an account, or who acts for it, says from whom it accepts certificates")
	ErrWhitelistFrom   = Ops.Refuse(133, "an account of the whitelist is not there")
)

// whitelisted is the row of an account that does not accept from everybody.
type whitelisted struct {
	From []tx.AccountID `cbor:"1,keyasint"` // Ascending.
}

var whitelists = state.NewTable[tx.AccountID, whitelisted]("certificate.whitelist")

// Whitelisted is the receipt of Whitelist.
var Whitelisted = op.DefineReceipt[Whitelist](Ops, 130, "whitelisted", "From whom an account accepts certificates.")

// WhitelistKind says from whom an account accepts certificates.
var WhitelistKind = op.Define(Ops, op.Spec[Whitelist]{
	Number: 130,
	Name:   "whitelist",
	Doc:    "Say from whom an account accepts certificates.",
	Check: func(o *Whitelist) *op.Refusal {
		if len(o.From) > maxListed || o.Everybody && len(o.From) > 0 {
			return ErrWhitelistLong
		}
		for n := 1; n < len(o.From); n++ {
			if o.From[n-1] >= o.From[n] {
				return ErrWhitelistOrder
			}
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Whitelist) *op.Refusal {
		if !party.ActsFor(s, ctx.Signer, o.Account) {
			return ErrWhitelistSigner
		}
		for _, from := range o.From {
			if !party.Exists(s, from) {
				return ErrWhitelistFrom
			}
		}
		if o.Everybody {
			whitelists.Delete(s, o.Account)
		} else {
			whitelists.Put(s, o.Account, whitelisted{o.From})
		}
		op.Emit(ctx, Whitelisted, o.Account, *o)
		return nil
	},
})

// Accepts reports whether an account accepts certificates that another one passes on
// to it.
func Accepts(s state.Reader, account, from tx.AccountID) bool {
	list, ok := whitelists.Get(s, account)
	if !ok {
		return true
	}
	_, on := slices.BinarySearch(list.From, from)
	return on
}
