package node_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// deliveryBatch is how many messages of devices an envelope carries.
const deliveryBatch = 2500

// BenchmarkDeviceReadings delivers prepared messages of 10,000 devices, each
// signed by its device, through a whole node until their intervals are settled,
// beside the raw verification of the same signatures in batches with their keys
// cached.
func BenchmarkDeviceReadings(b *testing.B) {
	n, _ := start(b, 8)
	defer n.Close()
	fund(b, n, 8)
	at := interval.Minutes15.Containing(interval.Time(time.Now().Unix())).Start - 400*24*3600
	nonce := foundBench(b, n, at)
	keys := enrolBench(b, n, &nonce)
	verifier := admission.NewVerifier(benchMeters, 1)
	sequence := uint64(1)
	envelopes, _ := deliveries(b, keys, &nonce, at, sequence) // Baselines.
	sendAll(b, n, envelopes)
	at += 900
	sequence++
	envelopes, _ = deliveries(b, keys, &nonce, at, sequence)
	sendAll(b, n, envelopes)
	nonce++
	accept(b, n, sign(1, nonce, metering.LapseKind.Encode(metering.Lapse{Microgrid: 1, Until: at}))) // Baselines are no values.
	settledTo(b, n, at+900)
	var raw, through time.Duration
	var count int
	for b.Loop() {
		b.StopTimer()
		envelopes = nil
		var signed []tx.Signed
		for range benchIntervals {
			at += 900
			sequence++
			more, messages := deliveries(b, keys, &nonce, at, sequence)
			envelopes, signed = append(envelopes, more...), append(signed, messages...)
		}
		count += len(signed)
		raw += rawVerification(b, verifier, signed)
		b.StartTimer()
		began := time.Now()
		sendAll(b, n, envelopes)
		settledTo(b, n, at+900)
		through += time.Since(began)
	}
	report(b, "readings", count, count, raw, through)
}

// enrolBench gives every meter a key, signed for by its owner.
func enrolBench(b *testing.B, n *node.Node, nonce *uint64) []ed25519.PrivateKey {
	b.Helper()
	keys := make([]ed25519.PrivateKey, benchMeters+1)
	operations := map[tx.AccountID][]tx.Operation{}
	for m := uint64(1); m <= benchMeters; m++ {
		seed := [ed25519.SeedSize]byte{byte(m), byte(m >> 8), 1}
		keys[m] = ed25519.NewKeyFromSeed(seed[:])
		owner := tx.AccountID(m%8 + 1)
		operations[owner] = append(operations[owner], device.EnrolKeyKind.Encode(device.EnrolKey{
			Microgrid: 1, Device: grid.DeviceID(m), Key: keys[m].Public().(ed25519.PublicKey),
		}))
	}
	for owner := tx.AccountID(1); owner <= 8; owner++ {
		for list := operations[owner]; len(list) > 0; {
			*nonce++
			k := min(len(list), 1000)
			accept(b, n, sign(owner, *nonce, list[:k]...))
			list = list[k:]
		}
	}
	return keys
}

// deliveries makes the envelopes of one interval, and the messages in them.
func deliveries(b *testing.B, keys []ed25519.PrivateKey, nonce *uint64, at interval.Time, sequence uint64) (envelopes [][]byte, signed []tx.Signed) {
	b.Helper()
	for first := 1; first <= benchMeters; first += deliveryBatch {
		o := device.Deliver{Microgrid: 1}
		for m := first; m < min(first+deliveryBatch, benchMeters+1); m++ {
			raw, err := device.Sign(device.Message{
				Version: 1, Microgrid: 1, Device: grid.DeviceID(m), Epoch: 1, Sequence: sequence, Start: at, Duration: 900,
				Import: quantity.Energy(sequence * uint64(100+m%200)), Export: quantity.Energy(sequence * uint64(m%3) * 90), Quality: metering.Actual, Clock: device.Synchronised,
			}, testChain, keys[m])
			if err != nil {
				b.Fatal(err)
			}
			s, err := device.Decode(raw, testChain)
			if err != nil {
				b.Fatal(err)
			}
			o.Messages, signed = append(o.Messages, raw), append(signed, s)
		}
		*nonce++
		envelopes = append(envelopes, sign(1, *nonce, device.DeliverKind.Encode(o)))
	}
	return envelopes, signed
}

// rawVerification is how long the verification takes, with the keys cached and no
// verdict remembered.
func rawVerification(b *testing.B, v *admission.Verifier, signed []tx.Signed) time.Duration {
	b.Helper()
	v.Verify(signed[:min(len(signed), benchMeters)])
	began := time.Now()
	for i, err := range v.Verify(signed) {
		if err != nil {
			b.Fatal(i, err)
		}
	}
	return time.Since(began)
}
