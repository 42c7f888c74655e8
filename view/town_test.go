package view

import (
	"crypto/ed25519"
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

// Accounts of a town. Members follow from ann on.
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
	noon                   = 12 * hour
)

// town is a ledger with one small microgrid, as the machine runs it.
type town struct {
	t       *testing.T
	rows    *state.Memory
	machine *machine.Machine
	nonces  map[tx.AccountID]uint64
	now     interval.Time
	records []machine.Record
}

func keyOf(a tx.AccountID) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte{byte(a)})
	return ed25519.NewKeyFromSeed(seed[:])
}

func keysOf(a tx.AccountID) []party.Credential {
	return []party.Credential{{Key: tx.Ed25519Key(keyOf(a).Public().(ed25519.PublicKey)), Role: party.Owner}}
}

// found starts a town: two feeders below a root, a tariff, four members with a
// meter each, ann and cem with panels.
func found(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, rows: state.NewMemory(), nonces: map[tx.AccountID]uint64{}, now: noon}
	var err error
	if w.machine, err = machine.New(w.rows, machine.Head{}, machine.Environment{}); err != nil {
		t.Fatal(err)
	}
	g := machine.Genesis{Accounts: []machine.Founder{{Account: operator, Keys: keysOf(operator)}}, Council: []tx.AccountID{operator}}
	r, err := w.machine.Begin("town", g.Encode())
	if err != nil {
		t.Fatal(err)
	}
	w.rows.Apply(r.Changes)
	w.machine.Advance(r)

	var ops []tx.Operation
	for _, a := range []tx.AccountID{utility, network, levy} {
		ops = append(ops, party.OpenKind.Encode(party.Open{Account: a}))
	}
	for a := ann; a <= dot; a++ {
		ops = append(ops, party.OpenKind.Encode(party.Open{Account: a, Keys: keysOf(a)}))
	}
	line := grid.Line{Charge: 40, ExportLimit: 1_500, ImportLimit: grid.NoLimit, LossPPM: 20_000}
	ops = append(ops,
		ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: town1, Root: 1, Currency: euro, Gateway: operator, Utility: utility, Network: network, Levy: levy,
			Length: interval.Minutes60, Start: noon, Correction: 30 * 24 * 3600,
		}),
		grid.AddZoneKind.Encode(grid.AddZone{Microgrid: town1, Zone: 2, Parent: 1}),
		grid.AddZoneKind.Encode(grid.AddZone{Microgrid: town1, Zone: 3, Parent: 1}),
		grid.SetLineKind.Encode(grid.SetLine{Microgrid: town1, Zone: 2, From: noon, Line: line}),
		grid.SetLineKind.Encode(grid.SetLine{Microgrid: town1, Zone: 3, From: noon, Line: line}),
		tariff.SetKind.Encode(tariff.Set{Microgrid: town1, Steps: []tariff.Step{
			{From: noon, Prices: tariff.Prices{Retail: 320, FeedIn: 80, Levy: 20}},
			{From: noon + 6*hour, Prices: tariff.Prices{Retail: 280, FeedIn: 70, Levy: 20}},
		}}),
	)
	for i, a := range []tx.AccountID{ann, bob, cem, dot} {
		point := grid.PointID(a)
		ops = append(ops, grid.ConnectKind.Encode(grid.Connect{Microgrid: town1, Point: point, Zone: grid.ZoneID(2 + i/2), Account: a, From: noon}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: town1, Device: grid.DeviceID(a), Point: point, Kind: grid.Meter, From: noon}))
	}
	w.block(operator, ops...)
	return w
}

// block runs a block with an envelope of one account, which must be accepted,
// after the closes that are due.
func (w *town) block(signer tx.AccountID, ops ...tx.Operation) {
	w.t.Helper()
	if o := w.try(signer, ops...); o.Code != 0 {
		w.t.Fatalf("refusal %d of operation %d", o.Code, o.At)
	}
}

func (w *town) try(signer tx.AccountID, ops ...tx.Operation) machine.Outcome {
	w.t.Helper()
	w.nonces[signer]++
	body := tx.Body{Chain: "town", Account: signer, Nonce: w.nonces[signer], Expiry: 1 << 40, Operations: ops}
	bundle, err := machine.EncodeBundle(0, [][]byte{tx.SignEd25519(body.Encode(), keyOf(signer))})
	if err != nil {
		w.t.Fatal(err)
	}
	b := machine.Block{Height: w.machine.Head().Height + 1, Time: w.now, Txs: [][]byte{bundle}}
	if due := w.machine.Due(); len(due) > 0 {
		b.Txs = [][]byte{machine.EncodeCloses(due), bundle}
	}
	r := w.machine.Execute(b)
	w.rows.Apply(r.Changes)
	w.machine.Advance(r)
	w.records = append(w.records, r.Record)
	return r.Record.Outcomes[len(r.Record.Outcomes)-1]
}

