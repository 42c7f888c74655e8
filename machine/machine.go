// Package machine is the state machine: blocks in, receipts and an app hash out.
//
// Its promise: it is pure. The same blocks on the same genesis give the same
// receipts and the same app hash at every height, on any machine, with any
// number of cores, after any restart. Money and energy balance after every
// block, or it stops.
package machine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

// Ops is the machine's own receipts and refusals.
var Ops = op.NewSet("machine", 200)

// Registry returns every operation, receipt and refusal of the ledger.
func Registry() *op.Registry {
	r, err := op.NewRegistry(
		Ops, party.Ops, ledger.Ops, grid.Ops, tariff.Ops, metering.Ops, device.Ops, market.Ops, certificate.Ops, settlement.Ops, governance.Ops,
	)
	if err != nil {
		panic(err)
	}
	return r
}

// Head is what the machine needs, besides the rows, to go on after a restart.
type Head struct {
	ChainID string          `cbor:"1,keyasint"`
	Height  int64           `cbor:"2,keyasint"`
	Time    interval.Time   `cbor:"3,keyasint"`
	Root    merkle.Hash     `cbor:"4,keyasint"` // Of the state.
	Log     merkle.Frontier `cbor:"5,keyasint"` // Of the receipts.
	// Secret is made of every envelope so far, signatures included, which only
	// those have who have the blocks, or a snapshot. It salts the receipts of closes.
	Secret []byte `cbor:"6,keyasint"`
}

// Roots are what the head's app hash commits to.
func (h Head) Roots() proof.Roots {
	log, err := merkle.Resume(h.Log)
	if err != nil {
		panic(err) // We wrote it.
	}
	return proof.Roots{State: h.Root, Log: log.Root(), Size: log.Size()}
}

// AppHash commits to the state and to every receipt so far.
func (h Head) AppHash() []byte {
	hash := h.Roots().AppHash()
	return hash[:]
}

// Encode returns the canonical bytes of a head.
func (h Head) Encode() []byte { return codec.Marshal(h) }

// Environment is what a machine borrows from its surroundings. The zero value
// does everything in turn.
type Environment struct {
	// Both runs two functions, perhaps at once.
	Both func(a, b func())
	// Verify says for each envelope, or whatever else is signed, what its Verify
	// says, perhaps at once.
	Verify func([]tx.Signed) []error
	// RulesNewest is the newest rules that the machine is to know, as an older program
	// does; 0 stands for all of them.
	RulesNewest uint32
}

// Machine executes blocks over committed rows.
type Machine struct {
	registry *op.Registry
	rows     state.Reader
	trie     *merkle.Trie
	head     Head
	agenda   agenda
	env      Environment
}

// New returns the machine that goes on from head over rows, which are as they
// were when head was the head.
//
// Errors: the rows are not those that head commits to.
func New(rows state.Reader, head Head, env Environment) (*Machine, error) {
	if env.Both == nil {
		env.Both = merkle.InTurn
	}
	if env.Verify == nil {
		env.Verify = verifyInTurn
	}
	m := &Machine{registry: Registry(), rows: rows, trie: merkle.NewTrie(), head: head, agenda: agendaOf(rows), env: env}
	if head.Height == 0 && head.ChainID == "" {
		m.head.Root = m.trie.Root()
		return m, nil
	}
	m.load()
	if m.trie.Root() != head.Root {
		return nil, fmt.Errorf("machine: the rows have the root %x, height %d committed to %x: the data folder is damaged, restore it from a backup or another node",
			m.trie.Root(), head.Height, head.Root)
	}
	return m, nil
}

// loadBatch bounds the memory that building the tree takes.
const loadBatch = 1 << 16

// load builds the tree from the rows.
func (m *Machine) load() {
	var changes []merkle.Change
	for key, row := range m.rows.Ascend(nil, []byte{0xff}) {
		changes = append(changes, state.Change{Key: bytes.Clone(key), Row: row}.Hashed()) // The key is good until the next one.
		if len(changes) == loadBatch {
			m.trie.Apply(changes, m.env.Both)
			changes = changes[:0]
		}
	}
	m.trie.Apply(changes, m.env.Both)
}

// Head returns the machine's head as of the last block that was advanced to.
func (m *Machine) Head() Head { return m.head }

// Rows returns the committed rows.
func (m *Machine) Rows() state.Reader { return m.rows }

// Prove returns the proof of what is at a key of the committed rows.
func (m *Machine) Prove(key []byte) state.Proof { return state.Prove(m.trie, m.rows, key) }

// Audit checks every domain's invariants over the committed rows.
func Audit(rows state.Reader) error { return errors.Join(ledger.Audit(rows), certificate.Audit(rows)) }

func verifyInTurn(list []tx.Signed) []error {
	verdicts := make([]error, len(list))
	for i, s := range list {
		verdicts[i] = s.Verify()
	}
	return verdicts
}
