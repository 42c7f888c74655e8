package node

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
	"github.com/commonwatt/commonwatt/tx"
)

// Disk is what an application needs of the disk that its ledger is on.
// *store.Store is one; the simulator of faults has another.
type Disk interface {
	state.Reader
	// Head returns what the last block left to go on with, and whether there was one.
	Head() ([]byte, bool)
	// Commit writes a block as a whole or not at all. It need not be there after a
	// crash, but then no later one is either. The error is the disk's.
	Commit(store.Block) error
}

// Application is what the chain drives: the machine over the ledger on a disk. Its
// promise is that of chain.Application, of which it is one: a block changes what
// others see only once the disk has it, and Committed is told after that.
type Application struct {
	disk     Disk
	verifier *admission.Verifier
	rules    uint32 // The newest that it is to know.

	// state is held exclusively while a block becomes last, and shared by whoever
	// asks the machine about the committed state.
	state   sync.RWMutex
	machine *machine.Machine
	height  atomic.Int64 // Of that state.
	pending *machine.Result
	txs     [][]byte // Of the pending block.

	// Committed is told of every block that became last, with its transactions.
	// Whoever sets it does so before the first block.
	Committed func(machine.Record, [][]byte)
}

// ErrTx refuses a transaction that is not a bundle of good envelopes.
var ErrTx = errors.New("node: the transaction is not a bundle of envelopes with good signatures")

// NewApplication returns the application that goes on from what is on a disk.
//
// Errors: the rows on the disk are not those that its head commits to.
func NewApplication(disk Disk, v *admission.Verifier) (*Application, error) {
	return newApplication(disk, v, rulesNewest)
}

// newApplication is NewApplication for a program that knows rules up to a version.
func newApplication(disk Disk, v *admission.Verifier, rules uint32) (*Application, error) {
	a := &Application{disk: disk, verifier: v, rules: rules, Committed: func(machine.Record, [][]byte) {}}
	var head machine.Head
	if raw, ok := disk.Head(); ok {
		codec.Read(raw, &head)
	}
	return a, a.restart(head)
}

// restart makes the machine go on from a head and the rows on the disk.
func (a *Application) restart(head machine.Head) error {
	m, err := machine.New(a.disk, head, machine.Environment{Both: both, Verify: a.verifier.Verify, RulesNewest: a.rules})
	if err != nil {
		return err
	}
	a.state.Lock()
	defer a.state.Unlock()
	a.machine = m
	a.height.Store(head.Height)
	return nil
}

// both runs two functions at once where there are cores for it.
func both(a, b func()) {
	if runtime.GOMAXPROCS(0) == 1 {
		a()
		b()
		return
	}
	var done sync.WaitGroup
	done.Go(a)
	b()
	done.Wait()
}

// Last returns the height and the app hash of the last committed block.
func (a *Application) Last() (int64, []byte) {
	head := a.machine.Head()
	if head.Height == 0 {
		return 0, nil
	}
	return head.Height, head.AppHash()
}

// Genesis makes the state before the first block, unless an earlier start did.
func (a *Application) Genesis(chainID string, appState []byte) ([]byte, error) {
	if head := a.machine.Head(); head.ChainID != "" {
		return head.AppHash(), nil
	}
	r, err := a.machine.Begin(chainID, appState)
	if err != nil {
		return nil, err
	}
	if err := a.commit(r); err != nil {
		return nil, err
	}
	return r.Head.AppHash(), nil
}

// Next says why the next block cannot be executed here.
func (a *Application) Next() error { return a.machine.Next() }

// Check says whether a bundle may wait for a block. What its envelopes refer to
// was looked at when they were gathered; here, the bundles of peers are.
func (a *Application) Check(raw []byte, recheck bool) error {
	if recheck {
		return nil // An envelope that no longer fits is refused by its block.
	}
	return a.verify([][]byte{raw})
}

// Due returns the closes that the committed state is waiting for.
func (a *Application) Due(maxBytes int64) [][]byte {
	list := a.machine.Due()
	if len(list) == 0 {
		return nil
	}
	raw := machine.EncodeCloses(list)
	if int64(len(raw)) > maxBytes {
		return nil
	}
	return [][]byte{raw}
}

