package device

import (
	"bytes"
	"crypto/ed25519"
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

// The accounts and numbers of these tests: Ann and Bob have a home with a meter
// each. Bob has no key, so the operator acts for him.
const (
	operator tx.AccountID = 1
	gateway  tx.AccountID = 5
	ann      tx.AccountID = 6
	bob      tx.AccountID = 7

	town   grid.MicrogridID = 10
	meter1 grid.DeviceID    = 41
	meter2 grid.DeviceID    = 42

	hour  = interval.Time(interval.Minutes60)
	start = 27 * hour
)

// world is where deliveries are tried.
type world struct{ *optest.World }

// founded is a world with the town, at its thousandth hour; corrections are taken
// for a day.
func founded(t testing.TB) world {
	t.Helper()
	w := optest.NewWorld(t, party.Ops, ledger.Ops, grid.Ops, metering.Ops, Ops)
	w.Ctx.ChainID = chain
	for a := operator; a <= bob; a++ {
		o := party.Open{Account: a}
		if a == ann {
			o.Keys = []party.Credential{{Key: tx.Ed25519Key(keyOf("ann").Public().(ed25519.PublicKey)), Role: party.Owner}}
		}
		w.Must(t, operator, party.OpenKind.Encode(o))
	}
	w.Must(t, operator,
		ledger.DefineKind.Encode(ledger.Define{Asset: 978, Symbol: "EUR", Decimals: 6}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: town, Root: 20, Currency: 978, Gateway: gateway, Utility: 2, Network: 3, Levy: 4,
			Length: interval.Minutes60, Start: start, Grace: 1800, Correction: 24 * 3600,
		}))
	for n, account := range []tx.AccountID{ann, bob} {
		point, device := grid.PointID(31+n), meter1+grid.DeviceID(n)
		w.Must(t, operator,
			grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: point, Zone: 20, Account: account, From: start}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: device, Point: point, Kind: grid.Meter, From: start}))
	}
	w.Ctx.Time = start + 1000*hour
	return world{w}
}

// enrolled is the founded world with a key for each meter.
func enrolled(t testing.TB) world {
	t.Helper()
	w := founded(t)
	w.Must(t, ann, enrolment(meter1, "meter 1"))
	w.Must(t, operator, enrolment(meter2, "meter 2"))
	return w
}

func publicOf(secret string) []byte { return keyOf(secret).Public().(ed25519.PublicKey) }

func enrolment(d grid.DeviceID, secret string) tx.Operation {
	return EnrolKeyKind.Encode(EnrolKey{Microgrid: town, Device: d, Key: publicOf(secret)})
}

// at is the start of the nth interval.
func at(n int) interval.Time { return start + interval.Time(n)*hour }

// reads is a message of meter 1 about the nth interval, whose sequence is n + 1.
func reads(n int, imported quantity.Energy) Message {
	return Message{
		Version: 1, Microgrid: town, Device: meter1, Epoch: 1, Sequence: uint64(n) + 1, Start: at(n), Duration: 3600,
		Import: imported, Quality: metering.Actual, Clock: Synchronised,
	}
}

// deliver delivers messages of meter 1 and returns the receipts and the answers to
// its owner.
func (w world) deliver(t testing.TB, messages ...Message) ([]op.Receipt, []Answer) {
	t.Helper()
	o := Deliver{Microgrid: town}
	for _, m := range messages {
		o.Messages = append(o.Messages, mustSign(t, m, keyOf("meter 1")))
	}
	receipts := w.Must(t, gateway, DeliverKind.Encode(o))
	for _, r := range receipts {
		if r.Kind == DeliveredReceipt.Kind && r.Audience == ann {
			return receipts, DeliveredReceipt.Read(r).Answers
		}
	}
	t.Fatal("the owner is not told")
	return nil, nil
}

// values is what is known of meter 1 in the nth interval.
func (w world) value(t testing.TB, n int) (metering.Value, bool) {
	t.Helper()
	m, _ := grid.At(w, town)
	values, _ := metering.Known(w, town, m, at(n))
	for _, v := range values {
		if v.Device == meter1 {
			return v, true
		}
	}
	return metering.Value{}, false
}

// close ends the first open interval.
func (w world) close() {
	m, _ := grid.At(w, town)
	metering.Close(&w.Ctx, w, town, m)
	grid.Advance(w, town)
	w.Ctx.Take()
	w.Keep()
}

