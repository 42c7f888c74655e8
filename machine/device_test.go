package machine

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// meterKey is the account whose test key the device of member n has.
func meterKey(n int) tx.AccountID { return 1000 + tx.AccountID(n) }

// enrolKey gives member n's device its key.
func enrolKey(n int) tx.Operation {
	return device.EnrolKeyKind.Encode(device.EnrolKey{Microgrid: town, Device: grid.DeviceID(n + 1), Key: credential(meterKey(n), 1).Key.Public})
}

// reads is what member n's device says about an hour, under a key.
func reads(t testing.TB, n int, hourOf uint64, imported quantity.Energy, key tx.AccountID) []byte {
	t.Helper()
	raw, err := device.Sign(device.Message{
		Version: 1, Microgrid: town, Device: grid.DeviceID(n + 1), Epoch: 1, Sequence: hourOf + 1, Start: interval.Time(hourOf) * hour, Duration: 3600,
		Import: imported, Quality: metering.Actual, Clock: device.Synchronised,
	}, testChain, keyOf(key))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// deliver hands in messages.
func deliver(messages ...[]byte) tx.Operation {
	return device.DeliverKind.Encode(device.Deliver{Microgrid: town, Messages: messages})
}

// deliverRandomly enrols a device and delivers messages good and bad in the same
// block, before the machine can have looked up whose key that is, and again after.
func (h *house) deliverRandomly(rt *rapid.T, n int) {
	var messages [][]byte
	for range rapid.IntRange(1, 5).Draw(rt, "messages") {
		at := rapid.Uint64Range(0, 5).Draw(rt, "hour")
		key := meterKey(n + rapid.IntRange(0, 5).Draw(rt, "key")/5)
		raw := reads(h.t, n, at, quantity.Energy(10*at)+quantity.Energy(rapid.IntRange(0, 12).Draw(rt, "register")), key)
		raw[len(raw)-1] ^= byte(rapid.IntRange(0, 5).Draw(rt, "spoilt") / 5)
		messages = append(messages, raw)
	}
	h.block(bundle(h.t, h.sign(firstMember+tx.AccountID(n), enrolKey(n)), h.sign(operator, deliver(messages...)), h.sign(operator, deliver(messages...))))
}

// answersOf is the statuses of a delivery's answers, by place.
func answersOf(t testing.TB, o Outcome) map[uint32]device.Answer {
	t.Helper()
	if o.Code != 0 {
		t.Fatal(refusalText(o.Code))
	}
	all := map[uint32]device.Answer{}
	for _, f := range o.Receipts {
		if f.Kind == device.DeliveredReceipt.Kind {
			for _, a := range device.DeliveredReceipt.Read(f.Receipt()).Answers {
				all[a.At] = a
			}
		}
	}
	return all
}

// TestABadSignatureSpoilsNothingElse puts one among good ones.
func TestABadSignatureSpoilsNothingElse(t *testing.T) {
	h := newHouse(t, firstMember, parallel)
	h.found(community{members: []grid.ZoneID{root}})
	h.must(firstMember, enrolKey(0))
	h.time = 50 * hour
	var messages [][]byte
	for n := range uint64(5) {
		messages = append(messages, reads(t, 0, n, quantity.Energy(n), meterKey(0)))
	}
	messages[1][len(messages[1])-1] ^= 1
	for n, a := range answersOf(t, h.block(bundle(t, h.sign(operator, deliver(messages...))))[0]) {
		want := device.Answer{At: n, Device: 1, Epoch: 1, Sequence: uint64(n) + 1, Status: device.Accepted}
		if n == 1 {
			want.Status, want.Code = device.Refused, device.ErrSignature.Code
		}
		if a != want {
			t.Errorf("message %d: %+v, want %+v", n, a, want)
		}
	}
}

// TestCarriedIsTheGatewaysOnly verifies for nobody else: who may not deliver makes
// no work.
func TestCarriedIsTheGatewaysOnly(t *testing.T) {
	h := newHouse(t, firstMember, Environment{})
	h.found(community{members: []grid.ZoneID{root}})
	for account, want := range map[tx.AccountID]int{operator: 2, firstMember: 0} {
		o := deliver(reads(t, 0, 0, 0, meterKey(0)), []byte("no message"), reads(t, 0, 1, 0, meterKey(0)))
		e, err := tx.Decode(h.sign(account, o, tx.Operation{Kind: 1}, tx.Operation{Kind: o.Kind, Body: []byte{1}}))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(h.machine.Carried(e)); got != want {
			t.Errorf("account %d: %d to verify, want %d", account, got, want)
		}
	}
}

// TestAMeterKeyMayDeliver gives the gateway's account a key that may do nothing
// but hand in readings.
func TestAMeterKeyMayDeliver(t *testing.T) {
	if !allowed(party.Meter, device.DeliverKind.Number) {
		t.Error("a gateway's key may not deliver")
	}
	if allowed(party.Meter, device.EnrolKeyKind.Number) || allowed(party.Meter, device.LiftKind.Number) {
		t.Error("a gateway's key may do more than deliver")
	}
}

// TestOrderOfArrivalLeavesNoTrace delivers the messages of several devices in any
// order, split into deliveries anywhere: the rows come to the same, to the byte.
func TestOrderOfArrivalLeavesNoTrace(t *testing.T) {
	const homes, hours = 3, 8
	rapid.Check(t, func(rt *rapid.T) {
		var messages [][]byte
		for n := range homes {
			register := quantity.Energy(0)
			for at := range uint64(hours) {
				register += quantity.Energy(rapid.IntRange(0, 40).Draw(rt, "energy"))
				messages = append(messages, reads(t, n, at, register, meterKey(n)))
			}
		}
		var roots []any
		for _, order := range [][][]byte{messages, rapid.Permutation(messages).Draw(rt, "order")} {
			h := newHouse(t, firstMember+homes-1, Environment{})
			h.found(community{members: []grid.ZoneID{root, root, root}})
			for n := range homes {
				h.must(firstMember+tx.AccountID(n), enrolKey(n))
			}
			h.time = 50 * hour
			cut := rapid.IntRange(1, len(order)-1).Draw(rt, "cut")
			h.must(operator, deliver(order[:cut]...))
			h.must(operator, deliver(order[cut:]...))
			roots = append(roots, h.machine.Head().Root)
		}
		if roots[0] != roots[1] {
			rt.Fatal("the rows are not the same")
		}
	})
}
