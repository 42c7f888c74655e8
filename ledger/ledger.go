// Package ledger keeps balances by double entry, for any asset.
//
// Its promise: every posting debits what it credits, so per asset the balances
// sum to what was issued less what was redeemed, to the unit, after every
// operation. Nobody but a settlement may take a balance below zero, because
// energy that was used is owed whether or not there is money for it.
package ledger

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Ops is every operation of this domain.
var Ops = op.NewSet("ledger", 2000)

// AssetID names an asset; whoever defines it chooses the number.
type AssetID uint64

// AppendKey orders assets by number.
func (id AssetID) AppendKey(b []byte) []byte { return binary.BigEndian.AppendUint64(b, uint64(id)) }

// ReadKey reads what AppendKey wrote.
func (AssetID) ReadKey(b []byte) AssetID { return AssetID(binary.BigEndian.Uint64(b)) }

// Asset is something that accounts hold amounts of: a currency of a microgrid,
// a token, a share.
type Asset struct {
	Symbol   string         `cbor:"1,keyasint"` // ISO 4217 for currencies.
	Decimals uint8          `cbor:"2,keyasint"`
	Issuer   tx.AccountID   `cbor:"3,keyasint"` // Issues against deposits and redeems.
	Issued   quantity.Money `cbor:"4,keyasint"` // In circulation: issued less redeemed.
}

// Balance is what one account has of one asset.
type Balance struct {
	Posted quantity.Money `cbor:"1,keyasint,omitempty"` // Below zero: owed.
	Held   quantity.Money `cbor:"2,keyasint,omitempty"` // Of Posted, reserved by holds; ≥ 0.
}

// Available is what the account may give away.
func (b Balance) Available() quantity.Money { return quantity.MustSub(b.Posted, b.Held) }

// Holding is the key of a balance.
type Holding struct {
	Account tx.AccountID
	Asset   AssetID
}

// AppendKey orders balances by account, then asset.
func (h Holding) AppendKey(b []byte) []byte { return h.Asset.AppendKey(h.Account.AppendKey(b)) }

// ReadKey reads what AppendKey wrote.
func (Holding) ReadKey(b []byte) Holding {
	return Holding{tx.AccountID(0).ReadKey(b), AssetID(0).ReadKey(b[8:])}
}

var (
	assets   = state.NewTable[AssetID, Asset]("ledger.asset")
	balances = state.NewTable[Holding, Balance]("ledger.balance")
)

// BalanceOf returns what account has of asset.
func BalanceOf(s state.Reader, account tx.AccountID, asset AssetID) Balance {
	b, _ := balances.Get(s, Holding{account, asset})
	return b
}

// AssetAt returns an asset and whether there is one.
func AssetAt(s state.Reader, id AssetID) (Asset, bool) { return assets.Get(s, id) }

// Entry is one side of a posting: above zero credits the account, below zero
// debits it.
type Entry struct {
	_       struct{} `cbor:",toarray"`
	Account tx.AccountID
	Amount  quantity.Money
}

// MaxBalance is the most that a settlement, an issue or a payment may leave an
// account owning or owing, and the most of an asset that may be in circulation.
// With what holds reserve, every balance then fits into 64 bits.
const MaxBalance quantity.Money = 1 << 62

// ErrSettleTooBig refuses a settlement as a whole.
var ErrSettleTooBig = Ops.Refuse(70, "an account would own or owe more than 2^62 units")

// Settle books entries that sum to zero. It is for obligations that stand
// whether or not there is money, so it may take balances below zero, but not
// past MaxBalance: then the store is to be taken back. Entries that do not sum
// to zero are a broken invariant.
//
// Refusals: ErrSettleTooBig.
func Settle(s state.Store, asset AssetID, entries []Entry) *op.Refusal {
	var sum quantity.Money
	for _, e := range entries {
		k := Holding{e.Account, asset}
		b, _ := balances.Get(s, k)
		if !fits(b.Posted, e.Amount) {
			return ErrSettleTooBig
		}
		sum = quantity.MustAdd(sum, e.Amount)
		b.Posted = quantity.MustAdd(b.Posted, e.Amount)
		put(s, k, b)
	}
	if sum != 0 {
		panic(fmt.Sprintf("ledger: a posting of asset %d is off by %d", asset, sum))
	}
	return nil
}

// fits reports whether a balance stays within MaxBalance with an amount more.
func fits(balance, amount quantity.Money) bool {
	sum, err := quantity.Add(balance, amount)
	return err == nil && -MaxBalance <= sum && sum <= MaxBalance
}

// add changes one balance.
func add(s state.Store, account tx.AccountID, asset AssetID, amount quantity.Money) {
	k := Holding{account, asset}
	b, _ := balances.Get(s, k)
	b.Posted = quantity.MustAdd(b.Posted, amount)
	put(s, k, b)
}

// put keeps the table free of empty balances, so that state does not grow with
// accounts that no longer hold anything.
func put(s state.Store, k Holding, b Balance) {
	if b == (Balance{}) {
		balances.Delete(s, k)
		return
	}
	balances.Put(s, k, b)
}

// Audit checks the domain's invariants over the whole state: per asset the
// balances sum to what is in circulation, and what is held is what the holds
// say. It returns the first thing that is wrong.
func Audit(s state.Reader) error {
	total := map[AssetID]*big.Int{} // Debts and credits cancel out, perhaps late.
	held := map[Holding]quantity.Money{}
	for k, h := range holds.All(s) {
		held[Holding{k.Payer, h.Asset}] = quantity.MustAdd(held[Holding{k.Payer, h.Asset}], h.Amount)
	}
	for k, b := range balances.All(s) {
		if total[k.Asset] == nil {
			total[k.Asset] = new(big.Int)
		}
		total[k.Asset].Add(total[k.Asset], big.NewInt(int64(b.Posted)))
		if b.Held != held[k] {
			return fmt.Errorf("ledger: account %d has %d of asset %d held, its holds sum to %d", k.Account, b.Held, k.Asset, held[k])
		}
		delete(held, k)
	}
	if len(held) != 0 {
		return fmt.Errorf("ledger: %d holds are on no balance", len(held))
	}
	for id, a := range assets.All(s) {
		sum := cmp.Or(total[id], new(big.Int))
		if sum.Cmp(big.NewInt(int64(a.Issued))) != 0 {
			return fmt.Errorf("ledger: balances of asset %d sum to %d, %d are in circulation", id, sum, a.Issued)
		}
		delete(total, id)
	}
	if len(total) != 0 {
		return fmt.Errorf("ledger: balances of %d assets that are not defined", len(total))
	}
	return nil
}
