package grid

import (
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/tx"
)

// The accounts and numbers of these tests.
const (
	operator tx.AccountID = 1 + iota
	ann
	bob
	utility
	network
	levy

	euro ledger.AssetID = 978 // ISO 4217.

	town  MicrogridID = 10
	root  ZoneID      = 20
	north ZoneID      = 21
	home  PointID     = 30
	meter DeviceID    = 40

	hour = interval.Time(interval.Minutes60)
	// start is the first interval's. The world's clock stands at 100,000 s.
	start = 27 * hour
)

var found = Found{
	Microgrid: town, Root: root, Currency: euro, Gateway: operator, Utility: utility, Network: network, Levy: levy,
	Length: interval.Minutes60, Start: start, Grace: 600, Correction: 86400,
}

// peopled is a world with accounts and a currency, and nothing founded in it.
func peopled(t testing.TB) *optest.World {
	t.Helper()
	w := optest.NewWorld(t, party.Ops, ledger.Ops, Ops)
	for _, a := range []tx.AccountID{operator, ann, bob, utility, network, levy} {
		w.Must(t, operator, party.OpenKind.Encode(party.Open{Account: a}))
	}
	w.Must(t, operator, ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}))
	return w
}

// settled is a town of one home, whose first two intervals are settled.
func settled(t testing.TB) *optest.World {
	t.Helper()
	w := peopled(t)
	w.Must(t, operator,
		FoundKind.Encode(found),
		AddZoneKind.Encode(AddZone{town, north, root}),
		ConnectKind.Encode(Connect{town, home, north, ann, 10_000, start}),
		EnrolKind.Encode(Enrol{town, meter, home, Meter, 0, start}))
	Advance(w, town)
	Advance(w, town)
	w.Keep()
	return w
}

const open = start + 2*hour // The first open interval of settled.

func TestFoundPrecedence(t *testing.T) {
	optest.Precedence(t, peopled(t), operator, FoundKind, found, []optest.Broken[Found]{
		{ErrFoundAccount, func(_ *optest.World, _ *tx.AccountID, o *Found) { o.Gateway = 99 }},
		{ErrFoundCurrency, func(_ *optest.World, _ *tx.AccountID, o *Found) { o.Currency = 99 }},
		{ErrFoundTaken, func(w *optest.World, _ *tx.AccountID, _ *Found) { w.Must(t, operator, FoundKind.Encode(found)) }},
		{ErrFoundDistinct, func(_ *optest.World, _ *tx.AccountID, o *Found) { o.Levy = network }},
		{ErrFoundCorrection, func(_ *optest.World, _ *tx.AccountID, o *Found) { o.Correction = MaxCorrection + 1 }},
		{ErrFoundCorrection, func(_ *optest.World, _ *tx.AccountID, o *Found) { o.Correction, o.Grace = 0, MaxCorrection+1 }},
		{ErrFoundStart, func(_ *optest.World, _ *tx.AccountID, o *Found) { o.Start++ }},
		{ErrFoundStart, func(_ *optest.World, _ *tx.AccountID, o *Found) { o.Start = hour << 40 }},
		{ErrFoundLength, func(_ *optest.World, _ *tx.AccountID, o *Found) { o.Length = 1200 }},
		{ErrFoundRoot, func(_ *optest.World, _ *tx.AccountID, o *Found) { o.Root = 0 }},
		{ErrFoundID, func(_ *optest.World, _ *tx.AccountID, o *Found) { o.Microgrid = 0 }},
	})
}

