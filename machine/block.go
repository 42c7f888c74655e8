package machine

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Block is a decided block. A transaction is a kind byte and what the kind says:
// a bundle of signed envelopes, or closes that the proposer saw due.
type Block struct {
	Height int64
	Time   interval.Time
	Txs    [][]byte
	// Evidence is against validators, and executed after the transactions.
	Evidence []Evidence
	rules    uint32 // By which it is executed; Execute looks it up.
}

// Kinds of transactions.
const (
	KindBundle byte = 1
	KindCloses byte = 2
)

// Outcome is what became of one envelope or close.
type Outcome struct {
	_        struct{}     `cbor:",toarray"`
	ID       []byte       // The envelope's ID; empty for a close.
	Account  tx.AccountID // Who signed; 0 for a close.
	Nonce    uint64
	Code     uint32 // 0, or that of the refusal.
	At       uint32 // Which operation was refused.
	Receipts []Fact
}

// Fact is a receipt as it stands in the log.
type Fact = proof.Fact

// Record is a block as the read model gets it.
type Record struct {
	_        struct{} `cbor:",toarray"`
	Height   int64
	Time     interval.Time
	Outcomes []Outcome
}

// Result is what a block did.
type Result struct {
	Head       Head
	Record     Record
	Changes    []state.Change
	Data       [][]byte // For each transaction, its outcomes as canonical bytes.
	Validators []Power  // Whose voting power changes.
}

// Power is a validator's Ed25519 key and voting power.
type Power struct {
	PublicKey []byte
	Power     int64
}

// salt hides a fact among those that a guess could make, from anyone who has not
// seen the envelope: it is made of the envelope's signature.
func salt(secret []byte, n int) []byte {
	sum := sha256.New()
	sum.Write([]byte("commonwatt/salt/1\n"))
	sum.Write(secret)
	sum.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) //nolint:gosec // the bytes of a count
	return sum.Sum(nil)[:16]
}

// facts salts the receipts that a context took.
func (m *Machine) facts(ctx *op.Context, secret []byte) []Fact {
	receipts := ctx.Take()
	list := make([]Fact, len(receipts))
	op.Spread(len(list), m.env.Both, func(n int) {
		r := receipts[n]
		list[n] = Fact{Salt: salt(secret, n), Kind: r.Kind, Audience: r.Audience, Body: r.Body, Said: r.Said}
	})
	return list
}

// finish computes what a block leaves behind. A block that changes nothing and
// says nothing leaves the app hash as it was, so that empty blocks end.
func (m *Machine) finish(s *state.Overlay, b Block, outcomes [][]Outcome, blamed []Outcome) Result {
	r := Result{Changes: s.Changes(), Record: Record{Height: b.Height, Time: b.Time}, Data: make([][]byte, len(outcomes))}
	for _, list := range append(outcomes, blamed) {
		r.Record.Outcomes = append(r.Record.Outcomes, list...)
	}
	var frontier merkle.Frontier
	m.env.Both(func() {
		for n, list := range outcomes {
			r.Data[n] = codec.Marshal(list)
		}
		frontier = m.logged(r.Record)
	}, func() { m.plant(r.Changes) })
	r.Head = Head{ChainID: m.head.ChainID, Height: b.Height, Time: b.Time, Root: m.trie.Root(), Log: frontier}
	return r
}

// logged is the frontier of the log once a block's receipts are in it.
func (m *Machine) logged(r Record) merkle.Frontier {
	log, err := merkle.Resume(m.head.Log)
	if err != nil {
		panic(err) // We wrote it.
	}
	var said []Fact
	for _, o := range r.Outcomes {
		said = append(said, o.Receipts...)
	}
	leaves := make([]merkle.Hash, len(said))
	op.Spread(len(said), m.env.Both, func(n int) { leaves[n] = said[n].Leaf(r.Height) })
	for _, leaf := range leaves {
		log.Append(leaf)
	}
	return log.Frontier()
}

// plant brings a block's changes into the tree of the rows.
func (m *Machine) plant(list []state.Change) {
	changes := make([]merkle.Change, len(list))
	op.Spread(len(list), m.env.Both, func(n int) { changes[n] = list[n].Hashed() })
	m.trie.Apply(changes, m.env.Both)
}

// Advance makes a result the machine's head, once its changes are in the rows.
func (m *Machine) Advance(r Result) {
	m.head = r.Head
	m.agenda.change(m.rows, r.Changes)
}

// stampSize is the size of what tells two bundles of the same envelopes apart:
// an envelope that was refused may be sent again, byte by byte the same.
const stampSize = 8

// EncodeBundle makes the transaction that holds envelopes.
//
// Errors: those of tx.EncodeBundle.
func EncodeBundle(stamp uint64, envelopes [][]byte) ([]byte, error) {
	bundle, err := tx.EncodeBundle(envelopes)
	if err != nil {
		return nil, err
	}
	raw := binary.BigEndian.AppendUint64([]byte{KindBundle}, stamp)
	return append(raw, bundle...), nil
}

// Members returns the envelopes of a transaction that is a bundle.
//
// Refusals: ErrTx; those of tx.DecodeBundle.
func Members(raw []byte) ([][]byte, error) {
	if len(raw) < 1+stampSize || raw[0] != KindBundle {
		return nil, ErrTx
	}
	return tx.DecodeBundle(raw[1+stampSize:])
}

// Stamp returns what tells a bundle from others of the same envelopes.
func Stamp(raw []byte) (uint64, bool) {
	if len(raw) < 1+stampSize || raw[0] != KindBundle {
		return 0, false
	}
	return binary.BigEndian.Uint64(raw[1:]), true
}
