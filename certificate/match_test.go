package certificate

import (
	"crypto/ed25519"
	"maps"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// dwelling is a connection point of a street in its first hour. Those that make
// something give all of it.
type dwelling struct {
	zone       grid.ZoneID
	account    tx.AccountID // Ann's, if it is nobody's.
	made, used quantity.Energy
}

// street is a town of dwellings, points 101, 102, … with panels 201, 202, … Its root is
// zone 20, with 21 and 22 below it, and 23 below 21. Its first hour is final.
func street(t testing.TB, dwellings ...dwelling) *optest.World {
	t.Helper()
	w := optest.NewWorld(t, party.Ops, ledger.Ops, grid.Ops, Ops)
	for a := operator; a <= cy; a++ {
		w.Must(t, operator, party.OpenKind.Encode(party.Open{Account: a, Keys: credentials(a)}))
	}
	w.Must(t, operator, ledger.DefineKind.Encode(ledger.Define{Asset: 978, Symbol: "EUR", Decimals: 6}))
	w.Must(t, operator, grid.FoundKind.Encode(grid.Found{
		Microgrid: town, Root: 20, Currency: 978, Gateway: operator, Utility: 2, Network: 3, Levy: 4, Length: interval.Minutes60,
	}))
	for _, z := range []grid.AddZone{{Zone: 21, Parent: 20}, {Zone: 22, Parent: 20}, {Zone: 23, Parent: 21}} {
		z.Microgrid = town
		w.Must(t, operator, grid.AddZoneKind.Encode(z))
	}
	var c Cleared
	for n, d := range dwellings {
		point, device := grid.PointID(101+n), grid.DeviceID(201+n)
		if d.account == 0 {
			d.account = ann
		}
		if d.zone == 0 {
			d.zone = 20
		}
		w.Must(t, operator, grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: point, Zone: d.zone, Account: d.account}))
		p := metering.Position{Point: point, Account: d.account, Zone: d.zone, Import: d.used}
		if d.made > 0 {
			w.Must(t, operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: device, Point: point, Kind: grid.Solar}),
				RegisterKind.Encode(Register{Microgrid: town, Device: device}))
			p.Export, p.Produced = d.made, d.made
			p.Devices = []metering.Measured{{Device: device, Kind: grid.Solar, Export: d.made}}
		}
		c.Positions = append(c.Positions, p)
	}
	closed(w, c)
	idle := Cleared{Positions: make([]metering.Position, len(dwellings))}
	for n := range idle.Positions {
		idle.Positions[n] = metering.Position{Point: c.Positions[n].Point, Account: c.Positions[n].Account}
	}
	closed(w, idle)
	return w
}

// credentials are an account's keys: who has one acts for itself, and nobody else does.
func credentials(a tx.AccountID) []party.Credential {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = byte(a)
	key := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	return []party.Credential{{Key: tx.Ed25519Key(key), Role: party.Owner}}
}

// outcome is what a matching came to: by connection point, and by device.
type outcome struct {
	used     map[grid.PointID]quantity.Energy
	produced map[grid.DeviceID]quantity.Energy
}

func outcomeOf(receipts []op.Receipt) outcome {
	o := outcome{map[grid.PointID]quantity.Energy{}, map[grid.DeviceID]quantity.Energy{}}
	for _, said := range receipts {
		switch said.Kind {
		case MatchedReceipt.Kind:
			for _, c := range MatchedReceipt.Read(said).Claims {
				o.produced[c.Device] += c.Energy
			}
		case UseMatchedReceipt.Kind:
			r := UseMatchedReceipt.Read(said)
			o.used[r.Point] += r.Energy
		}
	}
	return o
}

// first is a matching of the first hour.
func first(account tx.AccountID) Match { return Match{Account: account, Microgrid: town, Until: hour} }

