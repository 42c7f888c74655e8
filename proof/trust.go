package proof

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/merkle"
)

// Trust is what a reader believes without proof: that a block with this hash is
// one of the chain's. All else follows from it. Whoever takes a trust from the
// same place as the bundle has proven nothing: compare the hash with what somebody
// else says.
type Trust struct {
	// Chain is the chain's id. With none, it is the one that the hash is of.
	Chain  string      `cbor:"1,keyasint" json:"chain"`
	Height int64       `cbor:"2,keyasint" json:"height"`
	Hash   merkle.Hash `cbor:"3,keyasint" json:"hash"` // Of the block's header.
	// Period is for how many seconds after the block the trust holds; 0 stands for
	// PeriodDefault. Later, those who were validators might no longer guard their keys.
	Period int64 `cbor:"4,keyasint,omitempty" json:"period_s,omitempty"`
	// Header and Validators are the block's. With them the trust serves for every
	// later bundle, without them for those that hold this block. The hash commits to both.
	Header     *Header     `cbor:"5,keyasint,omitempty" json:"header,omitempty"`
	Validators []Validator `cbor:"6,keyasint,omitempty" json:"validators,omitempty"`
}

// Periods, in seconds.
const (
	PeriodDefault int64 = 365 * day
	// AheadMax is how far a bundle's clock may be ahead of the reader's. A reader that
	// is a ledger with little to do has the time of its last block.
	AheadMax int64 = day

	day = 24 * 3600
)

// ErrTrustText refuses what ParseTrust cannot read.
var ErrTrustText = errors.New(`proof: a trust is HEIGHT:HASH, as in "1:" and the 64 hexadecimal digits of the header's hash`)

// ParseTrust reads HEIGHT:HASH, of any chain.
//
// Errors: ErrTrustText.
func ParseTrust(text string) (Trust, error) {
	height, hash, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(height, 10, 64)
	t := Trust{Height: n}
	if err != nil || n <= 0 || t.Hash.UnmarshalText([]byte(hash)) != nil {
		return Trust{}, ErrTrustText
	}
	return t, nil
}

// String is the trust as ParseTrust reads it.
func (t Trust) String() string { return fmt.Sprintf("%d:%s", t.Height, t.Hash) }

// Trust makes the trust in a block that has its validators.
func (b *Block) Trust(chain string) Trust { return b.trust(chain, b.Validators) }

func (b *Block) trust(chain string, validators []Validator) Trust {
	header := b.Header
	return Trust{Chain: chain, Height: header.Height, Hash: header.Hash(chain), Header: &header, Validators: validators}
}

// Check says whether a trust is in agreement with itself: header and validators,
// if it has them, are those that the hash commits to.
func (t *Trust) Check() error {
	switch {
	case t.Height <= 0 || t.Period < 0:
		return errors.New("its height is not above zero, or its period is below")
	case t.Header == nil && len(t.Validators) > 0:
		return errors.New("it has validators and no header")
	case t.Header == nil:
		return nil
	case t.Header.Height != t.Height || t.Header.Hash(t.Chain) != t.Hash:
		return errors.New("its header is not the one that its height and hash are of")
	}
	if err := t.Header.wellFormed(); err != nil {
		return err
	}
	if err := checkValidators(t.Validators, t.Header); err != nil {
		return fmt.Errorf("its validators: %w", err)
	}
	return nil
}

// known is a header that is believed, with its validators.
type known struct {
	chain      string
	header     *Header
	validators []Validator
}

// follow says whether a signed header can be believed by whoever believes an
// earlier one (skipping verification: Braithwaite et al., "A Tendermint Light
// Client", 2020; CometBFT v0.40, light.Verify). Its signatures are good.
func (k known) follow(next *Header, signers []Validator) error {
	switch {
	case next.Height <= k.header.Height:
		return fmt.Errorf("block %d comes after block %d", next.Height, k.header.Height)
	case next.Time <= k.header.Time:
		return fmt.Errorf("block %d is not later than block %d", next.Height, k.header.Height)
	case next.Height == k.header.Height+1:
		return k.adjacent(next)
	}
	if signed, all := k.signed(signers); signed*3 <= all {
		return fmt.Errorf("of the validators of block %d, %d of the power of %d signed block %d; it takes more than a third: blocks between are missing",
			k.header.Height, signed, all, next.Height)
	}
	return nil
}

// signed is how much of the believed validators' power some signers have.
func (k known) signed(signers []Validator) (signed, all int64) {
	power := make(map[Key]int64, len(k.validators))
	for _, v := range k.validators {
		power[v.Key] = v.Power
	}
	for _, s := range signers {
		signed += power[s.Key]
	}
	return signed, powerOf(k.validators)
}

// precede says whether a signed header can be believed by whoever believes a later
// one: more than two thirds of the power that is believed signed it then. An honest
// validator signs one block of a height, whenever that is. CometBFT goes back header by
// header instead, which a file cannot hold.
func (k known) precede(earlier *Header, signers []Validator) error {
	if earlier.Time >= k.header.Time {
		return fmt.Errorf("block %d is not earlier than block %d", earlier.Height, k.header.Height)
	}
	if signed, all := k.signed(signers); signed*3 <= all*2 {
		return fmt.Errorf("it ends at block %d, before block %d, which you trust, and of the validators that you trust %d of the power of %d signed it; it takes more than two thirds: ask for a newer one, or trust an earlier block",
			earlier.Height, k.header.Height, signed, all)
	}
	return nil
}

// adjacent is follow for the very next block, whose validators the header names.
func (k known) adjacent(next *Header) error {
	hash := k.header.Hash(k.chain)
	switch {
	case !bytes.Equal(next.Validators, k.header.NextValidators):
		return fmt.Errorf("block %d has other validators than block %d names", next.Height, k.header.Height)
	case !bytes.Equal(next.LastBlock.Hash, hash[:]):
		return fmt.Errorf("block %d does not follow on block %d", next.Height, k.header.Height)
	}
	return nil
}

// holds says whether a trust in a header is not too old, and a bundle's header not
// of the future.
func (t *Trust) holds(trusted, header *Header, now interval.Time) error {
	period := t.Period
	if period == 0 {
		period = PeriodDefault
	}
	switch {
	case int64(now-trusted.Seconds()) >= period:
		return fmt.Errorf("block %d, which is trusted, is %d days old; trust holds for %d: take a newer one from whom you know",
			trusted.Height, int64(now-trusted.Seconds())/day, period/day)
	case int64(header.Seconds()-now) > AheadMax:
		return fmt.Errorf("block %d is %d s ahead of now", header.Height, int64(header.Seconds()-now))
	}
	return nil
}
