package machine

import (
	"cmp"
	"fmt"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// RulesOldest and RulesNewest are the versions of the rules by which this program
// executes blocks; package op says what each of them changed.
const (
	RulesOldest = op.RulesFirst
	RulesNewest = op.RulesSnapshots
)

// UnknownRules is the error of a block by rules that the program does not know.
type UnknownRules struct {
	governance.Upgrade        // The rules, and from which height on they hold.
	Newest             uint32 // The newest that the program knows.
}

// Error says what it is about, from which height on, and what to do.
func (e *UnknownRules) Error() string {
	return fmt.Sprintf("from height %d on the ledger follows rules %d, and this program knows rules %d to %d: install a version that knows rules %d and start again; "+
		"nothing is lost, it goes on with that block", e.Height, e.Rules, RulesOldest, e.Newest, e.Rules)
}

// Knows reports whether the machine can execute blocks by rules.
func (m *Machine) Knows(rules uint32) bool {
	return rules >= RulesOldest && rules <= m.newest()
}

func (m *Machine) newest() uint32 { return cmp.Or(m.env.RulesNewest, RulesNewest) }

// Next says why the machine cannot execute the block after its head, or nil.
//
// Errors: *UnknownRules.
func (m *Machine) Next() error {
	if u := governance.InForce(m.rows, m.head.Height+1); !m.Knows(u.Rules) {
		return &UnknownRules{u, m.newest()}
	}
	return nil
}

// Trying is the context in which an operation of an account would be applied next, for
// those who try what they are about to sign.
func Trying(rows state.Reader, head Head, signer tx.AccountID) op.Context {
	rules := governance.InForce(rows, head.Height+1).Rules
	return op.Context{ChainID: head.ChainID, Height: head.Height + 1, Time: head.Time, Rules: rules, Signer: signer}
}

// rules is the version by which a block is executed. Who hands one over has asked
// Next.
func (m *Machine) rules(b Block) uint32 {
	rules := governance.InForce(m.rows, b.Height).Rules
	if !m.Knows(rules) {
		panic(fmt.Sprintf("machine: block %d follows rules %d, which this program does not know", b.Height, rules))
	}
	return rules
}