// Whose key it is, the meter's own or a gateway's, is kept and told, until another key
// comes; and one gateway's key stands for several meters.
func TestBridged(t *testing.T) {
	w := founded(t)
	told := func(signer tx.AccountID, d grid.DeviceID, bridged bool) {
		t.Helper()
		receipts := w.Must(t, signer, EnrolKeyKind.Encode(EnrolKey{Microgrid: town, Device: d, Key: publicOf("gateway"), Bridged: bridged}))
		k, _ := KeyOf(w, grid.Device{Microgrid: town, Device: d})
		if got := KeyEnrolledReceipt.Read(receipts[0]); got.Bridged != bridged || k.Bridged != bridged {
			t.Errorf("told %+v, kept %+v", got, k)
		}
	}
	told(ann, meter1, true)
	told(operator, meter2, true)
	told(ann, meter1, false)
	told(ann, meter1, true)
}

func TestEnrolKeyPrecedence(t *testing.T) {
	w := founded(t)
	d := grid.Device{Microgrid: town, Device: meter1}
	good := EnrolKey{Microgrid: town, Device: meter1, Key: publicOf("meter 1")}
	optest.Precedence(t, w.World, ann, EnrolKeyKind, good, []optest.Broken[EnrolKey]{
		{ErrEpochs, func(w *optest.World, _ *tx.AccountID, _ *EnrolKey) { devices.Put(w, d, row{Epoch: 1<<32 - 1}) }},
		{ErrUnchanged, func(w *optest.World, _ *tx.AccountID, o *EnrolKey) {
			devices.Put(w, d, row{Key: o.Key, Epoch: 1<<32 - 1})
		}},
		{ErrNotOwner, func(_ *optest.World, signer *tx.AccountID, _ *EnrolKey) { *signer = operator }},
		{ErrNoDevice, func(_ *optest.World, _ *tx.AccountID, o *EnrolKey) { o.Device = 43 }},
		{ErrBadKey, func(_ *optest.World, _ *tx.AccountID, o *EnrolKey) { o.Key = make([]byte, 32) }},
	})
	if _, err := w.Try(ann, EnrolKeyKind.Encode(EnrolKey{Microgrid: town, Device: meter1, Key: make([]byte, 31)})); err != ErrBadKey { //nolint:errorlint // This very refusal.
		t.Errorf("a short key: %v", err)
	}
}

func TestRevokeKeyPrecedence(t *testing.T) {
	optest.Precedence(t, enrolled(t).World, ann, RevokeKeyKind, RevokeKey{town, meter1}, []optest.Broken[RevokeKey]{
		{ErrNoKey, func(w *optest.World, _ *tx.AccountID, o *RevokeKey) { w.Must(t, ann, RevokeKeyKind.Encode(*o)) }},
		{ErrNotOwner, func(_ *optest.World, signer *tx.AccountID, _ *RevokeKey) { *signer = bob }},
		{ErrNoDevice, func(_ *optest.World, _ *tx.AccountID, o *RevokeKey) { o.Device = 43 }},
	})
}

func TestLiftPrecedence(t *testing.T) {
	w := enrolled(t)
	w.deliver(t, reads(0, 1), reads(0, 2))
	for _, signer := range []tx.AccountID{ann, operator} {
		optest.Precedence(t, w.World, signer, LiftKind, Lift{town, meter1}, []optest.Broken[Lift]{
			{ErrLiftNone, func(w *optest.World, _ *tx.AccountID, o *Lift) { w.Must(t, ann, LiftKind.Encode(*o)) }},
			{ErrLiftSigner, func(_ *optest.World, signer *tx.AccountID, _ *Lift) { *signer = gateway }},
			{ErrLiftDevice, func(_ *optest.World, _ *tx.AccountID, o *Lift) { o.Device = 43 }},
		})
		w.deliver(t, reads(9, 1), reads(9, 2))
	}
}

func TestDeliverPrecedence(t *testing.T) {
	good := Deliver{Microgrid: town, Messages: [][]byte{{1}}}
	optest.Precedence(t, enrolled(t).World, gateway, DeliverKind, good, []optest.Broken[Deliver]{
		{ErrNotGateway, func(_ *optest.World, signer *tx.AccountID, _ *Deliver) { *signer = ann }},
		{ErrMicrogrid, func(_ *optest.World, _ *tx.AccountID, o *Deliver) { o.Microgrid = 11 }},
		{ErrManyMessages, func(_ *optest.World, _ *tx.AccountID, o *Deliver) { o.Messages = make([][]byte, MaxMessages+1) }},
		{ErrNoMessages, func(_ *optest.World, _ *tx.AccountID, o *Deliver) { o.Messages = nil }},
	})
}