func TestAddZonePrecedence(t *testing.T) {
	optest.Precedence(t, settled(t), operator, AddZoneKind, AddZone{town, 22, root}, []optest.Broken[AddZone]{
		{ErrZoneDepth, func(w *optest.World, _ *tx.AccountID, o *AddZone) {
			for z := north; z < north+11; z++ {
				w.Must(t, operator, AddZoneKind.Encode(AddZone{town, 100 + z, o.Parent}))
				o.Parent = 100 + z
			}
			w.Must(t, operator, AddZoneKind.Encode(AddZone{town, 99, o.Parent}))
			o.Parent = 99
		}},
		{ErrZoneParent, func(_ *optest.World, _ *tx.AccountID, o *AddZone) { o.Parent = 98 }},
		{ErrZoneTaken, func(_ *optest.World, _ *tx.AccountID, o *AddZone) { o.Zone = root }},
		{ErrNotOperator, func(_ *optest.World, signer *tx.AccountID, _ *AddZone) { *signer = ann }},
		{ErrNoMicrogrid, func(_ *optest.World, _ *tx.AccountID, o *AddZone) { o.Microgrid++ }},
		{ErrZoneID, func(_ *optest.World, _ *tx.AccountID, o *AddZone) { o.Zone = 0 }},
	})
}

func TestSetLinePrecedence(t *testing.T) {
	good := SetLine{town, north, open, Line{MaxCharge, NoLimit, MaxLimit, MaxLossPPM}}
	optest.Precedence(t, settled(t), operator, SetLineKind, good, []optest.Broken[SetLine]{
		{ErrLineRoot, func(_ *optest.World, _ *tx.AccountID, o *SetLine) { o.Zone = root }},
		{ErrLineZone, func(_ *optest.World, _ *tx.AccountID, o *SetLine) { o.Zone = 99 }},
		{ErrFromAligned, func(_ *optest.World, _ *tx.AccountID, o *SetLine) { o.From = open + 1 }},
		{ErrSettled, func(_ *optest.World, _ *tx.AccountID, o *SetLine) { o.From = open - 1 }},
		{ErrNotOperator, func(_ *optest.World, signer *tx.AccountID, _ *SetLine) { *signer = ann }},
		{ErrNoMicrogrid, func(_ *optest.World, _ *tx.AccountID, o *SetLine) { o.Microgrid++ }},
		{ErrLineLoss, func(_ *optest.World, _ *tx.AccountID, o *SetLine) { o.Line.LossPPM++ }},
		{ErrLineLimit, func(_ *optest.World, _ *tx.AccountID, o *SetLine) { o.Line.ImportLimit = MaxLimit + 1 }},
		{ErrLineLimit, func(_ *optest.World, _ *tx.AccountID, o *SetLine) { o.Line.ImportLimit = NoLimit - 1 }},
		{ErrLineCharge, func(_ *optest.World, _ *tx.AccountID, o *SetLine) { o.Line.Charge = -1 }},
		{ErrLineCharge, func(_ *optest.World, _ *tx.AccountID, o *SetLine) { o.Line.Charge = MaxCharge + 1 }},
	})
}

func TestConnectPrecedence(t *testing.T) {
	optest.Precedence(t, settled(t), operator, ConnectKind, Connect{town, 31, north, bob, MaxCapacityW, open}, []optest.Broken[Connect]{
		{ErrPointReserved, func(_ *optest.World, _ *tx.AccountID, o *Connect) { o.Account = levy }},
		{ErrPointReserved, func(_ *optest.World, _ *tx.AccountID, o *Connect) { o.Account = network }},
		{ErrPointReserved, func(_ *optest.World, _ *tx.AccountID, o *Connect) { o.Account = utility }},
		{ErrPointAccount, func(_ *optest.World, _ *tx.AccountID, o *Connect) { o.Account = 99 }},
		{ErrPointZone, func(_ *optest.World, _ *tx.AccountID, o *Connect) { o.Zone = 99 }},
		{ErrPointTaken, func(_ *optest.World, _ *tx.AccountID, o *Connect) { o.Point = home }},
		{ErrSettled, func(_ *optest.World, _ *tx.AccountID, o *Connect) { o.From -= hour }},
		{ErrPointCapacity, func(_ *optest.World, _ *tx.AccountID, o *Connect) { o.CapacityW++ }},
		{ErrPointID, func(_ *optest.World, _ *tx.AccountID, o *Connect) { o.Point = 0 }},
	})
}

