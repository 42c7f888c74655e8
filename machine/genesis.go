package machine

import (
	"cmp"
	"fmt"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Genesis is the state before the first block: the accounts that everything
// else is opened by, and the council that votes on the chain itself.
type Genesis struct {
	Accounts []Founder      `cbor:"1,keyasint"`
	Council  []tx.AccountID `cbor:"2,keyasint"`
	// Validators are those that the chain begins with. Only validators that the
	// ledger knows can be voted out.
	Validators []governance.Validator `cbor:"3,keyasint,omitempty"`
	// Rules is the version by which the blocks are executed; none stands for 1.
	Rules uint32 `cbor:"4,keyasint,omitempty"`
}

// Founder is an account of the genesis.
type Founder struct {
	Account tx.AccountID       `cbor:"1,keyasint"`
	Keys    []party.Credential `cbor:"2,keyasint"`
}

// Encode returns the canonical bytes of a genesis.
func (g Genesis) Encode() []byte { return codec.Marshal(g) }

// Begin makes the state of a genesis; its changes are to be committed as
// height 0.
//
// Errors: bytes that are not a genesis; *UnknownRules.
func (m *Machine) Begin(chainID string, raw []byte) (Result, error) {
	var g Genesis
	if err := codec.Unmarshal(raw, &g); err != nil {
		return Result{}, fmt.Errorf("machine: genesis: %w", err)
	}
	g.Rules = cmp.Or(g.Rules, op.RulesFirst)
	if !m.Knows(g.Rules) {
		return Result{}, &UnknownRules{governance.Upgrade{Rules: g.Rules, Height: 1}, m.newest()}
	}
	s := state.NewOverlay(m.rows)
	governance.BeginRules(s, g.Rules)
	commitSecret(s, g.Rules, nil)
	for i, f := range g.Accounts {
		if len(f.Keys) == 0 {
			return Result{}, fmt.Errorf("machine: genesis: accounts[%d]: account %d has no key", i, f.Account)
		}
		if no := party.Genesis(s, f.Account, f.Keys); no != nil {
			return Result{}, fmt.Errorf("machine: genesis: accounts[%d]: account %d: %w", i, f.Account, no)
		}
	}
	for i, a := range g.Council {
		if !party.Exists(s, a) {
			return Result{}, fmt.Errorf("machine: genesis: council[%d]: there is no account %d", i, a)
		}
		governance.Seat(s, a)
	}
	for i, v := range g.Validators {
		if len(v.PublicKey) != 32 || v.Power <= 0 || v.Power > governance.MaxPower {
			return Result{}, fmt.Errorf("machine: genesis: validators[%d]: not a key of 32 bytes and a power from 1 to 2^40", i)
		}
		governance.Empower(s, v)
	}
	m.head.ChainID = chainID
	return m.finish(s, Block{}, nil, nil), nil
}
