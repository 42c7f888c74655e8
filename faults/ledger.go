package faults

import (
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
)

// ledgerFile is the rows of one node, in memory and in a journal. It promises what
// store.Store does: a block is there as a whole or not at all, and is not synced, so
// that after a crash the last blocks may be missing.
type ledgerFile struct {
	*state.Memory
	journal *journal
	height  int64
	head    []byte
}

var _ node.Disk = (*ledgerFile)(nil)

// syncShare is in how many of a thousand blocks the ledger is synced.
const syncShare = 150

// entry is a block of the ledger as it is written.
type entry struct {
	_       struct{} `cbor:",toarray"`
	Height  int64
	Head    []byte
	Record  []byte
	Keys    [][]byte
	Rows    [][]byte
	Deleted []bool
}

func openLedger(d *disk) *ledgerFile {
	l := &ledgerFile{Memory: state.NewMemory()}
	var records [][]byte
	l.journal, records = openJournal(d, "ledger")
	for _, raw := range records {
		var e entry
		codec.Read(raw, &e)
		changes := make([]state.Change, len(e.Keys))
		for n := range changes {
			changes[n] = state.Change{Key: e.Keys[n], Row: e.Rows[n], Deleted: e.Deleted[n]}
		}
		l.apply(e.Height, e.Head, changes)
	}
	return l
}

func (l *ledgerFile) apply(height int64, head []byte, changes []state.Change) {
	l.Apply(changes)
	l.height, l.head = height, head
}

// Head returns what the last block left to go on with, and whether there was one.
func (l *ledgerFile) Head() ([]byte, bool) { return l.head, l.head != nil }

// Commit writes a block. The error is that of a full disk.
func (l *ledgerFile) Commit(b store.Block) error {
	e := entry{Height: b.Height, Head: b.Head, Record: b.Record}
	for _, c := range b.Changes {
		e.Keys, e.Rows, e.Deleted = append(e.Keys, c.Key), append(e.Rows, c.Row), append(e.Deleted, c.Deleted)
	}
	if err := l.journal.append(codec.Marshal(e), false); err != nil {
		return err
	}
	l.apply(b.Height, b.Head, b.Changes)
	if chance(l.journal.disk.run.disks, syncShare) {
		l.journal.disk.sync(l.journal.file) // As the engine does when its memory is full.
	}
	return nil
}