// Who and what is matched with what there is.
func TestMatch(t *testing.T) {
	zone22, points := first(ann), first(ann)
	zone22.Zone, points.Points = 22, []grid.PointID{103}
	for _, c := range []struct {
		name     string
		street   []dwelling
		match    Match
		used     map[grid.PointID]quantity.Energy
		produced map[grid.DeviceID]quantity.Energy
	}{
		{
			"in proportion to use",
			[]dwelling{{made: 500}, {used: 300}, {used: 700}, {used: 1}},
			first(ann),
			map[grid.PointID]quantity.Energy{102: 150, 103: 350},
			map[grid.DeviceID]quantity.Energy{201: 500},
		},
		{
			"in proportion to what there is",
			[]dwelling{{made: 300}, {made: 700}, {used: 500}},
			first(ann),
			map[grid.PointID]quantity.Energy{103: 500},
			map[grid.DeviceID]quantity.Energy{201: 150, 202: 350},
		},
		{
			"the nearest first",
			[]dwelling{{zone: 23, made: 100}, {zone: 22, used: 500}, {zone: 23, used: 60}, {zone: 21, used: 30}},
			first(ann),
			map[grid.PointID]quantity.Energy{102: 10, 103: 60, 104: 30},
			map[grid.DeviceID]quantity.Energy{201: 100},
		},
		{
			"of a zone",
			[]dwelling{{zone: 23, made: 100}, {zone: 22, used: 50}, {zone: 23, used: 60}},
			zone22,
			map[grid.PointID]quantity.Energy{102: 50},
			map[grid.DeviceID]quantity.Energy{201: 50},
		},
		{
			"of points",
			[]dwelling{{made: 100}, {used: 50}, {used: 60}},
			points,
			map[grid.PointID]quantity.Energy{103: 60},
			map[grid.DeviceID]quantity.Energy{201: 60},
		},
		{
			"its own",
			[]dwelling{{made: 100}, {used: 50, account: bob}, {used: 60}},
			first(ann),
			map[grid.PointID]quantity.Energy{103: 60},
			map[grid.DeviceID]quantity.Energy{201: 60},
		},
		{
			"everybody's by the operator, by largest remainder",
			[]dwelling{{made: 100, account: operator}, {used: 50, account: bob}, {used: 60}, {used: 30, account: cy}},
			first(operator),
			map[grid.PointID]quantity.Energy{102: 36, 103: 43, 104: 21},
			map[grid.DeviceID]quantity.Energy{201: 100},
		},
	} {
		w := street(t, c.street...)
		receipts := w.Must(t, c.match.Account, MatchKind.Encode(c.match))
		if got := outcomeOf(receipts); !maps.Equal(got.used, c.used) || !maps.Equal(got.produced, c.produced) {
			t.Errorf("%s: %v, want %v of %v", c.name, got, c.used, c.produced)
		}
		audit(t, w)
		refused(t, w, c.match.Account, MatchKind.Encode(c.match), ErrMatchNothing) // No Wh twice.
	}
}

// Who chose to match its own use has it matched by nobody else.
func TestMatchOwn(t *testing.T) {
	w := street(t, dwelling{used: 1}, dwelling{made: 100, account: operator})
	choose := ChooseKind.Encode(Choose{Microgrid: town, Point: 101, From: 2 * hour, Choice: Choice{Own: true}})
	w.Must(t, ann, choose)
	busy := Cleared{Positions: []metering.Position{
		{Point: 101, Account: ann, Import: 50},
		{Point: 102, Account: operator, Export: 100, Produced: 100, Devices: []metering.Measured{{Device: 202, Kind: grid.Solar, Export: 100}}},
	}}
	closed(w, busy)
	closed(w, busy)
	match := Match{Account: operator, Microgrid: town, From: 2 * hour, Until: 3 * hour}
	refused(t, w, operator, MatchKind.Encode(match), ErrMatchNothing)
	match.Points = []grid.PointID{101}
	refused(t, w, operator, MatchKind.Encode(match), ErrMatchWhose)
	byCy := match
	byCy.Account = cy
	refused(t, w, cy, MatchKind.Encode(byCy), ErrMatchWhose)
	match.From, match.Until = 0, hour // When it had not chosen yet.
	w.Must(t, operator, MatchKind.Encode(match))
	w.Must(t, operator, TransferKind.Encode(Transfer{From: operator, To: ann, Parts: []Part{{Microgrid: town, Start: 2 * hour, Device: 202, Energy: 100}}}))
	receipts := w.Must(t, ann, MatchKind.Encode(Match{Account: ann, Microgrid: town, From: 0, Until: 3 * hour}))
	if got := outcomeOf(receipts); got.used[101] != 50 || got.produced[202] != 50 {
		t.Errorf("ann matched %v", got)
	}
	audit(t, w)
}

