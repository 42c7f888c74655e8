package pages

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Statuses of runs.
const (
	RunHeld      = "held"
	RunCancelled = "cancelled"
)

// CertificateRun is certificates of a lot with serials in a row, as other registries ask
// for them.
type CertificateRun struct {
	Registry    string        `json:"registry" doc:"the ledger's chain"`
	Issuance    string        `json:"issuance" doc:"names the lot; serials are unique within"`
	First       int64         `json:"first" doc:"serial of the first Wh; of what is held, the one that it would get if the accounts of the lot used theirs up in order"`
	Energy      int64         `json:"energy_wh"`
	Status      string        `json:"status"`
	Meter       string        `json:"meter" doc:"of another registry: where it was issued, and the device there"`
	Device      uint64        `json:"device" doc:"its number on this ledger"`
	Kind        grid.Kind     `json:"kind"`
	Via         string        `json:"via,omitempty" doc:"the registry that it came from, if it came from one"`
	Start       interval.Time `json:"start"`
	End         interval.Time `json:"end"`
	Open        bool          `json:"open,omitempty" doc:"its interval may still be corrected, so nobody passes them on yet"`
	Expires     interval.Time `json:"expires"`
	Beneficiary string        `json:"beneficiary,omitempty" doc:"SHA-256 of the statement that names it, in hexadecimal"`
}

// CertificateRuns are what an account has and what it used up by itself, by start, meter
// and serial.
//
// Errors: those of the view.
func (s *Source) CertificateRuns(ctx context.Context, account tx.AccountID) (list []CertificateRun, err error) {
	list = []CertificateRun{}
	var lots []certificate.LotID
	err = s.reader(ctx, func(r *view.Reader) error {
		err := r.Holdings(account, func(l view.HeldLot) error {
			list = append(list, CertificateRun{Status: RunHeld, First: int64(l.First), Energy: int64(l.Energy)})
			lots = append(lots, l.Lot)
			return nil
		})
		if err != nil {
			return err
		}
		cancelled, err := r.Cancellations(account)
		for _, l := range cancelled {
			list = append(list, CertificateRun{Status: RunCancelled, First: int64(l.First), Energy: int64(l.Energy), Beneficiary: fmt.Sprintf("%x", l.Beneficiary)})
			lots = append(lots, l.Lot)
		}
		return err
	})
	s.Read(func(rows state.Reader, head machine.Head) {
		for n := range list {
			s.describe(&list[n], lots[n], rows, head.ChainID)
		}
	})
	slices.SortStableFunc(list, func(a, b CertificateRun) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Meter, b.Meter), cmp.Compare(a.First, b.First))
	})
	return list, err
}

// describe says of which lot a run is.
func (s *Source) describe(run *CertificateRun, lot certificate.LotID, rows state.Reader, chain string) {
	m, _ := grid.At(rows, lot.Microgrid)
	length := interval.Time(m.Length)
	run.Registry, run.Device, run.Start = chain, uint64(lot.Device), lot.Start
	if p, via, foreign := certificate.ProvenanceOf(rows, lot); foreign {
		run.Meter, run.Via, run.Kind, length = deviceOf(p), via, p.Kind, interval.Time(p.Length)
	} else {
		d, _ := grid.DeviceAt(rows, grid.Device{Microgrid: lot.Microgrid, Device: lot.Device})
		run.Meter, run.Kind = cmp.Or(s.names(lot.Microgrid).Meters[lot.Device], run.number()), d.Kind
		run.Open = lot.Start >= metering.Correctable(m)
	}
	run.Issuance = run.Meter + "/" + time.Unix(int64(lot.Start), 0).UTC().Format(time.RFC3339)
	run.End = lot.Start + length
	run.Expires = lot.Start + interval.Time(m.Length) + interval.Time(m.Correction) + certificate.Lifetime
}

func (r *CertificateRun) number() string { return strconv.FormatUint(r.Device, 10) }

// provenance says where certificates of a lot were issued, if that was not here.
func (s *Source) provenance(l certificate.LotID) (p certificate.Provenance, foreign bool) {
	s.Read(func(rows state.Reader, _ machine.Head) { p, _, foreign = certificate.ProvenanceOf(rows, l) })
	return p, foreign
}

// deviceOf names a device of another registry.
func deviceOf(p certificate.Provenance) string {
	return p.Registry + ":" + cmp.Or(p.Label, strconv.FormatUint(uint64(p.Device), 10))
}

// isForeign reports whether a lot came from another registry, where it was final.
func (s *Source) isForeign(l certificate.LotID) bool {
	_, foreign := s.provenance(l)
	return foreign
}