func TestEnrolPrecedence(t *testing.T) {
	optest.Precedence(t, settled(t), operator, EnrolKind, Enrol{town, 41, home, Generator, MaxCapacityW, open}, []optest.Broken[Enrol]{
		{ErrDevicePoint, func(w *optest.World, _ *tx.AccountID, o *Enrol) { // It ends as the device begins.
			w.Must(t, operator, DisconnectKind.Encode(Disconnect{town, home, open + hour}))
			o.From = open + hour
		}},
		{ErrDevicePoint, func(_ *optest.World, _ *tx.AccountID, o *Enrol) { o.Point = 99 }},
		{ErrDeviceTaken, func(_ *optest.World, _ *tx.AccountID, o *Enrol) { o.Device = meter }},
		{ErrFromAligned, func(_ *optest.World, _ *tx.AccountID, o *Enrol) { o.From++ }},
		{ErrDeviceCapacity, func(_ *optest.World, _ *tx.AccountID, o *Enrol) { o.CapacityW++ }},
		{ErrDeviceKind, func(_ *optest.World, _ *tx.AccountID, o *Enrol) { o.Kind++ }},
		{ErrDeviceKind, func(_ *optest.World, _ *tx.AccountID, o *Enrol) { o.Kind = 0 }},
		{ErrDeviceID, func(_ *optest.World, _ *tx.AccountID, o *Enrol) { o.Device = 0 }},
	})
}

func TestDisconnectPrecedence(t *testing.T) {
	optest.Precedence(t, settled(t), operator, DisconnectKind, Disconnect{town, home, open}, []optest.Broken[Disconnect]{
		{ErrPointEarly, func(w *optest.World, _ *tx.AccountID, o *Disconnect) {
			w.Must(t, operator, ConnectKind.Encode(Connect{town, 31, north, bob, 0, open + hour}))
			o.Point, o.Until = 31, open+hour
		}},
		{ErrPointEnded, func(w *optest.World, _ *tx.AccountID, o *Disconnect) {
			w.Must(t, operator, DisconnectKind.Encode(Disconnect{town, home, open + hour}))
			o.Point = home
		}},
		{ErrNoPoint, func(_ *optest.World, _ *tx.AccountID, o *Disconnect) { o.Point = 99 }},
		{ErrSettled, func(_ *optest.World, _ *tx.AccountID, o *Disconnect) { o.Until = open - hour }},
	})
}

// TestLinesHoldFromTheirDates sets a line twice: what held before still does.
func TestLinesHoldFromTheirDates(t *testing.T) {
	w := settled(t)
	set := func(from interval.Time, l Line) tx.Operation {
		return SetLineKind.Encode(SetLine{town, north, from, l})
	}
	free, dear := Line{0, NoLimit, NoLimit, 0}, Line{40, 5000, NoLimit, 15_000}
	w.Must(t, operator, set(open+hour, dear), set(open+3*hour, free))
	for at, want := range map[interval.Time]Line{
		start: free, open + hour - 1: free, open + hour: dear, open + 3*hour - 1: dear, open + 3*hour: free, open + 9*hour: free,
	} {
		tree := Tree(w, town, at)
		if want := []Node{{root, 0, free}, {north, root, want}}; !slices.Equal(tree, want) {
			t.Errorf("at %d the tree is %v, want %v", at, tree, want)
		}
	}
}