// Who chose a retailer has its use matched by that.
func TestMatchBy(t *testing.T) {
	w := street(t, dwelling{used: 1})
	w.Must(t, ann, ChooseKind.Encode(Choose{Microgrid: town, Point: 101, From: 2 * hour, Choice: Choice{Own: true, By: bob}}))
	w.Must(t, operator, grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: 102, Zone: 20, Account: bob, From: 2 * hour}))
	w.Must(t, operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: 202, Point: 102, Kind: grid.Solar, From: 2 * hour}),
		RegisterKind.Encode(Register{Microgrid: town, Device: 202, From: 2 * hour}))
	busy := Cleared{Positions: []metering.Position{
		{Point: 101, Account: ann, Import: 50},
		{Point: 102, Account: bob, Export: 100, Produced: 100, Devices: []metering.Measured{{Device: 202, Kind: grid.Solar, Export: 100}}},
	}}
	closed(w, busy)
	closed(w, busy)
	got := outcomeOf(w.Must(t, bob, MatchKind.Encode(Match{Account: bob, Microgrid: town, From: 2 * hour, Until: 3 * hour})))
	if got.used[101] != 50 || got.produced[202] != 50 {
		t.Errorf("bob matched %v", got)
	}
	audit(t, w)
}

// What is claimed at the close counts as matched, on both sides.
func TestMatchAfterClose(t *testing.T) {
	w := newTown(t, 0)
	closed(w, hourOf(home{made: 500, exported: 300}, home{}, home{imported: 400}, green(0, 2, 250)))
	closed(w, hourOf(home{}, home{}, home{}))
	if left, _ := Unclaimed(w, town, 0); left[0] != 0 || left[2] != 150 {
		t.Fatalf("%v are left", left)
	}
	w.Must(t, ann, TransferKind.Encode(Transfer{From: ann, To: cy, Parts: part(50)}))
	got := outcomeOf(w.Must(t, cy, MatchKind.Encode(first(cy))))
	if got.used[33] != 50 || got.produced[panels] != 50 {
		t.Errorf("cy matched %v", got)
	}
	if l, _ := LotAt(w, part(1)[0].lot()); l.Claimed != 500 || l.Held != 0 {
		t.Errorf("the lot is %+v", l)
	}
	audit(t, w)
}

