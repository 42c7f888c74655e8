package view

import (
	"database/sql"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// came is the phase of what came from another registry.
const came certificate.Phase = 0

// lotsLocked notes an export, whose certificates nobody has for now.
func (w *writer) lotsLocked(at place, r certificate.LockedExport) error {
	e := r.Export
	if err := w.gone("locked_wh", e.Account, e.Parts...); err != nil {
		return err
	}
	return w.put("crossing", at.height, at.position, at.n, bits(e.Account), bits(r.Microgrid), bits(r.Number), int64(certificate.Locked), e.Registry,
		bits(e.Microgrid), bits(e.To), int64(e.Deadline), int64(sum(e.Parts)), []byte{})
}

func sum(parts []certificate.Part) (e quantity.Energy) {
	for _, p := range parts {
		e = quantity.MustAdd(e, p.Energy)
	}
	return e
}

func (w *writer) lotsExported(_ place, r certificate.Concluded) error {
	if err := w.unlock(r, certificate.Exported); err != nil {
		return err
	}
	return w.leave("exported_wh", r.Parts...)
}

func (w *writer) lotsReturned(_ place, r certificate.Concluded) error {
	if err := w.unlock(r, certificate.Returned); err != nil {
		return err
	}
	for _, p := range r.Parts {
		if err := w.hold(r.Account, []any{bits(p.Microgrid), int64(p.Start), bits(p.Device)}, p.Energy); err != nil {
			return err
		}
	}
	return nil
}

// unlock ends an export.
func (w *writer) unlock(r certificate.Concluded, phase certificate.Phase) error {
	for _, p := range r.Parts {
		p.Energy = -p.Energy
		if err := w.leave("locked_wh", p); err != nil {
			return err
		}
	}
	evidence := r.Evidence
	if evidence == nil {
		evidence = []byte{}
	}
	return w.exec("UPDATE crossing SET phase = ?, evidence = ? WHERE microgrid = ? AND number = ? AND phase = ?",
		int64(phase), evidence, bits(r.Microgrid), bits(r.Number), int64(certificate.Locked))
}

func (w *writer) lotsImported(at place, r certificate.Imported) error {
	var all quantity.Energy
	for _, p := range r.Parts {
		id := certificate.LotID{Microgrid: r.Microgrid, Start: p.Start, Device: p.Device}
		if err := w.arrived(at, id, r.Account, r.Registry, r.Sources[p.Source], p.Energy); err != nil {
			return err
		}
		all = quantity.MustAdd(all, p.Energy)
	}
	return w.put("crossing", at.height, at.position, at.n, bits(r.Account), bits(r.Microgrid), bits(r.Number), int64(came), r.Registry, bits(r.From), 0, 0, int64(all), []byte{})
}

func (w *writer) lotsAdmitted(at place, r certificate.Admitted) error {
	o := r.Admit
	var all quantity.Energy
	for n := range o.Runs {
		run := &o.Runs[n]
		id := certificate.LotID{Microgrid: o.Microgrid, Start: run.Start, Device: r.Devices[n]}
		source := certificate.Provenance{Registry: o.Registry, Label: run.Device, Kind: run.Kind, Length: run.Length}
		if err := w.arrived(at, id, o.Account, o.Registry, source, run.Energy()); err != nil {
			return err
		}
		all = quantity.MustAdd(all, run.Energy())
	}
	return w.put("crossing", at.height, at.position, at.n, bits(o.Account), bits(o.Microgrid), 0, int64(came), o.Registry, 0, 0, 0, int64(all), o.Evidence)
}

// arrived adds certificates that came from another registry to a lot.
func (w *writer) arrived(at place, id certificate.LotID, account tx.AccountID, via string, source certificate.Provenance, e quantity.Energy) error {
	err := w.exec("INSERT INTO foreign_device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", bits(id.Microgrid), bits(id.Device), via,
		source.Registry, bits(source.Microgrid), bits(source.Device), source.Label, int64(source.Kind), int64(source.Length))
	if err != nil {
		return err
	}
	key := []any{bits(id.Microgrid), int64(id.Start), bits(id.Device)}
	err = w.exec("INSERT INTO lot VALUES (?, ?, ?, ?, 1, ?, ?, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT (microgrid, start, device) DO UPDATE SET issued_wh = lot.issued_wh + excluded.issued_wh",
		append(key, bits(account), at.height, int64(e))...)
	if err != nil {
		return err
	}
	return w.hold(account, key, e)
}

// Crossing is what an account sent to another registry, or got from it.
type Crossing struct {
	Height    int64 // Of the export or the import.
	Microgrid grid.MicrogridID
	Number    uint64            // Of the export, where it was made; 0 of what came with evidence.
	Phase     certificate.Phase // 0: it came.
	Registry  string            // The other one.
	There     grid.MicrogridID  // 0 where it has no microgrids.
	To        tx.AccountID      // There.
	Deadline  interval.Time
	Energy    quantity.Energy
	Evidence  []byte // SHA-256; empty where it was proven.
}

// Crossings yields what an account sent to other registries and got from them, by height.
func (r *Reader) Crossings(account tx.AccountID, yield func(Crossing) error) error {
	return each(r, `SELECT height, microgrid, number, phase, registry, there, other, deadline, energy_wh, evidence FROM crossing
		WHERE account = ? ORDER BY height, position, receipt`,
		func(rows *sql.Rows, c *Crossing) error {
			return rows.Scan(&c.Height, id(&c.Microgrid), id(&c.Number), &c.Phase, &c.Registry, id(&c.There), id(&c.To), &c.Deadline, &c.Energy, &c.Evidence)
		}, yield, bits(account))
}

// ForeignDevice is a device of another registry, as a microgrid knows it.
type ForeignDevice struct {
	Microgrid grid.MicrogridID
	Device    grid.DeviceID
	Via       string // The registry that its certificates came from.
	Source    certificate.Provenance
}

// ForeignDevices yields the devices of other registries whose certificates an account
// has or used up.
func (r *Reader) ForeignDevices(account tx.AccountID, yield func(ForeignDevice) error) error {
	cancelled, err := r.Cancellations(account)
	if err != nil {
		return err
	}
	used := map[grid.Device]bool{}
	for _, c := range cancelled {
		used[grid.Device{Microgrid: c.Lot.Microgrid, Device: c.Lot.Device}] = true
	}
	type row struct {
		ForeignDevice
		held bool
	}
	return each(r, `SELECT microgrid, device, via, registry, from_microgrid, from_device, label, kind, length_s,
			EXISTS (SELECT 1 FROM holding h WHERE h.account = ? AND h.microgrid = f.microgrid AND h.device = f.device)
		FROM foreign_device f ORDER BY microgrid, device`,
		func(rows *sql.Rows, d *row) error {
			return rows.Scan(id(&d.Microgrid), id(&d.Device), &d.Via, &d.Source.Registry, id(&d.Source.Microgrid), id(&d.Source.Device),
				&d.Source.Label, &d.Source.Kind, &d.Source.Length, &d.held)
		}, func(d row) error {
			if !d.held && !used[grid.Device{Microgrid: d.Microgrid, Device: d.Device}] {
				return nil
			}
			return yield(d.ForeignDevice)
		}, bits(account))
}