// TestMessagePrecedence breaks the rules of one message, the last in precedence
// first. Each time a good message beside it is accepted.
func TestMessagePrecedence(t *testing.T) {
	w := enrolled(t)
	w.Ctx.Time = at(30)
	m := reads(2, 300)
	private := keyOf("meter 1")
	spoil := func(raw []byte) []byte { return raw }
	other := Message{Version: 1, Microgrid: town, Device: meter2, Epoch: 1, Sequence: 1, Start: at(0), Duration: 3600, Quality: 'A', Clock: 1}
	for _, rule := range []struct {
		want  *op.Refusal
		wreck func()
	}{
		{nil, func() { w.deliver(t, reads(0, 100), reads(4, 400)) }},
		{ErrBetween, func() { m.Import = 500 }},
		{ErrOverlap, func() { m.Start = at(4) }},
		{ErrStale, func() {
			for range 29 {
				w.close()
			}
			m.Start = at(2)
		}},
		{ErrFuture, func() { m.Start = at(30) }},
		{ErrAligned, func() { m.Start++ }},
		{ErrLength, func() { m.Duration = 900 }},
		{ErrForgotten, func() {
			r, _ := devices.Get(w, grid.Device{Microgrid: town, Device: meter1})
			r.Floor = 3
			devices.Put(w, grid.Device{Microgrid: town, Device: meter1}, r)
		}},
		{ErrConflict, func() { m.Sequence = 1 }},
		{ErrSignature, func() {
			spoil = func(raw []byte) []byte {
				raw[len(raw)-1] ^= 1
				return raw
			}
		}},
		{ErrNotKey, func() { private = keyOf("meter 2") }},
		{ErrEpoch, func() { m.Epoch = 2 }},
		{ErrNotEnrolled, func() { m.Device = 43 }},
		{ErrOtherGrid, func() { m.Microgrid = 11 }},
		{ErrEncoding, func() { spoil = func(raw []byte) []byte { return append(bytes.Clone(raw), 0) } }},
	} {
		rule.wreck()
		w.Keep()
		receipts, err := w.Try(gateway, DeliverKind.Encode(Deliver{town, [][]byte{mustSign(t, other, keyOf("meter 2")), spoil(mustSign(t, m, private))}}))
		if err != nil {
			t.Fatal(err)
		}
		w.Undo()
		var code uint32
		good := false
		for _, r := range receipts {
			if r.Kind != DeliveredReceipt.Kind {
				continue
			}
			for _, a := range DeliveredReceipt.Read(r).Answers {
				good = good || a.At == 0 && (a.Status == Accepted || a.Code == ErrStale.Code)
				if a.At == 1 {
					code = a.Code
				}
			}
		}
		want := uint32(0)
		if rule.want != nil {
			want = rule.want.Code
		}
		if code != want || !good {
			t.Errorf("code %d, want %d; the good message was taken: %v", code, want, good)
		}
	}
}

// TestKeyOf asks what a gateway needs to know of a device.
func TestKeyOf(t *testing.T) {
	w := founded(t)
	d := grid.Device{Microgrid: town, Device: meter1}
	if _, ok := KeyOf(w, d); ok {
		t.Error("a key that nobody enrolled")
	}
	w.Must(t, ann, enrolment(meter1, "meter 1"))
	w.deliver(t, reads(4, 1), reads(4, 2))
	k, ok := KeyOf(w, d)
	if !ok || !bytes.Equal(k.Public, publicOf("meter 1")) || k.Epoch != 1 || k.Account != ann || !k.Quarantined || k.Highest != 5 {
		t.Errorf("the key is %+v", k)
	}
}

// TestAReplacedMeterBeginsAnew enrols a key for another meter, whose registers are
// not those of the one before.
func TestAReplacedMeterBeginsAnew(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		w := enrolled(t)
		w.deliver(t, reads(0, 1000))
		w.Must(t, ann, EnrolKeyKind.Encode(EnrolKey{Microgrid: town, Device: meter1, Key: publicOf("new"), Replaced: replaced}))
		m := reads(1, 5000)
		m.Epoch, m.Sequence = 2, 1
		w.Must(t, gateway, DeliverKind.Encode(Deliver{town, [][]byte{mustSign(t, m, keyOf("new"))}}))
		if v, ok := w.value(t, 1); ok == replaced || !replaced && v.Import != 4000 {
			t.Errorf("replaced %v: value %v, there %v", replaced, v, ok)
		}
	}
}

// TestAnActualValueStays records a value by other means in a gap, which the spread
// leaves as it is.
func TestAnActualValueStays(t *testing.T) {
	w := enrolled(t)
	w.Must(t, gateway, metering.RecordKind.Encode(metering.Record{Microgrid: town, Intervals: []metering.Readings{
		{Start: at(1), Values: []metering.Value{{Device: meter1, Import: 77, Quality: metering.Actual}}},
	}}))
	w.deliver(t, reads(0, 0), reads(3, 301))
	for n, want := range map[int]metering.Value{
		1: {Device: meter1, Import: 77, Quality: metering.Actual},
		2: {Device: meter1, Import: 100, Quality: metering.Substituted},
		3: {Device: meter1, Import: 101, Quality: metering.Substituted},
	} {
		if v, _ := w.value(t, n); v != want {
			t.Errorf("interval %d: %v, want %v", n, v, want)
		}
	}
}

