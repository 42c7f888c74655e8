package machine

import (
	"bytes"
	"crypto/sha256"
	"errors"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// stir mixes a block's envelopes into the secret. A block without any leaves it.
func stir(secret []byte, bundles [][]opened) []byte {
	sum := sha256.New()
	sum.Write([]byte("commonwatt/secret/1\n"))
	sum.Write(secret)
	mixed := false
	for _, bundle := range bundles {
		for _, o := range bundle {
			if o.envelope != nil {
				seal := o.envelope.Seal()
				sum.Write(seal[:])
				mixed = true
			}
		}
	}
	if !mixed {
		return secret
	}
	return sum.Sum(nil)
}

// committed is the hash of the secret, by which a node that was given the state
// without the blocks knows that it was given the right secret, too: with another it
// would come to other receipts than everybody else.
type committed struct {
	Hash []byte `cbor:"1,keyasint"`
}

var secrets = state.NewTable[state.Whole, committed]("machine.secret")

// commitSecret makes the state commit to the secret, as the rules have it.
func commitSecret(s state.Store, rules uint32, secret []byte) {
	if rules >= op.RulesSnapshots {
		secrets.Put(s, state.Whole{}, committed{hashSecret(secret)})
	}
}

func hashSecret(secret []byte) []byte {
	sum := sha256.Sum256(append([]byte("commonwatt/secret/hash/1\n"), secret...))
	return sum[:]
}

// ErrSecret means that a head's secret is not the one that the rows commit to.
var ErrSecret = errors.New("machine: the rows do not commit to the secret of the head")

// Whole says why a head and the rows of its root are not all that a machine needs to
// go on as everybody does, or nil.
//
// Errors: ErrSecret, also for a ledger whose rows commit to none: rules 1 had none do so.
func (h Head) Whole(rows state.Reader) error {
	if c, ok := secrets.Get(rows, state.Whole{}); !ok || !bytes.Equal(c.Hash, hashSecret(h.Secret)) {
		return ErrSecret
	}
	return nil
}