// Accept says whether a proposed block holds nothing but good bundles, after the
// closes that are due.
func (a *Application) Accept(txs [][]byte) error {
	if len(txs) > 0 && len(txs[0]) > 0 && txs[0][0] == machine.KindCloses {
		if err := a.machine.CheckCloses(txs[0]); err != nil {
			return err
		}
		txs = txs[1:]
	}
	return a.verify(txs)
}

// verify checks that transactions are bundles whose signatures are all good. The
// verifier remembers, so each is computed once per node, and a bundle is taken apart
// once.
func (a *Application) verify(txs [][]byte) error {
	var all []tx.Signed
	var fresh []*tx.Envelope // What these carry was not yet seen either.
	for n, raw := range txs {
		if a.verifier.Vouched(raw) {
			continue
		}
		members, err := machine.Members(raw)
		if err != nil {
			return fmt.Errorf("%w: transaction %d: %w", ErrTx, n, err)
		}
		for i, member := range members {
			e, err := tx.Decode(member)
			if err != nil {
				return fmt.Errorf("%w: transaction %d, envelope %d: %w", ErrTx, n, i, err)
			}
			all = append(all, e)
			if !a.verifier.Known(e.Seal()) {
				fresh = append(fresh, e)
			}
		}
	}
	for i, err := range a.verifier.Verify(all) {
		if err != nil {
			return fmt.Errorf("%w: envelope %d of all: %w", ErrTx, i, err)
		}
	}
	a.carried(fresh)
	for _, raw := range txs {
		a.verifier.Vouch(raw)
	}
	return nil
}

// carried verifies what envelopes carry and others signed, so that the verdicts
// are remembered when a block holds it. They are no reason to refuse an envelope.
func (a *Application) carried(envelopes []*tx.Envelope) {
	var all []tx.Signed
	a.state.RLock()
	for _, e := range envelopes {
		all = append(all, a.machine.Carried(e)...)
	}
	a.state.RUnlock()
	a.verifier.Verify(all)
}

// decided is a block in the machine's words.
func decided(b chain.Block) machine.Block {
	block := machine.Block{Height: b.Height, Time: interval.Time(b.Time), Txs: b.Txs}
	for _, e := range b.Evidence {
		block.Evidence = append(block.Evidence, machine.Evidence(e))
	}
	return block
}

// Finalize executes a decided block.
func (a *Application) Finalize(b chain.Block) (chain.Outcome, error) {
	r := a.machine.Execute(decided(b))
	a.pending, a.txs = &r, b.Txs
	out := chain.Outcome{AppHash: r.Head.AppHash(), Results: make([]chain.Result, len(r.Data))}
	for n, data := range r.Data {
		out.Results[n].Data = data
	}
	for _, v := range r.Validators {
		out.Validators = append(out.Validators, chain.Validator{PublicKey: v.PublicKey, Power: v.Power})
	}
	return out, nil
}

// Commit makes the finalized block last.
func (a *Application) Commit() error {
	r, txs := a.pending, a.txs
	a.pending, a.txs = nil, nil
	if err := a.commit(*r); err != nil {
		return err
	}
	a.Committed(r.Record, txs)
	return nil
}

func (a *Application) commit(r machine.Result) error {
	a.state.Lock()
	defer a.state.Unlock()
	err := a.disk.Commit(store.Block{
		Height: r.Head.Height, Changes: r.Changes, Record: codec.Marshal(r.Record), Head: r.Head.Encode(),
	})
	if err != nil {
		return err
	}
	a.machine.Advance(r)
	a.height.Store(r.Head.Height)
	return nil
}

// Screen says for each envelope why no block would apply it if it came next, or nil.
// What the good ones carry is verified, too.
func (a *Application) Screen(envelopes []*tx.Envelope) []error {
	signed := make([]tx.Signed, len(envelopes))
	for i, e := range envelopes {
		signed[i] = e
	}
	verdicts := a.verifier.Verify(signed)
	var admitted []*tx.Envelope
	for i, e := range envelopes {
		if verdicts[i] == nil {
			verdicts[i] = a.admit(e)
		}
		if verdicts[i] == nil {
			admitted = append(admitted, e)
		}
	}
	a.carried(admitted)
	return verdicts
}

// admit says why an envelope would be refused if it came next.
func (a *Application) admit(e *tx.Envelope) error {
	a.state.RLock()
	defer a.state.RUnlock()
	return a.machine.Admit(e)
}
