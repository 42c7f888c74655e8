package view

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/optest"
)

// cross exports some of ann's certificates by evidence, one part to stay, one to come back
// and one that is open, and lets some come by evidence and from another ledger.
func (w *town) cross() {
	w.t.Helper()
	evidence := bytes.Repeat([]byte{7}, sha256.Size)
	some := []certificate.Part{{Microgrid: town1, Start: noon + 14*hour, Device: panels, Energy: 50}}
	for range 3 {
		w.block(ann, certificate.ExportKind.Encode(certificate.Export{Account: ann, Parts: some, Registry: "m-rets"}))
	}
	w.block(operator, certificate.ConcludeKind.Encode(certificate.Conclude{Microgrid: town1, Number: 1, Evidence: evidence}),
		certificate.ConcludeKind.Encode(certificate.Conclude{Microgrid: town1, Number: 2, Back: true, Evidence: evidence}))
	run := certificate.Run{Issuance: "M805-MN-06-2026", First: 1, Count: 2, Unit: 1_000_000, Device: "M805", Kind: grid.Wind, Start: noon + 14*hour, Length: 30 * 24 * 3600}
	w.block(operator, certificate.AdmitKind.Encode(certificate.Admit{Microgrid: town1, Account: bob, Registry: "m-rets", Runs: []certificate.Run{run}, Evidence: evidence}))

	peer := optest.NewLedger(w.t, "village", w.now, machine.Ops)
	trust, id := peer.Trust(), certificate.ExportID{Microgrid: 3, Number: 9}
	peer.Put(certificate.LockKey(id), codec.Marshal(certificate.Lock{
		Account: 4, Registry: "town", Microgrid: town1, To: bob, Deadline: w.now + hour, Phase: certificate.Locked,
		Sources: []certificate.Provenance{{Registry: "village", Microgrid: 3, Device: 77, Kind: grid.Hydro, Length: uint32(hour)}},
		Parts:   []certificate.LockedPart{{Start: noon + 15*hour, Device: 77, Energy: 120}, {Start: noon + 16*hour, Device: 77, Energy: 30}},
	}))
	first := peer.Prove()
	peer.Next(w.now + 1)
	w.block(operator, certificate.TrustKind.Encode(certificate.Trust{Microgrid: town1, Registry: "village", Height: trust.Height, Hash: trust.Hash[:], Proof: first}))
	w.block(bob, certificate.ImportKind.Encode(certificate.Import{
		Microgrid: town1, Account: bob, Registry: "village", From: id.Microgrid, Number: id.Number, Proof: peer.Prove(certificate.LockKey(id)),
	}))
}

// lotText is a lot of the view in words.
type lotText struct {
	id   certificate.LotID
	text string
}

func scanLot(rows *sql.Rows, l *lotText) error {
	return rows.Scan(id(&l.id.Microgrid), &l.id.Start, id(&l.id.Device), &l.text)
}

// What an account sent and got is what the ledger has of it, and what came is no
// production of the town.
func TestCrossings(t *testing.T) {
	both(t, func(t *testing.T) {
		w := lived(t, 1)
		read(t, fed(t, w.records, 4), func(r *Reader) error {
			crossings, err := list(r, "SELECT account || ' ' || number || ' ' || phase || ' ' || registry || ' ' || there || ' ' || energy_wh || ' ' || length(evidence) FROM crossing ORDER BY height, position", scanText)
			if got, want := strings.Join(crossings, "; "), "5 1 2 m-rets 0 50 32; 5 2 3 m-rets 0 50 32; 5 3 1 m-rets 0 50 0; 6 0 0 m-rets 0 2000000 32; 6 9 0 village 3 150 0"; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if err != nil {
				return err
			}
			rows := map[certificate.LotID]string{}
			err = each(r, "SELECT microgrid, start, device, issued_wh || ' ' || exported_wh || ' ' || locked_wh FROM lot", scanLot, func(l lotText) error {
				rows[l.id] = l.text
				return nil
			})
			for id, l := range certificate.Lots(w.machine.Rows()) {
				if want := fmt.Sprintf("%d %d %d", l.Issued, l.Exported, l.Locked); rows[id] != want {
					t.Errorf("lot %+v has %q in the view, %q on the ledger", id, rows[id], want)
				}
			}
			if err != nil {
				return err
			}
			var seen []string
			err = r.ForeignDevices(bob, func(d ForeignDevice) error {
				seen = append(seen, d.Via+"<"+d.Source.Registry+"/"+d.Source.Label)
				return nil
			})
			if got := strings.Join(seen, "; "); len(seen) != 2 || !strings.Contains(got, "m-rets<m-rets/M805") || !strings.Contains(got, "village<village/") {
				t.Errorf("bob has certificates of %q", seen)
			}
			if err != nil {
				return err
			}
			lots, err := r.Certified(town1, Period{From: noon + 14*hour, Until: noon + 15*hour})
			if lots.Issued != 900 || lots.Exported != 50 || lots.Locked != 50 {
				t.Errorf("the town certified %+v", lots)
			}
			count := 0
			if err == nil {
				err = r.Crossings(bob, func(Crossing) error { count++; return nil })
			}
			if count != 2 {
				t.Errorf("bob has %d crossings", count)
			}
			return err
		})
	})
}