// TestRoster moves ann out and bob in: both settle their own intervals.
func TestRoster(t *testing.T) {
	w := settled(t)
	w.Must(t, operator,
		EnrolKind.Encode(Enrol{town, 41, home, Solar, 4000, open}),
		DisconnectKind.Encode(Disconnect{town, home, open + hour}),
		ConnectKind.Encode(Connect{town, 31, north, bob, 0, open + hour}),
		EnrolKind.Encode(Enrol{town, 42, 31, Meter, 0, open + hour}),
		EnrolKind.Encode(Enrol{town, 43, home, Load, 0, open})) // Late, at a point that is to end.
	for at, want := range map[interval.Time]struct {
		points  []PointID
		devices []DeviceID
	}{
		start:         {[]PointID{home}, []DeviceID{meter}},
		open:          {[]PointID{home}, []DeviceID{meter, 41, 43}},
		open + hour:   {[]PointID{31}, []DeviceID{42}},
		open + 2*hour: {[]PointID{31}, []DeviceID{42}},
	} {
		r := RosterOf(w, town, interval.Interval{Start: at, Length: interval.Minutes60}, nil)
		var points []PointID
		var devices []DeviceID
		for _, p := range r.Points {
			points = append(points, p.Point)
		}
		for _, d := range r.Devices {
			devices = append(devices, d.Device)
			if d.At < 0 || r.Points[d.At].Point != d.Row.Point {
				t.Errorf("at %d device %d is at point %d, which is not there", at, d.Device, d.Row.Point)
			}
		}
		if !slices.Equal(points, want.points) || !slices.Equal(devices, want.devices) {
			t.Errorf("at %d: points %v with devices %v, want %v with %v", at, points, devices, want.points, want.devices)
		}
	}
}

// TestAppoint gives the town to a new operator; the old one has no say any more.
func TestAppoint(t *testing.T) {
	w := settled(t)
	Appoint(w, town, bob)
	w.Keep()
	zone := AddZoneKind.Encode(AddZone{town, 22, root})
	if _, err := w.Try(bob, zone); err == nil { // The first operator is still bob's guardian, but acts in bob's name, not its own.
		w.Undo()
	} else {
		t.Error(err)
	}
	w.Must(t, operator, party.RotateKind.Encode(party.Rotate{Account: bob, Add: []party.Credential{{Key: tx.EIP712Key([20]byte{1}), Role: party.Owner}}}))
	if _, err := w.Try(operator, zone); err != ErrNotOperator { //nolint:errorlint // This very refusal.
		t.Errorf("the former operator: %v, want %v", err, ErrNotOperator)
	}
}

func TestSetFeederPrecedence(t *testing.T) {
	optest.Precedence(t, settled(t), operator, SetFeederKind, SetFeeder{town, north, 50, open}, []optest.Broken[SetFeeder]{
		{ErrFeederNone, func(_ *optest.World, _ *tx.AccountID, o *SetFeeder) { o.Device = 0 }},
		{ErrFeederTaken, func(_ *optest.World, _ *tx.AccountID, o *SetFeeder) { o.Device = meter }},
		{ErrFeederZone, func(_ *optest.World, _ *tx.AccountID, o *SetFeeder) { o.Zone = 99 }},
		{ErrFromAligned, func(_ *optest.World, _ *tx.AccountID, o *SetFeeder) { o.From++ }},
		{ErrSettled, func(_ *optest.World, _ *tx.AccountID, o *SetFeeder) { o.From = open - hour }},
		{ErrNotOperator, func(_ *optest.World, signer *tx.AccountID, _ *SetFeeder) { *signer = bob }},
		{ErrNoMicrogrid, func(_ *optest.World, _ *tx.AccountID, o *SetFeeder) { o.Microgrid++ }},
	})
}

// TestFeeder puts a feeder meter at a zone, another in its place, and ends that.
func TestFeeder(t *testing.T) {
	w := settled(t)
	set := func(d DeviceID, from interval.Time) tx.Operation {
		return SetFeederKind.Encode(SetFeeder{town, north, d, from})
	}
	w.Must(t, operator, set(50, open), set(51, open+hour), set(0, open+3*hour))
	for at, want := range map[interval.Time][]DeviceID{start: nil, open: {50}, open + hour: {51}, open + 2*hour: {51}, open + 3*hour: nil} {
		var got []DeviceID
		for _, d := range RosterOf(w, town, interval.Interval{Start: at, Length: interval.Minutes60}, nil).Devices {
			if d.Row.Kind == Feeder && d.Row.Zone == north && d.At < 0 {
				got = append(got, d.Device)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("at %d: %v, want %v", at, got, want)
		}
	}
}