// read records what the members' meters say of the interval that starts n hours
// after noon; who is missing has no reading. The clock goes on to its end.
func (w *town) read(n int, import_ []quantity.Energy) {
	w.t.Helper()
	readings := metering.Readings{Start: noon + interval.Time(n)*hour}
	for i, e := range import_ {
		v := metering.Value{Device: grid.DeviceID(ann) + grid.DeviceID(i), Quality: metering.Actual}
		switch {
		case e == missing:
			continue
		case e < 0:
			v.Export = -e
		default:
			v.Import = e
		}
		readings.Values = append(readings.Values, v)
	}
	w.now = max(w.now, readings.Start+hour)
	w.block(operator, metering.RecordKind.Encode(metering.Record{Microgrid: town1, Intervals: []metering.Readings{readings}}))
}

// certify has certificates issued for ann's panels from the hour that starts n hours
// after noon, of which she keeps those that she uses. In the next two hours she gives
// some of what they make.
func (w *town) certify(n int) {
	w.t.Helper()
	from := noon + interval.Time(n)*hour
	w.block(operator, certificate.RegisterKind.Encode(certificate.Register{Microgrid: town1, Device: panels, From: from}))
	w.block(ann, certificate.ChooseKind.Encode(certificate.Choose{Microgrid: town1, Point: grid.PointID(ann), From: from, Choice: certificate.Choice{Keep: true}}))
	for start := from; start < from+2*hour; start += hour {
		w.now = max(w.now, start+hour)
		w.block(operator, metering.RecordKind.Encode(metering.Record{Microgrid: town1, Intervals: []metering.Readings{{Start: start, Values: []metering.Value{
			{Device: grid.DeviceID(ann), Export: 400, Quality: metering.Actual},
			{Device: grid.DeviceID(bob), Import: 300, Quality: metering.Actual},
			{Device: grid.DeviceID(cem), Import: 500, Quality: metering.Actual},
			{Device: panels, Export: 900, Quality: metering.Actual},
		}}}}))
	}
}

// charge has ann's battery store certificates from the hour that starts n hours after
// noon: it takes 500 in that and gives 400 in the next, of which 100 leave her home.
func (w *town) charge(n int) {
	w.t.Helper()
	from := noon + interval.Time(n)*hour
	w.block(operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town1, Device: battery, Point: grid.PointID(ann), Kind: grid.Battery, From: from}),
		certificate.RegisterStoreKind.Encode(certificate.RegisterStore{Microgrid: town1, Device: battery, From: from, EfficiencyPPM: 900_000, Method: certificate.FIFO}))
	for h, values := range [][]metering.Value{
		{{Device: grid.DeviceID(ann), Export: 200}, {Device: panels, Export: 900}, {Device: battery, Import: 500}},
		{{Device: grid.DeviceID(ann), Export: 100}, {Device: panels}, {Device: battery, Export: 400}},
	} {
		values = slices.Insert(values, 1, metering.Value{Device: grid.DeviceID(bob), Import: 300}, metering.Value{Device: grid.DeviceID(cem), Import: 500})
		for n := range values {
			values[n].Quality = metering.Actual
		}
		w.now = max(w.now, from+interval.Time(h+1)*hour)
		w.block(operator, metering.RecordKind.Encode(metering.Record{Microgrid: town1, Intervals: []metering.Readings{{Start: from + interval.Time(h)*hour, Values: values}}}))
	}
}

// Devices of ann.
const (
	panels  grid.DeviceID = 50
	battery grid.DeviceID = 51
)

// missing stands for a reading that did not come.
const missing quantity.Energy = -1 << 40

var (
	townsMu sync.Mutex
	towns   = map[uint64]*town{}
)

// lived is a town that lived, made once for all tests, which only look at it.
func lived(t *testing.T, seed uint64) *town {
	t.Helper()
	townsMu.Lock()
	defer townsMu.Unlock()
	w, ok := towns[seed]
	if !ok {
		w = found(t)
		w.live(seed)
		towns[seed] = w
	}
	return w
}

