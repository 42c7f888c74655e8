package ledger

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// Define makes a new asset that its signer issues.
type Define struct {
	Asset    AssetID `cbor:"1,keyasint" json:"asset"`
	Symbol   string  `cbor:"2,keyasint" json:"symbol"`
	Decimals uint8   `cbor:"3,keyasint" json:"decimals"`
}

// Bounds of an asset.
const (
	MaxSymbol   = 12
	MaxDecimals = 18
)

// Refusals of Define, in order of precedence.
var (
	ErrNoAssetID = Ops.Refuse(1, "the asset's number is missing")
	ErrSymbol    = Ops.Refuse(2, "the symbol is empty or longer than 12 bytes")
	ErrDecimals  = Ops.Refuse(3, "an asset has at most 18 decimals")
	ErrDefined   = Ops.Refuse(4, "the asset's number is taken")
)

// Defined is the receipt of Define.
var Defined = op.DefineReceipt[Define](Ops, 1, "defined", "A new asset.")

// DefineKind defines a new asset.
var DefineKind = op.Define(Ops, op.Spec[Define]{
	Number: 1,
	Name:   "define",
	Doc:    "Define a new asset, issued by the signer.",
	Check: func(o *Define) *op.Refusal {
		switch {
		case o.Asset == 0:
			return ErrNoAssetID
		case o.Symbol == "" || len(o.Symbol) > MaxSymbol:
			return ErrSymbol
		case o.Decimals > MaxDecimals:
			return ErrDecimals
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Define) *op.Refusal {
		if assets.Has(s, o.Asset) {
			return ErrDefined
		}
		assets.Put(s, o.Asset, Asset{Symbol: o.Symbol, Decimals: o.Decimals, Issuer: ctx.Signer})
		op.Emit(ctx, Defined, op.Public, *o)
		return nil
	},
})