func TestMatchRefuses(t *testing.T) {
	w := street(t, dwelling{made: 500}, dwelling{used: 300}, dwelling{used: 300, account: bob})
	good := first(ann)
	optest.Precedence(t, w, ann, MatchKind, good, []optest.Broken[Match]{
		{ErrMatchNothing, func(w *optest.World, _ *tx.AccountID, _ *Match) { w.Must(t, ann, MatchKind.Encode(good)) }},
		{ErrMatchWhose, func(_ *optest.World, _ *tx.AccountID, o *Match) { o.Points = []grid.PointID{102, 103} }},
		{ErrMatchOpen, func(_ *optest.World, _ *tx.AccountID, o *Match) { o.Until = 2 * hour }},
		{ErrMatchPoint, func(_ *optest.World, _ *tx.AccountID, o *Match) { o.Points = []grid.PointID{102, 104} }},
		{ErrMatchZone, func(_ *optest.World, _ *tx.AccountID, o *Match) { o.Points, o.Zone = nil, 29 }},
		{ErrMatchLong, func(_ *optest.World, _ *tx.AccountID, o *Match) { o.Until = 745 * hour }},
		{ErrMatchAligned, func(_ *optest.World, _ *tx.AccountID, o *Match) { o.Until++ }},
		{ErrMatchGrid, func(_ *optest.World, _ *tx.AccountID, o *Match) { o.Microgrid = 11 }},
		{ErrMatchSigner, func(_ *optest.World, signer *tx.AccountID, _ *Match) { *signer = bob }},
		{ErrMatchOrder, func(_ *optest.World, _ *tx.AccountID, o *Match) { o.Points, o.Zone = []grid.PointID{103, 103}, 0 }},
		{ErrMatchPoints, func(_ *optest.World, _ *tx.AccountID, o *Match) { o.Zone = 20 }},
		{ErrMatchPeriod, func(_ *optest.World, _ *tx.AccountID, o *Match) { o.Until = o.From }},
	})
	many := make([]dwelling, 23)
	w = street(t, many...)
	long := Match{Account: ann, Microgrid: town, Until: 744 * hour}
	refused(t, w, ann, MatchKind.Encode(long), ErrMatchMany)
	long.Until = 712 * hour
	refused(t, w, ann, MatchKind.Encode(long), ErrMatchOpen)
}

// BenchmarkMatch matches what 1,000 plants of the supplier made in an hour with what
// 10,000 homes in a tree of 111 zones used.
func BenchmarkMatch(b *testing.B) {
	const producers, consumers = 1_000, 10_000
	w := street(b)
	zones := []grid.ZoneID{20}
	for n := range grid.ZoneID(110) {
		parent := grid.ZoneID(20)
		if n >= 10 {
			parent = 1000 + n%10
		}
		w.Must(b, operator, grid.AddZoneKind.Encode(grid.AddZone{Microgrid: town, Zone: 1000 + n, Parent: parent}))
		zones = append(zones, 1000+n)
	}
	m, _ := grid.At(w, town)
	var c, idle Cleared
	for n := range producers + consumers {
		p := metering.Position{Point: grid.PointID(1000 + n), Account: operator, Import: quantity.Energy(100 + n%400)}
		if n < producers {
			p.Account, p.Import = ann, 0
		}
		w.Must(b, operator, grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: p.Point, Zone: zones[n%len(zones)], Account: p.Account, From: m.Open}))
		idle.Positions = append(idle.Positions, metering.Position{Point: p.Point, Account: p.Account})
		if n < producers {
			device := grid.DeviceID(1000 + n)
			w.Must(b, operator, grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: device, Point: p.Point, Kind: grid.Solar, From: m.Open}),
				RegisterKind.Encode(Register{Microgrid: town, Device: device, From: m.Open}))
			p.Export = quantity.Energy(1500 + n%1000)
			p.Produced, p.Devices = p.Export, []metering.Measured{{Device: device, Kind: grid.Solar, Export: p.Export}}
		}
		c.Positions = append(c.Positions, p)
	}
	closed(w, c)
	closed(w, idle)
	var parts []Part
	for n := range producers {
		parts = append(parts, Part{Microgrid: town, Start: m.Open, Device: grid.DeviceID(1000 + n), Energy: c.Positions[n].Export})
	}
	w.Must(b, ann, TransferKind.Encode(Transfer{From: ann, To: 2, Parts: parts}))
	match := MatchKind.Encode(Match{Account: 2, Microgrid: town, From: m.Open, Until: m.Open + hour})
	largest, count := 0, 0
	for b.Loop() {
		receipts, err := w.Try(2, match)
		if err != nil {
			b.Fatal(err)
		}
		for _, said := range receipts {
			largest = max(largest, len(said.Body))
		}
		count = len(receipts)
		w.Undo()
	}
	b.ReportMetric(float64(count), "receipts")
	b.ReportMetric(float64(largest), "B/largest")
}
