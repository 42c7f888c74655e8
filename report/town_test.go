package report

import (
	"crypto/ed25519"
	"crypto/sha256"
	"path/filepath"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Accounts of the town of these tests. Members follow from ann on.
const (
	operator tx.AccountID = 1 + iota
	utility
	network
	levy
	ann
	bob
	cem
	dot
)

const (
	town1 grid.MicrogridID = 7
	euro  ledger.AssetID   = 978
	hour                   = interval.Time(3600)
	// start is eight hours before a month ends where the town is.
	start = interval.Time(1_470_009_600) // 2016-08-01T00:00:00Z
)

var names = Names{
	Community: "town", Currency: "EUR", Decimals: 6, TimeZone: time.FixedZone("", -8*3600),
	Accounts: map[tx.AccountID]string{utility: "utility", network: "network", levy: "levy", ann: "ann", bob: "bob", cem: "cem", dot: "dot"},
	Zones:    map[grid.ZoneID]string{1: "grid", 2: "north", 3: "south"},
	Meters:   map[grid.DeviceID]string{5: "m-ann", 6: "m-bob", 7: "m-cem", 8: "m-dot"},
}

// town is a ledger with one small microgrid, as the machine runs it: ann and bob
// on one feeder, cem and dot on another, at a charge of 40 each.
type town struct {
	t       *testing.T
	rows    *state.Memory
	machine *machine.Machine
	nonce   uint64
	now     interval.Time
	records []machine.Record
}

var key = func() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("operator"))
	return ed25519.NewKeyFromSeed(seed[:])
}()

func found(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, rows: state.NewMemory(), now: start}
	var err error
	if w.machine, err = machine.New(w.rows, machine.Head{}, machine.Environment{}); err != nil {
		t.Fatal(err)
	}
	owner := party.Credential{Key: tx.Ed25519Key(key.Public().(ed25519.PublicKey)), Role: party.Owner}
	g := machine.Genesis{Accounts: []machine.Founder{{Account: operator, Keys: []party.Credential{owner}}}}
	r, err := w.machine.Begin("town", g.Encode())
	if err != nil {
		t.Fatal(err)
	}
	w.rows.Apply(r.Changes)
	w.machine.Advance(r)
	var ops []tx.Operation
	for a := utility; a <= dot; a++ {
		ops = append(ops, party.OpenKind.Encode(party.Open{Account: a}))
	}
	line := grid.Line{Charge: 40, ExportLimit: grid.NoLimit, ImportLimit: grid.NoLimit}
	ops = append(ops,
		ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: town1, Root: 1, Currency: euro, Gateway: operator, Utility: utility, Network: network, Levy: levy,
			Length: interval.Minutes60, Start: start, Grace: 3600, Correction: 30 * 24 * 3600,
		}),
		grid.AddZoneKind.Encode(grid.AddZone{Microgrid: town1, Zone: 2, Parent: 1}),
		grid.AddZoneKind.Encode(grid.AddZone{Microgrid: town1, Zone: 3, Parent: 1}),
		grid.SetLineKind.Encode(grid.SetLine{Microgrid: town1, Zone: 2, From: start, Line: line}),
		grid.SetLineKind.Encode(grid.SetLine{Microgrid: town1, Zone: 3, From: start, Line: line}),
		tariff.SetKind.Encode(tariff.Set{Microgrid: town1, Steps: []tariff.Step{{From: start, Prices: tariff.Prices{Retail: 320, FeedIn: 80, Levy: 20}}}}),
	)
	for i, a := range []tx.AccountID{ann, bob, cem, dot} {
		ops = append(ops,
			grid.ConnectKind.Encode(grid.Connect{Microgrid: town1, Point: grid.PointID(a), Zone: grid.ZoneID(2 + i/2), Account: a, From: start, CapacityW: 5_000}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: town1, Device: grid.DeviceID(a), Point: grid.PointID(a), Kind: grid.Meter, From: start}))
	}
	w.block(ops...)
	return w
}

// block runs a block with an envelope of the operator, after the closes that are due.
func (w *town) block(ops ...tx.Operation) {
	w.t.Helper()
	w.nonce++
	body := tx.Body{Chain: "town", Account: operator, Nonce: w.nonce, Expiry: 1 << 40, Operations: ops}
	bundle, err := machine.EncodeBundle(0, [][]byte{tx.SignEd25519(body.Encode(), key)})
	if err != nil {
		w.t.Fatal(err)
	}
	b := machine.Block{Height: w.machine.Head().Height + 1, Time: w.now, Txs: [][]byte{bundle}}
	if due := w.machine.Due(); len(due) > 0 {
		b.Txs = [][]byte{machine.EncodeCloses(due), bundle}
	}
	r := w.machine.Execute(b)
	if o := r.Record.Outcomes[len(r.Record.Outcomes)-1]; o.Code != 0 {
		w.t.Fatalf("refusal %d of operation %d", o.Code, o.At)
	}
	w.rows.Apply(r.Changes)
	w.machine.Advance(r)
	w.records = append(w.records, r.Record)
}

// lines sets both feeders' lines from the start.
func (w *town) lines(l grid.Line) {
	w.t.Helper()
	w.block(grid.SetLineKind.Encode(grid.SetLine{Microgrid: town1, Zone: 2, From: start, Line: l}),
		grid.SetLineKind.Encode(grid.SetLine{Microgrid: town1, Zone: 3, From: start, Line: l}))
}

// missing stands for a reading that did not come.
const missing quantity.Energy = -1 << 40

// read records what the members' meters say of the interval that begins n hours
// after the start: above zero taken, below given. The clock goes on to its end.
func (w *town) read(n int64, net ...quantity.Energy) {
	w.t.Helper()
	readings := metering.Readings{Start: start + interval.Time(n)*hour}
	for i, e := range net {
		if e != missing {
			readings.Values = append(readings.Values, metering.Value{
				Device: grid.DeviceID(ann) + grid.DeviceID(i), Import: max(0, e), Export: max(0, -e), Quality: metering.Actual,
			})
		}
	}
	w.now = max(w.now, readings.Start+hour)
	w.block(metering.RecordKind.Encode(metering.Record{Microgrid: town1, Intervals: []metering.Readings{readings}}))
}

// settle closes all that is due, and whatever still waits for readings.
func (w *town) settle() {
	w.t.Helper()
	lapse := metering.LapseKind.Encode(metering.Lapse{Microgrid: town1, Until: w.now})
	for range 2 {
		w.block(lapse)
	}
}

// view shows the town's receipts, so many blocks at a time.
func (w *town) view(atOnce int) *view.View {
	w.t.Helper()
	v, err := view.Open(filepath.Join(w.t.TempDir(), "view.sqlite"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := v.Close(); err != nil {
			w.t.Error(err)
		}
	})
	for at := 0; at < len(w.records); at += atOnce {
		if err := v.Apply(w.records[at:min(at+atOnce, len(w.records))]); err != nil {
			w.t.Fatal(err)
		}
	}
	return v
}
