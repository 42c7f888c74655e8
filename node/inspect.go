package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
	"github.com/commonwatt/commonwatt/view"
)

// ErrNoBlock means that a folder's ledger holds no block yet: the node joined and did not
// run, or what it fetched is in its log only.
var ErrNoBlock = errors.New("the ledger holds no block yet")

// Status is how far a ledger is.
type Status struct {
	Chain      string            `json:"chain"`
	Height     int64             `json:"height"`
	Time       interval.Time     `json:"time"` // Of that block.
	Validators int               `json:"validators"`
	AppHash    string            `json:"app_hash"`
	Receipts   uint64            `json:"receipts"`
	Sealed     bool              `json:"sealed"` // Closed cleanly.
	Microgrids []MicrogridStatus `json:"microgrids"`
	Rules      Rules             `json:"rules"`
	// First is the first block whose receipts are here. Above 1 there are none of before:
	// the node began with a snapshot, or older ones were removed.
	First int64 `json:"first_block_with_receipts"`
}

// MicrogridStatus is how far one microgrid is settled.
type MicrogridStatus struct {
	Microgrid grid.MicrogridID `json:"microgrid"`
	Start     interval.Time    `json:"start"`
	Open      interval.Time    `json:"open"` // Start of the first interval that is not settled.
	Devices   uint64           `json:"devices"`
	Due       uint64           `json:"due"` // Closes that the next blocks make.
}

// Inspect reads the status of a stopped node's folder without changing it.
//
// Errors: ErrNoBlock; those of the disk.
func Inspect(dir string) (status Status, err error) {
	err = peek(dir, func(s *store.Store, head machine.Head) { status = statusOf(s, head, firstRecord(s)) })
	status.Sealed = store.Sealed(dir)
	return status, err
}

// InspectView says where the read model of a stopped node's folder is; how one in
// PostgreSQL is, it asks there.
//
// Errors: *SettingsError; those of the disk.
func InspectView(ctx context.Context, dir string) (m ReadModel, err error) {
	settings, err := LoadSettings(dir)
	if err != nil {
		return m, err
	}
	if settings.View == "" {
		return ReadModel{Address: viewOf(dir, settings)}, nil
	}
	v, err := view.Open(settings.View)
	if err != nil {
		return m, err
	}
	m.Address = v.Address()
	if err := v.Look(ctx); err != nil {
		m.Behind = err.Error()
	}
	m.Height = v.Height()
	return m, v.Close()
}

// Peek runs a function over the committed rows of a stopped node's folder, which
// stays as it is.
func Peek(dir string, f func(rows state.Reader, head machine.Head)) (err error) {
	return peek(dir, func(s *store.Store, head machine.Head) { f(s, head) })
}

func peek(dir string, f func(*store.Store, machine.Head)) (err error) {
	if _, err := os.Stat(filepath.Join(dir, storeDir)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("node: %s: %w", dir, ErrNoBlock)
	}
	s, err := store.Open(filepath.Join(dir, storeDir), store.Options{ReadOnly: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	raw, ok := s.Head()
	if !ok {
		return fmt.Errorf("node: %s: %w", dir, ErrNoBlock)
	}
	var head machine.Head
	codec.Read(raw, &head)
	f(s, head)
	return nil
}

// Status is the status of the running node, whose folder bears no seal.
func (n *Node) Status() (status Status) {
	n.Read(func(rows state.Reader, head machine.Head) { status = statusOf(rows, head, firstRecord(n.store)) })
	return status
}

func statusOf(rows state.Reader, head machine.Head, first int64) Status {
	due := map[grid.MicrogridID]uint64{}
	for _, c := range machine.Due(rows) {
		due[c.Microgrid]++
	}
	status := Status{
		Chain: head.ChainID, Height: head.Height, Time: head.Time, Validators: governance.Validators(rows), AppHash: fmt.Sprintf("%X", head.AppHash()),
		Receipts: head.Log.Size, Microgrids: []MicrogridStatus{}, Rules: rulesOf(rows, head), First: first,
	}
	for id, m := range grid.All(rows) {
		status.Microgrids = append(status.Microgrids, MicrogridStatus{id, m.Start, m.Open, m.Devices, due[id]})
	}
	return status
}