// TestALongGapIsBounded spreads over the intervals that can still be booked, and
// no more than a month of quarters.
func TestALongGapIsBounded(t *testing.T) {
	w := enrolled(t)
	w.Ctx.Time = at(5000)
	w.deliver(t, reads(0, 0))
	receipts, _ := w.deliver(t, reads(4000, 8001))
	if v, ok := w.value(t, 4000-metering.MaxSpread); ok {
		t.Errorf("before the last month: %v", v)
	}
	for n, want := range map[int]quantity.Energy{4000 - metering.MaxSpread + 1: 2, 4000: 3} {
		if v, _ := w.value(t, n); v.Import != want || v.Quality != metering.Substituted {
			t.Errorf("interval %d: %v, want %d", n, v, want)
		}
	}
	if e := metering.ExceptionReceipt.Read(receipts[0]); e.Reason != metering.Gap || e.From != at(1) || e.To != at(4000) || e.Import != 8001 {
		t.Errorf("reported as %+v", e)
	}
}

// TestUnsynchronisedIsToldOnce reports the first of a run, which however long does
// not make the ledger forget from where the next energy is counted.
func TestUnsynchronisedIsToldOnce(t *testing.T) {
	w := enrolled(t)
	w.deliver(t, reads(0, 0))
	told := 0
	for n := range 40 {
		m := reads(n+1, 0)
		m.Clock = Unsynchronised
		receipts, answers := w.deliver(t, m)
		if answers[0].Status != Kept || answers[0].Code != ErrUnsynchronised.Code {
			t.Fatalf("message %d: %+v", n, answers)
		}
		told += len(receipts) - 1
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	w.deliver(t, reads(41, 82))
	for n := 1; n <= 41; n++ {
		if v, _ := w.value(t, n); v.Import != 2 || v.Quality != metering.Substituted {
			t.Errorf("interval %d: %+v", n, v)
		}
	}
}

// TestAFeederMeterIsTheOperators gives one its key, and nobody else does.
func TestAFeederMeterIsTheOperators(t *testing.T) {
	w := founded(t)
	m, _ := grid.At(w, town)
	w.Must(t, operator, grid.SetFeederKind.Encode(grid.SetFeeder{Microgrid: town, Zone: 20, Device: 60, From: m.Open}))
	enrol := EnrolKeyKind.Encode(EnrolKey{Microgrid: town, Device: 60, Key: publicOf("feeder")})
	if _, err := w.Try(ann, enrol); err != ErrNotOwner { //nolint:errorlint // This very refusal.
		t.Errorf("a member: %v, want %v", err, ErrNotOwner)
	}
	w.Must(t, operator, enrol)
}

// TestSignedMetersHaveNoSpikes lets two meters be silent for two hours and then say too
// much for one: of the one that signs registers it is not spread, since they say when it was.
func TestSignedMetersHaveNoSpikes(t *testing.T) {
	const signs, plain grid.DeviceID = 61, 62
	w := founded(t)
	for d := signs; d <= plain; d++ {
		w.Must(t, operator,
			grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: grid.PointID(d), Zone: 20, Account: ann, From: start}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: town, Device: d, Point: grid.PointID(d), Kind: grid.Meter, CapacityW: 5000, From: start}))
	}
	w.Must(t, ann, enrolment(signs, "meter 3"))
	for n := range 4 {
		if wh := map[int]quantity.Energy{0: 500, 3: 15_000}[n]; wh > 0 {
			w.Must(t, gateway, metering.RecordKind.Encode(metering.Record{Microgrid: town, Intervals: []metering.Readings{{Start: at(n), Values: []metering.Value{
				{Device: signs, Import: wh, Quality: metering.Actual}, {Device: plain, Import: wh, Quality: metering.Actual},
			}}}}))
		}
		w.close()
	}
	m, _ := grid.At(w, town)
	values, _ := metering.Known(w, town, m, at(1))
	for _, v := range values {
		switch {
		case v.Device == signs && (v.Quality != metering.Estimated || v.Import != 500):
			t.Errorf("of registers: %+v", v)
		case v.Device == plain && (v.Quality != metering.Substituted || v.Import != 5000):
			t.Errorf("of readings: %+v", v)
		}
	}
}