// live lets a town live through what every receipt comes of.
func (w *town) live(seed uint64) {
	w.t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	for a := ann; a <= dot; a++ {
		w.block(operator, ledger.IssueKind.Encode(ledger.Issue{Asset: euro, To: a, Amount: 5_000_000, Deposit: make([]byte, 32)}))
	}
	w.block(ann, ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: bob, Amount: 1_000_000}))
	w.block(bob, ledger.HoldKind.Encode(ledger.Hold{Number: 1, Asset: euro, To: cem, Amount: 700_000, Deadline: w.now + hour}),
		ledger.HoldKind.Encode(ledger.Hold{Number: 2, Asset: euro, To: cem, Amount: 300_000, Deadline: w.now + hour}),
		ledger.HoldKind.Encode(ledger.Hold{Number: 3, Asset: euro, To: cem, Amount: 200_000, Deadline: w.now + hour}))
	w.block(cem, ledger.PostKind.Encode(ledger.Post{Payer: bob, Number: 1, Amount: 500_000}),
		ledger.VoidKind.Encode(ledger.Void{Payer: bob, Number: 2}))
	w.block(dot, ledger.RedeemKind.Encode(ledger.Redeem{Asset: euro, Amount: 5_000_000}))
	w.try(dot, ledger.RedeemKind.Encode(ledger.Redeem{Asset: euro, Amount: 1}))
	dear := quantity.Price(350)
	w.block(bob, market.SetWishKind.Encode(market.SetWish{Microgrid: town1, Point: grid.PointID(bob), From: noon, Wish: market.Wish{
		Buy: &dear, Green: true, Partners: []grid.PointID{grid.PointID(ann)},
	}}))
	w.block(ann, market.SetWishKind.Encode(market.SetWish{Microgrid: town1, Point: grid.PointID(ann), From: noon, Wish: market.Wish{SellsGreen: true}}))
	energy := func() quantity.Energy { return quantity.Energy(random.Int64N(4_000) - 2_000) }
	for n := range 12 {
		all := []quantity.Energy{energy(), energy(), energy(), energy()}
		if n == 5 {
			all[1] = missing
		}
		w.read(n, all)
	}
	w.block(operator, metering.LapseKind.Encode(metering.Lapse{Microgrid: town1, Until: w.now}))
	w.read(5, []quantity.Energy{missing, energy()})
	for range 3 {
		w.read(2+random.IntN(3), []quantity.Energy{energy(), missing, energy()})
	}
	rules := market.Rules{Mode: auction.MidMarket, MembersFirst: true}
	w.block(ann, governance.ProposeKind.Encode(governance.Propose{Proposal: 1, Microgrid: town1, Until: w.now + hour, Change: governance.Change{Rules: &rules}}),
		governance.VoteKind.Encode(governance.Vote{Proposal: 1, Yes: true}))
	w.block(bob, governance.VoteKind.Encode(governance.Vote{Proposal: 1, Yes: true}))
	w.block(cem, governance.VoteKind.Encode(governance.Vote{Proposal: 1, Yes: true}))
	w.block(operator, grid.DisconnectKind.Encode(grid.Disconnect{Microgrid: town1, Point: grid.PointID(dot), Until: noon + 13*hour}),
		grid.EnrolKind.Encode(grid.Enrol{Microgrid: town1, Device: panels, Point: grid.PointID(ann), Kind: grid.Solar, From: noon + 13*hour}))
	w.read(12, []quantity.Energy{energy(), energy(), energy(), energy()})
	w.read(13, []quantity.Energy{energy(), energy(), energy()})
	w.block(operator, metering.LapseKind.Encode(metering.Lapse{Microgrid: town1, Until: w.now})) // The panels are silent.
	w.certify(14)
	w.charge(16)
	w.wait(33 * 24)
	pass := certificate.Transfer{From: ann, To: cem, Parts: []certificate.Part{{Microgrid: town1, Start: noon + 14*hour, Device: panels, Energy: 50}}}
	w.block(ann, certificate.TransferKind.Encode(pass))
	w.block(cem, certificate.MatchKind.Encode(certificate.Match{Account: cem, Microgrid: town1, From: noon + 14*hour, Until: noon + 15*hour}))
	w.block(ann, certificate.ReserveKind.Encode(certificate.Reserve{Holder: ann, For: bob, Until: w.now + hour, Parts: []certificate.Part{
		{Microgrid: town1, Start: noon + 14*hour, Device: panels, Energy: 200},
	}}))
	w.block(ann, certificate.CancelKind.Encode(certificate.Cancel{
		Account: ann, Purpose: certificate.Disclosure, Beneficiary: make([]byte, sha256.Size),
		Parts: []certificate.Part{{Microgrid: town1, Start: noon + 14*hour, Device: panels, Energy: 100}},
	}))
	w.block(ann, certificate.TransferKind.Encode(certificate.Transfer{From: ann, To: bob, Parts: []certificate.Part{
		{Microgrid: town1, Start: noon + 14*hour, Device: panels, Energy: 10},
	}}))
	w.cross()
	w.block(ann, party.RotateKind.Encode(party.Rotate{Account: ann, Add: keysOf(bob)}))
}
